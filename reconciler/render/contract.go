package render

import (
	"strconv"
	"strings"

	"usher/spec"
	"usher/state"
)

// contractItem is a contract in JSON.
type contractItem struct {
	Name                 string        `json:"name"`
	ContractManager      string        `json:"contractManager"`
	SoftwareCoordinators []string      `json:"softwareCoordinators"`
	Products             []offerItem   `json:"products"`
	CloudCredits         *spec.Credits `json:"cloudCredits"`
	SupportEmail         string        `json:"supportEmail"`
}

// offerItem is one product of a contract; seats is null where unlimited.
type offerItem struct {
	Name  string `json:"name"`
	Seats *int   `json:"seats"`
	Used  int    `json:"used"`
}

// Contracts lists the contracts with the seats used on the given day.
func Contracts(t *state.Truth, today spec.Day) List {
	used := seatsUsed(t, today)
	items, rows := []contractItem{}, [][]string{}
	for _, c := range t.Roster.Contracts {
		item := contractItem{c.Name, c.Manager, orEmpty(c.Coordinators), []offerItem{}, c.Credits, c.SupportEmail}
		var cells []string
		for _, o := range c.Offers {
			offer := offerItem{Name: o.Product, Used: used[[2]string{c.Name, o.Product}]}
			if o.Seats != spec.Unlimited {
				offer.Seats = &o.Seats
			}
			item.Products = append(item.Products, offer)
			cells = append(cells, offer.Name+" "+offer.words())
		}
		items = append(items, item)
		rows = append(rows, []string{c.Name, c.Manager, strings.Join(c.Coordinators, ", "), strings.Join(cells, ", ")})
	}
	return List{[]string{"name", "contract manager", "software coordinators", "seats used"}, rows, items}
}

// words is "8 of 10", or "8" where seats are unlimited.
func (o offerItem) words() string {
	if o.Seats == nil {
		return strconv.Itoa(o.Used)
	}
	return strconv.Itoa(o.Used) + " of " + strconv.Itoa(*o.Seats)
}

// seatsUsed counts the people who hold each contract's product on that day;
// suspended people hold none.
func seatsUsed(t *state.Truth, today spec.Day) map[[2]string]int {
	used := map[[2]string]int{}
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		if u.Suspended {
			continue
		}
		for _, g := range u.Access {
			if g.Contains(today) {
				used[[2]string{g.Contract, g.Product}]++
			}
		}
	}
	return used
}
