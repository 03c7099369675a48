package edit

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// DOMAIN.md row 14: access is given and taken in a person's own manifest, and
// nothing else in the file changes.
func TestRow14EditAccess(t *testing.T) {
	until := spec.Span{From: spec.Always, Until: day(t, "2027-03-31")}
	always := func(product string) Access { return Access{Product: product, Span: spec.AllTime} }
	tests := []struct {
		name   string
		access string // of ada, below lastName
		revoke []spec.Seat
		grant  []Access
		want   string // the lines that differ
	}{
		{
			name: "where there was none", access: "  # she asks for little\n",
			grant: []Access{always("autocad")},
			want:  "+  access:\n+    - autocad\n",
		},
		{
			name: "block stays block", access: "  access:   # the usual\n  -   autocad # a\n\n  # b\n  -   plot\n\n# end\n",
			grant: []Access{{Product: "revit", Span: until, Reason: "CAD-1234"}},
			want:  "+  -   {product: revit, until: 2027-03-31, reason: CAD-1234}\n",
		},
		{
			name: "flow stays flow", access: "  access: [autocad,  plot]   # the usual\n",
			grant: []Access{always("revit")},
			want:  "-  access: [autocad,  plot]   # the usual\n+  access: [autocad,  plot, revit]   # the usual\n",
		},
		{
			name: "an empty list", access: "  access: []\n",
			grant: []Access{always("revit")},
			want:  "-  access: []\n+  access: [revit]\n",
		},
		{
			name: "lines within brackets", access: "  access: [\n    autocad,   # a\n    plot   # b\n  ]\n",
			grant: []Access{always("revit")},
			want:  "-    plot   # b\n+    plot,   # b\n+    revit\n",
		},
		{
			name: "lines within brackets, each with a comma", access: "  access: [\n    autocad,\n    plot,   # b\n  ]\n",
			grant: []Access{always("revit")},
			want:  "+    revit,\n",
		},
		{
			name: "no line end at the end", access: "  access:\n    - autocad",
			grant: []Access{always("revit")},
			want:  "-    - autocad\n+    - autocad\n+    - revit\n",
		},
		{
			name: "more days in place", access: "  access:\n    - product: autocad   # a\n      until: 2026-12-31   # b\n      reason: 'it''s for now'\n    - plot\n",
			grant: []Access{{Product: "autocad", Span: until}},
			want:  "-      until: 2026-12-31   # b\n+      until: 2027-03-31   # b\n",
		},
		{
			name: "no end any more", access: "  access:\n    - product: autocad\n      until: 2026-12-31   # b\n      reason: for now\n",
			grant: []Access{{Product: "autocad", Span: spec.AllTime, Reason: "for good: really"}},
			want:  "-      until: 2026-12-31   # b\n-      reason: for now\n+      reason: \"for good: really\"\n",
		},
		{
			name: "fewer days, in place", access: "  access:\n    - plot   # p\n    - autocad   # a\n    - revit\n",
			revoke: []spec.Seat{{Product: "autocad"}}, grant: []Access{{Product: "autocad", Span: until}},
			want: "-    - autocad   # a\n+    - {product: autocad, until: 2027-03-31}   # a\n",
		},
		{
			name: "other days come beside", access: "  access:\n    - {product: autocad, from: 2028-01-01}\n",
			grant: []Access{{Product: "autocad", Span: until}},
			want:  "+    - {product: autocad, until: 2027-03-31}\n",
		},
		{
			name: "what is so already", access: "  access: [{product: autocad, until: '2027-03-31', reason: x}]\n",
			grant: []Access{{Product: "autocad", Contract: "acme", Span: until}},
		},
		{
			name: "the only one goes with its field", access: "  access:\n    - autocad\n  suspended: false\n",
			revoke: []spec.Seat{{Product: "autocad"}},
			want:   "-  access:\n-    - autocad\n",
		},
		{
			name: "one of a block", access: "  access:\n    # for the bridge\n    - autocad   # a\n    - product: revit\n      # why not\n      reason: x   # y\n\n    - plot\n",
			revoke: []spec.Seat{{Product: "revit"}},
			want:   "-    - product: revit\n-      # why not\n-      reason: x   # y\n",
		},
		{
			name: "the first, the last and the middle of a flow", access: "  access: [ autocad , revit, plot, {product: training, contract: acme}, {product: training, contract: zeta} ]\n",
			revoke: []spec.Seat{{Product: "autocad"}, {Product: "plot"}, {Product: "training", Contract: "zeta"}},
			want: "-  access: [ autocad , revit, plot, {product: training, contract: acme}, {product: training, contract: zeta} ]\n" +
				"+  access: [ revit, {product: training, contract: acme} ]\n",
		},
		{
			name: "lines within brackets go", access: "  access: [\n    autocad,   # a\n    revit,     # r\n    plot       # p\n  ]\n",
			revoke: []spec.Seat{{Product: "autocad"}, {Product: "plot"}},
			want:   "-    autocad,   # a\n-    plot       # p\n",
		},
		{
			name: "a pair without braces", access: "  access: [product: autocad, plot]\n",
			revoke: []spec.Seat{{Product: "autocad"}}, grant: []Access{{Product: "autocad", Span: until}},
			want: "-  access: [product: autocad, plot]\n+  access: [{product: autocad, until: 2027-03-31}, plot]\n",
		},
		{
			name: "every item of the product", access: "  access:\n    - {product: autocad, until: 2026-12-31}\n    - revit\n    - {product: autocad, from: 2028-01-01}\n",
			revoke: []spec.Seat{{Product: "autocad", Contract: "acme"}},
			want:   "-    - {product: autocad, until: 2026-12-31}\n-    - {product: autocad, from: 2028-01-01}\n",
		},
		{
			name: "the contract of what is revoked", access: "  access:\n    - {product: training, contract: zeta}\n",
			revoke: []spec.Seat{{Product: "training"}}, grant: []Access{{Product: "training", Span: until}},
			want: "-    - {product: training, contract: zeta}\n+    - {product: training, contract: zeta, until: 2027-03-31}\n",
		},
		{
			name: "quotes in quotes", access: "  access: [{product: autocad, reason: 'it''s, ] so'}, {product: plot, reason: \"a \\\"]\\\" b\"}, revit]\n",
			revoke: []spec.Seat{{Product: "autocad"}, {Product: "plot"}},
			want:   "-  access: [{product: autocad, reason: 'it''s, ] so'}, {product: plot, reason: \"a \\\"]\\\" b\"}, revit]\n+  access: [revit]\n",
		},
		{
			name: "after quotes in quotes", access: "  access: [{product: autocad, until: 2026-12-31, reason: 'it''s, ] so'}]\n",
			grant: []Access{always("plot"), {Product: "autocad", Span: until, Reason: "we're"}},
			want:  "-  access: [{product: autocad, until: 2026-12-31, reason: 'it''s, ] so'}]\n+  access: [{product: autocad, until: 2027-03-31, reason: 'we''re'}, plot]\n",
		},
		{
			name: "text on lines of its own", access: "  access:\n    - product: plot\n      reason: >-\n        for the\n        bridge\n\n    - product: revit\n      reason: one\n        two   # three\n",
			grant: []Access{{Product: "plot", Span: spec.AllTime, Reason: "done"}, {Product: "revit", Span: spec.AllTime, Reason: "four"}},
			want:  "-      reason: >-\n-        for the\n-        bridge\n+      reason: done\n-      reason: one\n-        two   # three\n+      reason: four   # three\n",
		},
		{
			name: "the last line of the file goes", access: "  access:\n    - autocad   # a\n    - plot",
			revoke: []spec.Seat{{Product: "plot"}},
			want:   "-    - autocad   # a\n-    - plot\n+    - autocad   # a\n",
		},
		{
			name: "no comma stays behind", access: "  access: [\n    autocad,\n    plot\n  ]\n",
			revoke: []spec.Seat{{Product: "plot"}},
			want:   "-    autocad,\n-    plot\n+    autocad\n",
		},
		{
			name: "a comma on a line of its own", access: "  access: [\n    plot   # p\n    ,\n  ]\n",
			grant: []Access{always("revit")},
			want:  "-    ,\n+    , revit\n",
		},
		{
			name: "a question mark before the key, which goes", access: "  ? access\n  : - autocad\n  suspended: false\n",
			revoke: []spec.Seat{{Product: "autocad"}},
			want:   "-  ? access\n-  : - autocad\n",
		},
		{
			name: "a question mark before the key", access: "  ? access\n  : - autocad\n    - revit\n",
			grant: []Access{always("plot")},
			want:  "+    - plot\n",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person(tt.access))
			if err := tr.EditAccess("ada", tt.revoke, tt.grant); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, changed(tr.Changes())); diff != "" {
				t.Errorf("changed lines (-want +got):\n%s", diff)
			}
			if _, err := tr.Check(); err != nil {
				t.Errorf("the tree afterwards: %v", err)
			}
		})
	}
}

