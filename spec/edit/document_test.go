package edit

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// DOMAIN.md rows 9, 10 and 13: one person is added, with access or without.
func TestRow09AddUser(t *testing.T) {
	bo := User{Name: "bo", Email: "Bo@acme.example", FirstName: "Bo", LastName: "Ek"}
	access := []Access{
		{Product: "plot", Span: spec.AllTime},
		{Product: "training", Contract: "zeta", Span: spec.Span{From: today, Until: today + 1}, Reason: "day: one"},
	}
	tests := []struct {
		name     string
		file     string
		user     User
		wantFile string
		want     string
	}{
		{
			name: "where most people are", user: bo, wantFile: "people/bo.yaml",
			want: "+apiVersion: usher/v1\n+kind: User\n+metadata: {name: bo}\n+spec:\n+  email: Bo@acme.example\n+  firstName: Bo\n+  lastName: Ek\n",
		},
		{
			name: "named by the e-mail, in any script", user: User{Email: "ken@三浦.example", FirstName: "健", LastName: "三浦 y: #1"}, wantFile: "people/ken@xn--ehq977e.example.yaml",
			want: "+apiVersion: usher/v1\n+kind: User\n+spec:\n+  email: ken@三浦.example\n+  firstName: 健\n+  lastName: \"三浦 y: #1\"\n",
		},
		{
			name: "at the end of a file, with access", file: "base.yaml", user: User{Name: "bo", Email: "bo@acme.example", FirstName: "No", LastName: "O'Neil", Access: access}, wantFile: "base.yaml",
			want: "+---\n+apiVersion: usher/v1\n+kind: User\n+metadata: {name: bo}\n+spec:\n+  email: bo@acme.example\n+  firstName: \"No\"\n+  lastName: O'Neil\n" +
				"+  access:\n+    - plot\n+    - {product: training, contract: zeta, from: 2026-11-22, until: 2026-11-23, reason: \"day: one\"}\n",
		},
		{
			name: "an address with a slash", user: User{Email: "../../b/o@acme.example", FirstName: "Bo", LastName: "Ek"}, wantFile: "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			file, err := tr.AddUser(tt.file, tt.user)
			if tt.wantFile == "" {
				if err == nil {
					t.Errorf("%s was written", file)
				}
				return
			}
			if err != nil || file != tt.wantFile {
				t.Fatalf("%q, %v, want %q", file, err, tt.wantFile)
			}
			if diff := cmp.Diff(tt.want, changed(tr.Changes())); diff != "" {
				t.Errorf("changed lines (-want +got):\n%s", diff)
			}
			if _, err := tr.Check(); err != nil {
				t.Errorf("the tree afterwards: %v", err)
			}
		})
	}
}

