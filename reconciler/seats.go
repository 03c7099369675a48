package reconciler

import (
	"slices"

	"usher/spec"
)

// seatChanges lists, sorted, the offers whose use the plan changes.
func seatChanges(from, to *spec.Roster, today spec.Day) []Seats {
	before, after := from.SeatsUsed(), to.SeatsUsed()
	var list []Seats
	for i := range to.Contracts {
		c := &to.Contracts[i]
		for _, o := range c.Offers {
			seat := spec.Seat{Contract: c.Name, Product: o.Product}
			s := Seats{Contract: c.Name, Product: o.Product, Before: before[seat].Peak(today), After: after[seat].Peak(today)}
			if o.Seats != spec.Unlimited {
				seats := o.Seats
				s.Of = &seats
			}
			if s.Before != s.After {
				list = append(list, s)
			}
		}
	}
	return slices.Clip(list)
}
