package reconciler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// holding is a firm whose tree asks for a handover, which is held.
func holding(t *testing.T) *world {
	w := newWorld(t, firm())
	w.apply()
	w.edit("firm.yaml", "contractManager: ada", "contractManager: bo")
	w.held()
	return w
}

// holds returns what is on record, newest first.
func (w *world) holds() map[string]state.HoldState {
	w.Helper()
	list, err := w.db.Holds(w.Context(), true)
	if err != nil {
		w.Fatal(err)
	}
	states := map[string]state.HoldState{}
	for i := len(list) - 1; i >= 0; i-- {
		states[list[i].PlanID] = list[i].State
	}
	return states
}

// RELIABILITY.md: an approval lets exactly that plan through, once.
func TestApproveOnce(t *testing.T) {
	w := holding(t)
	p := w.plan()
	w.approve(p.ID)
	if p := w.plan(); !p.Approved {
		t.Error("the plan does not show that it is approved")
	}
	out := w.apply()
	if out.Plan.ID != p.ID || !out.Applied.Approved || out.Applied.PlanID != p.ID {
		t.Errorf("revision %+v, want plan %s approved", out.Applied, p.ID)
	}
	equal(t, map[string]state.HoldState{p.ID: state.HoldApplied}, w.holds())
	w.settled()

	w.edit("firm.yaml", "contractManager: bo", "contractManager: ada")
	w.approve(w.held().ID)
	w.apply()
	w.edit("firm.yaml", "contractManager: ada", "contractManager: bo")
	if p := w.held(); p.Approved {
		t.Error("an approval that was used let a plan through again")
	}
}

func TestHeldPlanKeepsItsID(t *testing.T) {
	w := holding(t)
	id := w.plan().ID
	first := w.openHold()
	for _, change := range []func(){
		func() { w.now = w.now.Add(time.Hour) },
		func() { w.days(3) },
		func() { w.tree["crew/people.yaml"] = w.tree["people.yaml"]; delete(w.tree, "people.yaml") },
		func() { w.edit("firm.yaml", "seats: 10", "seats:   10") },
	} {
		change()
		if got := w.held().ID; got != id {
			t.Fatalf("the plan's id became %s, was %s", got, id)
		}
		if got := w.openHold().At; !got.Equal(first.At) {
			t.Errorf("held since %v, want %v", got, first.At)
		}
	}
	w.edit("firm.yaml", "seats:   10", "seats: 11")
	if got := w.held().ID; got == id {
		t.Error("another plan has the same id")
	}
}

func (w *world) openHold() state.Hold {
	w.Helper()
	list, err := w.db.Holds(w.Context(), false)
	if err != nil || len(list) != 1 {
		w.Fatalf("open holds: %v, %v, want one", list, err)
	}
	return list[0]
}

func TestApprovalDies(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(w *world)
		held bool // what was approved is held again
	}{
		{"used within a day", func(w *world) { w.now = w.now.Add(24*time.Hour - time.Second) }, false},
		{"after a day", func(w *world) { w.now = w.now.Add(24 * time.Hour) }, true},
		{"the calendar does not touch it", func(w *world) { w.now = w.now.Add(20 * time.Hour) }, false},
		{"with another snapshot that is held", func(w *world) {
			w.edit("firm.yaml", "seats: 10", "seats: 11")
			w.held()
			w.edit("firm.yaml", "seats: 11", "seats: 10")
		}, true},
		{"with another snapshot that is not", func(w *world) {
			w.edit("firm.yaml", "contractManager: bo", "contractManager: ada")
			w.apply()
			w.edit("firm.yaml", "contractManager: ada", "contractManager: bo")
		}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, firm())
			w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [{product: cad, until: 2026-11-22}]"))
			w.apply()
			w.edit("firm.yaml", "contractManager: ada", "contractManager: bo")
			w.approve(w.held().ID)
			test.edit(w)
			out, err := w.tryApply()
			var held *reconciler.HeldError
			switch {
			case errors.As(err, &held) != test.held:
				t.Errorf("apply: %v, want held: %v", err, test.held)
			case !test.held && (err != nil || out.Applied == nil || !out.Applied.Approved):
				t.Errorf("apply: %v, %v, want it approved", out.Applied, err)
			}
		})
	}
}

func TestApproveUnknown(t *testing.T) {
	w := holding(t)
	owner := w.own()
	defer owner.Close()
	if _, err := owner.Approve(t.Context(), "sha256:feed", "ada"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("approving an unknown plan: %v, want ErrNotFound", err)
	}
}