// DOMAIN.md rows 10 and 11: what spec refuses is refused here, in its words, and
// so is who is there already.
func TestRow10AddUserRefused(t *testing.T) {
	tests := []struct {
		name string
		file string
		user User
		want string
		hint string
	}{
		{"no e-mail", "", User{Name: "bo", FirstName: "Bo", LastName: "Ek"}, "User bo: email is empty", "give it a value, or leave the line out where it is optional"},
		{"no last name", "", User{Name: "bo", Email: "bo@acme.example", FirstName: "Bo"}, "User bo: lastName is empty", "give it a value, or leave the line out where it is optional"},
		{
			"a full-width digit (row 11)", "", User{Name: "bo", Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek２"},
			`User bo: lastName: "Ek２" has the digit "２", which is not an ASCII digit`, `write "Ek2"`,
		},
		{
			"a name that is taken", "", User{Name: "ada", Email: "other@acme.example", FirstName: "Ada", LastName: "Two"},
			"ada is declared already, at people/ada.yaml:3:1", "usher edit access changes what a declared person may use",
		},
		{
			"an e-mail that is taken, folded", "", User{Name: "bo", Email: "ADA@Acme.example", FirstName: "Ada", LastName: "Two"},
			"ADA@Acme.example is the e-mail of ada already, at people/ada.yaml:3:1", "usher edit access changes what a declared person may use",
		},
		{
			"outside", "../bo.yaml", User{Name: "bo", Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"},
			`"../bo.yaml" would not be read: ".." begins with a dot`, "a path below the directory of manifests that ends in .yaml or .yml",
		},
		{
			"no manifest", "bo.txt", User{Name: "bo", Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"},
			`"bo.txt" would not be read as a manifest`, "a path below the directory of manifests that ends in .yaml or .yml",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			_, err := tr.AddUser(tt.file, tt.user)
			if err == nil {
				t.Fatal("it was added")
			}
			var failed *Error
			var refused *RefusedError
			hint := ""
			if errors.As(err, &failed) {
				hint = failed.Hint
			} else if errors.As(err, &refused) {
				hint = refused.Hint()
			}
			if diff := cmp.Diff([]string{tt.want, tt.hint}, []string{err.Error(), hint}); diff != "" {
				t.Errorf("error and hint (-want +got):\n%s", diff)
			}
			if changes := tr.Changes(); changes != nil {
				t.Errorf("changed all the same:\n%s", changed(changes))
			}
		})
	}
}

// DOMAIN.md row 12: a pasted list, one entry a line.
func TestRow12AddUserList(t *testing.T) {
	tests := []struct {
		name   string
		pasted string
		want   string // below spec
	}{
		{"wrapped by a mail program", "bo@acme.example, Bo,\r\n  Ek; Ann Lee\tann@acme.example;\n", "+  users: |\n+    bo@acme.example, Bo, Ek;\n+    Ann Lee ann@acme.example;\n"},
		{"one", "Bo, Ek, bo@acme.example", "+  users: |\n+    Bo, Ek, bo@acme.example;\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			file, err := tr.AddUserList("", UserList{Name: "interns", Users: tt.pasted, Access: []Access{{Product: "plot", Span: spec.AllTime}}})
			if err != nil || file != "people/interns.yaml" {
				t.Fatal(file, err)
			}
			want := "+apiVersion: usher/v1\n+kind: UserList\n+metadata: {name: interns}\n+spec:\n" + tt.want + "+  access:\n+    - plot\n"
			if diff := cmp.Diff(want, changed(tr.Changes())); diff != "" {
				t.Errorf("changed lines (-want +got):\n%s", diff)
			}
			roster, err := tr.Check()
			if err != nil {
				t.Fatal(err)
			}
			if u := roster.User("bo@acme.example"); u == nil || u.FullName() != "Bo Ek" {
				t.Errorf("bo is %+v", u)
			}
		})
	}
	refused := []struct{ name, pasted, want string }{
		{"nobody", " \n", "UserList interns: users is empty"},
		{"lines without semicolons", "bo@acme.example, Bo, Ek\nann@acme.example, Ann, Lee", "more than one @; entries are separated by semicolons"},
		{"two semicolons", "bo@acme.example, Bo, Ek;; ann@acme.example, Ann, Lee", "empty: a semicolon with nothing before it"},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			_, err := tr.AddUserList("", UserList{Name: "interns", Users: tt.pasted})
			var e *RefusedError
			if !errors.As(err, &e) || !errorsSay(e.Errors, tt.want) {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if changes := tr.Changes(); changes != nil {
				t.Errorf("changed all the same:\n%s", changed(changes))
			}
		})
	}
}

func errorsSay(errs spec.Errors, want string) bool {
	for _, e := range errs {
		if e.Message() == want || len(e.Reason) >= len(want) && e.Reason[len(e.Reason)-len(want):] == want {
			return true
		}
	}
	return false
}

// TestRemove: a document goes with its comments, and nothing of the others.
func TestRemove(t *testing.T) {
	const a = "apiVersion: usher/v1\nkind: User\nmetadata: {name: a}\nspec: {email: a@x.example, firstName: A, lastName: A}\n"
	const b = "apiVersion: usher/v1\nkind: User\nspec: {email: b@x.example, firstName: B, lastName: B}   # b\n"
	const c = "{apiVersion: usher/v1, kind: User, metadata: {name: c}, spec: {email: c@x.example, firstName: C, lastName: C}}\n"
	tests := []struct{ name, remove, before, after string }{
		{"the first", "a", "# the file\n\n# a\n" + a + "# a's\n---\n# b\n" + b, "# the file\n\n# b\n" + b},
		{"the first, on its separator the next", "a", a + "--- # of b\n" + b, "--- # of b\n" + b},
		{"the first, after a separator", "a", "# the file\n---\n" + a + "---\n" + b, "# the file\n---\n" + b},
		{"the middle", "b@x.example", a + "\n---\n# b\n" + b + "\n--- " + c, a + "\n--- " + c},
		{"the last", "c", a + "---\n" + b + "--- " + c + "# end", a + "---\n" + b},
		{"with ends of documents", "b@x.example", a + "...\n---\n# b\n" + b + "...\n---\n" + c, a + "...\n---\n" + c},
		{"the first, with its end", "a", "# the file\n\n" + a + "...\n---\n" + c, "# the file\n\n---\n" + c},
		{"the only one", "a", "# the file\n\n" + a, ""},
		{"with carriage returns", "a", "\xef\xbb\xbf" + crlf(a+"---\n"+b), "\xef\xbb\xbf" + crlf(b)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr, err := Open(map[string][]byte{"f.yaml": []byte(tt.before)}, today)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Remove("User", tt.remove); err != nil {
				t.Fatal(err)
			}
			changes := tr.Changes()
			if len(changes) != 1 || (changes[0].After == nil) != (tt.after == "") {
				t.Fatalf("changes: %+v", changes)
			}
			if diff := cmp.Diff(tt.after, string(changes[0].After)); diff != "" {
				t.Errorf("file (-want +got):\n%s", diff)
			}
			if err := tr.Remove("User", tt.remove); !errors.Is(err, ErrUnknown) {
				t.Errorf("removed twice: %v", err)
			}
		})
	}
}
