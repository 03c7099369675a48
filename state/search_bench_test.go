package state_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// BenchmarkPeople asks for pages of people among 1,000 and among 100,000, and
// prints how many times longer the latter takes. Twenty people have the rare
// product, however many there are.
func BenchmarkPeople(b *testing.B) {
	few, many := crowd(b, 1_000), crowd(b, 100_000)
	middle := func(h *house) string {
		page, err := h.db.People(context.Background(), state.PeopleQuery{Text: "last000500", Limit: 1})
		must(b, err)
		return page.People[0].ID
	}
	rest := map[*house]string{few: middle(few), many: middle(many)}
	for _, bm := range []struct {
		name  string
		query func(*house) state.PeopleQuery
	}{
		{"first page", func(*house) state.PeopleQuery { return state.PeopleQuery{} }},
		{"a page amid", func(h *house) state.PeopleQuery { return state.PeopleQuery{After: rest[h]} }},
		{"one person", func(*house) state.PeopleQuery { return state.PeopleQuery{Text: "last000777"} }},
		{"a beginning that many share", func(*house) state.PeopleQuery { return state.PeopleQuery{Text: "f"} }},
		{"two words", func(*house) state.PeopleQuery { return state.PeopleQuery{Text: "first last000777"} }},
		{"nobody", func(*house) state.PeopleQuery { return state.PeopleQuery{Text: "xyzzy"} }},
		{"a status that many have", func(*house) state.PeopleQuery { return state.PeopleQuery{Status: state.Invited} }},
		{"a status that few have", func(*house) state.PeopleQuery { return state.PeopleQuery{Status: state.Suspended} }},
		{"a product that many have", func(*house) state.PeopleQuery { return state.PeopleQuery{Product: "cad"} }},
		{"a product that few have", func(*house) state.PeopleQuery { return state.PeopleQuery{Product: "rare"} }},
		{"under one contract", func(*house) state.PeopleQuery {
			return state.PeopleQuery{Under: []string{"design"}, Product: "rare", Text: "f"}
		}},
		// What next to nobody fulfils and no index finds stops after so many people.
		{"under a contract of nobody's", func(*house) state.PeopleQuery { return state.PeopleQuery{Under: []string{"other"}} }},
	} {
		b.Run(bm.name, func(b *testing.B) {
			spent := map[*house]time.Duration{}
			for b.Loop() {
				for _, h := range []*house{few, many} {
					start := time.Now()
					_, err := h.db.People(context.Background(), bm.query(h))
					must(b, err)
					spent[h] += time.Since(start)
				}
			}
			b.ReportMetric(float64(spent[few].Microseconds())/float64(b.N), "µs/1000")
			b.ReportMetric(float64(spent[many].Microseconds())/float64(b.N), "µs/100000")
			b.ReportMetric(float64(spent[many])/float64(spent[few]), "ratio")
		})
	}
}

// crowd is a database of n people with three products each; 20 have the rare one
// and 20 are suspended, however many they are.
func crowd(b *testing.B, n int) *house {
	h := newHouse(b)
	h.update(func(tx *state.Tx) error {
		for i := range n {
			u := user(fmt.Sprintf("u%06d", i))
			u.FirstName, u.LastName = "First", fmt.Sprintf("Last%06d", i*7919%n)
			u.Suspended = i%(n/20) == 1
			a, err := tx.AddAccount(u, i%10 == 0)
			products := []string{"cad", "bim"}
			if i%(n/20) == 0 {
				products = append(products, "rare")
			}
			for _, p := range products {
				if err == nil && !u.Suspended {
					g := grant(p)
					g.Because = []spec.Origin{u.Origin}
					err = tx.Grant(a.ID, g)
				}
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return h
}
