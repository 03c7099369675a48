package render

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// flawed is errors of every shape, and the files they are about.
func flawed() (spec.Errors, Tree) {
	errs := spec.Errors{
		{File: "people/ada, b:c%.yaml", Line: 2, Column: 8, Code: "digit", Subject: "User ada", Reason: "\"２\" is not a digit", Hint: "write 2\nor nothing"},
		{File: "people/ada, b:c%.yaml", Line: 3, Column: 1, Code: "character", Reason: "a control character"},
		{File: "people/long.yaml", Line: 1, Column: 301, Code: "unknown-field", Subject: "User bo", Reason: "unknown field"},
		{File: "people/whole.yaml", Code: "size", Reason: "larger than 4 MiB"},
	}
	return errs, Tree{Path: "tree", Files: map[string][]byte{
		"people/ada, b:c%.yaml": []byte("name:\n三浦 ２\r\n\x1b[2J\u202etxt\xff"),
		"people/long.yaml":      []byte(strings.Repeat("é", 150) + strings.Repeat("x", 300)),
	}}
}

func errorText(t *testing.T, f Format) string {
	t.Helper()
	var b strings.Builder
	errs, tree := flawed()
	if err := Errors(&b, errs, tree, f, Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestErrorsShowTheLine: the caret stands under the column in cells, long lines
// are cut around it, and nothing of a hostile file reaches the terminal as it is.
func TestErrorsShowTheLine(t *testing.T) {
	want := "people/ada, b:c%.yaml:2:8: User ada: \"２\" is not a digit\n" +
		"    2 | 三浦 ２\n" +
		"      |      ^\n" +
		"  hint: write 2\uFFFDor nothing\n" +
		"people/ada, b:c%.yaml:3:1: a control character\n" +
		"    3 | \uFFFD[2J\uFFFDtxt\uFFFD\n" +
		"      | ^\n" +
		"people/long.yaml:1:301: User bo: unknown field\n" +
		"    1 | …" + strings.Repeat("é", 30) + strings.Repeat("x", 60) + "…\n" +
		"      |  " + strings.Repeat(" ", 30) + "^\n" +
		"people/whole.yaml: larger than 4 MiB\n" +
		"\n4 errors in 3 files.\n"
	if diff := cmp.Diff(want, errorText(t, Text)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestErrorsForGitHub: columns count characters, and no value ends a command early.
func TestErrorsForGitHub(t *testing.T) {
	want := "::error file=tree/people/ada%2C b%3Ac%25.yaml,line=2,col=4,title=usher%3A digit::User ada: \"２\" is not a digit%0Ahint: write 2%0Aor nothing\n" +
		"::error file=tree/people/ada%2C b%3Ac%25.yaml,line=3,col=1,title=usher%3A character::a control character\n" +
		"::error file=tree/people/long.yaml,line=1,col=151,title=usher%3A unknown-field::User bo: unknown field\n" +
		"::error file=tree/people/whole.yaml,title=usher%3A size::larger than 4 MiB\n"
	if diff := cmp.Diff(want, errorText(t, GitHub)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorsAsJSON(t *testing.T) {
	var got struct {
		Format int
		Errors []map[string]any
	}
	if err := json.Unmarshal([]byte(errorText(t, JSON)), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"file": "people/long.yaml", "line": 1.0, "column": 301.0, "code": "unknown-field", "message": "User bo: unknown field", "hint": ""}
	if got.Format != 1 || len(got.Errors) != 4 {
		t.Fatalf("format %d with %d errors, want 1 with 4", got.Format, len(got.Errors))
	}
	if diff := cmp.Diff(want, got.Errors[2]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestErrorsAsSARIF(t *testing.T) { golden(t, "errors.sarif", errorText(t, SARIF)) }

// TestSARIFHasItsParts: what the schema of SARIF 2.1.0 (OASIS) requires of each
// object that we write, and relative names of files below the top of the repository.
func TestSARIFHasItsParts(t *testing.T) {
	type object = map[string]any
	var log object
	if err := json.Unmarshal([]byte(errorText(t, SARIF)), &log); err != nil {
		t.Fatal(err)
	}
	run := log["runs"].([]any)[0].(object)
	driver := run["tool"].(object)["driver"].(object)
	rules := driver["rules"].([]any)
	if log["version"] != "2.1.0" || driver["name"] != "usher" || run["columnKind"] != "unicodeCodePoints" {
		t.Errorf("version %v, tool %v, columns %v", log["version"], driver["name"], run["columnKind"])
	}
	for i, r := range run["results"].([]any) {
		result := r.(object)
		place := result["locations"].([]any)[0].(object)["physicalLocation"].(object)
		file := place["artifactLocation"].(object)
		uri, err := url.Parse(file["uri"].(string))
		if err != nil || uri.IsAbs() || strings.HasPrefix(uri.Path, "/") || file["uriBaseId"] != "%SRCROOT%" {
			t.Errorf("result %d is at %v: %v", i, file, err)
		}
		if region, ok := place["region"].(object); ok && (region["startLine"].(float64) < 1 || region["startColumn"].(float64) < 1) {
			t.Errorf("result %d: region %v", i, region)
		}
		rule := rules[int(result["ruleIndex"].(float64))].(object)
		if result["message"].(object)["text"] == "" || result["level"] != "error" || rule["id"] != result["ruleId"] {
			t.Errorf("result %d: %v of rule %v", i, result, rule)
		}
	}
}
