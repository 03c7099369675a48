package state_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

func held(plan string) state.Hold {
	return state.Hold{
		PlanID: plan, Basis: 3, Digest: "sha256:d",
		Rules: []state.HeldRule{{Rule: "removals", Scope: "everybody", Count: 12, Limit: 3, Message: "12 people", Release: "usher approve"}},
		Plan:  []byte(`{"format":1}`),
	}
}

func (h *house) hold(plan string) {
	h.t.Helper()
	must(h.t, h.owner.Hold(context.Background(), held(plan)))
}

func (h *house) states() map[string]state.HoldState {
	h.t.Helper()
	holds, err := h.db.Holds(context.Background(), true)
	must(h.t, err)
	states := map[string]state.HoldState{}
	for _, hold := range holds {
		if _, newer := states[hold.PlanID]; !newer {
			states[hold.PlanID] = hold.State
		}
	}
	return states
}

// use carries out a plan by its approval.
func (h *house) use(plan string) error {
	_, err := h.owner.Update(context.Background(), state.Cause{Kind: state.CauseManifests}, h.truth().Newest.Number, func(tx *state.Tx) error {
		return tx.UseApproval(plan)
	})
	return err
}

func TestHoldKeepsWhatItWasAndItsApproval(t *testing.T) {
	h := newHouse(t)
	h.hold("p1")
	h.pass(time.Hour)
	approved, err := h.owner.Approve(context.Background(), "p1", "grace")
	must(t, err)
	h.pass(time.Hour)
	h.hold("p1")
	holds, err := h.db.Holds(context.Background(), false)
	must(t, err)
	want := held("p1")
	want.Number = 1
	want.At, want.State, want.ApprovedAt, want.ApprovedBy = dayOne, state.HoldApproved, dayOne.Add(time.Hour), "grace"
	if diff := cmp.Diff([]state.Hold{want}, holds); diff != "" {
		t.Errorf("Holds (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, approved); diff != "" {
		t.Errorf("Approve (-want +got):\n%s", diff)
	}
}

func TestANewerSnapshotSupersedesAHoldAndItsApproval(t *testing.T) {
	for name, newer := range map[string]func(*house){
		"held":     func(h *house) { h.hold("p2") },
		"not held": func(h *house) { must(h.t, h.owner.ReleaseHolds(context.Background())) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.hold("p1")
			_, err := h.owner.Approve(context.Background(), "p1", "grace")
			must(t, err)
			newer(h)
			if got := h.states()["p1"]; got != state.HoldSuperseded {
				t.Errorf("p1 is %s; want superseded", got)
			}
			h.hold("p1")
			if err := h.use("p1"); !errors.Is(err, state.ErrNotFound) {
				t.Errorf("using the approval it had before: %v; want ErrNotFound", err)
			}
		})
	}
}

func TestApprovalWorksOnceWithinADay(t *testing.T) {
	for name, test := range map[string]struct {
		pass    time.Duration
		again   bool
		refused bool
	}{
		"at once":         {0, false, false},
		"a second before": {24*time.Hour - time.Second, false, false},
		"a day later":     {24 * time.Hour, false, true},
		"twice":           {0, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.hold("p1")
			if err := h.use("p1"); !errors.Is(err, state.ErrNotFound) {
				t.Errorf("before it was given: %v; want ErrNotFound", err)
			}
			_, err := h.owner.Approve(context.Background(), "p1", "grace")
			must(t, err)
			h.pass(test.pass)
			if test.again {
				must(t, h.use("p1"))
			}
			if err := h.use("p1"); (err != nil) != test.refused {
				t.Errorf("used: %v; want refused %v", err, test.refused)
			}
			if got := h.states()["p1"]; !test.refused && got != state.HoldApplied {
				t.Errorf("hold is %s; want applied", got)
			}
		})
	}
}

func TestAStaleApprovalIsHeldAgain(t *testing.T) {
	h := newHouse(t)
	h.hold("p1")
	_, err := h.owner.Approve(context.Background(), "p1", "grace")
	must(t, err)
	h.pass(25 * time.Hour)
	h.hold("p1")
	if got := h.states()["p1"]; got != state.HoldHeld {
		t.Errorf("hold is %s; want held", got)
	}
}

func TestApproveOfWhatIsNotHeld(t *testing.T) {
	h := newHouse(t)
	if _, err := h.owner.Approve(context.Background(), "p9", "grace"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Approve: %v; want ErrNotFound", err)
	}
}

// An approval is of what the approver knew: a rule that comes later takes it back,
// one that goes, or counts otherwise, does not.
func TestApprovalCoversTheRulesItWasGivenFor(t *testing.T) {
	removals := state.HeldRule{Rule: "removals", Count: 12}
	history := state.HeldRule{Rule: "history", Scope: "0123456789ab"}
	fewer, other := removals, history
	fewer.Count, other.Scope = 11, "ba9876543210"
	for _, tt := range []struct {
		name            string
		approved, later []state.HeldRule
		want            state.HoldState
	}{
		{"the same", []state.HeldRule{removals, history}, []state.HeldRule{history, removals}, state.HoldApproved},
		{"another count", []state.HeldRule{removals}, []state.HeldRule{fewer}, state.HoldApproved},
		{"one less", []state.HeldRule{removals, history}, []state.HeldRule{history}, state.HoldApproved},
		{"one more", []state.HeldRule{removals}, []state.HeldRule{removals, history}, state.HoldHeld},
		{"of another scope", []state.HeldRule{history}, []state.HeldRule{other}, state.HoldHeld},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			hold := held("p1")
			hold.Rules = tt.approved
			must(t, h.owner.Hold(t.Context(), hold))
			_, err := h.owner.Approve(t.Context(), "p1", "grace")
			must(t, err)
			hold.Rules = tt.later
			must(t, h.owner.Hold(t.Context(), hold))
			if got := h.states()["p1"]; got != tt.want {
				t.Errorf("the plan is %s, want %s", got, tt.want)
			}
			if err := h.use("p1"); (err == nil) != (tt.want == state.HoldApproved) {
				t.Errorf("using the approval: %v", err)
			}
		})
	}
}

// A clock that was put back is no reason to refuse what was approved by it.
func TestApprovalUnderAnEarlierClock(t *testing.T) {
	h := newHouse(t)
	h.add("ada", true)
	h.pass(-60 * time.Hour)
	h.hold("p1")
	_, err := h.owner.Approve(t.Context(), "p1", "olu")
	must(t, err)
	must(t, h.use("p1"))
}
