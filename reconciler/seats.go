package reconciler

import "usher/spec"

// seats lists, sorted, the offers whose use the plan changes.
func (d *differ) seats() {
	before, after := d.seatBooks()
	for i := range d.Wanted.Contracts {
		c := &d.Wanted.Contracts[i]
		for _, o := range c.Offers {
			seat := spec.Seat{Contract: c.Name, Product: o.Product}
			if d.Census != nil && after[seat] == nil {
				continue // nobody concerned has it, before or after
			}
			s := Seats{Contract: c.Name, Product: o.Product, Before: before[seat].Peak(d.today), After: after[seat].Peak(d.today)}
			if o.Seats != spec.Unlimited {
				seats := o.Seats
				s.Of = &seats
			}
			if s.Before != s.After {
				d.plan.Seats = append(d.plan.Seats, s)
			}
		}
	}
}

// seatBooks counts the use of seats before and after the plan; of an excerpt after
// it only those that somebody concerned has, before or after.
func (d *differ) seatBooks() (before, after spec.SeatBook) {
	if d.Census == nil {
		return d.True.Roster.SeatsUsed(), d.Wanted.SeatsUsed()
	}
	return d.Census.Seats, d.Census.Seats.Replaced(d.True.Roster.Users, d.Wanted.Users)
}
