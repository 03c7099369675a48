package edit

import (
	"cmp"
	"strings"
	"unicode"
)

// UserList is people to be declared in bulk (DOMAIN.md row 12).
type UserList struct {
	Name   string // metadata.name
	Users  string // as pasted: entries separated by semicolons
	Access []Access
}

// AddUserList declares a list of people in a document at the end of a file and
// returns the file; see [Tree.AddUser]. Each entry stands on a line of its own.
func (t *Tree) AddUserList(file string, l UserList) (string, error) {
	file = cmp.Or(file, t.place(l.Name))
	lines := append(header("UserList", l.Name), usersLines(entries(l.Users))...)
	if err := t.append(file, append(lines, accessLines(l.Access)...)); err != nil {
		return "", err
	}
	return file, nil
}

// entries splits what was pasted. A line break within an entry is where a mail
// program wrapped it, so it is a space; an empty entry stays, for spec to refuse,
// but at the end.
func entries(pasted string) []string {
	var all []string
	for entry := range strings.SplitSeq(strings.ReplaceAll(pasted, "\r\n", "\n"), ";") {
		words := strings.FieldsFunc(entry, func(r rune) bool { return r == ' ' || r == '\n' || r == '\t' })
		all = append(all, strings.Join(words, " "))
	}
	if last := len(all) - 1; all[last] == "" {
		all = all[:last]
	}
	return all
}

func usersLines(entries []string) []string {
	if !blockSafe(entries) {
		return []string{"  users: " + doubleQuoted(strings.Join(entries, "; "))}
	}
	lines := []string{"  users: |"}
	for _, e := range entries {
		lines = append(lines, "    "+e+";")
	}
	return lines
}

// blockSafe reports whether lines can stand in a block scalar, which has no
// escapes; one that has nothing in it would lose its first lines.
func blockSafe(lines []string) bool {
	for _, line := range lines {
		if line == "" || strings.ContainsFunc(line, unicode.IsControl) {
			return false
		}
	}
	return len(lines) > 0
}
