package state_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// benchSizes are the organisations to measure: USHER_BENCH_PEOPLE, or 1,000 people
// and 100,000.
func benchSizes(b *testing.B) []int {
	var sizes []int
	for size := range strings.SplitSeq(max(os.Getenv("USHER_BENCH_PEOPLE"), "1000,100000"), ",") {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1000 {
			b.Fatalf("USHER_BENCH_PEOPLE: %q is not a number of people from 1000", size)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// BenchmarkPeople asks for pages of people in organisations of several sizes, in
// turns, and prints how many times longer each takes than the smallest. Most people
// are under design; one in twenty is under build; 120 are under plant, and 20 have
// the rare product, are suspended, or have nothing, whatever the size.
func BenchmarkPeople(b *testing.B) {
	var crowds []*crowd
	for _, n := range benchSizes(b) {
		crowds = append(crowds, newCrowd(b, n))
	}
	for _, bm := range []struct {
		name  string
		query state.PeopleQuery
		deep  bool // the page after the middle of the list
	}{
		{"everybody/first page", state.PeopleQuery{}, false},
		{"everybody/a page amid", state.PeopleQuery{}, true},
		{"everybody/one person", state.PeopleQuery{Text: "last000777"}, false},
		{"everybody/a beginning that many share", state.PeopleQuery{Text: "f"}, false},
		{"everybody/two words", state.PeopleQuery{Text: "first last000777"}, false},
		{"everybody/nobody", state.PeopleQuery{Text: "xyzzy"}, false},
		{"everybody/a status that many have", state.PeopleQuery{Status: state.Invited}, false},
		{"everybody/a status that few have", state.PeopleQuery{Status: state.Suspended}, false},
		{"everybody/a product that many have", state.PeopleQuery{Product: "cad"}, false},
		{"everybody/a product that few have", state.PeopleQuery{Product: "rare"}, false},
		{"large contract/first page", state.PeopleQuery{Under: []string{"design"}}, false},
		{"large contract/a page amid", state.PeopleQuery{Under: []string{"design"}}, true},
		{"large contract/few", state.PeopleQuery{Under: []string{"design"}, Product: "rare", Text: "f"}, false},
		{"small contract/first page", state.PeopleQuery{Under: []string{"plant"}}, false},
		{"small contract/a page amid", state.PeopleQuery{Under: []string{"plant"}}, true},
		{"small contract/words", state.PeopleQuery{Under: []string{"plant"}, Text: "f last0"}, false},
		{"small contract/status", state.PeopleQuery{Under: []string{"plant"}, Status: state.Invited}, false},
		{"small contract/product", state.PeopleQuery{Under: []string{"plant"}, Product: "pipes"}, false},
		{"small contract/nobody", state.PeopleQuery{Under: []string{"plant"}, Product: "cad"}, false},
		{"no contract/who has nothing", state.PeopleQuery{Under: []string{}}, false},
		{"middle contract/first page", state.PeopleQuery{Under: []string{"build"}}, false},
		{"middle contract/a page amid", state.PeopleQuery{Under: []string{"build"}}, true},
		{"middle contract/words", state.PeopleQuery{Under: []string{"build"}, Text: "gi"}, false},
		{"middle contract/status", state.PeopleQuery{Under: []string{"build"}, Status: state.Expired}, false},
		{"middle contract/status, product, words", state.PeopleQuery{Under: []string{"build"}, Status: state.Expired, Product: "bim", Text: "gi"}, false},
		{"middle contract/nobody", state.PeopleQuery{Under: []string{"build"}, Text: "xyzzy"}, false},
		// Many are either, and nobody is both: see bounds.
		{"middle contract/never together", state.PeopleQuery{Under: []string{"build"}, Status: state.Active}, false},
	} {
		b.Run(bm.name, func(b *testing.B) { compareCrowds(b, crowds, bm.query, bm.deep) })
	}
}

// compareCrowds asks each organisation in turn.
func compareCrowds(b *testing.B, crowds []*crowd, query state.PeopleQuery, deep bool) {
	ctx := context.Background()
	queries, spent := make([]state.PeopleQuery, len(crowds)), make([]time.Duration, len(crowds))
	for i, c := range crowds {
		queries[i] = query
		if deep {
			queries[i].After = c.amid(query)
		}
		_, err := c.db.People(ctx, queries[i]) // reads what is not in memory yet
		must(b, err)
	}
	for b.Loop() {
		for i, c := range crowds {
			start := time.Now()
			_, err := c.db.People(ctx, queries[i])
			spent[i] += time.Since(start)
			must(b, err)
		}
	}
	for i, c := range crowds {
		b.ReportMetric(float64(spent[i].Microseconds())/float64(b.N), fmt.Sprintf("µs/%d", c.people))
		if i > 0 {
			b.ReportMetric(float64(spent[i])/float64(spent[0]), fmt.Sprintf("times-%d-to-%d", c.people, crowds[0].people))
		}
	}
	b.ReportMetric(0, "ns/op")
}

// crowd is an organisation to search.
type crowd struct {
	*house
	people int
}

// newCrowd makes an organisation of n people: half of them were invited a hundred
// days before the others. Nobody under build ever activated an account, one in ten
// of the others has.
func newCrowd(b *testing.B, n int) *crowd {
	c := &crowd{newHouse(b), n}
	c.update(func(tx *state.Tx) error { return c.join(tx, 0, n/2) })
	c.pass(100 * 24 * time.Hour)
	c.update(func(tx *state.Tx) error { return c.join(tx, n/2, n) })
	return c
}

func (c *crowd) join(tx *state.Tx, from, to int) error {
	for i := from; i < to; i++ {
		build := i%20 == 3
		u := user(fmt.Sprintf("u%06d", i))
		u.FirstName, u.LastName = []string{"First", "Fiona", "Gina", "Gus"}[i%7%4], fmt.Sprintf("Last%06d", i*7919%c.people)
		u.Suspended = i%(c.people/20) == 1
		a, err := tx.AddAccount(u, !build && i%10 == 0)
		for _, g := range c.grants(i, build) {
			if err == nil {
				g.Because = []spec.Origin{u.Origin}
				err = tx.Grant(a.ID, g)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// grants is what the i-th person has.
func (c *crowd) grants(i int, build bool) []spec.Grant {
	under := func(contract string, products ...string) (grants []spec.Grant) {
		for _, p := range products {
			g := grant(p)
			g.Contract = contract
			grants = append(grants, g)
		}
		return grants
	}
	switch spread := c.people / 20; {
	case i%spread == 2:
		return nil
	case i%spread == 0:
		return under("design", "cad", "bim", "rare")
	case i%(spread*20/120) == 4:
		return under("plant", "pipes", "bim")
	case build:
		return under("build", "cad", "bim")
	}
	return under("design", "cad", "bim")
}

// amid is the person in the middle of a list.
func (c *crowd) amid(q state.PeopleQuery) string {
	pages := []string{""}
	for q.Limit = 200; ; {
		page, err := c.db.People(context.Background(), q)
		must(c.t, err)
		if page.Next == "" {
			return pages[len(pages)/2]
		}
		q.After = page.Next
		pages = append(pages, page.Next)
	}
}
