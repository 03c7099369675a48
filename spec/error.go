package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Error is one thing wrong in the manifests.
type Error struct {
	File    string // slash-separated, below the directory read
	Line    int    // from 1; 0 where the whole file is meant
	Column  int    // from 1, in bytes; 0 with Line 0
	Code    string // stable, e.g. "unknown-field"; for json, sarif and tests
	Subject string // what is wrong: "User ada", "" where nothing better than the place is known
	Reason  string // why, in lower case, without a full stop
	Hint    string // what to do, where that can be said; a line of its own
}

// Error writes file:line:column: subject: reason, without the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", e.Line, e.Column)
	}
	b.WriteString(": ")
	b.WriteString(e.Message())
	return b.String()
}

// Message is the error without its place: subject and reason.
func (e *Error) Message() string {
	if e.Subject == "" {
		return e.Reason
	}
	return e.Subject + ": " + e.Reason
}

// Errors is all that is wrong with a tree, sorted by place; nil when nothing is.
// As an error it means that the manifests are invalid (exit code 3).
type Errors []*Error

// Error writes one error a line.
func (es Errors) Error() string {
	lines := make([]string, len(es))
	for i, e := range es {
		lines[i] = e.Error()
	}
	return strings.Join(lines, "\n")
}

// Err returns the errors as an error, nil when there are none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	return es
}

// maxLegible is how many characters of one line of an error are shown.
const maxLegible = 400

// legible makes text that quotes a manifest fit to be shown: one line, without
// characters that a terminal would obey, its middle left out where it is long.
func legible(s string) string {
	if len(s) <= maxLegible && isPlainASCII(s) {
		return s
	}
	if len(s) > maxLegible {
		if runes := []rune(s); len(runes) > maxLegible {
			s = string(runes[:maxLegible/2]) + " … " + string(runes[len(runes)-maxLegible/2:])
		}
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == zwnj || r == zwj {
			b.WriteRune(r)
		} else {
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// Sort orders the errors by file, line, column and text, and drops repeats.
func (es Errors) Sort() Errors {
	slices.SortFunc(es, func(a, b *Error) int {
		return cmp.Or(
			strings.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			strings.Compare(a.Message(), b.Message()),
		)
	})
	return slices.CompactFunc(es, func(a, b *Error) bool { return *a == *b })
}
