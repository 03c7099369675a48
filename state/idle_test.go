package state_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// Who has neither access nor a role is known after every revision, whatever ended it.
func TestWhoHasNothing(t *testing.T) {
	h := newHouse(t)
	design := &spec.Contract{Name: "design"}
	ada, bo := h.add("ada", true), h.add("bo", false, grant("cad"))
	h.update(func(tx *state.Tx) error {
		return noError(tx.PutContract(design), tx.Assign("design", ada.ID, spec.ContractManager))
	})
	eve := h.add("eve", true)
	for _, step := range []struct {
		what string
		do   func(*state.Tx) error
		want []string
	}{
		{"nothing", func(*state.Tx) error { return nil }, []string{"eve"}},
		{"a role", func(tx *state.Tx) error { return tx.Assign("design", eve.ID, spec.SoftwareCoordinator) }, nil},
		{"a role withdrawn", func(tx *state.Tx) error { return tx.Unassign("design", eve.ID, spec.SoftwareCoordinator) }, []string{"eve"}},
		{"a role that never was", func(tx *state.Tx) error {
			return noError(tx.Assign("design", eve.ID, spec.SoftwareCoordinator), tx.Unassign("design", eve.ID, spec.SoftwareCoordinator))
		}, []string{"eve"}},
		{"access lost", func(tx *state.Tx) error { return tx.Revoke(bo.ID, grant("cad")) }, []string{"bo", "eve"}},
		{"access", func(tx *state.Tx) error { return tx.Grant(bo.ID, grant("cad")) }, []string{"eve"}},
		{"suspended, with access", func(tx *state.Tx) error {
			u := user("bo")
			u.Suspended = true
			return tx.ChangeAccount(bo.ID, u)
		}, []string{"eve"}},
		{"another name, with nothing", func(tx *state.Tx) error { return tx.ChangeAccount(eve.ID, user("eva")) }, []string{"eva"}},
		{"new, with a role under no contract", func(tx *state.Tx) error {
			fay, err := tx.AddAccount(user("fay"), true)
			return noError(err, tx.Assign("gone", fay.ID, spec.SoftwareCoordinator))
		}, []string{"eva", "fay"}},
		{"new, invited again and given access", func(tx *state.Tx) error {
			gil, err := tx.AddAccount(user("gil"), false)
			if err == nil {
				_, err = tx.Invite(gil.ID, 2)
			}
			return noError(err, tx.Grant(gil.ID, grant("cad")))
		}, []string{"eva", "fay"}},
		{"a contract removed", func(tx *state.Tx) error { return tx.RemoveContract("design") }, []string{"ada", "eva", "fay"}},
		{"removed", func(tx *state.Tx) error { return noError(tx.RemoveAccount(ada.ID, nil), tx.RemoveAccount(bo.ID, nil)) }, []string{"eva", "fay"}},
		{"returned, one with access", func(tx *state.Tx) error {
			_, err := tx.ReviveAccount(ada.ID, user("ada"))
			_, again := tx.ReviveAccount(bo.ID, user("bo"))
			return noError(err, again, tx.Grant(bo.ID, grant("cad")))
		}, []string{"ada", "eva", "fay"}},
	} {
		h.update(step.do)
		got := h.everybody(state.PeopleQuery{Under: []string{}})
		slices.Sort(got)
		if step.want == nil {
			step.want = []string{}
		}
		if diff := cmp.Diff(step.want, got); diff != "" {
			t.Errorf("after %s (-want +got):\n%s", step.what, diff)
		}
		must(t, h.verify())
	}
}
