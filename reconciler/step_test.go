package reconciler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// step is one edit of a tree that was applied, and what comes of it. A plan that
// is held is approved: what holds plans is tested by itself.
type step struct {
	name    string
	start   tree           // nil: firm
	adopt   bool           // everybody in start is active
	before  func(w *world) // more of the past
	edit    func(w *world)
	changes []string
	mail    []string
	notes   int
}

func runSteps(t *testing.T, steps []step) {
	for _, s := range steps {
		t.Run(s.name, func(t *testing.T) {
			if s.start == nil {
				s.start = firm()
			}
			w := newWorld(t, s.start)
			w.ctl.Adopt = s.adopt
			w.apply()
			w.ctl.Adopt = false
			if s.before != nil {
				s.before(w)
			}
			s.edit(w)
			s.check(w)
		})
	}
}

func (s *step) check(w *world) {
	w.Helper()
	out := w.force()
	if diff := cmp.Diff(s.changes, changes(out.Plan)); diff != "" {
		w.Errorf("changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.mail, w.mailed(out.Applied.Number)); diff != "" {
		w.Errorf("mail (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(s.mail, notices(out.Plan)); diff != "" {
		w.Errorf("notices of the plan (-want +got):\n%s", diff)
	}
	if len(out.Plan.Notes) != s.notes {
		w.Errorf("notes: %v, want %d", out.Plan.Notes, s.notes)
	}
	w.settled()
}

// force applies the tree and approves the plan where it is held.
func (w *world) force() *reconciler.Outcome {
	w.Helper()
	out, err := w.tryApply()
	var held *reconciler.HeldError
	if errors.As(err, &held) {
		w.approve(held.Plan.ID)
		out, err = w.tryApply()
	}
	if err != nil {
		w.Fatalf("apply: %v", err)
	}
	return out
}

// settled checks what must hold after every apply: nothing is left to do, the
// audit agrees, and what is true is what was wanted.
func (w *world) settled() {
	w.Helper()
	if p := w.plan(); !p.Empty() {
		w.Errorf("after apply the plan is not empty: %v %v", changes(p), notices(p))
	}
	w.verify()
	truth := w.truth()
	if diff := cmp.Diff(w.wanted(), truth.Roster, asTrue...); diff != "" {
		w.Errorf("what is true is not what was wanted (-want +got):\n%s", diff)
	}
}

// wanted is the roster of the tree.
func (w *world) wanted() *spec.Roster {
	w.Helper()
	_, roster, err := w.ctl.Check(context.Background())
	if err != nil {
		w.Fatalf("check: %v", err)
	}
	return roster
}

// asTrue compares a wanted roster with a true one: former names are not kept, and
// a generation that is not declared is the one on record.
var asTrue = []cmp.Option{
	cmpopts.IgnoreFields(spec.User{}, "Previously", "Generation"),
	cmpopts.EquateEmpty(),
}

// sameWords compares what rosters say, wherever it is written.
var sameWords = append([]cmp.Option{cmpopts.IgnoreTypes(spec.Origin{}, []spec.Origin{})}, asTrue...)

// id is the account of a name.
func (w *world) id(name string) string {
	w.Helper()
	a, err := w.db.Account(context.Background(), name)
	if err != nil {
		w.Fatal(err)
	}
	return a.ID
}

// days lets days pass.
func (w *world) days(n int) { w.now = w.now.Add(time.Duration(n) * 24 * time.Hour) }

// remove takes a manifest out of a file.
func (w *world) remove(path, manifest string) { w.edit(path, manifest, "") }

// add appends a manifest to a file.
func (w *world) add(path, manifest string) { w.tree[path] += manifest }

// betweenTrees compares two rosters without a state.
func betweenTrees(from, to *spec.Roster) reconciler.Comparison {
	return reconciler.Comparison{Wanted: to, True: &state.Truth{Roster: from}, Now: time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
}

func equal[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
