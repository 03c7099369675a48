package state_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// offices is a house where ada manages design and site, and olu manages plant; cy
// manages nothing. A plan that concerns design and plant is held.
func offices(t *testing.T) (h *house, id map[string]string) {
	h, id = newHouse(t), map[string]string{}
	for _, name := range []string{"ada", "olu", "cy"} {
		id[name] = h.add(name, true).ID
	}
	h.update(func(tx *state.Tx) error {
		for contract, manager := range map[string]string{"design": "ada", "site": "ada", "plant": "olu"} {
			if err := noError(tx.PutContract(&spec.Contract{Name: contract}), tx.Assign(contract, id[manager], spec.ContractManager)); err != nil {
				return err
			}
		}
		return nil
	})
	h.holdFor("p1", "design", "plant")
	return h, id
}

func (h *house) holdFor(plan string, contracts ...string) {
	h.t.Helper()
	hold := held(plan)
	hold.Contracts = contracts
	must(h.t, h.owner.Hold(h.t.Context(), hold))
}

// stands is how a plan's last hold stands: its state, who has approved what, and
// what is lacking.
func (h *house) stands(plan string) (stands struct {
	State     state.HoldState
	By        string
	Approvals map[string]string
	Lacking   []string
}) {
	h.t.Helper()
	hold, err := h.db.HoldOf(h.t.Context(), plan)
	must(h.t, err)
	stands.State, stands.By, stands.Lacking, stands.Approvals = hold.State, hold.ApprovedBy, hold.Lacking(), map[string]string{}
	for _, a := range hold.Approvals {
		stands.Approvals[a.Contract] = a.By
	}
	return stands
}

func (h *house) approves(plan, account string) {
	h.t.Helper()
	if _, err := h.owner.ApproveFor(h.t.Context(), plan, account); err != nil {
		h.t.Fatalf("ApproveFor: %v", err)
	}
}

// A plan that concerns contracts of two managers takes both, in either order.
func TestEachManagerApprovesTheirs(t *testing.T) {
	h, id := offices(t)
	h.approves("p1", id["olu"])
	h.approves("p1", id["olu"]) // once more is no second approval
	got := h.stands("p1")
	if diff := cmp.Diff(map[string]string{"plant": "olu"}, got.Approvals); diff != "" || got.State != state.HoldHeld {
		t.Errorf("%s after olu's approval (-want +got):\n%s", got.State, diff)
	}
	if diff := cmp.Diff([]string{"design"}, got.Lacking); diff != "" {
		t.Errorf("lacking (-want +got):\n%s", diff)
	}
	if err := h.use("p1"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("using half an approval: %v; want ErrNotFound", err)
	}
	h.pass(time.Hour)
	hold, err := h.owner.ApproveFor(t.Context(), "p1", id["ada"])
	must(t, err)
	if hold.State != state.HoldApproved || hold.ApprovedBy != "ada, olu" || !hold.ApprovedAt.Equal(dayOne) {
		t.Errorf("%s by %q at %v; want approved by both since the first", hold.State, hold.ApprovedBy, hold.ApprovedAt)
	}
	must(t, h.use("p1"))
	got = h.stands("p1")
	if diff := cmp.Diff(map[string]string{"design": "ada", "plant": "olu"}, got.Approvals); diff != "" || got.State != state.HoldApplied {
		t.Errorf("%s; on record afterwards (-want +got):\n%s", got.State, diff)
	}
	must(t, h.verify())
}

// Whoever runs usher lets a plan through whole, whatever part of it is approved.
func TestApprovalOfTheWhole(t *testing.T) {
	h, id := offices(t)
	h.approves("p1", id["olu"])
	_, err := h.owner.Approve(t.Context(), "p1", "root")
	must(t, err)
	h.approves("p1", id["ada"])
	if got := h.stands("p1"); got.State != state.HoldApproved || got.By != "root" {
		t.Errorf("%+v; want it approved by root", got)
	}
	must(t, h.use("p1"))
}

