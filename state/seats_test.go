package state_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// busyHouse has a history of seats: people come, are suspended, restored, lose
// access and leave; a contract sells more, then less.
func busyHouse(t *testing.T) *house {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"))
	h.update(func(tx *state.Tx) error {
		return noError(tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "cad", Seats: 2}}}),
			tx.Assign("design", ada.ID, spec.ContractManager))
	})
	next := func(fn func(*state.Tx) error) {
		h.pass(24 * time.Hour)
		h.update(fn)
	}
	h.pass(24 * time.Hour)
	bo := h.add("bo", false, grant("cad"), grant("bim"))
	coming := grant("cad")
	coming.Span = spec.Span{From: day(3), Until: day(5)}
	h.pass(24 * time.Hour)
	eve := h.add("eve", false, coming)
	next(func(tx *state.Tx) error {
		u := user("bo")
		u.Suspended = true
		return noError(tx.ChangeAccount(bo.ID, u), tx.PutContract(&spec.Contract{
			Name: "design", Offers: []spec.Offer{{Product: "bim", Seats: spec.Unlimited}, {Product: "cad", Seats: 1}},
		}))
	})
	next(func(tx *state.Tx) error { return tx.Revoke(ada.ID, grant("cad")) })
	next(func(tx *state.Tx) error { return tx.ChangeAccount(bo.ID, user("bo")) })
	next(func(tx *state.Tx) error {
		return noError(tx.RemoveAccount(eve.ID, nil), tx.PutContract(&spec.Contract{
			Name: "design", Offers: []spec.Offer{{Product: "bim", Seats: spec.Unlimited}},
		}))
	})
	return h
}

// At every moment of the past the seats held are those of the roster as it was,
// counted the slow way.
func TestSeatHistoriesSayWhatWasTrue(t *testing.T) {
	h := busyHouse(t)
	ctx := context.Background()
	var moments []time.Time
	for at := dayOne.Add(-time.Hour); at.Before(h.clock().Add(48 * time.Hour)); at = at.Add(12 * time.Hour) {
		moments = append(moments, at)
	}
	got, err := h.db.SeatHistories(ctx, moments)
	must(t, err)
	held, seats := map[spec.Seat][]int{}, map[spec.Seat][]int{}
	for _, s := range got {
		seat := spec.Seat{Contract: s.Contract, Product: s.Product}
		held[seat], seats[seat] = s.Held, s.Seats
	}
	wantHeld, wantSeats := map[spec.Seat][]int{}, map[spec.Seat][]int{}
	for _, product := range []string{"bim", "cad"} {
		seat := spec.Seat{Contract: "design", Product: product}
		for _, at := range moments {
			used, bought := h.seatsThen(at, seat)
			wantHeld[seat], wantSeats[seat] = append(wantHeld[seat], used), append(wantSeats[seat], bought)
		}
	}
	if diff := cmp.Diff(wantHeld, held); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(wantSeats, seats); diff != "" {
		t.Errorf("seats (-want +got):\n%s", diff)
	}
}

// seatsThen counts from the roster as it was.
func (h *house) seatsThen(at time.Time, seat spec.Seat) (held, seats int) {
	h.t.Helper()
	number, err := h.db.RevisionAt(context.Background(), at)
	must(h.t, err)
	truth, err := h.db.TruthAt(context.Background(), number)
	must(h.t, err)
	for _, u := range truth.Roster.Users {
		for _, g := range u.Access {
			if !u.Suspended && g.Contract == seat.Contract && g.Product == seat.Product && g.Contains(spec.DayOf(at)) {
				held++
			}
		}
	}
	if c := truth.Roster.Contract(seat.Contract); c != nil && c.Offer(seat.Product) != nil {
		seats = c.Offer(seat.Product).Seats
	}
	return held, seats
}

func TestStampGrowsWithEveryRevision(t *testing.T) {
	h := busyHouse(t)
	before, err := h.db.Stamp(context.Background())
	must(t, err)
	h.add("ida", true)
	after, err := h.db.Stamp(context.Background())
	must(t, err)
	if after <= before {
		t.Errorf("stamp %d after a revision; want more than %d", after, before)
	}
}
