package spec

import (
	"bytes"
	"strings"
	"unicode"

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
	Users  text         `yaml:"users" validate:"required" hint:"one string, its entries separated by semicolons" doc:"at most 50 entries, separated by semicolons, each an e-mail and two names: \"bo@acme.example, Bo, Ek; Ann Lee ann@acme.example\""`
	Access []accessItem `yaml:"access" validate:"dive" doc:"what each of them may use; left out: accounts without access"`
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
	if len(entries) == 0 {
		d.failAt(node, "required", "spec.users is empty")
		return
	}
	if len(entries) > MaxListUsers {
		d.failAt(node, "list-too-long", "spec.users has %d entries, more than the %d that can be added at one time", len(entries), MaxListUsers).
			hint("split it into lists of their own")
		d.file.partial = true
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
		d.file.partial = true
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
		d.file.partial = true
		return
	}
	at := func(s string) text { return text{s, int32(line), int32(column)} }
	m.people = append(m.people, userManifest{
		list: "UserList " + m.Metadata.Name.Value,
		Spec: userSpec{Email: at(email), FirstName: at(first), LastName: at(last), Access: m.Spec.Access},
		Line: int32(line), Column: int32(column),
	})
}

// splitEntry tells the three parts of an entry apart by where the @ stands.
func splitEntry(entry string) (email, first, last, problem string) {
	if entry == "" {
		return "", "", "", "empty: a semicolon with nothing before it"
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
	case strings.Count(entry, "@") > 1:
		return "", "", "", "more than one @; entries are separated by semicolons"
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
// the scalar is written: each entry's first word, searched from the semicolon
// before it.
type entryFinder struct {
	text         []byte // the file from the scalar on, to its end or a little more
	start, from  int    // offsets: of text in the file, and of the search in text
	line, column int    // where the scalar begins: for entries that stand escaped in the file
	d            *decoder
}

func newEntryFinder(d *decoder, scalar *yaml.Node) *entryFinder {
	const indentation = 4096 // of the lines of a block, generously
	start := d.offset(scalar.Line, scalar.Column)
	end := min(start+2*len(scalar.Value)+indentation, len(d.data))
	switch text := d.data[start:]; scalar.Style {
	case yaml.DoubleQuotedStyle:
		end = start + closingQuote(text, '\\')
	case yaml.SingleQuotedStyle:
		end = start + closingQuote(text, '\'')
	}
	return &entryFinder{text: d.data[start:end], start: start, line: scalar.Line, column: scalar.Column, d: d}
}

// closingQuote returns where the quote that text begins with is closed. A quote
// after the escape character, which in single quotes is a quote itself, is none.
func closingQuote(text []byte, escape byte) int {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == escape && i+1 < len(text) && (escape == '\\' || text[i+1] == text[0]):
			i++
		case text[i] == text[0]:
			return i
		}
	}
	return len(text)
}

func (f *entryFinder) next(entry string) (line, column int) {
	first := ";" // of an entry that is empty
	if words := strings.FieldsFunc(entry, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }); len(words) > 0 {
		first = words[0]
	}
	if i := bytes.Index(f.text[f.from:], []byte(first)); i >= 0 {
		f.line, f.column = f.d.position(f.start + f.from + i)
		f.from += i
	}
	if i := bytes.IndexByte(f.text[f.from:], ';'); i >= 0 {
		f.from += i + 1
	}
	return f.line, f.column
}
