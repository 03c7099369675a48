package spec

import (
	"errors"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// TestPanicIsTheFilesError: whatever panics while a file is read becomes an
// error with a hint.
func TestPanicIsTheFilesError(t *testing.T) {
	err := eachDocument([]byte("a: b\n"), func(*yaml.Node) { panic("planted") })
	if !errors.Is(err, errParser) {
		t.Fatalf("error %v, want %v", err, errParser)
	}
	d := &decoder{file: &File{Path: "a.yaml"}, data: []byte("a: b\n")}
	d.syntax(err)
	if got, want := d.errs[0].Error(), "a.yaml:1:4: not valid YAML: the parser gave up"; got != want {
		t.Errorf("error %q, want %q", got, want)
	}
	if d.errs[0].Hint == "" {
		t.Error("no hint")
	}
}

// TestSyntaxErrorInALargeFile: where searching would take long, the line that
// the parser names is good enough.
func TestSyntaxErrorInALargeFile(t *testing.T) {
	large := strings.Repeat("# a comment\n", maxSearched/12+1)
	tests := map[string]string{
		large + "kind: x: y\n": "a.yaml:10924:1: not valid YAML: mapping values are not allowed in this context",
		"kind: x: y\n" + large: "a.yaml:1:1: not valid YAML: mapping values are not allowed in this context",
	}
	for data, want := range tests {
		_, errs := Parse("a.yaml", []byte(data))
		if len(errs) != 1 || errs[0].Error() != want {
			t.Errorf("errors %v, want %s", errs, want)
		}
	}
}
