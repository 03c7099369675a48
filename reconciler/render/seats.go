package render

import (
	"strconv"

	"usher/spec"
	"usher/state"
)

// seatItem is the seats of one product under one contract in JSON. Seats and free are
// null where they are unlimited; pending is how many of those who hold one have not
// activated their account.
type seatItem struct {
	Contract string `json:"contract"`
	Product  string `json:"product"`
	Seats    *int   `json:"seats"`
	Used     int    `json:"used"`
	Pending  int    `json:"pending"`
	Free     *int   `json:"free"`
}

// Seats lists what each contract offers with who holds it on a day; the filter narrows
// it. held is all access in force.
func Seats(r *spec.Roster, held map[spec.Seat][]state.Holding, today spec.Day, only AccessFilter) List {
	items, rows := []seatItem{}, [][]string{}
	for i := range r.Contracts {
		for _, o := range r.Contracts[i].Offers {
			seat := spec.Seat{Contract: r.Contracts[i].Name, Product: o.Product}
			if !only.fits(spec.Grant{Contract: seat.Contract, Product: seat.Product}) {
				continue
			}
			item := seatItem{Contract: seat.Contract, Product: seat.Product}
			item.count(held[seat], today)
			item.limit(o.Seats)
			items = append(items, item)
			rows = append(rows, item.cells())
		}
	}
	return List{[]string{"contract", "product", "seats", "used", "pending", "free"}, rows, items}
}

func (i *seatItem) count(held []state.Holding, today spec.Day) {
	for _, h := range held {
		if h.Contains(today) {
			i.Used += h.People
			i.Pending += h.Pending
		}
	}
}

func (i *seatItem) limit(seats int) {
	if seats == spec.Unlimited {
		return
	}
	free := seats - i.Used
	i.Seats, i.Free = &seats, &free
}

func (i *seatItem) cells() []string {
	seats, free := "unlimited", ""
	if i.Seats != nil {
		seats, free = strconv.Itoa(*i.Seats), strconv.Itoa(*i.Free)
	}
	return []string{i.Contract, i.Product, seats, strconv.Itoa(i.Used), strconv.Itoa(i.Pending), free}
}
