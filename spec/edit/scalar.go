package edit

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// Value is what a scalar field can be given.
type Value struct {
	text string
	tag  string
}

// Text is a string, quoted where YAML would take it for something else.
func Text(s string) Value { return Value{s, "!!str"} }

// Number is a whole number.
func Number(n int64) Value { return Value{strconv.FormatInt(n, 10), "!!int"} }

// Day is a day, which a manifest may write with or without quotes.
func Day(d spec.Day) Value { return Value{d.String(), "!!timestamp"} }

// same reports whether a node says this value. A day may be quoted.
func (v Value) same(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == v.text && (n.Tag == v.tag || v.tag == "!!timestamp")
}

// written is the value as YAML on one line, fit to stand within brackets, in the
// quotes of old where it replaces one.
func (v Value) written(old yaml.Style) string {
	switch {
	case v.tag == "!!timestamp" && old&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted(v.text)
	case v.tag != "!!str":
		return v.text
	case old&yaml.DoubleQuotedStyle != 0:
		return doubleQuoted(v.text)
	case old&yaml.SingleQuotedStyle != 0 && !strings.ContainsAny(v.text, "\r\n"):
		return "'" + strings.ReplaceAll(v.text, "'", "''") + "'"
	case plain(v.text):
		return v.text
	}
	return doubleQuoted(v.text)
}

// plainText is text without any character that means something to YAML.
var plainText = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{M}\p{N}_./@+()'’&~-]*( [\p{L}\p{M}\p{N}_./@+()'’&~-]+)*$`)
})

// otherwise are words that older readers of YAML take for booleans.
var otherwise = []string{"y", "n", "yes", "no", "on", "off"}

// plain reports whether a string can stand without quotes.
func plain(s string) bool {
	n := yaml.Node{Kind: yaml.ScalarNode, Value: s}
	return plainText().MatchString(s) && n.ShortTag() == "!!str" && !slices.Contains(otherwise, strings.ToLower(s))
}

// doubleQuoted escapes what must be escaped and nothing else: bytes that are
// not UTF-8 and characters that no manifest may have are for spec to refuse.
func doubleQuoted(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
