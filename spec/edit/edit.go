// Package edit changes manifests in place, byte for byte outside the edited
// value: comments, blank lines, indentation, line ends and the order of documents
// stay as their writers left them, and a value keeps the style it was written in.
//
// A [Tree] is the manifests as read. Its methods each make one change or, with an
// error, none. A change is a splice at the place of a YAML node; after it the file
// is parsed again, and the change stands only where the file then means what was
// asked, no more and no less. What the change means for the rest of the tree is
// for [Tree.Check] to say; nothing here touches a disk.
package edit

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"usher/spec"
)

// Tree is a tree of manifests under edit.
type Tree struct {
	today  spec.Day
	roster *spec.Roster // as opened
	before map[string][]byte
	files  map[string][]byte
	parsed map[string]*spec.File
	homes  map[home]string // where each named thing is declared
}

// home is a thing that a document declares: "User" "ada".
type home struct{ kind, name string }

// Open takes the files of a tree by their slash-separated paths. Only valid
// manifests can be edited: where they are not, the error is a [spec.Errors].
// Seats are counted from today on.
func Open(files map[string][]byte, today spec.Day) (*Tree, error) {
	t := &Tree{
		today: today, before: maps.Clone(files), files: maps.Clone(files),
		parsed: make(map[string]*spec.File, len(files)), homes: map[home]string{},
	}
	var errs spec.Errors
	for name, data := range files {
		file, failed := spec.Parse(name, data)
		t.parsed[name] = file
		errs = append(errs, failed...)
	}
	roster, failed := t.resolve()
	if errs = append(errs, failed...); len(errs) > 0 {
		return nil, errs.Sort()
	}
	t.roster = roster
	t.settle()
	return t, nil
}

func (t *Tree) resolve() (*spec.Roster, spec.Errors) {
	return spec.Resolve(slices.Collect(maps.Values(t.parsed)), t.today)
}

// settle notes where everything is declared.
func (t *Tree) settle() {
	for i := range t.roster.Users {
		t.homes[home{"User", t.roster.Users[i].Name}] = t.roster.Users[i].Origin.File
	}
	for i := range t.roster.Teams {
		t.homes[home{"Team", t.roster.Teams[i].Name}] = t.roster.Teams[i].Origin.File
	}
	for i := range t.roster.Contracts {
		t.homes[home{"Contract", t.roster.Contracts[i].Name}] = t.roster.Contracts[i].Origin.File
	}
	for i := range t.roster.Products {
		t.homes[home{"Product", t.roster.Products[i].Name}] = t.roster.Products[i].Origin.File
	}
}

// Change is one file that was changed.
type Change struct {
	Path          string
	Before, After []byte // nil: there is no such file before, or after
}

// Changes returns the changed files, sorted by path.
func (t *Tree) Changes() []Change { return Between(t.before, t.files) }

// Between returns the files that two trees do not have alike, sorted by path.
func Between(before, after map[string][]byte) []Change {
	all := map[string][]byte{}
	maps.Copy(all, before)
	maps.Copy(all, after)
	var changes []Change
	for _, name := range slices.Sorted(maps.Keys(all)) {
		was, is := before[name], after[name]
		if !bytes.Equal(was, is) || (was == nil) != (is == nil) {
			changes = append(changes, Change{Path: name, Before: was, After: is})
		}
	}
	return changes
}

// Check resolves the whole tree as edited: references, duplicates, seats. Where
// it is not valid the error is a [RefusedError].
func (t *Tree) Check() (*spec.Roster, error) {
	roster, errs := t.resolve()
	if len(errs) > 0 {
		return nil, t.refused(errs)
	}
	return roster, nil
}

// write gives a file its new content, where spec accepts it; nil removes it.
func (t *Tree) write(name string, data []byte) error {
	if data == nil {
		delete(t.files, name)
		delete(t.parsed, name)
		return nil
	}
	file, errs := spec.Parse(name, data)
	if len(errs) > 0 {
		return t.refused(errs, name)
	}
	t.files[name], t.parsed[name] = data, file
	return nil
}

// checkPath accepts where a manifest may lie: below the tree, under a name that
// is read.
func checkPath(name string) error {
	hint := "a path below the directory of manifests that ends in .yaml or .yml"
	switch {
	case name != path.Clean(name) || path.IsAbs(name) || strings.Contains(name, "\\"):
		return fail(ErrPath, hint, "%q is not a path below the directory of manifests", name)
	case !strings.HasSuffix(name, ".yaml") && !strings.HasSuffix(name, ".yml"):
		return fail(ErrPath, hint, "%q would not be read as a manifest", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return fail(ErrPath, hint, "%q would not be read: %q begins with a dot", name, part)
		}
	}
	return nil
}