// A snapshot that is not held leaves nothing to approve.
func TestHoldSuperseded(t *testing.T) {
	w := holding(t)
	first := w.plan().ID
	w.edit("firm.yaml", "seats: 10", "seats: 11")
	second := w.held().ID
	equal(t, map[string]state.HoldState{first: state.HoldSuperseded, second: state.HoldHeld}, w.holds())
	w.tree = firm()
	w.apply()
	equal(t, map[string]state.HoldState{first: state.HoldSuperseded, second: state.HoldSuperseded}, w.holds())
	owner := w.own()
	defer owner.Close()
	if _, err := owner.Approve(t.Context(), second, "ada"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("approving a superseded plan: %v, want ErrNotFound", err)
	}
}

// What was reviewed is what is applied (RELIABILITY.md, promise 5).
func TestApplyReviewed(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	w.add("people.yaml", user("cy"))
	reviewed := w.plan().ID
	w.add("people.yaml", user("di"))
	owner := w.own()
	defer owner.Close()
	before := w.truth()
	if _, err := w.ctl.Apply(t.Context(), owner, reviewed); !errors.Is(err, reconciler.ErrStale) {
		t.Errorf("apply of another plan: %v, want ErrStale", err)
	}
	equal(t, before, w.truth())
	w.remove("people.yaml", user("di"))
	if out, err := w.ctl.Apply(t.Context(), owner, reviewed); err != nil || out.Applied == nil {
		t.Errorf("apply of the reviewed plan: %v", err)
	}
}

// Requests left while somebody else had the lock are performed by the next apply.
func TestRequestedApproval(t *testing.T) {
	w := holding(t)
	for _, id := range []string{"sha256:feed", w.plan().ID} {
		if _, err := w.db.Ask(t.Context(), reconciler.RequestApprove, id, "grace"); err != nil {
			t.Fatal(err)
		}
	}
	if out := w.apply(); out.Applied == nil || !out.Applied.Approved {
		t.Errorf("applied %+v, want it approved by request", out.Applied)
	}
	requests, err := w.db.Requests(t.Context(), false)
	if err != nil || len(requests) != 2 {
		t.Fatalf("requests: %v, %v", requests, err)
	}
	for _, r := range requests {
		if known := r.Argument != "sha256:feed"; (r.Result == "") != known || r.DoneAt.IsZero() {
			t.Errorf("request for %s: %q, done %v", r.Argument, r.Result, r.DoneAt)
		}
	}
}

// A manager's approval that was asked for while the lock was held elsewhere is judged
// when it is performed: by who manages what then, and for which plan.
func TestRequestedApprovalOfAManager(t *testing.T) {
	w := newWorld(t, twoOffices())
	w.apply()
	for _, name := range []string{"d0", "d1", "d2", "d3", "d4", "p0", "p1", "p2", "p3", "p4"} {
		delete(w.tree, name+".yaml")
	}
	plan := w.held().ID
	ask := func(name, plan string) (answer string) {
		t.Helper()
		id, err := w.db.Ask(t.Context(), reconciler.RequestApproveFor, plan+" "+w.id(name), name)
		if err == nil {
			w.tryApply()
			var r state.Request
			r, err = w.db.Request(t.Context(), id)
			answer = r.Result
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if got := ask("grace", plan); !strings.Contains(got, state.ErrNotManager.Error()) {
		t.Errorf("a coordinator is answered %q, want that it takes a manager", got)
	}
	if got := ask("ada", plan); got != "" {
		t.Errorf("ada is answered %q", got)
	}
	if h := w.openHold(); h.State != state.HoldHeld || len(h.Approvals) != 1 || h.Approvals[0].By != "ada" {
		t.Errorf("%s with %v, want it held with ada's approval", h.State, h.Approvals)
	}
	w.tree["firm.yaml"] = strings.Replace(w.tree["firm.yaml"], "seats: 20", "seats: 21", 1)
	w.held()
	if got := ask("olu", plan); !strings.Contains(got, "not found") {
		t.Errorf("for a plan that was replaced olu is answered %q, want that it is not on record", got)
	}
	plan = w.openHold().PlanID
	for _, name := range []string{"olu", "ada"} {
		if got := ask(name, plan); got != "" {
			t.Errorf("%s is answered %q", name, got)
		}
	}
	equal(t, state.HoldApplied, w.holds()[plan])
	w.settled()
}