func TestWhoseApprovalItTakes(t *testing.T) {
	tests := []struct {
		name, who string
		contracts []string
		before    func(h *house, id map[string]string)
		err       error
		state     state.HoldState
	}{
		{"the manager of all there are", "ada", []string{"design", "site"}, nil, nil, state.HoldApproved},
		{"of one of them", "ada", []string{"plant", "site"}, nil, nil, state.HoldHeld},
		{"of none of them", "olu", []string{"design"}, nil, state.ErrNotManager, state.HoldHeld},
		{"nobody's manager", "cy", []string{"design"}, nil, state.ErrNotManager, state.HoldHeld},
		{"any manager's, where it concerns none", "olu", nil, nil, nil, state.HoldApproved},
		{"nobody's manager, where it concerns none", "cy", nil, nil, state.ErrNotManager, state.HoldHeld},
		{"one who was it until a moment ago", "ada", []string{"design"}, func(h *house, id map[string]string) {
			h.handOver("design", id["ada"], id["cy"])
		}, state.ErrNotManager, state.HoldHeld},
		{"one who is suspended", "olu", []string{"plant"}, func(h *house, id map[string]string) {
			h.tamper("UPDATE person SET suspended = 1 WHERE account = '" + id["olu"] + "'")
		}, state.ErrNotManager, state.HoldHeld},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, id := offices(t)
			h.holdFor("p2", tt.contracts...)
			if tt.before != nil {
				tt.before(h, id)
			}
			if _, err := h.owner.ApproveFor(t.Context(), "p2", id[tt.who]); !errors.Is(err, tt.err) {
				t.Errorf("ApproveFor: %v; want %v", err, tt.err)
			}
			if got := h.stands("p2").State; got != tt.state {
				t.Errorf("the plan is %s, want %s", got, tt.state)
			}
		})
	}
	h, id := offices(t)
	if _, err := h.owner.ApproveFor(t.Context(), "p9", id["ada"]); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("a plan that is not held: %v; want ErrNotFound", err)
	}
}

func (h *house) handOver(contract, from, to string) {
	h.t.Helper()
	h.update(func(tx *state.Tx) error {
		return noError(tx.Unassign(contract, from, spec.ContractManager), tx.Assign(contract, to, spec.ContractManager))
	})
}

// What one manager approved counts as long as they manage the contract, for a day, and
// for the rules that they knew of.
func TestAnApprovalDies(t *testing.T) {
	tests := []struct {
		name      string
		meanwhile func(h *house, id map[string]string)
		want      state.HoldState
	}{
		{"not at all", func(*house, map[string]string) {}, state.HoldApproved},
		{"within a day", func(h *house, _ map[string]string) { h.pass(24*time.Hour - time.Second) }, state.HoldApproved},
		{"after a day", func(h *house, _ map[string]string) { h.pass(24 * time.Hour) }, state.HoldHeld},
		{"with the role", func(h *house, id map[string]string) { h.handOver("plant", id["olu"], id["cy"]) }, state.HoldHeld},
		{"with another plan", func(h *house, _ map[string]string) { h.hold("p2"); h.holdFor("p1", "design", "plant") }, state.HoldHeld},
		{"with nothing held", func(h *house, _ map[string]string) {
			must(h.t, h.owner.ReleaseHolds(h.t.Context()))
			h.holdFor("p1", "design", "plant")
		}, state.HoldHeld},
		{"with a rule that came later", func(h *house, _ map[string]string) {
			hold := held("p1")
			hold.Contracts, hold.Rules = []string{"design", "plant"}, append(hold.Rules, state.HeldRule{Rule: "mail"})
			must(h.t, h.owner.Hold(h.t.Context(), hold))
		}, state.HoldHeld},
		{"not with the same plan, held again", func(h *house, _ map[string]string) { h.holdFor("p1", "design", "plant") }, state.HoldApproved},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h, id := offices(t)
			h.approves("p1", id["olu"])
			tt.meanwhile(h, id)
			h.approves("p1", id["ada"])
			got := h.stands("p1")
			if got.State != tt.want {
				t.Errorf("the plan is %s, want %s; approved for %v", got.State, tt.want, got.Approvals)
			}
			if _, stands := got.Approvals["plant"]; stands != (tt.want == state.HoldApproved) {
				t.Errorf("olu's approval stands: %v", stands)
			}
		})
	}
}

// An approval of several ends a day after the first of them, and only that one has to
// be given again.
func TestTheDayOfSeveralApprovals(t *testing.T) {
	h, id := offices(t)
	h.approves("p1", id["olu"])
	h.pass(20 * time.Hour)
	h.approves("p1", id["ada"])
	h.pass(4 * time.Hour)
	if err := h.use("p1"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("a day after the first: %v; want ErrNotFound", err)
	}
	if diff := cmp.Diff([]string{"plant"}, h.stands("p1").Lacking); diff != "" {
		t.Errorf("lacking (-want +got):\n%s", diff)
	}
	h.approves("p1", id["olu"])
	h.holdFor("p1", "design", "plant")
	must(t, h.use("p1"))
}

// Two who approve at once let the plan through together.
func TestApprovalsAtOnce(t *testing.T) {
	h, id := offices(t)
	var both sync.WaitGroup
	for _, name := range []string{"ada", "olu"} {
		both.Go(func() {
			if _, err := h.owner.ApproveFor(t.Context(), "p1", id[name]); err != nil {
				t.Errorf("ApproveFor %s: %v", name, err)
			}
		})
	}
	both.Wait()
	if got := h.stands("p1"); got.State != state.HoldApproved || got.By != "ada, olu" {
		t.Errorf("%+v; want approved by both", got)
	}
}
