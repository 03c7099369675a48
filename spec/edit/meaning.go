package edit

import (
	"maps"
	"slices"

	"gopkg.in/yaml.v3"
)

// What a document means, apart from how it is written: a mapping, a sequence or
// a scalar. The order of a mapping's keys means nothing.
type (
	mapping  map[string]any
	sequence []any
	scalar   struct{ tag, value string }
)

func meaning(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := mapping{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = meaning(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		all := sequence{}
		for _, item := range n.Content {
			all = append(all, meaning(item))
		}
		return all
	}
	return scalar{n.ShortTag(), n.Value}
}

func meanings(roots []*yaml.Node) []any {
	all := make([]any, len(roots))
	for i, root := range roots {
		all[i] = meaning(root)
	}
	return all
}

// without is a mapping that lacks what stands at a path; mappings on the way
// that become empty, or are, are left out with it.
func (m mapping) without(path []string) mapping {
	rest := maps.Clone(m)
	inner, ok := m[path[0]].(mapping)
	switch {
	case len(path) == 1:
		delete(rest, path[0])
	case ok:
		if inner = inner.without(path[1:]); len(inner) == 0 {
			delete(rest, path[0])
		} else {
			rest[path[0]] = inner
		}
	}
	return rest
}

// elsewhere is what the documents of a file mean but for one path of one of them.
func elsewhere(roots []*yaml.Node, index int, path []string) []any {
	all := meanings(roots)
	all[index] = all[index].(mapping).without(path)
	return all
}

// nodeAt follows a path of keys; nil where it leaves the document, or there is
// none.
func nodeAt(n *yaml.Node, path ...string) *yaml.Node {
	for _, key := range path {
		if n == nil {
			return nil
		}
		n, _ = child(n, key)
	}
	return n
}

func valueAt(n *yaml.Node, path ...string) string {
	if n = nodeAt(n, path...); n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// itemsAt is the items of the list at a path.
func itemsAt(n *yaml.Node, path []string) []*yaml.Node {
	if n = nodeAt(n, path...); n == nil {
		return nil
	}
	return slices.Clone(n.Content)
}
