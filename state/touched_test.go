package state_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestTouched(t *testing.T) {
	h := newHouse(t)
	ctx := context.Background()
	ada := h.add("ada", true)
	var bo state.Account
	two := h.update(func(tx *state.Tx) (err error) {
		bo, err = tx.AddAccount(user("bo"), true)
		return noError(err, tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD"}), tx.Grant(ada.ID, grant("cad")),
			tx.PutContract(&spec.Contract{Name: "design"}), tx.Assign("design", ada.ID, spec.ContractManager),
			tx.PutTeam(&spec.Team{Name: "cad", Access: []spec.Grant{grant("cad"), grant("bim")}}, []string{bo.ID}, nil))
	})
	three := h.update(func(tx *state.Tx) error { return noError(tx.RemoveAccount(bo.ID, nil), tx.RemoveTeam("cad")) })
	want := []string{"user " + bo.ID, "product cad", "user " + ada.ID, "contract design", "team cad"}
	for _, limit := range []int{0, 1, 2, 5} {
		var got []string
		for after := int64(0); ; {
			page, err := h.db.Touched(ctx, two.Number, after, limit)
			must(t, err)
			if limit > 0 && len(page) > limit {
				t.Fatalf("a page of %d; want at most %d", len(page), limit)
			}
			for _, one := range page {
				got, after = append(got, one.Kind+" "+one.Name), one.Seq
			}
			if len(page) == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("in pages of %d (-want +got):\n%s", limit, diff)
		}
	}
	for revision, want := range map[int64]state.Touched{
		two.Number:   {Kind: "team", Name: "cad", Contracts: []string{"design"}},
		three.Number: {Kind: "team", Name: "cad", Withdrawn: true},
	} {
		all, err := h.db.Touched(ctx, revision, 0, 0)
		must(t, err)
		i := slices.IndexFunc(all, func(t state.Touched) bool { return t.Kind == "team" })
		if i < 0 {
			t.Fatalf("revision %d has no team: %v", revision, all)
		}
		want.Seq = all[i].Seq
		if diff := cmp.Diff(want, all[i]); diff != "" {
			t.Errorf("revision %d (-want +got):\n%s", revision, diff)
		}
	}
	if page, err := h.db.Touched(ctx, 99, 0, 0); err != nil || page != nil {
		t.Errorf("a revision that never was: %v, %v; want nothing", page, err)
	}
	who, err := h.db.Bearer(ctx, bo.ID)
	if err != nil || who.Name != "bo" {
		t.Errorf("the bearer of a removed account is %q, %v; want bo", who.Name, err)
	}
	if _, err := h.db.Bearer(ctx, "nobody"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("the bearer of nothing: %v; want ErrNotFound", err)
	}
}

func TestRevisionsInPages(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		h.add(fmt.Sprintf("u%d", i), true)
	}
	for before, want := range map[int64]string{0: "[5 4]", 4: "[3 2]", 2: "[1]", 1: "[]"} {
		page, err := h.db.RevisionsBefore(context.Background(), before, 2)
		must(t, err)
		numbers := []int64{}
		for _, r := range page {
			numbers = append(numbers, r.Number)
		}
		if got := fmt.Sprint(numbers); got != want {
			t.Errorf("before %d: %s; want %s", before, got, want)
		}
	}
	if r, err := h.db.Revision(context.Background(), 3); err != nil || r.Number != 3 || r.Changes != 1 {
		t.Errorf("revision 3: %+v, %v", r, err)
	}
	for _, number := range []int64{0, 6, -1} {
		if _, err := h.db.Revision(context.Background(), number); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("revision %d: %v; want ErrNotFound", number, err)
		}
	}
}
