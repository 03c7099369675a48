package spec

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"
)

var schema = sync.OnceValue(func() *jsonschema.Schema {
	text, err := Schema()
	if err != nil {
		panic(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("usher.json", value); err != nil {
		panic(err)
	}
	return compiler.MustCompile("usher.json")
})

// asJSON is a document as an editor hands it to a schema: what looks like a day is a
// string to it.
func asJSON(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		object := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			object[n.Content[i].Value] = asJSON(n.Content[i+1])
		}
		return object
	case yaml.SequenceNode:
		list := []any{}
		for _, item := range n.Content {
			list = append(list, asJSON(item))
		}
		return list
	}
	switch n.Tag {
	case "!!bool":
		return n.Value == "true"
	case "!!null":
		return nil
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return n.Value
}

// documents reads the documents of a file, as far as it is YAML.
func documents(data []byte) []*yaml.Node {
	var all []*yaml.Node
	for d := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var n yaml.Node
		if err := d.Decode(&n); err != nil {
			return all
		}
		if root := n.Content[0]; !isNull(root) {
			all = append(all, root)
		}
	}
}

// checkSchema fails where the schema refuses a file that is parsed without an error.
func checkSchema(t failer, data []byte) {
	_, shared := Parse("f.yaml", data)
	_, private := ParsePrivate("f.yaml", data)
	if len(shared) > 0 && len(private) > 0 {
		return
	}
	for _, document := range documents(data) {
		if err := schema().Validate(asJSON(document)); err != nil {
			t.Fatalf("the schema refuses what is parsed: %v\n%s", err, data)
		}
	}
}

func TestSchemaAcceptsTheExamples(t *testing.T) {
	files := 0
	err := filepath.WalkDir("../examples", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if bytes.Contains(data, []byte("apiVersion: "+APIVersion)) {
			checkSchema(t, data)
			files++
		}
		return err
	})
	if err != nil || files < 10 {
		t.Errorf("%d files of manifests, %v", files, err)
	}
}

func TestSchemaAcceptsWhatIsParsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for _, document := range drawDocuments(t) {
			checkSchema(t, []byte(document))
		}
	})
}

// The laxer judge: what it refuses is refused by Parse.
func TestSchemaRefusesNothingElse(t *testing.T) {
	refused := 0
	files, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			checkSchema(t, f.Data)
			for _, document := range documents(f.Data) {
				if schema().Validate(asJSON(document)) != nil {
					refused++
				}
			}
		}
	}
	if refused < 30 {
		t.Errorf("of the bad files the schema refuses %d documents", refused)
	}
}

func TestSchemaRefuses(t *testing.T) {
	const head = "apiVersion: usher/v1\n"
	const ada = "spec: {email: a@b.example, firstName: A, lastName: B"
	tests := []struct{ name, document string }{
		{"no kind", head + "spec: {}"},
		{"an unknown kind", head + "kind: Usr\nspec: {}"},
		{"another version", "apiVersion: usher/v2\nkind: Product\nmetadata: {name: a}"},
		{"an unknown field", head + "kind: User\n" + ada + ", fistName: A}"},
		{"a field that is missing", head + "kind: User\nspec: {email: a@b.example, firstName: A}"},
		{"a name that is missing", head + "kind: Team\nspec: {}"},
		{"an empty name", head + "kind: Product\nmetadata: {name: ''}"},
		{"a number for a text", head + "kind: User\nspec: {email: a@b.example, firstName: 1, lastName: B}"},
		{"a text for a number", head + "kind: User\n" + ada + ", invitation: {generation: two}}"},
		{"a number that is too small", head + "kind: User\n" + ada + ", invitation: {generation: 0}}"},
		{"a text for a list", head + "kind: User\n" + ada + ", access: cad}"},
		{"a list in a list", head + "kind: User\n" + ada + ", access: [[cad]]}"},
		{"access to nothing", head + "kind: User\n" + ada + ", access: [{from: 2027-01-01}]}"},
		{"no day", head + "kind: User\n" + ada + ", access: [{product: cad, from: soon}]}"},
		{"nobody", head + "kind: Contract\nmetadata: {name: c}\nspec: {contractManager: ada, softwareCoordinators: []}"},
		{"an unknown type", head + "kind: Product\nmetadata: {name: a}\nspec: {type: thing}"},
		{"null", head + "kind: Product\nmetadata: {name: a}\nspec:"},
		{"a text that is too long", head + "kind: Product\nmetadata: {name: a}\nspec: {title: " + strings.Repeat("a", 201) + "}"},
		{"a name with a capital", head + "kind: Product\nmetadata: {name: Cad}"},
		{"no address", head + "kind: User\nspec: {email: ada, firstName: A, lastName: B}"},
		{"no such month", head + "kind: User\n" + ada + ", access: [{product: cad, from: 2026-13-01}]}"},
		{"another protocol", head + "kind: Product\nmetadata: {name: a}\nspec: {downloads: [{title: A, url: 'http://a.example'}]}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			document := documents([]byte(tt.document))[0]
			if schema().Validate(asJSON(document)) == nil {
				t.Errorf("the schema accepts\n%s", tt.document)
			}
			if _, errs := Parse("f.yaml", []byte(tt.document)); len(errs) == 0 {
				t.Errorf("Parse accepts\n%s", tt.document)
			}
		})
	}
}

func FuzzSchema(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) { checkSchema(t, data) })
}

// Every field says what it means, and stands on the page about manifests.
func TestEveryFieldIsExplained(t *testing.T) {
	page, err := os.ReadFile("../cmd/usher/topics/manifests.md")
	if err != nil {
		t.Fatal(err)
	}
	var check func(f Field)
	check = func(f Field) {
		if f.Doc == "" || f.Type == "" {
			t.Errorf("%s says %q and is a %q", f.Path, f.Doc, f.Type)
		}
		if !bytes.Contains(page, []byte(f.Name())) {
			t.Errorf("usher help manifests says nothing of %s", f.Path)
		}
		for _, below := range f.Fields {
			check(below)
		}
	}
	for _, kind := range Kinds() {
		check(kind)
	}
}

func TestExplain(t *testing.T) {
	for path, want := range map[string]string{
		"User":                  "User manifest",
		"users":                 "User manifest",
		"contract.spec":         "Contract.spec mapping",
		"contract.products":     "Contract.spec.products list of mappings",
		"user.spec.access.from": "User.spec.access.from day",
		"USER.firstname":        "User.spec.firstName string",
		"user.metadata.name":    "User.metadata.name string",
		"user.signingKeys":      "User.spec.signingKeys list of strings",
		"contract.cloudcredits": "Contract.spec.cloudCredits mapping",
	} {
		f, err := Explain(path)
		if got := f.Path + " " + f.Type; err != nil || got != want {
			t.Errorf("Explain(%q): %q, %v; want %q", path, got, err, want)
		}
	}
	for path, near := range map[string]string{
		"usr": "User", "user.fistName": "firstName", "user.spec.emial": "email", "user.spec.email.at": "", "": "", "user.": "",
	} {
		_, err := Explain(path)
		unknown := (*UnknownFieldError)(nil)
		if !errors.As(err, &unknown) || unknown.Near != near {
			t.Errorf("Explain(%q): %v; want one near %q", path, err, near)
		}
	}
}
