package spec

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// checkBytes refuses what must not reach the YAML parser, which takes UTF-16
// for text, quietly drops a NUL and slows down without bound on huge files.
// It reports whether the file may be parsed.
func (d *decoder) checkBytes() bool {
	if len(d.data) > MaxFileSize {
		d.fail(0, 0, "too-large", "the file has %d bytes, more than the %d that one file may have", len(d.data), MaxFileSize).
			hint("split it: any number of files, in any folders, is fine")
		return false
	}
	if bytes.HasPrefix(d.data, []byte{0xff, 0xfe}) || bytes.HasPrefix(d.data, []byte{0xfe, 0xff}) {
		d.fail(1, 1, "not-utf8", "the file is UTF-16").hint("save it as UTF-8")
		return false
	}
	d.data = bytes.TrimPrefix(d.data, []byte("\xef\xbb\xbf"))
	if n := entries(d.data); n > MaxEntries {
		d.fail(0, 0, "too-large", "the file has %d lines and commas, more than the %d that one file may have", n, MaxEntries).
			hint("split it: any number of files, in any folders, is fine")
		return false
	}
	if i := directiveLine(d.data); i >= 0 {
		line, column := d.position(i)
		d.fail(line, column, "directive", "directives (lines that begin with %%) are not allowed").
			hint("leave it out; quote or indent text that begins with %")
		return false
	}
	d.ascii = true
	for i := 0; i < len(d.data); {
		r, size := rune(d.data[i]), 1
		if r >= utf8.RuneSelf {
			d.ascii = false
			r, size = utf8.DecodeRune(d.data[i:])
		}
		if problem := byteProblem(d.data, i, r, size); problem != "" {
			line, column := d.position(i)
			code, hint := "control-character", "remove it"
			if r == utf8.RuneError {
				code, hint = "not-utf8", "save the file as UTF-8"
			}
			d.fail(line, column, code, "%s", problem).hint(hint)
			return false
		}
		i += size
	}
	return true
}

// entries counts the lines and commas, which bound what a file may declare.
func entries(data []byte) int {
	return bytes.Count(data, []byte("\n")) + bytes.Count(data, []byte(","))
}

// directiveLine returns where the first line begins that YAML may take for a
// directive, or -1. Manifests need none, and yaml.v3 compares each %TAG with all
// before it: 4 MiB of them take a minute.
func directiveLine(data []byte) int {
	if bytes.HasPrefix(data, []byte("%")) {
		return 0
	}
	if i := bytes.Index(data, []byte("\n%")); i >= 0 {
		return i + 1
	}
	return -1
}

func byteProblem(data []byte, i int, r rune, size int) string {
	switch {
	case r >= ' ' && r < 0x7f, r == '\n', r == '\t':
		return ""
	case r == '\r':
		if i+1 < len(data) && data[i+1] == '\n' {
			return ""
		}
		return "a carriage return without a line feed"
	case r == utf8.RuneError && size == 1:
		return fmt.Sprintf("the byte 0x%02x is not UTF-8", data[i])
	case forbidden(r):
		return fmt.Sprintf("the invisible character U+%04X%s", r, characterName(r))
	}
	return ""
}

// position returns the line and the column, in bytes from 1, of data[i].
func (d *decoder) position(i int) (line, column int) {
	starts := d.lineStarts()
	line, found := slices.BinarySearch(starts, i)
	if found {
		line++
	}
	return d.above + line, i - starts[line-1] + 1
}

// offset is the inverse of position.
func (d *decoder) offset(line, column int) int {
	starts := d.lineStarts()
	return min(starts[min(line-d.above, len(starts))-1]+column-1, len(d.data))
}

// lineStarts returns where each line begins in data; made when first needed.
func (d *decoder) lineStarts() []int {
	if d.starts == nil {
		d.starts = []int{0}
		for i, c := range d.data {
			if c == '\n' {
				d.starts = append(d.starts, i+1)
			}
		}
	}
	return d.starts
}

// cursor remembers where in data the last column was counted to.
type cursor struct{ line, column, offset int }

// byteColumn returns the column of a node in bytes; yaml.v3 counts characters.
// Nodes come in the order of the file, so each line is counted through once.
func (d *decoder) byteColumn(n *yaml.Node) int {
	if d.ascii || n.Line < 1 {
		return n.Column
	}
	start, c := d.offset(n.Line, 1), &d.cursor
	if c.line != n.Line || n.Column < c.column {
		*c = cursor{n.Line, 1, start}
	}
	for ; c.column < n.Column && c.offset < len(d.data); c.column++ {
		_, size := utf8.DecodeRune(d.data[c.offset:])
		c.offset += size
	}
	return c.offset - start + 1
}

// forbidden reports whether a character may stand nowhere in a manifest: control
// characters and those that change how text looks without being seen (bidi
// marks, zero-width spaces, byte order marks, tags). The joiners U+200C and
// U+200D are letters' own business in Persian and in Indic scripts; where they
// stand is judged in scalars.
func forbidden(r rune) bool {
	switch r {
	case '\n', '\t', zwnj, zwj:
		return false
	case 0x2028, 0x2029, 0xFFFE, 0xFFFF:
		return true
	}
	return r >= 0x7f && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Other_Default_Ignorable_Code_Point) || r < ' '
}

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

func characterName(r rune) string {
	switch {
	case r == 0:
		return " (NUL)"
	case r == '\r':
		return " (carriage return)"
	case r == 0x200b:
		return " (zero-width space)"
	case r == 0xfeff:
		return " (byte order mark)"
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0x200e, r == 0x200f, r == 0x061c:
		return " (it turns the direction of writing)"
	}
	return ""
}

