package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// errParser is what becomes of a panic: yaml.v3 is known to panic on some short
// inputs. It is that file's error and no one else's.
var errParser = errors.New("the parser gave up")

// eachDocument parses YAML and hands over its documents in order, up to the
// first that is not YAML. It returns the parser's error and never panics.
func eachDocument(data []byte, read func(*yaml.Node)) (err error) {
	defer func() {
		if recover() != nil {
			err = errParser
		}
	}()
	dec := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		read(&doc)
	}
}

// syntaxHints say what to do about the messages of yaml.v3 that people meet.
var syntaxHints = []struct{ message, hint string }{
	{errParser.Error(), "look for a merge key (<<) or a mapping used as a key"},
	{"mapping values are not allowed", "quote a value that has a colon and a space in it; check the indentation of the line"},
	{"cannot start any token", "indent with spaces, not tabs; quote a value that begins with @, ` or %"},
	{"did not find expected key", "check the indentation of the line; quote a value that begins with a quote, a bracket or a brace"},
	{"could not find expected ':'", "a line of a mapping is written key: value; check its indentation"},
	{"unexpected end of stream", "the quote that opens here is never closed: is the file cut short?"},
	{"did not find expected ',' or", "the bracket or brace before this is never closed, or a comma is missing"},
	{"did not find expected node content", "a value is missing here, or a bracket or brace before it is never closed"},
	{"exceeded max depth", "manifests are at most " + strconv.Itoa(MaxDepth) + " levels deep"},
}

// syntax reports what the YAML parser says, where it says it.
func (d *decoder) syntax(err error) {
	line, column := d.culprit(err)
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	text = yamlErrorLine().ReplaceAllString(text, "")
	e := d.fail(line, column, "syntax", "not valid YAML: %s", text)
	for _, h := range syntaxHints {
		if strings.Contains(text, h.message) {
			e.hint(h.hint)
			return
		}
	}
}

var yamlErrorLine = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^line (\d+): `)
})

// maxSearched bounds the files in which culprit searches: it parses some twenty
// times.
const maxSearched = 128 << 10

// culprit finds where the parser gave up. yaml.v3 names a line only, and often
// the one before or the one where the block at fault begins. It reads its input
// as a stream, so the error stands at the end of the shortest beginning of the
// file that fails in the same way.
func (d *decoder) culprit(err error) (line, column int) {
	if len(d.data) > maxSearched {
		line = 1
		if m := yamlErrorLine().FindStringSubmatch(strings.TrimPrefix(err.Error(), "yaml: ")); m != nil {
			line, _ = strconv.Atoi(m[1])
		}
		return d.above + min(line, len(d.lineStarts())), 1
	}
	n := sort.Search(len(d.data), func(n int) bool {
		short := eachDocument(d.data[:n], func(*yaml.Node) {})
		return short != nil && short.Error() == err.Error()
	})
	return d.position(d.characterBefore(n))
}

// characterBefore returns the offset of the last character of a line among the
// first n bytes.
func (d *decoder) characterBefore(n int) int {
	text := bytes.TrimRight(d.data[:n], "\r\n")
	if len(text) == 0 {
		return 0
	}
	return bytes.LastIndexFunc(text, func(rune) bool { return true })
}
