package main

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"
	"time"
)

const usageHeader = "contract,user,day,credits\n"

// watching runs usher watch on the folder until the test ends, and returns once
// it holds the state and has applied.
func watching(t *testing.T, dir string) {
	t.Helper()
	var stderr bytes.Buffer
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	root := newApp(strings.NewReader(""), &stderr, &stderr, nil).command()
	root.SetArgs([]string{"watch", dir, "--listen", "", "--settle", "10ms", "--mail", "none"})
	go func() { ended <- root.ExecuteContext(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v\n%s", err, stderr.String())
		}
	})
	for limit := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if got := usher("get", "users"); strings.Contains(got.stdout, "maya") && usher("status").code == 0 {
			return
		}
		if time.Now().After(limit) {
			t.Fatal("watch has applied nothing after half a minute")
		}
	}
}

// TestCreditsBesideWatch: the daemon imports what the command leaves, while the
// command waits for it, and the result reads as if there were no daemon.
func TestCreditsBesideWatch(t *testing.T) {
	studio(t)
	watching(t, "tree")
	for _, step := range []struct{ text, want string }{
		{usageHeader + "studio,maya,2026-11-02,3\nstudio,finn,2026-11-02,4\n", "Imported 2 lines of usage.csv: 2 new, 0 changed, 0 the same."},
		{usageHeader + "studio,maya,2026-11-02,5\nstudio,finn,2026-11-02,4\n", "Imported 2 lines of usage.csv: 0 new, 1 changed, 1 the same."},
	} {
		if err := os.WriteFile("usage.csv", []byte(step.text), 0o600); err != nil {
			t.Fatal(err)
		}
		got := usher("credits", "import", "usage.csv").must(t, 0)
		for _, want := range []string{"Done by usher watch (pid ", step.want} {
			if !strings.Contains(got.stdout, want) {
				t.Errorf("want %q in\n%s", want, got.stdout)
			}
		}
	}
	got := usher("credits", "list", "--by", "user", "-o", "csv").must(t, 0)
	if want := "contract,user,email,used\nstudio,"; !strings.HasPrefix(got.stdout, want) || !strings.Contains(got.stdout, ",5\n") {
		t.Errorf("use on record:\n%s", got.stdout)
	}
}

// TestCreditsThatNobodyImportsYet: where the holder does not get to it, the command
// says so, tells nothing as done, and the next apply imports it.
func TestCreditsThatNobodyImportsYet(t *testing.T) {
	studio(t)
	usher("apply", "tree", "--mail", "none").must(t, 0)
	_, owner := hold(t)
	if err := os.WriteFile("usage.csv", []byte(usageHeader+"studio,maya,2026-11-02,3\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := usher("credits", "import", "usage.csv").must(t, 0)
	if !strings.Contains(got.stdout, "Left as request 1: usher watch (pid ") || strings.Contains(got.stdout, "Imported") {
		t.Errorf("what the command said:\n%s", got.stdout)
	}
	if err := owner.Close(); err != nil {
		t.Fatal(err)
	}
	usher("apply", "tree", "--mail", "none").must(t, 0)
	if got := usher("credits", "list", "-o", "csv").must(t, 0); !strings.Contains(got.stdout, "studio,") || !strings.Contains(got.stdout, ",3,") {
		t.Errorf("after the next apply:\n%s", got.stdout)
	}
}

// TestUsageOfAnyLengthIsRefusedQuickly: a file full of errors tells them all.
func TestUsageOfAnyLengthIsRefusedQuickly(t *testing.T) {
	studio(t)
	const lines = 50_000
	if err := os.WriteFile("usage.csv", []byte(usageHeader+strings.Repeat("studio,maya,yesterday,3\n", lines)), 0o600); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	got := usher("credits", "import", "usage.csv").must(t, 1)
	if n := strings.Count(got.stderr, `day: "yesterday" is not a day`); n != lines {
		t.Errorf("%d errors told, want %d", n, lines)
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
