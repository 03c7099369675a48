package spec

import (
	"bytes"
	"strings"

	"gopkg.in/yaml.v3"
)

// userListManifest is what a document of kind UserList may contain: people added
// in bulk, as pasted (DOMAIN.md row 12).
type userListManifest struct {
	typeMeta
	Metadata requiredName `yaml:"metadata" validate:"required"`
	Spec     userListSpec `yaml:"spec" validate:"required"`

	people []userManifest // the entries, each as a User of its own would be
}

type userListSpec struct {
	Users  text         `yaml:"users" validate:"required" hint:"one string, its entries separated by semicolons"`
	Access []accessItem `yaml:"access" validate:"dive"`
}

// finish splits the list. A list of more than MaxListUsers is refused whole.
func (m *userListManifest) finish(d *decoder, root *yaml.Node) {
	node := child(child(root, "spec"), "users")
	if node == nil || m.Spec.Users.Value == "" {
		return
	}
	entries := strings.Split(m.Spec.Users.Value, ";")
	if last := len(entries) - 1; strings.TrimSpace(entries[last]) == "" {
		entries = entries[:last]
	}
	if len(entries) > MaxListUsers {
		d.failAt(node, "list-too-long", "spec.users has %d entries, more than the %d that can be added at one time", len(entries), MaxListUsers).
			hint("split it into lists of their own")
		return
	}
	at := newEntryFinder(d, node)
	for i, entry := range entries {
		line, column := at.next(entry)
		m.entry(d, i+1, strings.TrimSpace(entry), line, column)
	}
}

// entry reads one person of the list.
func (m *userListManifest) entry(d *decoder, number int, entry string, line, column int) {
	email, first, last, problem := splitEntry(entry)
	if problem != "" {
		d.fail(line, column, "list-entry", "entry %d, %q: %s", number, shorten(entry, 60), problem).
			hint(`write "email, First, Last", "First, Last, email" or "First Last email"`)
		return
	}
	before := len(d.errs)
	for _, f := range []struct {
		field, value string
		check        rule
	}{{"e-mail", email, checkAddress}, {"first name", first, checkPersonName}, {"last name", last, checkPersonName}} {
		if f.value == "" {
			d.fail(line, column, "list-entry", "entry %d, %q: the %s is missing", number, shorten(entry, 60), f.field)
		} else if reason, hint := f.check(f.value); reason != "" {
			d.fail(line, column, "list-entry", "entry %d: %s: %s", number, f.field, reason).hint(hint)
		}
	}
	if len(d.errs) > before {
		return
	}
	at := func(s string) text { return text{s, int32(line), int32(column)} }
	m.people = append(m.people, userManifest{
		Spec: userSpec{Email: at(email), FirstName: at(first), LastName: at(last), Access: m.Spec.Access},
		Line: int32(line), Column: int32(column),
	})
}

// splitEntry tells the three parts of an entry apart by where the @ stands.
func splitEntry(entry string) (email, first, last, problem string) {
	if entry == "" {
		return "", "", "", "empty: there are two semicolons in a row"
	}
	if strings.ContainsAny(entry, `"`) {
		return "", "", "", "quotes are not understood in a list; declare a person whose name has a comma as a User"
	}
	parts := strings.Split(entry, ",")
	if len(parts) == 1 {
		parts = strings.Fields(entry)
		if len(parts) == 3 && strings.Contains(parts[0], "@") {
			return "", "", "", "without commas the e-mail comes last"
		}
	}
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	switch {
	case len(parts) != 3:
		return "", "", "", "expected an e-mail, a first name and a last name"
	case strings.Contains(parts[0], "@"):
		return parts[0], parts[1], parts[2], ""
	case strings.Contains(parts[2], "@"):
		return parts[2], parts[0], parts[1], ""
	}
	return "", "", "", "there is no e-mail at its beginning or end"
}

// entryFinder finds where the entries of a scalar stand in the file, however
// the scalar is written: each entry's first word, searched from where the one
// before was found.
type entryFinder struct {
	d            *decoder
	from         int
	line, column int // where the scalar begins: for entries that stand escaped in the file
}

func newEntryFinder(d *decoder, scalar *yaml.Node) *entryFinder {
	return &entryFinder{d: d, from: d.offset(scalar.Line, scalar.Column), line: scalar.Line, column: scalar.Column}
}

func (f *entryFinder) next(entry string) (line, column int) {
	word, _, _ := strings.Cut(strings.TrimSpace(entry), ",")
	if i := bytes.Index(f.d.data[f.from:], []byte(word)); i >= 0 && word != "" {
		f.line, f.column = f.d.position(f.from + i)
		f.from += i + len(word)
	}
	return f.line, f.column
}
