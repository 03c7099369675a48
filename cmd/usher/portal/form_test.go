package portal

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// mistaken is a form that cannot be carried out as it is.
type mistaken struct {
	name, path string
	viewer     *browser
	form       url.Values
	focus      string            // id of what has it when the form comes back
	wrong      map[string]string // by the id of a field: what is said of it
}

// mistakes are forms of every kind. nina is invited, and manifests come from commits.
func (f *firm) mistakes() []mistaken {
	f.Helper()
	return []mistaken{
		{"sign-in", "/sign-in", f.stranger(), url.Values{"email": {"eve@acme.example"}, "password": {"no"}}, "password",
			map[string]string{"email": "do not belong together", "password": "do not belong together"}},
		{"an invitation's sign-in", "/sign-in", f.stranger(), url.Values{"email": {"eve@acme.example"}, "password": {"no"}, "newcomer": {"yes"}}, "password",
			map[string]string{"email": "do not belong together", "password": "do not belong together"}},
		{"no address", "/password/forgotten", f.stranger(), url.Values{"email": {"eve"}}, "email", map[string]string{"email": "not an e-mail address"}},
		{"a short password", "/password/reset", f.stranger(), url.Values{"email": {"eve@acme.example"}, "code": {"x"}, "password": {"short"}, "again": {"short"}}, "password",
			map[string]string{"password": "at least 12"}},
		{"a wrong code", "/password/reset", f.stranger(), url.Values{"email": {"eve@acme.example"}, "code": {"x"}, "password": {ownPassword}, "again": {ownPassword}}, "code",
			map[string]string{"code": "does not open"}},
		{"passwords unlike", "/password/choose", f.signedIn("nina", 1), url.Values{"password": {ownPassword}, "again": {"another"}}, "password",
			map[string]string{"again": "not the same"}},
		{"a wrong present password", "/account/password", f.as("eve"), url.Values{"current": {"no"}, "password": {ownPassword}, "again": {ownPassword}}, "current",
			map[string]string{"current": "not your present password"}},
		{"support about nothing", "/support", f.as("eve"), url.Values{"contract": {"design"}}, "problem",
			map[string]string{"topic": "Say in a few words", "text": "Write what you need"}},
		{"nobody to add", "/users/add", f.as("grace"), url.Values{}, "problem",
			map[string]string{"email": "This is needed.", "first": "This is needed.", "last": "This is needed."}},
		{"a list of nobody", "/users/add/list", f.as("grace"), url.Values{"users": {"bo"}, "name": {"No Name"}}, "problem",
			map[string]string{"users": "", "name": ""}},
		{"no day", "/users/eve/access", f.as("grace"), url.Values{"was": {"design/cad"}, "from": {"soon"}}, "problem",
			map[string]string{"from": "a day is written like"}},
		{"an end before it begins", "/users/add", f.as("grace"), url.Values{"email": {"bo@acme.example"}, "first": {"Bo"}, "last": {"Ek"}, "has": {"design/cad"}, "from": {"2037-01-02"}, "until": {"2037-01-01"}}, "problem",
			map[string]string{"until": "before it begins"}},
		{"an end that has passed", "/users/add", f.as("grace"), url.Values{"email": {"bo@acme.example"}, "first": {"Bo"}, "last": {"Ek"}, "has": {"design/cad"}, "until": {"2020-01-01"}}, "problem",
			map[string]string{"until": "this day has passed (the last day is today, "}},
		{"a long reason", "/users/ada/access", f.as("grace"), url.Values{"has": {"design/cad"}, "reason": {strings.Repeat("so ", 200)}}, "problem",
			map[string]string{"reason": "more than 500"}},
		{"nothing ticked", "/users/eve/access", f.as("grace"), url.Values{"was": {"design/cad"}, "has": {"design/cad"}}, "problem", nil},
	}
}

// A form that comes back has the focus where reading has to begin, once; each field at
// fault is marked, and tied to what is said of it; and the title of the page says so.
func TestAFormThatComesBackLeadsToItsMistakes(t *testing.T) {
	f := newFirm(t)
	f.repository(Tree{})
	f.invite("nina")
	for _, tt := range f.mistakes() {
		t.Run(tt.name, func(t *testing.T) {
			page := tt.viewer.post(tt.path, tt.form)
			page.T = t
			page.says(422)
			if title := textOf(page.elements("title", "")[0]); !strings.HasPrefix(title, "Not done yet: ") {
				t.Errorf("the title is %q, which does not say that nothing was done", title)
			}
			if got := page.focused(); !slices.Equal(got, []string{tt.focus}) {
				t.Errorf("the focus goes to %q, want %q alone", got, tt.focus)
			}
			for _, field := range slices.Concat(page.elements("input", ""), page.elements("textarea", "")) {
				id := attribute(field, "id")
				want, wrong := tt.wrong[id]
				if got := attribute(field, "aria-invalid") == "true"; got != wrong {
					t.Errorf("field %q is marked as wrong: %v, want %v", id, got, wrong)
				}
				if got := page.described(attribute(field, "aria-describedby")); !strings.Contains(got, want) {
					t.Errorf("field %q is described as %q, want %q in it", id, got, want)
				}
			}
		})
	}
}

// focused are the ids of what takes the focus when the page is there.
func (r *reply) focused() []string {
	r.Helper()
	var ids []string
	tree, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		r.Fatal(err)
	}
	for d := range tree.Descendants() {
		if d.Type == html.ElementNode && slices.ContainsFunc(d.Attr, func(a html.Attribute) bool { return a.Key == "autofocus" }) {
			ids = append(ids, attribute(d, "id"))
		}
	}
	return ids
}
