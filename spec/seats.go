package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// Seat is a product under a contract, as something that people hold.
type Seat struct{ Contract, Product string }

// SeatUse counts the people who hold a seat, on each day from one on.
type SeatUse struct {
	first int    // holders on the first day counted
	edges []edge // what changes after it
}

// edge is a day on which the number of holders changes.
type edge struct {
	day   Day
	delta int
}

// SeatsUsed counts, for every product under every contract, the people who have
// access from the day on. Suspended people hold no seat; invited and expired
// ones do. Within one person's access spans never overlap, so each person
// counts once a day.
func (r *Roster) SeatsUsed(from Day) map[Seat]*SeatUse {
	used := map[Seat]*SeatUse{}
	for i := range r.Users {
		u := &r.Users[i]
		if u.Suspended {
			continue
		}
		for j := range u.Access {
			g := &u.Access[j]
			seat := Seat{g.Contract, g.Product}
			use := used[seat]
			if use == nil {
				use = &SeatUse{}
				used[seat] = use
			}
			use.add(g.Span, from)
		}
	}
	return used
}

func (s *SeatUse) add(span Span, from Day) {
	if span.Until < from {
		return
	}
	if span.From <= from {
		s.first++
	} else {
		s.edges = append(s.edges, edge{span.From, 1})
	}
	if span.Until < Forever {
		s.edges = append(s.edges, edge{span.Until + 1, -1})
	}
}

// Peak returns the greatest number of holders on any day. A nil use is nobody's.
func (s *SeatUse) Peak() int {
	peak := 0
	s.each(func(_ Day, holders int) bool {
		peak = max(peak, holders)
		return true
	})
	return peak
}

// Over returns the first day with more than so many holders, and how many hold
// it then. Always stands for the first day counted.
func (s *SeatUse) Over(seats int) (day Day, holders int, over bool) {
	s.each(func(d Day, n int) bool {
		if n > seats {
			day, holders, over = d, n, true
		}
		return !over
	})
	return day, holders, over
}

// each calls fn for every day on which the number of holders differs from the
// day before, in order, until fn returns false.
func (s *SeatUse) each(fn func(d Day, holders int) bool) {
	if s == nil {
		return
	}
	slices.SortFunc(s.edges, func(a, b edge) int { return cmp.Compare(a.day, b.day) })
	holders := s.first
	if !fn(Always, holders) {
		return
	}
	for i, e := range s.edges {
		holders += e.delta
		if last := i == len(s.edges)-1; last || s.edges[i+1].day != e.day {
			if !fn(e.day, holders) {
				return
			}
		}
	}
}

// checkSeats refuses a tree in which more people hold a product than its
// contract has seats, on any day from today on: so a tree that is valid today
// does not turn invalid by waiting.
func (r *resolver) checkSeats(today Day) {
	used := r.roster.SeatsUsed(today)
	for i := range r.roster.Contracts {
		c := &r.roster.Contracts[i]
		for _, o := range c.Offers {
			if o.Seats == Unlimited {
				continue
			}
			day, holders, over := used[Seat{c.Name, o.Product}].Over(o.Seats)
			if !over {
				continue
			}
			when := ""
			if day > today {
				when = " from " + day.String()
			}
			r.fail(o.Origin, "seats", o.Product, "%d assigned, %d %s under %s%s; %s",
				holders, o.Seats, plural(o.Seats, "seat"), c.Name, when, mend(holders-o.Seats))
		}
	}
}

func mend(over int) string {
	if over == 1 {
		return "remove one or buy one"
	}
	return fmt.Sprintf("remove %d or buy %d", over, over)
}

func plural(n int, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
