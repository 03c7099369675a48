package edit

import (
	"bytes"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// document is one document of a file of the tree.
type document struct {
	*text
	file  string
	index int // of its root among those of the file
}

func (d *document) root() *yaml.Node { return d.roots[d.index] }

// find returns the document that declares a thing. A person of a UserList has
// none of their own.
func (t *Tree) find(kind, name string) (*document, error) {
	file, ok := t.homes[home{kind, name}]
	if !ok {
		return nil, fail(ErrUnknown, "", "there is no %s %q", strings.ToLower(kind), name)
	}
	s, err := readText(t.files[file])
	if err != nil {
		return nil, err
	}
	for i, root := range s.roots {
		if kindOf(root) == kind && nameOf(root) == name {
			return &document{s, file, i}, nil
		}
	}
	origin := file
	if u := t.roster.User(name); u != nil && kind == "User" {
		origin = u.Origin.String()
	}
	return nil, fail(ErrElsewhere, "take the entry out of the list there, and add a manifest of their own: usher add user",
		"%s is an entry of the UserList at %s: what a list says holds for all of its entries", name, origin)
}

func kindOf(root *yaml.Node) string { return valueAt(root, "kind") }

// nameOf is metadata.name or, for users who leave it out, the folded e-mail.
func nameOf(root *yaml.Node) string {
	if name := valueAt(root, "metadata", "name"); name != "" {
		return name
	}
	return spec.FoldEmail(valueAt(root, "spec", "email"))
}

// mark is a line that separates documents; no content can stand there.
var mark = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^(---|\.\.\.)(?:[ \t\r]|$)`)
})

// extent is the bytes of the document: from its "---" up to the next, or to the
// end of the file. For the first document of several, the comments at the
// beginning of the file that a blank line parts from it are the file's own.
func (d *document) extent() (from, to int) {
	root, opened := d.start(d.root()), false // by a "---" of its own
	to = len(d.data)
	for _, m := range mark().FindAllIndex(d.data, -1) {
		end := d.data[m[0]] == '.'
		if m[0] > root {
			to = d.pastMark(m[0], !opened || end)
			break
		}
		if !end {
			from, opened = m[0], true
		}
	}
	if !opened {
		from = d.ownComments(from, root)
	}
	return from, to
}

// ownComments is where the comments begin that stand right above the root.
func (d *document) ownComments(from, root int) int {
	begin, _ := d.lineOf(root)
	for begin > from {
		above, end := d.lineOf(begin - 1)
		if blank(d.data[above:end]) {
			break
		}
		begin = above
	}
	return begin
}

// pastMark is where a document before a separator ends: at the separator, or
// after the line of one that goes with it, unless something else stands on it.
func (d *document) pastMark(at int, with bool) int {
	_, end := d.lineOf(at)
	if with && blank(d.data[at+len("---"):end]) {
		return d.nextLine(at)
	}
	return at
}

// Remove takes out the whole document that declares a thing, with its comments.
// A file with nothing else in it is removed.
func (t *Tree) Remove(kind, name string) error {
	d, err := t.find(kind, name)
	if err != nil {
		return err
	}
	if len(d.roots) == 1 {
		delete(t.homes, home{kind, name})
		return t.write(d.file, nil)
	}
	from, to := d.extent()
	want := meanings(slices.Delete(slices.Clone(d.roots), d.index, d.index+1))
	after, err := readText(d.apply(splice{from: from, to: to}))
	if err != nil || !reflect.DeepEqual(meanings(after.roots), want) {
		return byHand(d.file, d.root().Line, kind+" "+name)
	}
	if err := t.write(d.file, t.marked(d.file, after.data)); err != nil {
		return err
	}
	delete(t.homes, home{kind, name})
	return nil
}

// append adds a document at the end of a file, which need not exist.
func (t *Tree) append(file string, lines []string) error {
	if err := checkPath(file); err != nil {
		return err
	}
	before := t.files[file]
	s, err := readText(before)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	out.Write(s.data)
	if len(s.data) > 0 && !bytes.HasSuffix(s.data, []byte("\n")) {
		out.WriteString(s.lineEnd())
	}
	if !blank(s.data) {
		out.WriteString("---" + s.lineEnd())
	}
	for _, line := range lines {
		out.WriteString(line + s.lineEnd())
	}
	return t.write(file, t.marked(file, out.Bytes()))
}

// marked gives a file back the byte order mark it had.
func (t *Tree) marked(file string, data []byte) []byte {
	if bytes.HasPrefix(t.files[file], byteOrderMark) {
		return append(bytes.Clone(byteOrderMark), data...)
	}
	return data
}
