package spec

import (
	"cmp"
	"fmt"
	"slices"
)

// Seat is a product under a contract, as something that people hold.
type Seat struct{ Contract, Product string }

// SeatUse counts the people who hold a seat, on each day there is.
type SeatUse struct {
	first int    // holders from Always on
	edges []edge // what changes after it; one a day, sorted
}

// edge is a day on which the number of holders changes.
type edge struct {
	day   Day
	delta int
}

// SeatBook is the use of every product under every contract.
type SeatBook map[Seat]*SeatUse

// SeatsUsed counts, for every product under every contract, the people who have
// access. Suspended people hold no seat; invited and expired ones do. Within one
// person's access spans never overlap, so each person counts once a day.
func (r *Roster) SeatsUsed() SeatBook {
	used := SeatBook{}
	for i := range r.Users {
		for seat, span := range r.Users[i].seats {
			used.use(seat).add(span, 1)
		}
	}
	return used
}

// seats yields what the person holds, and when.
func (u *User) seats(yield func(Seat, Span) bool) {
	if u.Suspended {
		return
	}
	for i := range u.Access {
		g := &u.Access[i]
		if !yield(Seat{g.Contract, g.Product}, g.Span) {
			return
		}
	}
}

func (b SeatBook) use(seat Seat) *SeatUse {
	use := b[seat]
	if use == nil {
		use = &SeatUse{}
		b[seat] = use
	}
	return use
}

// Replaced returns what the use of those seats becomes that people held or are to
// hold, when they are as in the one list no more and as in the other instead. The
// book stays as it is.
func (b SeatBook) Replaced(were, are []User) SeatBook {
	became := SeatBook{}
	for _, side := range []struct {
		users []User
		by    int
	}{{were, -1}, {are, 1}} {
		for i := range side.users {
			for seat, span := range side.users[i].seats {
				if became[seat] == nil {
					became[seat] = b[seat].clone()
				}
				became[seat].add(span, side.by)
			}
		}
	}
	return became
}

func (s *SeatUse) clone() *SeatUse {
	if s == nil {
		return &SeatUse{}
	}
	return &SeatUse{s.first, slices.Clone(s.edges)}
}

func (s *SeatUse) add(span Span, by int) {
	if span.From == Always {
		s.first += by
	} else {
		s.change(span.From, by)
	}
	if span.Until < Forever {
		s.change(span.Until+1, -by)
	}
}

func (s *SeatUse) change(on Day, by int) {
	i, found := slices.BinarySearchFunc(s.edges, on, func(e edge, on Day) int { return cmp.Compare(e.day, on) })
	switch {
	case !found:
		s.edges = slices.Insert(s.edges, i, edge{on, by})
	case s.edges[i].delta+by == 0:
		s.edges = slices.Delete(s.edges, i, i+1)
	default:
		s.edges[i].delta += by
	}
}

// Peak returns the greatest number of holders on any day from one on. A nil use
// is nobody's.
func (s *SeatUse) Peak(from Day) int {
	peak := 0
	s.each(from, func(_ Day, holders int) bool {
		peak = max(peak, holders)
		return true
	})
	return peak
}

// Over returns the first day with more than so many holders, from a day on, and
// how many hold it then. Always stands for the first day counted.
func (s *SeatUse) Over(from Day, seats int) (day Day, holders int, over bool) {
	s.each(from, func(d Day, n int) bool {
		if n > seats {
			day, holders, over = d, n, true
		}
		return !over
	})
	return day, holders, over
}

// each calls fn for the first day counted, as Always, and then for every day on
// which the number of holders differs from the day before, until fn returns false.
func (s *SeatUse) each(from Day, fn func(d Day, holders int) bool) {
	if s == nil {
		return
	}
	holders, later := s.first, s.edges
	for ; len(later) > 0 && later[0].day <= from; later = later[1:] {
		holders += later[0].delta
	}
	if !fn(Always, holders) {
		return
	}
	for _, e := range later {
		holders += e.delta
		if !fn(e.day, holders) {
			return
		}
	}
}

// checkSeats refuses a tree in which more people hold a product than its
// contract has seats, on any day from today on: so a tree that is valid today
// does not turn invalid by waiting.
func (r *resolver) checkSeats(today Day) {
	used := r.roster.SeatsUsed()
	for i := range r.roster.Contracts {
		c := &r.roster.Contracts[i]
		for _, o := range c.Offers {
			if o.Seats == Unlimited {
				continue
			}
			day, holders, over := used[Seat{c.Name, o.Product}].Over(today, o.Seats)
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
