package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// together puts what parts hold into one file.
func together(path string, parts []Part) *File {
	whole := &File{Path: path}
	for _, p := range parts {
		f := p.File
		whole.users = append(whole.users, f.users...)
		whole.lists = append(whole.lists, f.lists...)
		whole.teams = append(whole.teams, f.teams...)
		whole.products = append(whole.products, f.products...)
		whole.contracts = append(whole.contracts, f.contracts...)
		whole.partial, whole.flawed = whole.partial || f.partial, whole.flawed || f.flawed
	}
	return whole
}

// snippets make files in which hyphens stand wherever they can.
var snippets = []string{
	userYAML("ada"), userYAML("bo", "access: [autocad]"), teamYAML("t", "members: [ada]"), productYAML("autocad"),
	contractYAML("acme", "ada", "products: [{name: autocad}]"),
	"apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec:\n  users: |\n    é@acme.example, É, Ek;\n    --- b@acme.example, B, Ek;\n",
	"apiVersion: usher/v1\nkind: UserList\nmetadata: {name: m}\nspec:\n  users: >-\n    c@acme.example, C, Ek;\n\n    d@acme.example, D, Ek\n",
	"apiVersion: usher/v1\nkind: Product\nmetadata: {name: dashes}\nspec:\n  title: \"a\n---- b\"\n",
	"---\n", "--- \n", "---\r\n", "---", "----\n", "--- # why\n", "---\t\n", "...\n", "# ---\n", "\n", " ---\n", "\"", "'", "{", "}", "a: |\n", "a: |+\n  x\n\n", "- ---\n", "? ", "[\n", "]\n", "%YAML 1.2\n", "--- {kind: User}\n", "\xef\xbb\xbf",
}

// TestPartsEqualWhole: a file says the same at the same places however it is read,
// also where some of its parts were read before.
func TestPartsEqualWhole(t *testing.T) {
	valid, kept := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		var known []Part
		text := ""
		for range 2 {
			text += strings.Join(rapid.SliceOfN(rapid.SampledFrom(snippets), 0, 5).Draw(t, "snippets"), "")
			want, wantErrs := Parse("f.yaml", []byte(text))
			parts, errs := ParseParts("f.yaml", []byte(text), known)
			if diff := cmp.Diff(wantErrs, errs); diff != "" {
				t.Fatalf("errors in parts (-whole +parts):\n%s\n%q", diff, text)
			}
			if diff := cmp.Diff(want, together("f.yaml", parts), everyField); diff != "" {
				t.Fatalf("in parts (-whole +parts):\n%s\n%q", diff, text)
			}
			for i := range parts {
				if was := partAt(known, parts[i].Above); was != nil && was.File == parts[i].File {
					kept++
				}
			}
			if known = parts; len(errs) == 0 {
				valid++
			}
		}
	})
	if valid == 0 || kept == 0 {
		t.Errorf("%d files were valid, %d parts kept", valid, kept)
	}
}

// TestPartsAlone: a part is valid or not by itself, so that a file of valid parts
// is valid.
func TestPartsAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(snippets), 0, 8).Draw(t, "snippets"), "")
		_, whole := Parse("f.yaml", []byte(text))
		flawed := false
		for _, p := range takeApart([]byte(text)) {
			_, errs := parse("f.yaml", p.Above, p.data, sharedKinds)
			flawed = flawed || len(errs) > 0
		}
		if flawed != (len(whole) > 0) {
			t.Fatalf("a part is flawed: %v, the whole:\n%v\n%q", flawed, whole, text)
		}
	})
}

var everyField = cmp.AllowUnexported(File{}, userManifest{}, userListManifest{}, teamManifest{}, productManifest{}, contractManifest{})
