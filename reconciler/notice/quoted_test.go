package notice

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"strings"
	"testing"
)

// FuzzQuoted: any text comes back by the standard library's reader, no line is too
// long or ends with a blank, and nothing but ASCII is written.
func FuzzQuoted(f *testing.F) {
	f.Add("Hello Ada,\n\nthis is plain.\n")
	f.Add("ends with a blank \nand a tab\t\n= equals\n\rfed\r\n")
	f.Add(strings.Repeat("x", 76) + "\n" + strings.Repeat("y", 77) + "\n" + strings.Repeat("é", 40) + "\n" + strings.Repeat("z", 75) + " \n")
	f.Fuzz(func(t *testing.T, text string) {
		text += "\n"
		quoted := appendQuoted(nil, []byte(text))
		for line := range bytes.SplitSeq(quoted, []byte("\r\n")) {
			if len(line) > longestLine || bytes.ContainsFunc(line, func(r rune) bool { return r >= 0x7f || r < ' ' && r != '\t' }) {
				t.Errorf("the line %q", line)
			}
			if n := len(line); n > 0 && blank(line[n-1]) {
				t.Errorf("a line ends with a blank: %q", line)
			}
		}
		back, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(quoted)))
		if got, want := string(back), strings.ReplaceAll(text, "\n", "\r\n"); err != nil || got != want {
			t.Errorf("%q came back as %q: %v", text, got, err)
		}
	})
}

func TestQuotedLinesAreFull(t *testing.T) {
	for _, test := range []struct{ line, want string }{
		{strings.Repeat("x", 76), strings.Repeat("x", 76)},
		{strings.Repeat("x", 77), strings.Repeat("x", 75) + "=\r\nxx"},
		{strings.Repeat("x", 75) + "=", strings.Repeat("x", 75) + "=\r\n=3D"},
		{strings.Repeat("x", 73) + "=", strings.Repeat("x", 73) + "=3D"},
		{"a ", "a=20"},
	} {
		if got := string(appendQuoted(nil, []byte(test.line+"\n"))); got != test.want+"\r\n" {
			t.Errorf("%q: got %q, want %q", test.line, got, test.want)
		}
	}
}

func TestHeadersAreFolded(t *testing.T) {
	long := strings.Repeat("word ", 30) + "end"
	for _, test := range []struct{ value, want string }{
		{"short", "Subject: short\r\n"},
		{strings.Repeat("x", 100), "Subject: " + strings.Repeat("x", 100) + "\r\n"},
		{"a " + strings.Repeat("x", 100), "Subject: a\r\n " + strings.Repeat("x", 100) + "\r\n"},
		{strings.Repeat("x", 80) + "  b", "Subject: " + strings.Repeat("x", 80) + " \r\n b\r\n"},
	} {
		if got := string(appendHeader(nil, "Subject", test.value)); got != test.want {
			t.Errorf("%q: got %q, want %q", test.value, got, test.want)
		}
	}
	folded := string(appendHeader(nil, "Subject", long))
	for line := range strings.SplitSeq(folded, "\r\n") {
		if len(line) > longestLine {
			t.Errorf("a line of %d columns: %q", len(line), line)
		}
	}
	if got := strings.ReplaceAll(folded, "\r\n ", " "); got != "Subject: "+long+"\r\n" {
		t.Errorf("unfolded: %q", got)
	}
}
