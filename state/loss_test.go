package state_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// losses are those of the last 24 hours, as "kind contract product team".
func (h *house) losses() []string {
	h.t.Helper()
	losses, err := h.db.Losses(h.t.Context(), h.clock().Add(-24*time.Hour))
	must(h.t, err)
	var all []string
	for _, l := range losses {
		all = append(all, string(l.Kind)+" "+l.Contract+" "+l.Product+" "+l.Team)
	}
	slices.Sort(all)
	return all
}

func until(product string, offset int) spec.Grant {
	g := grant(product)
	g.Until = day(offset)
	return g
}

func from(product string, offset int) spec.Grant {
	g := grant(product)
	g.From = day(offset)
	return g
}

func TestLosses(t *testing.T) {
	moved := grant("cad")
	moved.Contract = "field"
	suspended := user("ada")
	suspended.Suspended = true
	for name, test := range map[string]struct {
		cause state.Cause
		do    func(tx *state.Tx, id string) error
		then  func(h *house, id string)
		want  []string
	}{
		"access": {
			do:   func(tx *state.Tx, id string) error { return tx.Revoke(id, grant("cad")) },
			want: []string{"access design cad "},
		},
		"removed": {
			do:   func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) },
			want: []string{"access design bim ", "access design cad ", "access design old ", "removed   ", "role design  ", "team   t"},
		},
		"removed and back": {
			do: func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) },
			then: func(h *house, id string) {
				h.update(func(tx *state.Tx) error {
					_, err := tx.ReviveAccount(id, user("ada"))
					return noError(err, tx.Grant(id, grant("cad")), tx.Grant(id, grant("bim")), tx.Grant(id, grant("old")),
						tx.Assign("design", id, spec.SoftwareCoordinator), tx.PutTeam(&spec.Team{Name: "t"}, []string{id}, nil))
				})
			},
		},
		"suspended": {
			do:   func(tx *state.Tx, id string) error { return tx.ChangeAccount(id, suspended) },
			want: []string{"access design bim ", "access design cad ", "access design old "},
		},
		"suspended and restored": {
			do: func(tx *state.Tx, id string) error { return tx.ChangeAccount(id, suspended) },
			then: func(h *house, id string) {
				h.update(func(tx *state.Tx) error { return tx.ChangeAccount(id, user("ada")) })
			},
		},
		"role":                 {do: func(tx *state.Tx, id string) error { return tx.Unassign("design", id, spec.SoftwareCoordinator) }, want: []string{"role design  "}},
		"team":                 {do: func(tx *state.Tx, id string) error { return tx.PutTeam(&spec.Team{Name: "t"}, nil, []string{id}) }, want: []string{"team   t"}},
		"to another contract":  {do: func(tx *state.Tx, id string) error { return tx.ChangeGrant(id, grant("cad"), moved) }},
		"to fewer days":        {do: func(tx *state.Tx, id string) error { return tx.ChangeGrant(id, grant("cad"), until("cad", 9)) }},
		"to days that are not": {do: func(tx *state.Tx, id string) error { return tx.ChangeGrant(id, grant("cad"), from("cad", 9)) }, want: []string{"access design cad "}},
		"approved":             {cause: state.Cause{Kind: state.CauseManifests, Approved: true}, do: func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) }},
		"by the calendar":      {cause: state.Cause{Kind: state.CauseTime}, do: func(tx *state.Tx, id string) error { return tx.Revoke(id, grant("cad")) }},
		"a day ago": {
			do:   func(tx *state.Tx, id string) error { return tx.Revoke(id, grant("cad")) },
			then: func(h *house, id string) { h.pass(24*time.Hour + time.Millisecond) },
		},
		"over already": {
			do: func(tx *state.Tx, id string) error { return tx.Revoke(id, until("old", -1)) },
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			bo := h.add("bo", true)
			old := grant("old")
			if name == "over already" {
				old = until("old", -1)
			}
			ada := h.add("ada", true, grant("cad"), grant("bim"), old)
			h.update(func(tx *state.Tx) error {
				return noError(tx.PutContract(&spec.Contract{Name: "design"}), tx.Assign("design", bo.ID, spec.ContractManager),
					tx.Assign("design", ada.ID, spec.SoftwareCoordinator), tx.PutTeam(&spec.Team{Name: "t"}, []string{ada.ID}, nil))
			})
			if test.cause.Kind == "" {
				test.cause.Kind = state.CauseManifests
			}
			h.updateBecause(test.cause, func(tx *state.Tx) error { return test.do(tx, ada.ID) })
			if test.then != nil {
				test.then(h, ada.ID)
			}
			if diff := cmp.Diff(test.want, h.losses()); diff != "" {
				t.Errorf("losses (-want +got):\n%s", diff)
			}
			must(t, h.verify())
		})
	}
}