// TestAccessNotEdited: an edit that cannot be made says why, and makes no change.
func TestAccessNotEdited(t *testing.T) {
	const list = "---\napiVersion: usher/v1\nkind: UserList\nmetadata: {name: interns}\nspec:\n  users: |\n    bo@acme.example, Bo, Ek;\n"
	tests := []struct {
		name, user string
		access     string
		revoke     []spec.Seat
		grant      []Access
		kind       error
		want, hint string
	}{
		{
			name: "by a team", user: "ada", revoke: []spec.Seat{{Product: "plot"}}, kind: ErrElsewhere,
			want: "ada has plot by team plotters, at teams/plotters.yaml:9:12, not by a manifest of their own",
			hint: "take ada out of that team, or plot out of what the team gives to all of its members",
		},
		{
			name: "an entry of a list", user: "bo@acme.example", access: list, grant: []Access{{Product: "plot", Span: spec.AllTime}}, kind: ErrElsewhere,
			want: "bo@acme.example is an entry of the UserList at people/ada.yaml:16:5: what a list says holds for all of its entries",
			hint: "take the entry out of the list there, and add a manifest of their own: usher add user",
		},
		{name: "nobody", user: "eve", revoke: []spec.Seat{{Product: "plot"}}, kind: ErrUnknown, want: `there is no user "eve"`},
		{name: "nothing to revoke", user: "ada", revoke: []spec.Seat{{Product: "revit"}}, kind: ErrUnknown, want: "ada does not have revit"},
		{
			name: "two contracts", user: "ada", kind: ErrAmbiguous,
			access: "  access: [{product: training, contract: zeta}, {product: training, contract: acme}]\n",
			revoke: []spec.Seat{{Product: "training"}},
			want:   "ada has training under 2 contracts", hint: "say which: training@acme or training@zeta",
		},
		{
			name: "less than before", user: "ada", access: "  access: [autocad]\n", kind: ErrLess,
			grant: []Access{{Product: "autocad", Span: spec.Span{From: spec.Always, Until: today}}},
			want:  "ada has autocad already, which is more", hint: "to give it for these days only, revoke autocad as well",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person(tt.access))
			err := tr.EditAccess(tt.user, tt.revoke, tt.grant)
			var failed *Error
			if !errors.As(err, &failed) || !errors.Is(err, tt.kind) {
				t.Fatalf("error %v, want one of kind %v", err, tt.kind)
			}
			if diff := cmp.Diff([]string{tt.want, tt.hint}, []string{failed.Error(), failed.Hint}); diff != "" {
				t.Errorf("error and hint (-want +got):\n%s", diff)
			}
			if changes := tr.Changes(); changes != nil {
				t.Errorf("changed all the same:\n%s", changed(changes))
			}
		})
	}
}

