package spec

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"pgregory.net/rapid"
)

// seeds adds every file of the fixtures and of the examples.
func seeds(f *testing.F) {
	fixtures, _ := filepath.Glob("testdata/bad/*.txtar")
	for _, path := range fixtures {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(unescape(file.Data))
		}
	}
	examples, _ := filepath.Glob("../examples/*/*.yaml")
	deeper, _ := filepath.Glob("../examples/*/*/*.yaml")
	for _, path := range append(examples, deeper...) {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	for _, s := range []string{"", "---", "a: &a [*a]", "? [a]\n: b", "{a: {b: c}}", "\ufeff---\r\n", "- - - -", "!!binary aGk=", "a: |2-\n  b", "%TAG ! a\n---\n", "\u200d: 健"} {
		f.Add([]byte(s))
	}
}

// FuzzParse: Parse never panics, says the same twice, and its errors are sorted,
// on one line each, at places that exist. What it accepts can be resolved.
func FuzzParse(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, parse := range []func(string, []byte) (*File, Errors){Parse, ParsePrivate} {
			before := slices.Clone(data)
			file, errs := parse("f.yaml", data)
			_, again := parse("f.yaml", data)
			if diff := cmp.Diff(errs, again); diff != "" {
				t.Fatalf("errors, told twice (-first +second):\n%s", diff)
			}
			if !slices.Equal(before, data) {
				t.Fatal("the input was changed")
			}
			checkErrors(t, map[string][]byte{"f.yaml": data}, errs)
			if roster, errs := Resolve([]*File{file}, today); errs == nil && !file.flawed {
				checkGuarantees(t, roster)
			} else {
				checkErrors(t, map[string][]byte{"f.yaml": data}, errs)
			}
		}
	})
}

func checkErrors(t failer, tree map[string][]byte, errs Errors) {
	if sorted := slices.Clone(errs).Sort(); !slices.Equal(sorted, errs) {
		t.Fatalf("not sorted, or repeated:\n%v", errs)
	}
	for _, e := range errs {
		if e.Reason == "" || e.Code == "" || strings.ContainsAny(e.Error()+e.Hint, "\r\n\x00\x1b") {
			t.Fatalf("not one line of text: %q, hint %q, code %q", e, e.Hint, e.Code)
		}
		if e.Line == 0 && e.Column == 0 {
			continue
		}
		lines := strings.Split(strings.TrimPrefix(string(tree[e.File]), "\ufeff"), "\n")
		if e.Line < 1 || e.Line > len(lines) || e.Column < 1 || e.Column > len(lines[e.Line-1])+1 {
			t.Fatalf("%s: there is no such place", e)
		}
	}
}

// FuzzResolve resolves small trees: what is accepted keeps the promises of
// Roster.
func FuzzResolve(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("\x01\x80\x00\x07", 400)))
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		documents := drawDocuments(t)
		tree := strings.Join(documents, "")
		file, errs := Parse("f.yaml", []byte(tree))
		if errs != nil {
			t.Fatal(errs)
		}
		roster, errs := Resolve([]*File{file}, today)
		if errs == nil {
			checkGuarantees(t, roster)
		}
		checkErrors(t, map[string][]byte{"f.yaml": []byte(tree)}, errs)
	}))
}

// failer is a test of either kind: testing's or rapid's.
type failer interface{ Fatalf(string, ...any) }

func checkGuarantees(t failer, r *Roster) {
	for what, names := range map[string][]string{
		"users": names(r.Users), "teams": names(r.Teams), "products": names(r.Products), "contracts": names(r.Contracts),
	} {
		if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || slices.Contains(names, "") {
			t.Fatalf("%s not sorted, not unique or not named: %q", what, names)
		}
	}
	for i := range r.Contracts {
		c := &r.Contracts[i]
		if r.User(c.Manager) == nil || len(c.Coordinators) == 0 || !c.Steward(c.Manager) {
			t.Fatalf("contract %s: manager %q, coordinators %q", c.Name, c.Manager, c.Coordinators)
		}
		for _, name := range c.Coordinators {
			if r.User(name) == nil {
				t.Fatalf("contract %s: coordinator %q is nobody", c.Name, name)
			}
		}
		used := r.SeatsUsed()
		for _, o := range c.Offers {
			if r.Product(o.Product) == nil {
				t.Fatalf("contract %s: no product %q", c.Name, o.Product)
			}
			if peak := used[Seat{c.Name, o.Product}].Peak(today); o.Seats != Unlimited && peak > o.Seats {
				t.Fatalf("contract %s: %d hold %s, of %d", c.Name, peak, o.Product, o.Seats)
			}
		}
	}
	keys := map[string]bool{}
	for i := range r.Users {
		u := &r.Users[i]
		if u.EmailKey != FoldEmail(u.Email) || keys[u.EmailKey] || u.FirstName == "" || u.LastName == "" {
			t.Fatalf("user %+v: not whole, or not the only one of that e-mail", u)
		}
		keys[u.EmailKey] = true
		for j, g := range u.Access {
			c := r.Contract(g.Contract)
			if c == nil || c.Offer(g.Product) == nil || len(g.Because) == 0 || g.Until < g.From {
				t.Fatalf("user %s: grant %+v", u.Name, g)
			}
			if j > 0 && (CompareGrants(u.Access[j-1], g) >= 0 || u.Access[j-1].joins(g)) {
				t.Fatalf("user %s: grants %+v and %+v", u.Name, u.Access[j-1], g)
			}
		}
	}
	for i := range r.Teams {
		for _, m := range r.Teams[i].Members {
			if r.User(m) == nil {
				t.Fatalf("team %s: member %q is nobody", r.Teams[i].Name, m)
			}
		}
	}
}
