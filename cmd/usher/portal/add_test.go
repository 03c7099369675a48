package portal

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// field is the input, select or text of that name, and what describes it.
func (r *reply) field(name string) (n *html.Node, description string) {
	r.Helper()
	for _, kind := range []string{"input", "textarea", "select"} {
		for _, found := range r.elements(kind, "") {
			if attribute(found, "name") == name && attribute(found, "type") != "hidden" {
				n = found
			}
		}
	}
	if n == nil {
		r.Fatalf("the page has no field %s", name)
	}
	root := n
	for root.Parent != nil {
		root = root.Parent
	}
	for id := range strings.FieldsSeq(attribute(n, "aria-describedby")) {
		found := false
		for d := range root.Descendants() {
			if d.Type == html.ElementNode && attribute(d, "id") == id {
				description, found = description+" "+textOf(d), true
			}
		}
		if !found {
			r.Errorf("field %s is described by %s, which is not there", name, id)
		}
	}
	return n, description
}

// refuses fails the test where the field is not marked as wrong, with these words
// tied to it and what was typed kept.
func (r *reply) refuses(field, typed, words string) {
	r.Helper()
	n, description := r.field(field)
	value := attribute(n, "value")
	if n.Data == "textarea" && n.FirstChild != nil {
		value = n.FirstChild.Data
	}
	typed = strings.ReplaceAll(typed, "\r\n", "\n") // as HTML reads it
	if attribute(n, "aria-invalid") != "true" || !strings.Contains(description, words) || value != typed {
		r.Errorf("field %s: invalid %q, described by %q, holds %q; want it refused with %q and %q kept",
			field, attribute(n, "aria-invalid"), description, value, words, typed)
	}
}

func person(email, first, last string) url.Values {
	return url.Values{"email": {email}, "first": {first}, "last": {last}}
}

func TestAddingOnePerson(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	grace := f.as("grace")
	grace.get("/users/add").says(200, "E-mail", "First name", "Last name", "Add access now", "CAD 2027")
	form := person("bo@acme.example", "Bo", "Ek")
	form.Set("has", "design/cad")
	saved := grace.post("/users/add", form)
	branches := f.branches(bare)
	if len(branches) != 1 || !strings.HasPrefix(branches[0], "usher/add-bo-acme-example-") {
		t.Fatalf("branches %v after %d: %s", branches, saved.status, saved.text())
	}
	grace.get(saved.to()).says(200, "add Bo Ek", "1 person to add", "1 to grant", "bo@acme.example.yaml", "email: bo@acme.example", "- cad")
	if files := f.git(bare, "diff", "--name-status", "main", branches[0]); files != "A\tbo@acme.example.yaml\n" {
		t.Errorf("changed %q, want one file added", files)
	}
}

// TestAddingIsRefusedBesideTheField: rows 10 and 11 of DOMAIN.md.
func TestAddingIsRefusedBesideTheField(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	tests := []struct {
		name         string
		form         url.Values
		field, typed string
		words        string
	}{
		{"no e-mail", person("", "Bo", "Ek"), "email", "", "This is needed."},
		{"no first name", person("bo@acme.example", " ", "Ek"), "first", "", "This is needed."},
		{"no last name", person("bo@acme.example", "Bo", ""), "last", "", "This is needed."},
		{"not an e-mail", person("bo at acme", "Bo", "Ek"), "email", "bo at acme", `"bo at acme" is not an e-mail address`},
		{"somebody's e-mail", person("EVE@acme.example", "Bo", "Ek"), "email", "EVE@acme.example", "is the e-mail of eve already, at people.yaml:"},
		{"double-byte digits", person("bo@acme.example", "Bo２", "Ek"), "first", "Bo２", `not an ASCII digit (write "Bo2")`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := f.as("grace").post("/users/add", tt.form)
			got.T = t
			got.says(422)
			got.refuses(tt.field, tt.typed, tt.words)
		})
	}
	form := person("bo@acme.example", "Bo", "Ek")
	form.Set("has", "design/nothing")
	f.as("grace").post("/users/add", form).says(403, "not yours to give")
	if branches := f.branches(bare); len(branches) > 0 {
		t.Errorf("what was refused made branches: %v", branches)
	}
}

// entriesOf is a list of n people.
func entriesOf(n int) string {
	var entries []string
	for i := range n {
		entries = append(entries, fmt.Sprintf("p%02d@acme.example, P%02d, Test", i, i))
	}
	return strings.Join(entries, ";\r\n")
}

func TestAddingAList(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	grace := f.as("grace")
	grace.get("/users/add/list").says(200, "up to 50 people", "Separated by semicolons")
	saved := grace.post("/users/add/list", url.Values{"name": {"interns-2027"}, "users": {entriesOf(50) + ";"}})
	branches := f.branches(bare)
	if len(branches) != 1 || !strings.HasPrefix(branches[0], "usher/list-interns-2027-") {
		t.Fatalf("branches %v after %d: %s", branches, saved.status, saved.text())
	}
	grace.get(saved.to()).says(200, "add the list interns-2027", "50 people to add", "interns-2027.yaml", "p49@acme.example, P49, Test;")
}

// TestAListIsRefusedBesideItsText: row 12 of DOMAIN.md.
func TestAListIsRefusedBesideItsText(t *testing.T) {
	f := newFirm(t)
	bare := f.repository(Tree{})
	tests := []struct{ name, users, words string }{
		{"nothing", "", "This is needed."},
		{"fifty-one", entriesOf(51), "51"},
		{"two parts", "bo@acme.example, Bo", `entry 1, "bo@acme.example, Bo": expected an e-mail, a first name and a last name`},
		{"digits", "bo@acme.example, Bo, Ek; an@acme.example, An, L３", `entry 2: last name: "L３" has the digit`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := f.as("grace").post("/users/add/list", url.Values{"name": {"interns"}, "users": {tt.users}})
			got.T = t
			got.says(422)
			got.refuses("users", tt.users, tt.words)
		})
	}
	bad := f.as("grace").post("/users/add/list", url.Values{"name": {"In terns"}, "users": {"bo@acme.example, Bo, Ek"}})
	bad.says(422)
	bad.refuses("name", "In terns", "In terns")
	f.as("grace").post("/users/add/list", url.Values{"name": {"interns"}, "users": {"EVE@acme.example, Eve, Again"}}).says(422, "eve")
	if branches := f.branches(bare); len(branches) > 0 {
		t.Errorf("what was refused made branches: %v", branches)
	}
}
