package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestTopicsExamplesWork runs every ```console block of the help topics, line by
// line, in a folder with a copy of examples/. A line beginning with "$ " must end
// with exit code 0, or with the one it names: "# exit 4".
func TestTopicsExamplesWork(t *testing.T) {
	for _, topic := range topicNames() {
		t.Run(topic, func(t *testing.T) {
			text, err := topicFiles.ReadFile("topics/" + topic + ".md")
			if err != nil {
				t.Fatal(err)
			}
			examples, err := filepath.Abs(filepath.Join("..", "..", "examples"))
			if err != nil {
				t.Fatal(err)
			}
			t.Chdir(t.TempDir())
			if err := os.CopyFS("examples", os.DirFS(examples)); err != nil {
				t.Fatal(err)
			}
			for _, line := range consoleLines(t, string(text)) {
				runLine(t, line)
			}
		})
	}
}

// consoleLines is the commands of a topic's console blocks, in order.
func consoleLines(t *testing.T, markdown string) []string {
	t.Helper()
	var lines []string
	inside := false
	for _, line := range strings.Split(markdown, "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = !inside && line == "```console"
		case inside && strings.HasPrefix(line, "$ "):
			lines = append(lines, strings.TrimPrefix(line, "$ "))
		case inside:
			t.Errorf("console block has a line that is no command: %q", line)
		}
	}
	if inside {
		t.Error("a console block does not end")
	}
	return lines
}

func runLine(t *testing.T, line string) {
	t.Helper()
	command, comment, _ := strings.Cut(line, " # exit ")
	want := 0
	if comment != "" {
		var err error
		if want, err = strconv.Atoi(comment); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	words := strings.Fields(command)
	var stdout, stderr bytes.Buffer
	got := 0
	if words[0] == "usher" {
		got = run(words[1:], nil, &stdout, &stderr, []string{"USER=tester"})
	} else {
		shell := exec.CommandContext(context.Background(), "sh", "-c", command)
		shell.Stderr = &stderr
		if err := shell.Run(); err != nil {
			t.Fatalf("%s: %v\n%s", line, err, stderr.String())
		}
	}
	if got != want {
		t.Errorf("%s: exit code %d, want %d\n%s%s", line, got, want, stdout.String(), stderr.String())
	}
}

func TestEveryTopicIsShortAndTitled(t *testing.T) {
	for _, topic := range topicNames() {
		text, err := topicFiles.ReadFile("topics/" + topic + ".md")
		if err != nil {
			t.Fatal(err)
		}
		if lines := bytes.Count(text, []byte("\n")); lines > 160 {
			t.Errorf("%s has %d lines, more than anybody reads in a terminal", topic, lines)
		}
		if !bytes.HasPrefix(text, []byte("# ")) {
			t.Errorf("%s does not begin with a title", topic)
		}
	}
}
