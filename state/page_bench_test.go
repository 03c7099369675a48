package state_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// BenchmarkPages reads what pages of the account site show, of organisations of
// several sizes in turns, and prints how many times longer each takes than of the
// smallest. None reads everybody's access.
func BenchmarkPages(b *testing.B) {
	type firm struct {
		*house
		one    state.Account
		people int
	}
	var firms []firm
	for _, people := range benchSizes(b) {
		h, one := workforce(b, people)
		firms = append(firms, firm{h, one, people})
	}
	ctx := context.Background()
	moments := make([]time.Time, 12)
	for i := range moments {
		moments[i] = dayOne.AddDate(0, 0, i-6)
	}
	for _, read := range []struct {
		name string
		do   func(firm) error
	}{
		{"catalogue", func(f firm) error { _, err := f.db.Catalogue(ctx); return err }},
		{"access", func(f firm) error { _, err := f.db.Access(ctx, f.one.ID); return err }},
		{"stamp", func(f firm) error { _, err := f.db.Stamp(ctx); return err }},
		{"touched", func(f firm) error { _, err := f.db.Touched(ctx, 1, 0, 40); return err }},
		{"history", func(f firm) error { _, err := f.db.History(ctx, f.one.ID); return err }},
		{"holdings", func(f firm) error { _, err := f.db.Holdings(ctx); return err }},
		{"histories", func(f firm) error { _, err := f.db.SeatHistories(ctx, moments); return err }},
	} {
		b.Run(read.name, func(b *testing.B) {
			spent := make([]time.Duration, len(firms))
			for _, f := range firms {
				must(b, read.do(f)) // reads what is not in memory yet
			}
			for b.Loop() {
				for i, f := range firms {
					start := time.Now()
					must(b, read.do(f))
					spent[i] += time.Since(start)
				}
			}
			for i, f := range firms {
				b.ReportMetric(float64(spent[i].Microseconds())/float64(b.N), fmt.Sprintf("µs/%d", f.people))
				if i > 0 {
					b.ReportMetric(float64(spent[i])/float64(spent[0]), fmt.Sprintf("times-%d-to-%d", f.people, firms[0].people))
				}
			}
			b.ReportMetric(0, "ns/op")
		})
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
