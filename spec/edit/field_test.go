package edit

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"usher/spec"
)

// crlf is text with the line ends of another system.
func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

// TestFields: what a revert needs beside access. Each edit is undone by another,
// and the bytes are the first ones again.
func TestFields(t *testing.T) {
	ada := person("  previously: [ada.byron]\n  invitation: {generation: 2}   # twice\n")
	tests := []struct {
		name       string
		edit, undo func(*Tree) error
		want       string
	}{
		{
			name: "a scalar in its place",
			edit: func(t *Tree) error { return t.Set("User", "ada", "spec.email", Text("ada@x.example")) },
			undo: func(t *Tree) error { return t.Set("User", "ada", "spec.email", Text("ada@acme.example")) },
			want: "-  email: ada@acme.example   # what she signs in with\n+  email: ada@x.example   # what she signs in with\n",
		},
		{
			name: "a scalar that was not there",
			edit: func(t *Tree) error { return t.Set("User", "ada", "spec.suspended", Value{"true", "!!bool"}) },
			undo: func(t *Tree) error { return t.Unset("User", "ada", "spec.suspended") },
			want: "+  suspended: true\n",
		},
		{
			name: "a number",
			edit: func(t *Tree) error { return t.Set("User", "ada", "spec.invitation.generation", Number(3)) },
			undo: func(t *Tree) error { return t.Set("User", "ada", "spec.invitation.generation", Number(2)) },
			want: "-  invitation: {generation: 2}   # twice\n+  invitation: {generation: 3}   # twice\n",
		},
		{
			name: "with what it lies in",
			edit: func(t *Tree) error { return t.Set("User", "max", "spec.invitation.generation", Number(3)) },
			undo: func(t *Tree) error { return t.Unset("User", "max", "spec.invitation.generation") },
			want: "+  invitation: {generation: 3}\n",
		},
		{
			name: "a handover",
			edit: func(t *Tree) error { return t.Set("Contract", "zeta", "spec.contractManager", Text("ada")) },
			undo: func(t *Tree) error { return t.Set("Contract", "zeta", "spec.contractManager", Text("max")) },
			want: "-spec: {contractManager: max, softwareCoordinators: [max], products: [{name: training}]}\n+spec: {contractManager: ada, softwareCoordinators: [max], products: [{name: training}]}\n",
		},
		{
			name: "coordinators",
			edit: func(t *Tree) error {
				return t.SetNames("Contract", "acme", "spec.softwareCoordinators", []string{"ada", "max"})
			},
			undo: func(t *Tree) error { return t.SetNames("Contract", "acme", "spec.softwareCoordinators", nil) },
			want: "+  softwareCoordinators:\n+    - ada\n+    - max\n",
		},
		{
			name: "members",
			edit: func(t *Tree) error { return t.SetNames("Team", "plotters", "spec.members", []string{"ada"}) },
			undo: func(t *Tree) error { return t.SetNames("Team", "plotters", "spec.members", []string{"ada", "max"}) },
			want: "-    - max\n",
		},
		{
			name: "JSON stays JSON",
			edit: func(t *Tree) error { return t.Set("Product", "autocad", "spec.title", Text("AutoCAD")) },
			undo: func(t *Tree) error { return t.Unset("Product", "autocad", "spec.title") },
			want: `-{"apiVersion": "usher/v1", "kind": "Product", "metadata": {"name": "autocad"}}` + "\n" +
				`+{"apiVersion": "usher/v1", "kind": "Product", "metadata": {"name": "autocad"}, "spec": {"title": "AutoCAD"}}` + "\n",
		},
	}
	for _, lineEnds := range []func(string) string{strings.Clone, crlf, func(s string) string { return "\xef\xbb\xbf" + crlf(s) }} {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				files := map[string][]byte{"base.yaml": []byte(lineEnds(base)), "plotters.yaml": []byte(lineEnds(team)), "ada.yaml": []byte(lineEnds(ada))}
				tr, err := Open(files, today)
				if err != nil {
					t.Fatal(err)
				}
				if err := tt.edit(tr); err != nil {
					t.Fatal(err)
				}
				want := tt.want
				if strings.Contains(lineEnds("\n"), "\r") {
					want = crlf(want)
				}
				if diff := cmp.Diff(want, changed(tr.Changes())); diff != "" {
					t.Errorf("changed lines (-want +got):\n%s", diff)
				}
				if _, err := tr.Check(); err != nil {
					t.Errorf("the tree afterwards: %v", err)
				}
				if err := tt.undo(tr); err != nil {
					t.Fatal(err)
				}
				if changes := tr.Changes(); changes != nil {
					t.Errorf("left after undoing it:\n%s", changed(changes))
				}
			})
		}
	}
}

