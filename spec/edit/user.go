package edit

import (
	"cmp"
	"path"
	"strings"

	"usher/spec"
)

// User is a person to be declared. What it may say is what spec accepts.
type User struct {
	Name                       string // metadata.name; "": the folded e-mail
	Email, FirstName, LastName string
	Access                     []Access
}

// AddUser declares a person (DOMAIN.md row 9) in a document at the end of a file
// and returns the file. Without one it is named after the person and lies where
// most people's do. A name or e-mail that somebody has already is ErrDeclared.
func (t *Tree) AddUser(file string, u User) (string, error) {
	key := cmp.Or(u.Name, spec.FoldEmail(u.Email))
	if err := t.free(key, u.Email); err != nil {
		return "", err
	}
	file = cmp.Or(file, t.place(key))
	lines := header("User", u.Name)
	for _, f := range []struct{ name, value string }{
		{"email", u.Email}, {"firstName", u.FirstName}, {"lastName", u.LastName},
	} {
		lines = append(lines, "  "+f.name+": "+Text(f.value).written(0))
	}
	if err := t.append(file, append(lines, accessLines(u.Access)...)); err != nil {
		return "", err
	}
	t.homes[home{"User", key}] = file
	return file, nil
}

// free reports a name or e-mail that is taken.
func (t *Tree) free(name, email string) error {
	const hint = "usher edit access changes what a declared person may use"
	folded := spec.FoldEmail(email)
	for i := range t.roster.Users {
		u := &t.roster.Users[i]
		_, there := t.homes[home{"User", u.Name}]
		switch {
		case !there:
		case u.Name == name:
			return fail(ErrDeclared, hint, "%s is declared already, at %s", name, u.Origin)
		case u.EmailKey == folded:
			return fail(ErrDeclared, hint, "%s is the e-mail of %s already, at %s", email, u.Name, u.Origin)
		}
	}
	if file, taken := t.homes[home{"User", name}]; taken {
		return fail(ErrDeclared, hint, "%s is declared already, in %s", name, file)
	}
	return nil
}

// header is how a document begins.
func header(kind, name string) []string {
	lines := []string{"apiVersion: " + spec.APIVersion, "kind: " + kind}
	if name != "" {
		lines = append(lines, "metadata: {name: "+Text(name).written(0)+"}")
	}
	return append(lines, "spec:")
}

func accessLines(access []Access) []string {
	if len(access) == 0 {
		return nil
	}
	lines := []string{"  access:"}
	for _, a := range access {
		lines = append(lines, "    - "+a.item(-1).written(false))
	}
	return lines
}

// place is the file for a new document: named after it, in the directory in
// which most people are declared; of several, any rather than the top.
func (t *Tree) place(name string) string {
	people := map[string]int{}
	best := ""
	for i := range t.roster.Users {
		dir := path.Dir(t.roster.Users[i].Origin.File)
		people[dir]++
		if n := people[dir] - people[best]; best == "" || n > 0 || n == 0 && dir > best {
			best = dir
		}
	}
	file := strings.TrimLeft(strings.ReplaceAll(name, "/", "-"), ".") // or it would lie elsewhere, or not be read
	return path.Join(cmp.Or(best, "people"), cmp.Or(file, "unnamed")+".yaml")
}
