package state_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestHoldings(t *testing.T) {
	h := busyHouse(t)
	coming := grant("cad")
	coming.Span = spec.Span{From: day(40), Until: spec.Forever}
	h.add("fay", true, coming)
	away := user("gil")
	away.Suspended = true
	h.update(func(tx *state.Tx) error {
		gil, err := tx.AddAccount(away, true)
		return noError(err, tx.Grant(gil.ID, grant("cad")))
	})
	got, err := h.db.Holdings(context.Background())
	must(t, err)
	want := []state.Holding{
		{Contract: "design", Product: "bim", Span: spec.AllTime, People: 1, Pending: 1},
		{Contract: "design", Product: "cad", Span: spec.AllTime, People: 1, Pending: 1},
		{Contract: "design", Product: "cad", Span: coming.Span, People: 1},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("holdings (-want +got):\n%s", diff)
	}
}

// figures are what the database keeps of who holds what and who has nothing.
type figures struct {
	Holdings []state.Holding
	Idle     []string // names, sorted
}

func (h *house) figures() figures {
	h.t.Helper()
	held, err := h.db.Holdings(context.Background())
	must(h.t, err)
	idle := h.everybody(state.PeopleQuery{Under: []string{}})
	slices.Sort(idle)
	return figures{held, idle}
}

// figures counts them the slow way.
func (o *oracle) figures() figures {
	f := figures{Idle: []string{}}
	held := map[state.Holding]*state.Holding{}
	for id, u := range o.users {
		stewards := false
		for _, manager := range o.managers {
			stewards = stewards || manager == id
		}
		if len(u.Access) == 0 && !stewards {
			f.Idle = append(f.Idle, u.Name)
		}
		for _, g := range u.Access {
			key := state.Holding{Contract: g.Contract, Product: g.Product, Span: g.Span}
			if u.Suspended {
				continue
			}
			if held[key] == nil {
				held[key] = &state.Holding{Contract: g.Contract, Product: g.Product, Span: g.Span}
			}
			held[key].People++
			if !o.active[id] {
				held[key].Pending++
			}
		}
	}
	for _, one := range held {
		f.Holdings = append(f.Holdings, *one)
	}
	slices.SortFunc(f.Holdings, func(a, b state.Holding) int {
		return compare(fmt.Sprintf("%s %s %20d", a.Contract, a.Product, a.Until), fmt.Sprintf("%s %s %20d", b.Contract, b.Product, b.Until))
	})
	slices.Sort(f.Idle)
	return f
}

// A state that did not keep the figures counts them once, history included.
func TestStatesOfBeforeFigures(t *testing.T) {
	h := busyHouse(t)
	away := user("gil")
	away.Suspended = true
	h.update(func(tx *state.Tx) error {
		gil, err := tx.AddAccount(away, true)
		return noError(err, tx.Grant(gil.ID, grant("sim"))) // which nobody else has
	})
	h.add("idle", true)
	moments := []time.Time{dayOne.Add(72 * time.Hour), dayOne.Add(120 * time.Hour), h.clock()}
	before := h.figures()
	past, err := h.db.SeatHistories(context.Background(), moments)
	must(t, noError(err, h.verify(), h.owner.Close(), h.db.Close()))
	h.tamper(h.since("0009_calendar.sql")...)
	h.tamper("PRAGMA user_version = 9")
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	if diff := cmp.Diff(before, h.figures()); diff != "" {
		t.Errorf("figures (-kept +counted):\n%s", diff)
	}
	counted, err := h.db.SeatHistories(context.Background(), moments)
	must(t, err)
	if diff := cmp.Diff(past, counted); diff != "" {
		t.Errorf("histories (-kept +counted):\n%s", diff)
	}
	must(t, h.verify())
	gil, err := h.db.Account(context.Background(), "gil")
	must(t, err)
	h.update(func(tx *state.Tx) error { return tx.ChangeAccount(gil.ID, user("gil")) })
	must(t, h.verify())
}
