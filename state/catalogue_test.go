package state_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// The catalogue is the roster without those to whom things are given.
func TestCatalogue(t *testing.T) {
	h := newHouse(t)
	ada, grace := h.add("ada", true, grant("cad")), h.add("grace", false)
	h.add("bo", true, grant("cad"))
	h.update(func(tx *state.Tx) error {
		return noError(
			tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD", Type: spec.TypeProduct}),
			tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "cad", Seats: 9}}, SupportEmail: "help@acme.example"}),
			tx.PutContract(&spec.Contract{Name: "field"}),
			tx.Assign("design", ada.ID, spec.ContractManager), tx.Assign("design", grace.ID, spec.SoftwareCoordinator),
			tx.Assign("field", grace.ID, spec.ContractManager), tx.Assign("field", grace.ID, spec.SoftwareCoordinator))
	})
	got, err := h.db.Catalogue(context.Background())
	must(t, err)
	truth := h.truth()
	want := &spec.Roster{Contracts: truth.Roster.Contracts, Products: truth.Roster.Products}
	if diff := cmp.Diff(want, got.Roster); diff != "" {
		t.Errorf("roster (-want +got):\n%s", diff)
	}
	if got.Newest.Number != truth.Newest.Number {
		t.Errorf("newest %d; want %d", got.Newest.Number, truth.Newest.Number)
	}
	delete(truth.Accounts, "bo")
	if diff := cmp.Diff(truth.Accounts, got.Stewards); diff != "" {
		t.Errorf("stewards (-want +got):\n%s", diff)
	}
}

func TestAccessOfOneAccount(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"), grant("bim"))
	h.add("bo", true, grant("vault"))
	got, err := h.db.Access(context.Background(), ada.ID)
	must(t, err)
	want := []spec.Grant{grant("bim"), grant("cad")}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("access (-want +got):\n%s", diff)
	}
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	if got, err = h.db.Access(context.Background(), ada.ID); err != nil || slices.Concat(got) != nil {
		t.Errorf("after the removal: %v, %v; want nothing", got, err)
	}
}
