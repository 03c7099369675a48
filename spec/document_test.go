package spec

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// inParts parses a file part by part and puts what they hold together.
func inParts(path string, data []byte) (*File, Errors) {
	whole := &File{Path: path}
	var all Errors
	for _, d := range Documents(data) {
		f, errs := ParseDocument(path, d)
		all = append(all, errs...)
		whole.users = append(whole.users, f.users...)
		whole.lists = append(whole.lists, f.lists...)
		whole.teams = append(whole.teams, f.teams...)
		whole.products = append(whole.products, f.products...)
		whole.contracts = append(whole.contracts, f.contracts...)
		whole.partial, whole.flawed = whole.partial || f.partial, whole.flawed || f.flawed
	}
	return whole, all.Sort()
}

// snippets make files in which hyphens stand wherever they can.
var snippets = []string{
	userYAML("ada"), userYAML("bo", "access: [autocad]"), teamYAML("t", "members: [ada]"), productYAML("autocad"),
	contractYAML("acme", "ada", "products: [{name: autocad}]"),
	"apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec:\n  users: |\n    é@acme.example, É, Ek;\n    --- b@acme.example, B, Ek;\n",
	"apiVersion: usher/v1\nkind: UserList\nmetadata: {name: m}\nspec:\n  users: >-\n    c@acme.example, C, Ek;\n\n    d@acme.example, D, Ek\n",
	"---\n", "--- \n", "---\r\n", "---", "----\n", "--- # why\n", "---\t\n", "...\n", "# ---\n", "\n", " ---\n", "\"", "'", "{", "}", "a: |\n", "a: |+\n  x\n\n", "- ---\n", "? ", "[\n", "]\n", "%YAML 1.2\n", "--- {kind: User}\n", "\xef\xbb\xbf",
}

// TestPartsEqualWhole: where every part of a file is valid, so is the file, and
// says the same at the same places; where one is not, neither is the file.
func TestPartsEqualWhole(t *testing.T) {
	valid := 0
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(snippets), 0, 8).Draw(t, "snippets"), "")
		want, wantErrs := Parse("f.yaml", []byte(text))
		got, gotErrs := inParts("f.yaml", []byte(text))
		if (len(wantErrs) == 0) != (len(gotErrs) == 0) {
			t.Fatalf("errors of the whole\n%v\nof its parts\n%v\n%q", wantErrs, gotErrs, text)
		}
		if len(wantErrs) > 0 {
			return
		}
		valid++
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(File{}, userManifest{}, userListManifest{}, teamManifest{}, productManifest{}, contractManifest{})); diff != "" {
			t.Fatalf("in parts (-whole +parts):\n%s\n%q", diff, text)
		}
	})
	if valid == 0 {
		t.Error("no file was valid")
	}
}
