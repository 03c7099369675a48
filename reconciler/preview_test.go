package reconciler_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/spec"
)

// TestPreviewIsThePlan: manifests that nobody wrote down yet give the plan that
// they give once somebody has, and leave no trace.
func TestPreviewIsThePlan(t *testing.T) {
	w := newWorld(t, studioTree())
	w.apply()
	before := w.truth()
	w.tree["bo.yaml"] = user("bo", "access: [cad]")
	m, err := w.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	delete(w.tree, "bo.yaml")
	preview, err := w.ctl.Preview(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before.Roster, w.truth().Roster); diff != "" {
		t.Errorf("what is true (-before +after the preview):\n%s", diff)
	}
	w.tree["bo.yaml"] = user("bo", "access: [cad]")
	plan := w.plan()
	if diff := cmp.Diff(changes(plan), changes(preview)); diff != "" || plan.ID != preview.ID || len(preview.Changes) == 0 {
		t.Errorf("plan %s, preview %s (-plan +preview):\n%s", plan.ID, preview.ID, diff)
	}
	var errs spec.Errors
	if _, err := w.ctl.Preview(t.Context(), &reconciler.Manifests{Files: []reconciler.ManifestFile{{Path: "x.yaml", Data: []byte("kind: Nothing\n")}}}); !errors.As(err, &errs) {
		t.Errorf("preview of what is not valid: %v, want spec.Errors", err)
	}
}
