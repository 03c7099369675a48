package edit

import (
	"slices"

	"gopkg.in/yaml.v3"
)

// item is one entry of a list as it is to be: a scalar, where it has one field
// and may be short, else a mapping.
type item struct {
	fields []field
	short  bool
	from   int // which item of the list it was before; -1: a new one
}

type field struct {
	name  string
	value Value
}

// same reports whether a node says this, in whatever form.
func (it item) same(n *yaml.Node) bool {
	if n.Kind == yaml.ScalarNode {
		return it.short && len(it.fields) == 1 && it.fields[0].value.same(n)
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2*len(it.fields) {
		return false
	}
	for _, f := range it.fields {
		if v, _ := child(n, f.name); v == nil || !f.value.same(v) {
			return false
		}
	}
	return true
}

// written is the item on one line.
func (it item) written(json bool) string {
	style := styleOf(json)
	if it.short && len(it.fields) == 1 {
		return it.fields[0].value.written(style)
	}
	line := "{"
	for i, f := range it.fields {
		if i > 0 {
			line += ", "
		}
		line += key(f.name, json) + f.value.written(style)
	}
	return line + "}"
}

// setList makes a list of a manifest hold exactly the items wanted: items that
// were there before come first, in their order, and stay as they are written as
// far as they say the same. A list without items is left out.
func (t *Tree) setList(kind, name, fieldPath string, want []item) error {
	return t.change(kind, name, fieldPath, func(d *document, path []string) error {
		return d.setList(path, want)
	}, func(n *yaml.Node) bool {
		if n == nil {
			return len(want) == 0
		}
		return slices.EqualFunc(want, n.Content, func(it item, n *yaml.Node) bool { return it.same(n) })
	})
}

// setList alters items first and appends to them next, so that the places of
// those to be removed stay what they were.
func (d *document) setList(path []string, want []item) error {
	count := len(itemsAt(d.root(), path))
	if len(want) == 0 && count > 0 {
		return d.drop(path)
	}
	if nodeAt(d.root(), path...) == nil {
		return d.addList(path, want)
	}
	kept := map[int]bool{}
	for _, it := range want {
		var err error
		if kept[it.from] = true; it.from >= 0 {
			err = d.alter(path, it)
		} else {
			err = d.splice(d.insert(nodeAt(d.root(), path...), it.written(d.json()))...)
		}
		if err != nil {
			return err
		}
	}
	for i := count - 1; i >= 0; i-- {
		if kept[i] {
			continue
		}
		if err := d.splice(d.remove(nodeAt(d.root(), path...), i)); err != nil {
			return err
		}
	}
	return nil
}

func (d *document) addList(path []string, want []item) error {
	if len(want) == 0 {
		return nil
	}
	return d.add(path, func(json bool) (line string, lines []string) {
		for i, it := range want {
			if i > 0 {
				line += ", "
			}
			line += it.written(json)
			lines = append(lines, "- "+it.written(json))
		}
		return "[" + line + "]", lines
	})
}

// alter makes an item say what it is to say, field by field where it is a
// mapping.
func (d *document) alter(path []string, it item) error {
	n := itemsAt(d.root(), path)[it.from]
	if it.same(n) {
		return nil
	}
	if n.Kind == yaml.ScalarNode || n.Style&yaml.FlowStyle != 0 && !d.braced(n) {
		return d.splice(splice{d.start(n), d.end(n), it.written(d.json())})
	}
	for _, f := range it.fields {
		n := itemsAt(d.root(), path)[it.from]
		var err error
		if v, _ := child(n, f.name); v != nil {
			err = d.setScalar(v, f.value)
		} else {
			err = d.splice(d.insert(n, key(f.name, d.json())+f.value.written(styleOf(d.json())))...)
		}
		if err != nil {
			return err
		}
	}
	return d.dropOthers(path, it)
}

// dropOthers takes the fields out of an item that it is not to have.
func (d *document) dropOthers(path []string, it item) error {
	for i := 0; ; {
		n := itemsAt(d.root(), path)[it.from]
		if i >= len(n.Content)/2 {
			return nil
		}
		if slices.ContainsFunc(it.fields, func(f field) bool { return f.name == n.Content[2*i].Value }) {
			i++
			continue
		}
		if err := d.splice(d.remove(n, i)); err != nil {
			return err
		}
	}
}
