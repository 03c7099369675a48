package edit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// text is one file, with the nodes of its documents and where they stand. The
// parser says where a node begins; where it ends is found here, in the bytes.
type text struct {
	data   []byte // without byte order mark
	starts []int  // where each line begins
	roots  []*yaml.Node
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// readText parses a file that spec.Parse has accepted.
func readText(data []byte) (s *text, err error) {
	defer func() {
		if r := recover(); r != nil {
			s, err = nil, fmt.Errorf("parsing YAML: the parser gave up: %v", r)
		}
	}()
	s = &text{data: bytes.TrimPrefix(data, byteOrderMark), starts: []int{0}}
	for i, c := range s.data {
		if c == '\n' {
			s.starts = append(s.starts, i+1)
		}
	}
	for d := yaml.NewDecoder(bytes.NewReader(s.data)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return s, nil
		}
		if err != nil {
			return nil, fmt.Errorf("parsing YAML: %w", err)
		}
		if len(doc.Content) > 0 && doc.Content[0].Kind == yaml.MappingNode {
			s.roots = append(s.roots, doc.Content[0])
		}
	}
}

// lineEnd is how the file ends its lines.
func (s *text) lineEnd() string {
	if i := bytes.IndexByte(s.data, '\n'); i > 0 && s.data[i-1] == '\r' {
		return "\r\n"
	}
	return "\n"
}

// start is the offset of a node; the parser counts columns in characters.
func (s *text) start(n *yaml.Node) int {
	at := len(s.data)
	if n.Line <= len(s.starts) {
		at = s.starts[n.Line-1]
	}
	for column := 1; column < n.Column && at < len(s.data); column++ {
		_, size := utf8.DecodeRune(s.data[at:])
		at += size
	}
	return at
}

// lineOf returns where the line of an offset begins, and where it ends, before
// its line end.
func (s *text) lineOf(at int) (begin, end int) {
	begin = bytes.LastIndexByte(s.data[:at], '\n') + 1
	end = len(s.data)
	if i := bytes.IndexByte(s.data[at:], '\n'); i >= 0 {
		end = at + i
		if end > begin && s.data[end-1] == '\r' {
			end--
		}
	}
	return begin, end
}

// nextLine is where the line after that of an offset begins.
func (s *text) nextLine(at int) int {
	if i := bytes.IndexByte(s.data[at:], '\n'); i >= 0 {
		return at + i + 1
	}
	return len(s.data)
}

// indent is the column of an offset, in bytes from 0.
func (s *text) indent(at int) int {
	begin, _ := s.lineOf(at)
	return at - begin
}

// skip passes over white space and comments.
func (s *text) skip(at int) int {
	for at < len(s.data) {
		switch s.data[at] {
		case ' ', '\t', '\r', '\n':
			at++
		case '#':
			_, at = s.lineOf(at)
		default:
			return at
		}
	}
	return at
}

// end is where a node ends: after its last byte, comments not counted.
func (s *text) end(n *yaml.Node) int {
	at := s.start(n)
	if n.Kind == yaml.ScalarNode {
		return s.scalarEnd(n, at)
	}
	flow := s.braced(n)
	if len(n.Content) > 0 {
		at = s.end(n.Content[len(n.Content)-1])
	} else {
		at++
	}
	for flow && at < len(s.data) {
		at = s.skip(at)
		if at == len(s.data) || s.data[at] != ',' {
			return min(at+1, len(s.data)) // the bracket that closes it
		}
		at++
	}
	return at
}

// braced reports whether a collection stands in brackets or braces. A single
// pair in a flow sequence, [a: b], does not, though the parser calls it flow.
func (s *text) braced(n *yaml.Node) bool {
	at := s.start(n)
	return n.Kind != yaml.ScalarNode && n.Style&yaml.FlowStyle != 0 && at < len(s.data) && (s.data[at] == '[' || s.data[at] == '{')
}

func (s *text) scalarEnd(n *yaml.Node, at int) int {
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return at + quotedLength(s.data[at:], '\\')
	case n.Style&yaml.SingleQuotedStyle != 0:
		return at + quotedLength(s.data[at:], '\'')
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockEnd(at)
	}
	for word := range strings.FieldsSeq(n.Value) {
		for at < len(s.data) && bytes.IndexByte([]byte(" \t\r\n"), s.data[at]) >= 0 {
			at++
		}
		at += len(word)
	}
	return min(at, len(s.data))
}

// quotedLength is the length of the quoted scalar that b begins with. Within
// double quotes escape is the backslash, within single quotes the quote itself.
func quotedLength(b []byte, escape byte) int {
	for i := 1; i < len(b); i++ {
		switch {
		case b[i] == escape && i+1 < len(b) && (escape == '\\' || b[i+1] == escape):
			i++
		case b[i] == b[0]:
			return i + 1
		}
	}
	return len(b)
}

// blockEnd is the end of the block scalar whose header (| or >) stands at the
// offset: its last line with anything in it. Blank lines after it are not its
// own, because no field of one line, as all that are edited are, keeps them.
func (s *text) blockEnd(at int) int {
	_, end := s.lineOf(at)
	indent := 0 // of its first line
	for next := s.nextLine(at); next < len(s.data); next = s.nextLine(next) {
		_, lineEnd := s.lineOf(next)
		body := bytes.TrimLeft(s.data[next:lineEnd], " ")
		depth := lineEnd - next - len(body)
		switch {
		case len(body) == 0:
		case depth == 0 || depth < indent:
			return end
		default:
			end = lineEnd
			if indent == 0 {
				indent = depth
			}
		}
	}
	return end
}