// TestAccessRefused: what spec refuses is refused in its words, and the file
// stays what it was.
func TestAccessRefused(t *testing.T) {
	tests := []struct {
		name  string
		grant Access
		want  string
	}{
		{"a name that is none", Access{Product: "Auto CAD", Span: spec.AllTime}, `User ada: product: "Auto CAD" is not a name`},
		{"a reason of two lines", Access{Product: "plot", Span: spec.AllTime, Reason: "a\r\nBcc: eve@x.example"},
			"User ada: a value with the character U+000D (carriage return)"},
		{"days the wrong way round", Access{Product: "plot", Span: spec.Span{From: today + 1, Until: today}},
			"User ada: access to plot ends on 2026-11-22, before it begins on 2026-11-23"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tr := tree(t, person())
			err := tr.EditAccess("ada", nil, []Access{tt.grant})
			var refused *RefusedError
			if !errors.As(err, &refused) {
				t.Fatalf("error %v, want a RefusedError", err)
			}
			var invalid spec.Errors
			if errors.As(err, &invalid) {
				t.Error("the error says that the tree itself is invalid")
			}
			if err.Error() != tt.want {
				t.Errorf("got %q, want %q", err, tt.want)
			}
			if changes := tr.Changes(); changes != nil {
				t.Errorf("changed all the same:\n%s", changed(changes))
			}
		})
	}
	tr := tree(t, person())
	if err := tr.EditAccess("ada", nil, []Access{{Product: "training", Span: spec.AllTime}}); err != nil {
		t.Fatal(err)
	}
	want := "User ada: training is offered by 2 contracts, so the contract must be named"
	if _, err := tr.Check(); err == nil || err.Error() != want {
		t.Errorf("Check: %v, want %s", err, want)
	}
}
