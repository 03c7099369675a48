package reconciler

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// Only files whose content changed are parsed again, and errors are told each
// time all the same.
func TestUnchangedFilesAreParsedOnce(t *testing.T) {
	var mu sync.Mutex
	var parsed []string
	tree := &parsedTree{parse: func(path string, data []byte, known []spec.Part) ([]spec.Part, spec.Errors) {
		mu.Lock()
		defer mu.Unlock()
		parsed = append(parsed, path)
		return spec.ParseParts(path, data, known)
	}}
	file := func(path, data string) ManifestFile {
		return ManifestFile{Path: path, Data: []byte(data), Sum: SumOf([]byte(data))}
	}
	const cad, broken = "{apiVersion: usher/v1, kind: Product, metadata: {name: cad}, spec: {title: CAD}}", "kind: Nothing"
	unsummed := ManifestFile{Path: "u.yaml", Data: []byte(cad)}
	for _, step := range []struct {
		name   string
		files  []ManifestFile
		parsed string
		errs   int
	}{
		{"first", []ManifestFile{file("a.yaml", cad), file("b.yaml", broken)}, "a.yaml b.yaml", 2},
		{"the same", []ManifestFile{file("a.yaml", cad), file("b.yaml", broken)}, "", 2},
		{"one changed", []ManifestFile{file("a.yaml", cad), file("b.yaml", cad)}, "b.yaml", 0},
		{"one moved", []ManifestFile{file("a.yaml", cad), file("c.yaml", cad)}, "c.yaml", 0},
		{"one gone", []ManifestFile{file("a.yaml", cad)}, "", 0},
		{"one back", []ManifestFile{file("a.yaml", cad), file("c.yaml", cad)}, "c.yaml", 0},
		{"without a sum", []ManifestFile{unsummed}, "u.yaml", 0},
		{"without a sum again", []ManifestFile{unsummed}, "u.yaml", 0},
	} {
		parsed = nil
		files, errs := tree.files(step.files)
		slices.Sort(parsed)
		if got := strings.Join(parsed, " "); got != step.parsed || len(errs) != step.errs {
			t.Errorf("%s: parsed %q with %d errors, want %q with %d", step.name, got, len(errs), step.parsed, step.errs)
		}
		for i, f := range files {
			if f.Path != step.files[i].Path {
				t.Errorf("%s: file %d is %s, want %s", step.name, i, f.Path, step.files[i].Path)
			}
		}
	}
}

// Resolving leaves parsed files as they are, or they could not be kept.
func TestParsedFilesResolveAgain(t *testing.T) {
	tree := &parsedTree{parse: spec.ParseParts}
	var files []ManifestFile
	add := func(format string, args ...any) {
		data := []byte(fmt.Sprintf(format, args...))
		files = append(files, ManifestFile{Path: fmt.Sprintf("%d.yaml", 100-len(files)), Data: data, Sum: SumOf(data)})
	}
	add("{apiVersion: usher/v1, kind: Product, metadata: {name: cad}, spec: {title: CAD}}")
	add("{apiVersion: usher/v1, kind: Contract, metadata: {name: acme}, spec: {contractManager: u3, softwareCoordinators: [u2, u1], products: [{name: cad, seats: 9}]}}")
	add("{apiVersion: usher/v1, kind: Team, metadata: {name: all}, spec: {members: [u5, u1, u3], access: [cad]}}")
	for i := range 6 {
		add("{apiVersion: usher/v1, kind: User, metadata: {name: u%d}, spec: {email: U%d@acme.example, firstName: U, lastName: Ser, previously: [o%d]}}", i, i, i)
	}
	first, errs := tree.files(files)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	want, errs := spec.Resolve(first, 0)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	for range 3 {
		again, _ := tree.files(files)
		got, errs := spec.Resolve(again, 0)
		if diff := cmp.Diff(want, got); diff != "" || len(errs) > 0 {
			t.Fatalf("resolved again: %v\n%s", errs, diff)
		}
	}
}