// walk refuses what no manifest may contain anywhere: anchors, aliases, merge
// keys, tags, nulls, invisible characters, duplicate and too many keys, depth.
// After it, every node is a plain mapping, sequence or scalar, and knows its
// column in bytes.
func (d *decoder) walk(n *yaml.Node, depth int) {
	n.Column = d.byteColumn(n)
	if depth > MaxDepth {
		d.failAt(n, "too-deep", "nested more than %d levels deep", MaxDepth)
		return
	}
	if !d.plain(n) {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		d.walkMapping(n, depth)
	case yaml.SequenceNode:
		for _, item := range n.Content {
			d.walk(item, depth+1)
		}
	case yaml.ScalarNode:
		d.walkScalar(n)
	}
}

// plain refuses the features of YAML that let one place stand for another.
func (d *decoder) plain(n *yaml.Node) bool {
	switch {
	case n.Kind == yaml.AliasNode:
		d.failAt(n, "alias", "aliases (*%s) are not allowed", n.Value).hint("write the value out")
	case n.Anchor != "":
		d.failAt(n, "anchor", "anchors (&%s) are not allowed", n.Anchor).hint("write each value out where it belongs")
	case n.Style&yaml.TaggedStyle != 0:
		d.failAt(n, "tag", "the tag %s is not allowed", n.Tag).hint("leave it out: types follow from the field")
	case isNull(n) && n.Value != "":
		d.failAt(n, "null", "%s stands for no value", n.Value).
			hint(fmt.Sprintf("for the word itself write %q; for nothing leave it out", n.Value))
	case isNull(n):
		d.failAt(n, "null", "a value is missing").hint("give one, or leave the field out")
	default:
		return true
	}
	return false
}

func (d *decoder) walkMapping(n *yaml.Node, depth int) {
	if len(n.Content)/2 > MaxKeys {
		d.failAt(n, "too-many-keys", "a mapping with %d keys, more than %d", len(n.Content)/2, MaxKeys)
		return
	}
	var seen map[string]*yaml.Node
	if len(n.Content) > 16 {
		seen = make(map[string]*yaml.Node, len(n.Content)/2)
	}
	for i := 0; i < len(n.Content); i += 2 {
		key := n.Content[i]
		if d.walkKey(key) {
			if first := firstKey(n, i, seen); first != nil {
				d.failAt(key, "duplicate-key", "%s is given twice, first in line %d", key.Value, first.Line)
			}
		}
		d.walk(n.Content[i+1], depth+1)
	}
}

// firstKey returns an earlier key equal to that at i, or nil. Small mappings
// are compared pair by pair; seen serves the large ones.
func firstKey(n *yaml.Node, i int, seen map[string]*yaml.Node) *yaml.Node {
	key := n.Content[i]
	if seen != nil {
		if first := seen[key.Value]; first != nil {
			return first
		}
		seen[key.Value] = key
		return nil
	}
	for j := 0; j < i; j += 2 {
		if n.Content[j].Value == key.Value {
			return n.Content[j]
		}
	}
	return nil
}

func (d *decoder) walkKey(key *yaml.Node) bool {
	key.Column = d.byteColumn(key)
	switch {
	case key.Kind == yaml.ScalarNode && key.Tag == "!!merge":
		d.failAt(key, "merge-key", "merge keys (<<) are not allowed").hint("write the fields out")
		return false
	case !d.plain(key):
		return false
	case key.Kind != yaml.ScalarNode:
		d.failAt(key, "wrong-type", "a key must be a word, got %s", describe(key))
		return false
	}
	d.walkScalar(key)
	return true
}

func (d *decoder) walkScalar(n *yaml.Node) {
	if len(n.Value) > MaxScalarSize {
		d.failAt(n, "too-long", "a value of %d bytes, more than %d", len(n.Value), MaxScalarSize)
		return
	}
	for i := 0; i < len(n.Value); i++ {
		if c := n.Value[i]; c < ' ' || c >= 0x7f {
			d.walkRunes(n)
			return
		}
	}
}

func (d *decoder) walkRunes(n *yaml.Node) {
	before := ' '
	for i, r := range n.Value {
		if forbidden(r) || r == utf8.RuneError {
			d.failAt(n, "control-character", "a value with the character U+%04X%s", r, characterName(r)).hint("remove it")
			return
		}
		if r == zwnj || r == zwj {
			after, _ := utf8.DecodeRuneInString(n.Value[i+utf8.RuneLen(r):])
			if !joins(before) || !joins(after) {
				d.failAt(n, "control-character", "a value with the invisible character U+%04X where it joins no letters", r).hint("remove it")
				return
			}
		}
		before = r
	}
}

// joins reports whether a joiner may stand beside the character.
func joins(r rune) bool { return r > 0x7f && (unicode.IsLetter(r) || unicode.IsMark(r)) }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// child returns the value of a mapping's key, nil where there is none.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// describe says what a node is, for "expected …, got …".
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch n.Tag {
	case "!!bool", "!!int", "!!float", "!!timestamp":
		return fmt.Sprintf("the %s %s", strings.TrimPrefix(map[string]string{
			"!!bool": "boolean", "!!int": "number", "!!float": "number", "!!timestamp": "date",
		}[n.Tag], "!!"), n.Value)
	}
	return fmt.Sprintf("%q", n.Value)
}
