package render

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"usher/spec"
)

// Tree is the manifests that errors are about.
type Tree struct {
	Path  string            // the directory, as given; annotations begin with it
	Files map[string][]byte // by path below the directory, for the lines shown
}

// Errors writes all that is wrong in one of [ErrorFormats].
func Errors(w io.Writer, es spec.Errors, t Tree, f Format, o Options) error {
	switch f {
	case Text:
		return write(w, errorsText(es, t, o))
	case JSON:
		return errorsJSON(w, es)
	case GitHub:
		return write(w, errorsGitHub(es, t))
	case SARIF:
		return errorsSARIF(w, es, t)
	}
	return fmt.Errorf("%w %q for errors: use one of %s", ErrFormat, f, ErrorFormats)
}

// errorsText shows each error with its source line and a caret, the hint on a
// line of its own, and the count at the end.
func errorsText(es spec.Errors, t Tree, o Options) string {
	p := painter{o.Color}
	var b strings.Builder
	files := map[string]bool{}
	for _, e := range es {
		files[e.File] = true
		place, _, _ := strings.Cut(e.Error(), e.Message())
		b.WriteString(p.title(visible(place)) + p.bad(visible(e.Message())) + "\n")
		if line, ok := t.line(e); ok {
			number := fmt.Sprintf("%5d", e.Line)
			text, caret := excerpt(line, e.Column)
			fmt.Fprintf(&b, "%s %s\n%s %s\n", p.dim(number+" |"), text, p.dim("      |"), p.bad(caret))
		}
		if e.Hint != "" {
			b.WriteString("  hint: " + visible(e.Hint) + "\n")
		}
	}
	if len(es) > 0 {
		fmt.Fprintf(&b, "\n%s in %s.\n", Count(len(es), "error", "errors"), Count(len(files), "file", "files"))
	}
	return b.String()
}

// line is the source line of the error, without its end.
func (t Tree) line(e *spec.Error) ([]byte, bool) {
	data, ok := t.Files[e.File]
	if !ok || e.Line < 1 {
		return nil, false
	}
	for n := 1; n < e.Line; n++ {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return nil, false
		}
		data = data[end+1:]
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return bytes.TrimRight(line, "\r"), true
}

// excerptBytes is how much of a long line is shown before and after the column.
const excerptBytes = 60

// excerpt is the line, cut around the column where it is long, and the caret
// that stands under the column, counted in cells.
func excerpt(line []byte, column int) (text, caret string) {
	at := min(max(column-1, 0), len(line))
	start, end, before, after := 0, len(line), "", ""
	if at > 2*excerptBytes {
		start, before = at-excerptBytes, "…"
	}
	if len(line)-at > 2*excerptBytes {
		end, after = at+excerptBytes, "…"
	}
	for start > 0 && start < at && !utf8.RuneStart(line[start]) {
		start++
	}
	for end < len(line) && !utf8.RuneStart(line[end]) {
		end++
	}
	head := before + shown(line[start:at])
	return head + shown(line[at:end]) + after, strings.Repeat(" ", width(head)) + "^"
}

func shown(b []byte) string { return visible(strings.ToValidUTF8(string(b), "\uFFFD")) }

// character is the error's column in characters, from 1, where the file is at
// hand; the column in bytes where it is not.
func (t Tree) character(e *spec.Error) int {
	line, ok := t.line(e)
	if !ok || e.Column < 1 || e.Column-1 > len(line) {
		return e.Column
	}
	return utf8.RuneCount(line[:e.Column-1]) + 1
}

// name is the file as seen from where the command runs, slash-separated.
func (t Tree) name(file string) string {
	return path.Join(filepath.ToSlash(t.Path), file)
}

// errorItem is one error in JSON.
type errorItem struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func errorsJSON(w io.Writer, es spec.Errors) error {
	items := make([]errorItem, len(es))
	for i, e := range es {
		items[i] = errorItem{e.File, e.Line, e.Column, e.Code, e.Message(), e.Hint}
	}
	return writeJSON(w, struct {
		Format int         `json:"format"`
		Errors []errorItem `json:"errors"`
	}{1, items})
}

// Workflow commands of GitHub Actions: values and properties escape apart.
var (
	commandValue    = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	commandProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// errorsGitHub writes a workflow command an error, which GitHub shows beside
// the line in a pull request.
func errorsGitHub(es spec.Errors, t Tree) string {
	var b strings.Builder
	for _, e := range es {
		fmt.Fprintf(&b, "::error file=%s", commandProperty.Replace(t.name(e.File)))
		if e.Line > 0 {
			fmt.Fprintf(&b, ",line=%d,col=%d", e.Line, t.character(e))
		}
		fmt.Fprintf(&b, ",title=%s::%s\n", commandProperty.Replace("usher: "+e.Code), commandValue.Replace(withHint(e)))
	}
	return b.String()
}

// withHint is the message, and the hint on a line of its own.
func withHint(e *spec.Error) string {
	if e.Hint == "" {
		return e.Message()
	}
	return e.Message() + "\nhint: " + e.Hint
}
