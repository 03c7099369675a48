package state_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// DOMAIN.md row 2: the contract manager is one person, a handover included.
func TestAContractHasExactlyOneManager(t *testing.T) {
	for name, test := range map[string]struct {
		do      func(tx *state.Tx, ada, bo string) error
		refused bool
		manager string
	}{
		"handed over": {
			do: func(tx *state.Tx, ada, bo string) error {
				return noError(tx.Unassign("design", ada, spec.ContractManager), tx.Assign("design", bo, spec.ContractManager))
			},
			manager: "bo",
		},
		"handed over, assigned first": {
			do: func(tx *state.Tx, ada, bo string) error {
				return noError(tx.Assign("design", bo, spec.ContractManager), tx.Unassign("design", ada, spec.ContractManager))
			},
			manager: "bo",
		},
		"assigned and withdrawn again": {
			do: func(tx *state.Tx, ada, bo string) error {
				return noError(tx.Assign("design", bo, spec.ContractManager), tx.Unassign("design", bo, spec.ContractManager))
			},
			manager: "ada",
		},
		"two":                {do: func(tx *state.Tx, ada, bo string) error { return tx.Assign("design", bo, spec.ContractManager) }, refused: true},
		"none":               {do: func(tx *state.Tx, ada, bo string) error { return tx.Unassign("design", ada, spec.ContractManager) }, refused: true},
		"removed as a user":  {do: func(tx *state.Tx, ada, bo string) error { return tx.RemoveAccount(ada, nil) }, refused: true},
		"not of a contract":  {do: func(tx *state.Tx, ada, bo string) error { return tx.PutContract(&spec.Contract{Name: "field"}) }, refused: true},
		"with the contract":  {do: func(tx *state.Tx, ada, bo string) error { return tx.RemoveContract("design") }},
		"never held by them": {do: func(tx *state.Tx, ada, bo string) error { return tx.Unassign("design", bo, spec.ContractManager) }, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada, bo := h.add("ada", true), h.add("bo", true)
			h.update(func(tx *state.Tx) error {
				return noError(tx.PutContract(&spec.Contract{Name: "design"}), tx.Assign("design", ada.ID, spec.ContractManager))
			})
			do := func(tx *state.Tx) error { return test.do(tx, ada.ID, bo.ID) }
			if test.refused {
				h.refused(do)
				test.manager = "ada"
			} else {
				h.update(do)
			}
			manager := ""
			if c := h.truth().Roster.Contract("design"); c != nil {
				manager = c.Manager
			}
			if manager != test.manager {
				t.Errorf("manager %q; want %q", manager, test.manager)
			}
			must(t, h.verify())
		})
	}
}

func TestContractsProductsAndTeamsAreKeptAsTheyAre(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	at := func(line int32) spec.Origin { return spec.Origin{File: "all.yaml", Line: line, Column: 1} }
	timed := grant("cad")
	timed.Span = spec.Span{From: day(1), Until: day(9)}
	plain := grant("bim")
	plain.Reason = ""
	want := spec.Roster{
		Contracts: []spec.Contract{{
			Name: "design", Manager: "ada", Coordinators: []string{"ada"}, SupportEmail: "help@acme.example", Origin: at(1),
			Offers:  []spec.Offer{{Product: "bim", Seats: spec.Unlimited, Origin: at(2)}, {Product: "cad", Seats: 5, Origin: at(3)}},
			Credits: &spec.Credits{Pool: 1000, Expires: spec.Forever},
		}},
		Products: []spec.Product{
			{Name: "bim", Title: "BIM <&>", Type: spec.TypeService, Origin: at(4)},
			{Name: "cad", Title: "CAD", Type: spec.TypeProduct, Downloads: []spec.Download{{Title: "64-bit", URL: "https://x", Size: 9}}, Origin: at(5)},
		},
		Teams: []spec.Team{{Name: "all", Members: []string{"ada"}, Teams: []string{"some"}, Access: []spec.Grant{plain, timed}, Origin: at(6)}, {Name: "some", Origin: at(7)}},
		Users: []spec.User{*user("ada")},
	}
	put := func(tx *state.Tx, joined ...string) error {
		return noError(tx.PutContract(&want.Contracts[0]), tx.PutProduct(&want.Products[0]), tx.PutProduct(&want.Products[1]),
			tx.PutTeam(&want.Teams[0], joined, nil), tx.PutTeam(&want.Teams[1], nil, nil))
	}
	h.update(func(tx *state.Tx) error {
		return noError(put(tx, ada.ID), tx.Assign("design", ada.ID, spec.ContractManager), tx.Assign("design", ada.ID, spec.SoftwareCoordinator))
	})
	if diff := cmp.Diff(&want, h.truth().Roster); diff != "" {
		t.Errorf("kept (-want +got):\n%s", diff)
	}
	want.Contracts[0].Origin, want.Contracts[0].Offers[0].Origin = at(11), at(12)
	want.Products[0].Origin, want.Teams[0].Origin = at(13), at(14)
	want.Teams[0].Access[0].Because = []spec.Origin{at(15)}
	if r := h.update(func(tx *state.Tx) error { return put(tx) }); r.Changes != 0 {
		t.Errorf("moved lines count as %d changes; want 0", r.Changes)
	}
	if diff := cmp.Diff(&want, h.truth().Roster); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	must(t, h.verify())
}

func TestExplainMovesTheLineAlone(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"))
	moved := grant("cad")
	moved.Because = []spec.Origin{{File: "elsewhere.yaml", Line: 1, Column: 1}}
	if r := h.update(func(tx *state.Tx) error { return tx.Explain(ada.ID, moved) }); r.Changes != 0 {
		t.Errorf("it counts as %d changes; want 0", r.Changes)
	}
	if diff := cmp.Diff([]spec.Grant{moved}, h.truth().Roster.User("ada").Access); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	must(t, h.verify())
}

func TestWhatIsNotInForceCannotEnd(t *testing.T) {
	other := grant("cad")
	other.Until = day(3)
	for name, do := range map[string]func(tx *state.Tx, id string) error{
		"another span":  func(tx *state.Tx, id string) error { return tx.Revoke(id, other) },
		"another grant": func(tx *state.Tx, id string) error { return tx.ChangeGrant(id, grant("bim"), other) },
		"explained":     func(tx *state.Tx, id string) error { return tx.Explain(id, other) },
		"account":       func(tx *state.Tx, id string) error { return tx.RemoveAccount("u", nil) },
		"changed":       func(tx *state.Tx, id string) error { return tx.ChangeAccount("u", user("eve")) },
		"invited":       func(tx *state.Tx, id string) error { _, err := tx.Invite("u", 1); return err },
		"returned":      func(tx *state.Tx, id string) error { _, err := tx.ReviveAccount("u", user("eve")); return err },
		"product":       func(tx *state.Tx, id string) error { return tx.RemoveProduct("bim") },
		"contract":      func(tx *state.Tx, id string) error { return tx.RemoveContract("bim") },
		"team":          func(tx *state.Tx, id string) error { return tx.RemoveTeam("bim") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada := h.add("ada", true, grant("cad"))
			err := h.refused(func(tx *state.Tx) error { return do(tx, ada.ID) })
			if !errors.Is(err, state.ErrNotFound) {
				t.Errorf("%v; want ErrNotFound", err)
			}
		})
	}
}

func TestTheSameAccessTwiceIsAnError(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"))
	err := h.refused(func(tx *state.Tx) error { return tx.Grant(ada.ID, grant("cad")) })
	if !strings.Contains(err.Error(), "UNIQUE") {
		t.Errorf("%v; want the constraint named", err)
	}
}
