package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// compiledAtStart lists what a file compiles before main begins: regular expressions
// and templates that are variables of the package. Every command would pay for them,
// most of which never use them.
func compiledAtStart(file string, src any) ([]string, error) {
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, src, 0)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, d := range parsed.Decls {
		vars, ok := d.(*ast.GenDecl)
		if !ok || vars.Tok != token.VAR {
			continue
		}
		ast.Inspect(vars, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && compiles(call) {
				found = append(found, set.Position(call.Pos()).String())
			}
			_, later := n.(*ast.FuncLit)
			return !later
		})
	}
	return found, nil
}

// compiles reports whether a call is regexp.MustCompile or template.Must.
func compiles(call *ast.CallExpr) bool {
	name, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := name.X.(*ast.Ident)
	return ok && (from.Name == "regexp" && strings.HasPrefix(name.Sel.Name, "MustCompile") || from.Name == "template" && name.Sel.Name == "Must")
}

func TestNothingIsCompiledBeforeItIsNeeded(t *testing.T) {
	top := filepath.Join("..", "..")
	files, err := ourImports(top)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.file, "_test.go") {
			continue
		}
		found, err := compiledAtStart(filepath.Join(top, filepath.FromSlash(f.file)), nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, place := range found {
			t.Errorf("%s: compiled when the program starts; sync.OnceValue compiles it when it is needed", place)
		}
	}
}

func TestCompiledAtStartIsFound(t *testing.T) {
	const src = `package p
var a = regexp.MustCompile("a")
var (
	b = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile("b") })
	c = []*regexp.Regexp{regexp.MustCompilePOSIX("c")}
	d = template.Must(template.New("d").Parse(""))
)
func e() { regexp.MustCompile("e") }
`
	got, err := compiledAtStart("p.go", src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"p.go:2:9", "p.go:5:23", "p.go:6:6"}, got); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
}
