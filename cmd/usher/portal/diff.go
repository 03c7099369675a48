package portal

import (
	"bytes"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/rogpeppe/go-internal/diff"

	"usher/spec/edit"
)

// fileDiff is what a proposal changes in one manifest.
type fileDiff struct {
	Path  string // below the folder of manifests
	Line  int    // the first that changes, in the file as it is; 0 where it is new
	New   bool
	Gone  bool
	Whole string // the text of a new file
	Lines []diffLine
}

// diffLine is one line of a unified diff, with its sign.
type diffLine struct{ Class, Text string }

// hunk is the head of a piece of a unified diff; it says where the piece begins.
var hunk = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^@@ -(\d+)`)
})

// diffOf writes a change as diff -u does.
func diffOf(c edit.Change) fileDiff {
	f := fileDiff{Path: path.Clean(c.Path), New: c.Before == nil, Gone: c.After == nil}
	if f.New {
		f.Whole = string(c.After)
		return f
	}
	text := string(diff.Diff(c.Path, c.Before, c.Path, c.After))
	at := 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		m := hunk().FindStringSubmatch(line)
		switch {
		case m != nil:
			at, _ = strconv.Atoi(m[1])
			f.Lines = append(f.Lines, diffLine{"faint", line})
		case at == 0: // the names of the files, before the first piece
		default:
			l := diffLine{classOf(line), line}
			if l.Class != "" && f.Line == 0 {
				f.Line = at
			}
			if l.Class != "added" {
				at++
			}
			f.Lines = append(f.Lines, l)
		}
	}
	return f
}

func classOf(line string) string {
	switch {
	case strings.HasPrefix(line, "+"):
		return "added"
	case strings.HasPrefix(line, "-"):
		return "removed"
	}
	return ""
}

// sameFile reports whether a file is still what a change begins from.
func sameFile(c edit.Change, now []byte, there bool) bool {
	return there == (c.Before != nil) && bytes.Equal(c.Before, now)
}
