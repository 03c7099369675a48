package edit

import (
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"
)

// Set gives a field of a manifest a value, such as spec.email or
// spec.invitation.generation. Where the field is missing it is added, with what
// it lies in.
func (t *Tree) Set(kind, name, field string, to Value) error {
	return t.change(kind, name, field, func(d *document, path []string) error {
		if n := nodeAt(d.root(), path...); n != nil {
			return d.setScalar(n, to)
		}
		return d.add(path, func(json bool) (string, []string) { return to.written(styleOf(json)), nil })
	}, func(n *yaml.Node) bool { return n != nil && to.same(n) })
}

// Unset leaves a field of a manifest out, and what it lies in where nothing else
// does. Without such a field it does nothing.
func (t *Tree) Unset(kind, name, field string) error {
	return t.change(kind, name, field, func(d *document, path []string) error {
		return d.drop(path)
	}, func(n *yaml.Node) bool { return n == nil })
}

// change makes one change to one field of a document, by as many splices as it
// takes, and keeps it where the file then means what was asked: done holds of
// the field, and everything else is what it was.
func (t *Tree) change(kind, name, field string, make func(*document, []string) error, done func(*yaml.Node) bool) error {
	path := strings.Split(field, ".")
	if len(path) < 2 || path[0] != "spec" && path[0] != "metadata" {
		return fail(ErrField, "fields are named from the top: spec.email", "%q is not a field of a manifest", field)
	}
	d, err := t.find(kind, name)
	if err != nil {
		return err
	}
	line, before := d.root().Line, elsewhere(d.roots, d.index, path)
	if err := make(d, path); err != nil {
		return err
	}
	if !done(nodeAt(d.root(), path...)) || !reflect.DeepEqual(elsewhere(d.roots, d.index, path), before) {
		return byHand(d.file, line, field)
	}
	if err := t.write(d.file, t.marked(d.file, d.data)); err != nil {
		return err
	}
	delete(t.homes, home{kind, name})
	t.homes[home{kind, nameOf(d.root())}] = d.file
	return nil
}

// splice makes splices and reads the file again.
func (d *document) splice(splices ...splice) error {
	line := d.root().Line
	s, err := readText(d.apply(splices...))
	if err != nil || len(s.roots) != len(d.roots) {
		return byHand(d.file, line, "what stands there")
	}
	d.text = s
	return nil
}

// setScalar replaces a scalar, in its own quotes.
func (d *document) setScalar(n *yaml.Node, to Value) error {
	if n.Kind != yaml.ScalarNode {
		return byHand(d.file, n.Line, "the field")
	}
	if to.same(n) {
		return nil
	}
	return d.splice(splice{d.start(n), d.end(n), to.written(n.Style)})
}

// json reports whether a document is written as JSON, with its keys in quotes.
func (d *document) json() bool {
	root := d.root()
	return d.braced(root) && root.Content[0].Style&yaml.DoubleQuotedStyle != 0
}

func styleOf(json bool) yaml.Style {
	if json {
		return yaml.DoubleQuotedStyle
	}
	return 0
}

func key(name string, json bool) string {
	if json {
		return `"` + name + `": `
	}
	return name + ": "
}

// add adds a field that is missing. content is what it says: on one line, and
// where it can stand in lines of its own below the key, those.
func (d *document) add(path []string, content func(json bool) (line string, lines []string)) error {
	parent, json := d.root(), d.json()
	line, lines := content(json)
	for {
		inner, _ := child(parent, path[0])
		if inner == nil {
			break
		}
		if inner.Kind != yaml.MappingNode {
			return byHand(d.file, inner.Line, path[0])
		}
		parent, path = inner, path[1:]
	}
	if len(lines) > 0 && len(path) == 1 && !d.braced(parent) {
		line = "\n  " + strings.Join(lines, "\n  ")
		return d.splice(d.insert(parent, path[0]+":"+line)...)
	}
	for i := len(path) - 1; i > 0; i-- {
		line = "{" + key(path[i], json) + line + "}"
	}
	return d.splice(d.insert(parent, key(path[0], json)+line)...)
}

// drop takes a field out, and with it the mappings that would be left empty.
func (d *document) drop(path []string) error {
	for len(path) > 0 {
		parent := nodeAt(d.root(), path[:len(path)-1]...)
		if parent == nil {
			return nil
		}
		_, i := child(parent, path[len(path)-1])
		if i < 0 {
			return nil
		}
		if len(parent.Content) > 2 {
			return d.splice(d.remove(parent, i))
		}
		path = path[:len(path)-1]
	}
	return byHand(d.file, d.root().Line, "the document")
}
