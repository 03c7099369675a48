package source_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"usher/reconciler/source"
)

func open(t *testing.T, path string) *source.Repository {
	t.Helper()
	r, err := source.OpenRepository(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Fetching moves the one ref that is watched, forward and back, in each kind of
// repository, and nothing else.
func TestFetchMovesOneRef(t *testing.T) {
	for name, kind := range map[string]struct {
		clone []string
		ref   string
	}{
		"bare":        {[]string{"--bare"}, "refs/heads/main"},
		"mirror":      {[]string{"--mirror"}, "refs/heads/main"},
		"tag in bare": {[]string{"--bare"}, "refs/tags/release"},
		"remote's":    {nil, "refs/remotes/origin/main"},
	} {
		t.Run(name, func(t *testing.T) {
			up := newClone(t)
			up.write("a.yaml", "one")
			up.commit("one")
			up.git("tag", "release")
			up.git("branch", "other")
			down := &clone{t, filepath.Join(t.TempDir(), "down")}
			up.git(append(append([]string{"clone", "-q"}, kind.clone...), up.dir, down.dir)...)
			f, err := source.NewFetcher(context.Background(), open(t, down.dir), kind.ref)
			if err != nil {
				t.Fatal(err)
			}
			others := down.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/other", "refs/remotes/origin/other")
			up.write("a.yaml", "two")
			two := up.commit("two")
			up.git("tag", "-f", "release")
			up.git("branch", "-f", "other")
			up.git("reset", "-q", "--hard")
			fetch := func(want string) {
				t.Helper()
				if err := f.Fetch(context.Background()); err != nil {
					t.Fatal(err)
				}
				if got := down.git("rev-parse", kind.ref); got != want {
					t.Errorf("%s is %s, want %s", kind.ref, got, want)
				}
			}
			fetch(two)
			up.git("reset", "-q", "--hard", "HEAD~1")
			up.write("a.yaml", "three")
			three := up.commit("three")
			up.git("tag", "-f", "release")
			fetch(three)
			if got := down.git("for-each-ref", "--format=%(refname) %(objectname)", "refs/heads/other", "refs/remotes/origin/other"); got != others {
				t.Errorf("other refs were %q and are %q", others, got)
			}
		})
	}
}

func TestWhatCannotBeFetched(t *testing.T) {
	up := newClone(t)
	up.write("a.yaml", "one")
	up.commit("one")
	down := &clone{t, filepath.Join(t.TempDir(), "down")}
	up.git("clone", "-q", up.dir, down.dir)
	for _, tt := range []struct{ path, ref, want string }{
		{up.dir, "refs/heads/main", "it has no remote"},
		{down.dir, "refs/heads/main", "such as refs/remotes/origin/main"},
		{down.dir, "HEAD", "HEAD is not fetched"},
		{down.dir, "refs/remotes/upstream/main", "has no remote upstream"},
		{down.dir, "refs/remotes/origin", "has no remote"},
	} {
		_, err := source.NewFetcher(context.Background(), open(t, tt.path), tt.ref)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.ref, err, tt.want)
		}
	}
}

// A remote that fails is reported, asked again, and well again once it answers.
func TestRemoteThatFails(t *testing.T) {
	up := newClone(t)
	up.write("a.yaml", "one")
	up.commit("one")
	down := &clone{t, filepath.Join(t.TempDir(), "down")}
	up.git("clone", "-q", "--bare", up.dir, down.dir)
	if err := os.Rename(up.dir, up.dir+".away"); err != nil {
		t.Fatal(err)
	}
	f, err := source.NewFetcher(context.Background(), open(t, down.dir), "refs/heads/main")
	if err != nil {
		t.Fatal(err)
	}
	reports := make(chan error, 100)
	f.Every, f.Log, f.Report = 10*time.Millisecond, slog.New(slog.DiscardHandler), func(err error) { reports <- err }
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go f.Run(ctx)
	if err := <-reports; err == nil || !strings.Contains(err.Error(), "fetching from origin: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("a remote that is gone: %v", err)
	}
	if err := os.Rename(up.dir+".away", up.dir); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(20 * time.Second)
	for {
		select {
		case err := <-reports:
			if err == nil {
				return
			}
		case <-deadline:
			t.Fatal("a remote that came back was not fetched from")
		}
	}
}
