package spec

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var update = flag.Bool("update", false, "write the errors found into testdata/bad")

// today is the day on which the trees of these tests are resolved.
var today = day("2026-11-22")

func day(s string) Day {
	d, err := ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

// TestBadInput resolves the tree of each fixture of testdata/bad and compares
// the errors with its section "want": place, subject, reason, code, then the
// line with a mark under the column, then the hint. <U+200B> in a fixture stands
// for that character, <BYTE FF> for that byte.
func TestBadInput(t *testing.T) {
	fixtures, err := filepath.Glob("testdata/bad/*.txtar")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures found: %v", err)
	}
	for _, path := range fixtures {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { checkFixture(t, path) })
	}
}

func checkFixture(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	tree, want := map[string][]byte{}, -1
	for i, f := range archive.Files {
		if f.Name == "want" {
			want = i
			continue
		}
		tree[f.Name] = unescape(f.Data)
	}
	if want < 0 {
		t.Fatal("the fixture has no section want")
	}
	got := transcript(tree, resolveTree(tree))
	if *update {
		archive.Files[want].Data = []byte(got)
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got == "" {
		t.Error("the tree is valid")
	}
	if diff := cmp.Diff(string(archive.Files[want].Data), got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// resolveTree returns every error of a tree; files below private/ are private.
func resolveTree(tree map[string][]byte) Errors {
	var shared, private []*File
	var all Errors
	for path, data := range tree {
		if strings.HasPrefix(path, "private/") {
			f, errs := ParsePrivate(path, data)
			private, all = append(private, f), append(all, errs...)
			continue
		}
		f, errs := Parse(path, data)
		shared, all = append(shared, f), append(all, errs...)
	}
	roster, errs := Resolve(shared, today)
	all = append(all, errs...)
	_, errs = ResolveInformation(private, roster)
	return append(all, errs...).Sort()
}

func transcript(tree map[string][]byte, errs Errors) string {
	var b strings.Builder
	for _, e := range errs {
		fmt.Fprintf(&b, "%s [%s]\n", e, e.Code)
		if e.Line > 0 {
			line := strings.Split(string(tree[e.File]), "\n")[e.Line-1]
			before := legible(line[:e.Column-1])
			fmt.Fprintf(&b, "\t| %s\n\t| %s^\n", strings.TrimRight(legible(line), " "), strings.Repeat(" ", len([]rune(before))))
		}
		if e.Hint != "" {
			fmt.Fprintf(&b, "\t%s\n", e.Hint)
		}
	}
	return b.String()
}

var escape = regexp.MustCompile(`<(U\+|BYTE )([0-9A-F]{2,6})>`)

func unescape(data []byte) []byte {
	return escape.ReplaceAllFunc(data, func(m []byte) []byte {
		parts := escape.FindSubmatch(m)
		n, _ := strconv.ParseUint(string(parts[2]), 16, 32)
		if string(parts[1]) == "BYTE " {
			return []byte{byte(n)}
		}
		return []byte(string(rune(n)))
	})
}
