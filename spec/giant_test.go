package spec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// TestGiants feeds what is too large or too deep to keep as fixtures. Each is
// refused with one clear error, or read, and none takes long: the inputs are
// those in which yaml.v3, or we, could be slower than linear.
func TestGiants(t *testing.T) {
	fill := func(unit string) string { return strings.Repeat(unit, (1<<20)/len(unit)) }
	const header = "apiVersion: usher/v1\nkind: Team\nmetadata: {name: a}\n"
	tests := map[string]struct{ input, want string }{
		"a scalar of 10 MB": {
			strings.Repeat("a", 10_000_000),
			"giant.yaml: the file has 10000000 bytes, more than the 4194304 that one file may have",
		},
		"a scalar of 64 KiB and one": {
			header + "spec: {members: [" + strings.Repeat("a", MaxScalarSize+1) + "]}\n",
			"giant.yaml:4:18: Team a: a value of 65537 bytes, more than 65536",
		},
		"a key of 64 KiB and one": {
			header + "? " + strings.Repeat("a", MaxScalarSize+1) + "\n: b\n",
			"giant.yaml:4:3: Team a: a value of 65537 bytes, more than 65536",
		},
		"20,000 keys": {
			header + "spec:\n" + numbered(20_000, "  key%d: 1\n"),
			"giant.yaml:5:3: Team a: a mapping with 20000 keys, more than 1000",
		},
		"20,000 times one key": {
			header + "spec:\n" + strings.Repeat("  a: 1\n", 20_000),
			"giant.yaml:5:3: Team a: a mapping with 20000 keys, more than 1000",
		},
		"depth 10,001 in brackets": {
			strings.Repeat("[", 10_001),
			"giant.yaml:1:10001: not valid YAML: exceeded max depth of 10000",
		},
		"depth 10,000 in braces, cut": {
			strings.Repeat("{a: ", 10_000),
			"giant.yaml:1:1311: not valid YAML: did not find expected node content",
		},
		"depth 9,000 in brackets": {
			strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
			"giant.yaml:1:17: nested more than 16 levels deep",
		},
		"depth 10,001 in dashes": {
			strings.Repeat("- ", 10_001) + "a\n",
			"giant.yaml:1:20001: not valid YAML: exceeded max depth of 10000",
		},
		"%TAG directives": {
			numbered(100_000, "%%TAG !a%d! b\n"),
			"giant.yaml:1:1: directives (lines that begin with %) are not allowed",
		},
		"an alias bomb of nine levels": {
			"a: &a [x,x,x,x,x,x,x,x,x]\n" + bomb("bcdefghi"),
			"giant.yaml:1:4: anchors (&a) are not allowed",
		},
		"two million members": {
			header + "spec: {members: [" + strings.Repeat("a,", 2_000_000) + "]}\n",
			"giant.yaml: the file has 2000004 lines and commas, more than the 500000 that one file may have",
		},
		"members":              {header + "spec: {members: [" + fill("a2345678,") + "]}\n", ""},
		"comments":             {fill("# a234567\n"), ""},
		"comments after items": {header + "spec:\n  members:\n" + fill("  - a # b\n\n"), ""},
		"empty documents":      {fill("---\n"), ""},
		"question marks":       {fill("? a\n"), "giant.yaml:1:1: a mapping with 262144 keys, more than 1000"},
		"unknown fields":       {header + "spec:\n  access:\n" + fill("    - {x: 1}\n"), "giant.yaml:6:8: Team a: unknown field \"x\""},
		"lists of escapes": {
			fill("apiVersion: usher/v1\nkind: UserList\nmetadata: {name: a}\nspec: {users: \"\\x61,b,c\"}\n---\n"),
			`giant.yaml:4:15: UserList a: entry 1, "a,b,c": there is no e-mail at its beginning or end`,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, errs := Parse("giant.yaml", []byte(tt.input))
			if took := time.Since(began); took > slow {
				t.Errorf("took %v", took)
			}
			got := ""
			if len(errs) > 0 {
				got = errs[0].Error()
			}
			if got != tt.want {
				t.Errorf("first error\n got %s\nwant %s", got, tt.want)
			}
		})
	}
}

// slow is more time than any file may take, on a busy machine and with the race
// detector.
const slow = 20 * time.Second

func numbered(n int, format string) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func bomb(names string) string {
	var b strings.Builder
	for i, name := range names {
		before := string(rune('a' + i))
		fmt.Fprintf(&b, "%c: &%c [%s]\n", name, name, strings.TrimSuffix(strings.Repeat("*"+before+",", 9), ","))
	}
	return b.String()
}

// TestManyUnknownNames shows that a directory gone missing, with every
// reference into it, is reported at once.
func TestManyUnknownNames(t *testing.T) {
	const people, lost = 5_000, 20_000
	var users strings.Builder
	for i := range people {
		users.WriteString(userYAML(fmt.Sprintf("person-%d", i)))
	}
	team := "apiVersion: usher/v1\nkind: Team\nmetadata: {name: all}\nspec:\n  members:\n" + numbered(lost, "    - persona-%d\n")
	files := []*File{parsed(t, "users.yaml", users.String()), parsed(t, "team.yaml", team)}
	began := time.Now()
	_, errs := Resolve(files, today)
	if took := time.Since(began); took > slow {
		t.Errorf("took %v", took)
	}
	if len(errs) != lost {
		t.Errorf("%d errors, want %d", len(errs), lost)
	}
	if got, want := errs[0].Hint, "did you mean person-0?"; got != want {
		t.Errorf("hint of the first: %q, want %q", got, want)
	}
}

// TestManyTeamCycles resolves two hundred teams that are all part of each other.
func TestManyTeamCycles(t *testing.T) {
	const teams = 200
	var b strings.Builder
	for i := range teams {
		fmt.Fprintf(&b, "---\napiVersion: usher/v1\nkind: Team\nmetadata: {name: t%d}\nspec:\n  teams: [%s]\n", i, strings.TrimSuffix(numbered(teams, "t%d,"), ","))
	}
	_, errs := Resolve([]*File{parsed(t, "teams.yaml", b.String())}, today)
	if len(errs) != teams {
		t.Errorf("%d errors, want one a team, %d", len(errs), teams)
	}
}

// parsed parses a file that must be right.
func parsed(t testing.TB, path, data string) *File {
	t.Helper()
	f, errs := Parse(path, []byte(data))
	if errs != nil {
		t.Fatalf("parsing %s:\n%v", path, errs)
	}
	return f
}

// resolved resolves a tree that must be right.
func resolved(t testing.TB, tree map[string]string) *Roster {
	t.Helper()
	var files []*File
	for path, data := range tree {
		files = append(files, parsed(t, path, data))
	}
	roster, errs := Resolve(files, today)
	if errs != nil {
		t.Fatalf("resolving:\n%v", errs)
	}
	return roster
}

// userYAML is a document that declares a person; more are lines of its spec.
func userYAML(name string, more ...string) string {
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: F\n  lastName: L\n%s",
		name, name, lines(more))
}

func productYAML(name string) string {
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: Product\nmetadata: {name: %s}\n", name)
}

func contractYAML(name, manager string, more ...string) string {
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: Contract\nmetadata: {name: %s}\nspec:\n  contractManager: %s\n%s", name, manager, lines(more))
}

func teamYAML(name string, more ...string) string {
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: Team\nmetadata: {name: %s}\nspec:\n%s", name, lines(more))
}

func lines(more []string) string {
	var b strings.Builder
	for _, line := range more {
		b.WriteString("  " + line + "\n")
	}
	return b.String()
}
