package edit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// Restore makes the tree say what the files of an earlier tree said, thing by
// thing. What says the same already stays as it is written, with the comments
// made since; what differs is edited in its place, or takes its earlier wording
// where that cannot be done; what was not there goes, and what is missing comes
// back as it was written, into the file where it was. People who were renamed
// since are known by previously and by e-mail, and get their earlier name back.
//
// An error leaves the tree half restored.
func (t *Tree) Restore(then map[string][]byte) error {
	now, err := documentsOf(t.files)
	if err != nil {
		return err
	}
	past, err := documentsOf(then)
	if err != nil {
		return err
	}
	for at, d := range now {
		t.homes[at] = d.file // lists too, which hold people and are none
	}
	for from, to := range renamed(now, past) {
		if err := t.rename(now[from], past[to]); err != nil {
			return err
		}
		delete(now, from)
		now[to] = past[to] // any: it is only there to be found
	}
	var missing []home
	for _, at := range sortedHomes(past) {
		if now[at] == nil {
			missing = append(missing, at)
		} else if err := t.restoreDocument(at, past[at]); err != nil {
			return err
		}
		delete(now, at)
	}
	for _, at := range sortedHomes(now) {
		if err := t.Remove(at.kind, at.name); err != nil {
			return err
		}
	}
	return t.bringBack(missing, past, then)
}

// documentsOf finds every document of a tree by what it declares.
func documentsOf(files map[string][]byte) (map[home]*document, error) {
	all := map[home]*document{}
	for name, data := range files {
		s, err := readText(data)
		if err != nil {
			return nil, err
		}
		for i, root := range s.roots {
			all[home{kindOf(root), nameOf(root)}] = &document{s, name, i}
		}
	}
	return all, nil
}

func sortedHomes(all map[home]*document) []home {
	return slices.SortedFunc(maps.Keys(all), func(a, b home) int {
		return strings.Compare(a.kind+" "+a.name, b.kind+" "+b.name)
	})
}

// renamed pairs people of now with those of the past under other names.
func renamed(now, past map[home]*document) map[home]home {
	pairs := map[home]home{}
	for _, to := range sortedHomes(past) {
		if to.kind != "User" || now[to] != nil {
			continue
		}
		email := spec.FoldEmail(valueAt(past[to].root(), "spec", "email"))
		for _, from := range sortedHomes(now) {
			if from.kind != "User" || past[from] != nil {
				continue
			}
			root := now[from].root()
			if _, paired := pairs[from]; !paired && (formerly(root, to.name) || spec.FoldEmail(valueAt(root, "spec", "email")) == email) {
				pairs[from] = to
				break
			}
		}
	}
	return pairs
}

// formerly reports whether a person was called that.
func formerly(root *yaml.Node, name string) bool {
	return slices.ContainsFunc(itemsAt(root, []string{"spec", "previously"}), func(n *yaml.Node) bool { return n.Value == name })
}

// rename gives a person the name and the e-mail that they had. Who has no name of
// their own is named by the e-mail.
func (t *Tree) rename(now, then *document) error {
	root, name := now.root(), nameOf(now.root())
	email := valueAt(then.root(), "spec", "email")
	if err := t.Set("User", name, "spec.email", Text(email)); err != nil {
		return err
	}
	if valueAt(root, "metadata", "name") == "" {
		name = spec.FoldEmail(email)
	}
	if earlier := valueAt(then.root(), "metadata", "name"); earlier != "" {
		return t.Set("User", name, "metadata.name", Text(earlier))
	}
	return t.Unset("User", name, "metadata.name")
}

// restoreDocument makes a document say what it said: by edits, or else by its
// earlier words.
func (t *Tree) restoreDocument(at home, then *document) error {
	now, err := t.find(at.kind, at.name)
	if err != nil {
		return err
	}
	want := normal("", then.root())
	if normal("", now.root()) == want {
		return nil
	}
	if t.restoreFields(at, nil, now.root(), then.root()) == nil {
		if now, err = t.find(at.kind, at.name); err == nil && normal("", now.root()) == want {
			return nil
		}
	}
	if err := t.Remove(at.kind, at.name); err != nil {
		return err
	}
	return t.appendDocument(at, then)
}

// restoreFields makes what lies at a path of a document say what it said; nil
// stands for what is not there.
func (t *Tree) restoreFields(at home, path []string, now, then *yaml.Node) error {
	name := ""
	if len(path) > 0 {
		name = path[len(path)-1]
	}
	switch {
	case now != nil && then != nil && normal(name, now) == normal(name, then):
		return nil
	case then == nil && now.Kind != yaml.MappingNode:
		return t.Unset(at.kind, at.name, strings.Join(path, "."))
	case then == nil: // the last field takes the mapping with it
	case then.Kind == yaml.SequenceNode:
		return t.restoreList(at, path, now, then)
	case then.Kind == yaml.ScalarNode:
		if then.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 || now != nil && now.Kind != yaml.ScalarNode {
			return byHand("", then.Line, strings.Join(path, "."))
		}
		return t.Set(at.kind, at.name, strings.Join(path, "."), Value{then.Value, then.ShortTag()})
	}
	for _, key := range keysOf(now, then) {
		if err := t.restoreFields(at, append(slices.Clip(path), key), nodeAt(now, key), nodeAt(then, key)); err != nil {
			return err
		}
	}
	return nil
}

