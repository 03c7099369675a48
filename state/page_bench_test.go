package state_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// BenchmarkPages reads what pages of the account site show, of organisations of two
// sizes. What a page reads each time ("catalogue", "access", "stamp") costs the
// same whatever the size: the last lines of each print the ratio of the two. What
// counts everybody ("holdings", "histories") is read once after a change, or once a
// day, and follows the number of grants.
func BenchmarkPages(b *testing.B) {
	took := map[string][]float64{}
	sizes := []int{1000, 100_000}
	for _, people := range sizes {
		h, one := workforce(b, people)
		ctx := context.Background()
		moments := make([]time.Time, 12)
		for i := range moments {
			moments[i] = dayOne.AddDate(0, 0, i-6)
		}
		for _, read := range []struct {
			name string
			do   func() error
		}{
			{"catalogue", func() error { _, err := h.db.Catalogue(ctx); return err }},
			{"access", func() error { _, err := h.db.Access(ctx, one.ID); return err }},
			{"stamp", func() error { _, err := h.db.Stamp(ctx); return err }},
			{"touched", func() error { _, err := h.db.Touched(ctx, 1, 0, 40); return err }},
			{"holdings", func() error { _, err := h.db.Holdings(ctx); return err }},
			{"histories", func() error { _, err := h.db.SeatHistories(ctx, moments); return err }},
		} {
			b.Run(fmt.Sprintf("%s/%d", read.name, people), func(b *testing.B) {
				for b.Loop() {
					must(b, read.do())
				}
				each := b.Elapsed().Seconds() / float64(b.N)
				took[read.name] = append(took[read.name], each)
				if n := len(took[read.name]); people == sizes[1] && n > 0 {
					b.ReportMetric(each/took[read.name][0], "times-small")
				}
			})
		}
	}
}

// workforce is an organisation of so many people with three grants each, and one of them.
func workforce(b *testing.B, people int) (*house, state.Account) {
	b.Helper()
	h := newHouse(b)
	users := make([]*spec.User, people)
	for i := range users {
		users[i] = user(fmt.Sprintf("u%07d", i))
	}
	h.update(func(tx *state.Tx) error { return addAll(tx, users) })
	one, err := h.db.Account(context.Background(), users[people/2].Name)
	must(b, err)
	h.update(func(tx *state.Tx) error {
		return noError(tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "bim", Seats: people}, {Product: "cad", Seats: people}}}),
			tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD"}), tx.Assign("design", one.ID, spec.ContractManager))
	})
	return h, one
}