// TestRename: a person found by a new name, after the old one went into
// previously.
func TestRename(t *testing.T) {
	tr := tree(t, person())
	for _, err := range []error{
		tr.Set("User", "ada", "metadata.name", Text("ada.lovelace")),
		tr.SetNames("User", "ada.lovelace", "spec.previously", []string{"ada"}),
		tr.SetNames("Team", "plotters", "spec.members", []string{"ada.lovelace", "max"}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	roster, err := tr.Check()
	if err != nil {
		t.Fatal(err)
	}
	if u := roster.User("ada.lovelace"); u == nil || !cmp.Equal(u.Previously, []string{"ada"}) {
		t.Errorf("after the rename: %+v", u)
	}
	if _, err := tr.Own("ada"); !errors.Is(err, ErrUnknown) {
		t.Errorf("by the old name: %v", err)
	}
}

// TestUneditable: what would say something else than asked is not done.
func TestUneditable(t *testing.T) {
	tests := []struct {
		name string
		edit func(*Tree) error
		kind error
		want string
	}{
		{"no field", func(t *Tree) error { return t.Set("User", "ada", "kind", Text("Team")) }, ErrField, `"kind" is not a field of a manifest`},
		{"a mapping", func(t *Tree) error { return t.Set("User", "ada", "spec", Text("x")) }, ErrField, `"spec" is not a field of a manifest`},
		{"a list", func(t *Tree) error { return t.Set("Contract", "acme", "spec.products", Text("x")) }, ErrByHand, "base.yaml:7: the field is written in a way that cannot be edited in place"},
		{"below a scalar", func(t *Tree) error { return t.Set("User", "ada", "spec.email.domain", Text("x")) }, ErrByHand, "people/ada.yaml:7: email is written in a way that cannot be edited in place"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			err := tt.edit(tr)
			if !errors.Is(err, tt.kind) || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
			if changes := tr.Changes(); changes != nil {
				t.Errorf("changed all the same:\n%s", changed(changes))
			}
		})
	}
}

// TestOpenInvalid: a tree that is not valid is not edited.
func TestOpenInvalid(t *testing.T) {
	_, err := Open(map[string][]byte{"base.yaml": []byte(base), "a.yaml": []byte("kind: User\n"), "b.yaml": []byte("{{},<<}")}, today)
	var errs spec.Errors
	if !errors.As(err, &errs) || len(errs) < 3 {
		t.Errorf("error %v, want every error of the tree", err)
	}
}

// TestChangeIsWhatWasAsked: a splice that says less than was asked, or more, is
// not kept.
func TestChangeIsWhatWasAsked(t *testing.T) {
	suspend := func(d *document) error {
		return d.add([]string{"spec", "suspended"}, func(bool) (string, []string) { return "true", nil })
	}
	email := func(d *document) error { return d.setScalar(nodeAt(d.root(), "spec", "email"), Text("eve@x.example")) }
	tests := []struct {
		name  string
		edits []func(*document) error
		want  error
	}{
		{"just that", []func(*document) error{suspend}, nil},
		{"nothing", nil, ErrByHand},
		{"something else", []func(*document) error{email}, ErrByHand},
		{"something else as well", []func(*document) error{suspend, email}, ErrByHand},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			err := tr.change("User", "ada", "spec.suspended", func(d *document, _ []string) error {
				for _, edit := range tt.edits {
					if err := edit(d); err != nil {
						return err
					}
				}
				return nil
			}, func(n *yaml.Node) bool { return n != nil && n.Value == "true" })
			if !errors.Is(err, tt.want) {
				t.Errorf("error %v, want %v", err, tt.want)
			}
			if kept := tr.Changes() != nil; kept != (tt.want == nil) {
				t.Errorf("kept %t, and the error is %v", kept, err)
			}
		})
	}
}