// keysOf is every key of two mappings, either of which may be nil, sorted.
func keysOf(mappings ...*yaml.Node) []string {
	keys := map[string]bool{}
	for _, n := range mappings {
		for i := 0; n != nil && i+1 < len(n.Content); i += 2 {
			keys[n.Content[i].Value] = true
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// restoreList makes a list hold what it held. Items that say the same stay as
// they are written, and those about the same thing are altered.
func (t *Tree) restoreList(at home, path []string, now, then *yaml.Node) error {
	name := path[len(path)-1]
	nodes := map[string]*yaml.Node{}
	texts := func(list *yaml.Node) []string {
		var all []string
		for i := 0; list != nil && i < len(list.Content); i++ {
			text := normal(name+"[]", list.Content[i])
			nodes[text] = list.Content[i]
			all = append(all, text)
		}
		return all
	}
	var odd error
	toItem := func(text string, from int) item {
		it, err := itemOf(name, nodes[text])
		if err != nil {
			odd = err
		}
		it.from = from
		return it
	}
	alike := func(a, b string) bool { return about(nodes[a]) != "" && about(nodes[a]) == about(nodes[b]) }
	want := match(texts(now), texts(then), toItem, alike)
	if odd != nil {
		return odd
	}
	return t.setList(at.kind, at.name, strings.Join(path, "."), want)
}

// itemOf is an item of a list as a manifest says it.
func itemOf(list string, n *yaml.Node) (item, error) {
	it := item{short: list == "access"}
	switch {
	case n.Kind == yaml.ScalarNode && list == "access":
		it.fields = []field{{"product", Text(n.Value)}}
		return it, nil
	case n.Kind == yaml.ScalarNode:
		return item{fields: []field{{"", Value{n.Value, n.ShortTag()}}}, short: true}, nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		value := n.Content[i+1]
		if value.Kind != yaml.ScalarNode {
			return it, byHand("", n.Line, list)
		}
		it.fields = append(it.fields, field{n.Content[i].Value, Value{value.Value, value.ShortTag()}})
	}
	return it, nil
}

// about is what an item of a list is about, "" where it is nothing but itself.
func about(n *yaml.Node) string {
	for _, key := range []string{"product", "name", "title"} {
		if value := valueAt(n, key); value != "" {
			return value + "@" + valueAt(n, "contract")
		}
	}
	return ""
}

// normal is what a node says, the same for every way of saying it: keys in order,
// a list in order where order means nothing, empty lists left out. It stands
// below key; an item of a list below the list's, with "[]".
func normal(key string, n *yaml.Node) string {
	switch {
	case n.Kind == yaml.ScalarNode && key == "access[]":
		return fmt.Sprintf("{product: %q}", n.Value)
	case n.Kind == yaml.ScalarNode:
		return fmt.Sprintf("%q", n.Value)
	case n.Kind == yaml.SequenceNode:
		var items []string
		for _, inner := range n.Content {
			items = append(items, normal(key+"[]", inner))
		}
		if key != "downloads" {
			slices.Sort(items)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	var fields []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		if value := n.Content[i+1]; value.Kind != yaml.SequenceNode || len(value.Content) > 0 {
			fields = append(fields, n.Content[i].Value+": "+normal(n.Content[i].Value, value))
		}
	}
	slices.Sort(fields)
	return "{" + strings.Join(fields, ", ") + "}"
}

// bringBack adds what is missing: as a file of its own where the whole file is
// missing, else at the end of the file it was in.
func (t *Tree) bringBack(missing []home, past map[home]*document, then map[string][]byte) error {
	lacking := map[string]int{} // documents, by file
	for _, at := range missing {
		lacking[past[at].file]++
	}
	whole := map[string]bool{}
	for _, at := range missing {
		d := past[at]
		if _, there := t.files[d.file]; !there && lacking[d.file] == len(d.roots) {
			whole[d.file] = true
			if err := t.write(d.file, then[d.file]); err != nil {
				return err
			}
		}
		if t.homes[at] = d.file; whole[d.file] {
			continue
		}
		if err := t.appendDocument(at, d); err != nil {
			return err
		}
	}
	return nil
}

// appendDocument adds a document of another tree, word by word, at the end of the
// file that it was in.
func (t *Tree) appendDocument(at home, d *document) error {
	from, to := d.extent()
	body := bytes.TrimPrefix(d.data[from:to], []byte("---"))
	if end := mark().FindIndex(body); end != nil {
		body = body[:end[0]]
	}
	text := strings.Trim(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n")
	if err := t.append(d.file, strings.Split(text, "\n")); err != nil {
		return err
	}
	t.homes[at] = d.file
	back, err := t.find(at.kind, at.name)
	if err != nil || normal("", back.root()) != normal("", d.root()) {
		return byHand(d.file, d.root().Line, at.kind+" "+at.name)
	}
	return nil
}
