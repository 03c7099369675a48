package main

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// module is the path that every package of ours begins with.
const module = "usher"

// mayImport is the house: which of our packages may import which. What is not
// in it is not allowed, a package without a row included. So facts flow one way:
// what is wanted and what is true know nothing of each other's makers, and
// nothing below the command knows how it is shown.
//
// Tests are held to it too, with two allowances. They may import whatever lies
// below what their package imports, because its functions speak in those words.
// And they alone may import test kits: packages whose last element ends in
// "test", each with a row of its own.
var mayImport = map[string][]string{
	"spec":                         {},
	"spec/edit":                    {"spec"},
	"spec/convert":                 {"spec"},
	"state":                        {"spec"},
	"state/mail":                   {"state"},
	"reconciler":                   {"spec", "state"},
	"reconciler/source":            {"reconciler", "spec"},
	"reconciler/notice":            {"reconciler", "spec", "state"},
	"reconciler/render":            {"reconciler", "spec", "state"},
	"cmd/usher/portal/browsertest": {},
	"cmd/usher/portal": {
		"spec", "spec/edit", "spec/convert", "state", "state/mail",
		"reconciler", "reconciler/source", "reconciler/notice", "reconciler/render",
	},
	"cmd/usher": {
		"spec", "spec/edit", "spec/convert", "state", "state/mail",
		"reconciler", "reconciler/source", "reconciler/notice", "reconciler/render",
		"cmd/usher/portal",
	},
	"examples/generate": {},
}

// fileImports is what one Go file of ours imports of ours, packages named below
// the module.
type fileImports struct {
	file    string // slash-separated, below the top of the tree
	imports []string
}

// strays returns one line for each import, and each package, that the table does
// not allow, sorted.
func strays(table map[string][]string, files []fileImports) []string {
	var found []string
	for _, f := range files {
		from := path.Dir(f.file)
		allowed, known := table[from]
		if !known {
			found = append(found, fmt.Sprintf("%s: package %s is not in the table", f.file, from))
			continue
		}
		test := strings.HasSuffix(f.file, "_test.go")
		for _, to := range f.imports {
			fine := slices.Contains(allowed, to)
			if test && !fine {
				fine = to == from || strings.HasSuffix(to, "test") || reaches(table, from, to)
			}
			if !fine {
				found = append(found, fmt.Sprintf("%s: %s may not import %s", f.file, from, to))
			}
		}
	}
	slices.Sort(found)
	return found
}

// reaches reports whether one package may come to import another, by way of
// others or not.
func reaches(table map[string][]string, from, to string) bool {
	seen := map[string]bool{}
	next := slices.Clone(table[from])
	for len(next) > 0 {
		name := next[0]
		next = next[1:]
		if name == to {
			return true
		}
		if !seen[name] {
			seen[name] = true
			next = append(next, table[name]...)
		}
	}
	return false
}

// ourImports reads every Go file below top, except what the go command ignores.
func ourImports(top string) ([]fileImports, error) {
	var files []fileImports
	err := fs.WalkDir(os.DirFS(top), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && ignoredFolder(name):
			return fs.SkipDir
		case d.IsDir() || path.Ext(name) != ".go":
			return nil
		}
		f, err := importsOf(top, name)
		files = append(files, f)
		return err
	})
	return files, err
}

func ignoredFolder(name string) bool {
	base := path.Base(name)
	return name != "." && (base == "testdata" || base[0] == '.' || base[0] == '_')
}

func importsOf(top, name string) (fileImports, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(top, filepath.FromSlash(name)), nil, parser.ImportsOnly)
	if err != nil {
		return fileImports{}, err
	}
	f := fileImports{file: name}
	for _, spec := range parsed.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fileImports{}, fmt.Errorf("%s: %w", name, err)
		}
		if ours, ok := strings.CutPrefix(imported, module+"/"); ok {
			f.imports = append(f.imports, ours)
		}
	}
	return f, nil
}

func TestImportsFollowTheTable(t *testing.T) {
	files, err := ourImports(filepath.Join("..", ".."))
	if err != nil {
		t.Fatalf("reading the tree: %v", err)
	}
	if !slices.ContainsFunc(files, func(f fileImports) bool { return f.file == "spec/spec.go" }) {
		t.Fatalf("spec/spec.go is not among the %d files read; is ../.. still the top of the tree?", len(files))
	}
	for _, stray := range strays(mayImport, files) {
		t.Error(stray)
	}
}

// Every package that the table mentions has a row, and none can reach itself:
// otherwise "below" would mean nothing.
func TestImportTableHasOneDirection(t *testing.T) {
	for name, imports := range mayImport {
		if reaches(mayImport, name, name) {
			t.Errorf("%s can come to import itself", name)
		}
		for _, to := range imports {
			if _, known := mayImport[to]; !known {
				t.Errorf("%s may import %s, which has no row", name, to)
			}
		}
	}
	if circle := map[string][]string{"a": {"b"}, "b": {"c"}, "c": {"b"}}; !reaches(circle, "b", "b") || reaches(circle, "a", "a") {
		t.Error("a circle is not seen, or one is seen where there is none")
	}
}

func TestStraysAreFound(t *testing.T) {
	tests := []struct {
		name string
		file fileImports
		want []string
	}{
		{
			name: "allowed",
			file: fileImports{"reconciler/plan.go", []string{"spec", "state"}},
		},
		{
			name: "against the flow",
			file: fileImports{"spec/parse.go", []string{"state"}},
			want: []string{"spec/parse.go: spec may not import state"},
		},
		{
			name: "one of two",
			file: fileImports{"state/mail/smtp.go", []string{"state", "reconciler"}},
			want: []string{"state/mail/smtp.go: state/mail may not import reconciler"},
		},
		{
			name: "a package nobody has placed",
			file: fileImports{"spec/util/strings.go", nil},
			want: []string{"spec/util/strings.go: package spec/util is not in the table"},
		},
		{
			name: "a Go file at the top",
			file: fileImports{"tools.go", nil},
			want: []string{"tools.go: package . is not in the table"},
		},
		{
			name: "an external test of its own package",
			file: fileImports{"state/db_test.go", []string{"state", "spec"}},
		},
		{
			name: "a test with what lies below its imports",
			file: fileImports{"state/mail/drain_test.go", []string{"spec"}},
		},
		{
			name: "the same in the product",
			file: fileImports{"state/mail/drain.go", []string{"spec"}},
			want: []string{"state/mail/drain.go: state/mail may not import spec"},
		},
		{
			name: "a test held to the table",
			file: fileImports{"state/db_test.go", []string{"reconciler"}},
			want: []string{"state/db_test.go: state may not import reconciler"},
		},
		{
			name: "a test with a test kit",
			file: fileImports{"reconciler/apply_test.go", []string{"state/statetest"}},
		},
		{
			name: "a test kit in the product",
			file: fileImports{"reconciler/apply.go", []string{"state/statetest"}},
			want: []string{"reconciler/apply.go: reconciler may not import state/statetest"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := strays(mayImport, []fileImports{tt.file})
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("strays (-want +got):\n%s", diff)
			}
		})
	}
}
