package edit

import "strings"

// SetNames makes a list of names hold exactly those wanted: the members and
// teams of a Team, the softwareCoordinators of a Contract, what a User was called
// previously. Names that are there stay where they are, new ones come last, and a
// list without names is left out.
func (t *Tree) SetNames(kind, name, fieldPath string, want []string) error {
	d, err := t.find(kind, name)
	if err != nil {
		return err
	}
	var have []string
	for _, n := range itemsAt(d.root(), strings.Split(fieldPath, ".")) {
		have = append(have, n.Value)
	}
	one := func(s string, from int) item {
		return item{fields: []field{{"", Text(s)}}, short: true, from: from}
	}
	return t.setList(kind, name, fieldPath, match(have, want, one, func(string, string) bool { return false }))
}
