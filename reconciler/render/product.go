package render

import (
	"strconv"
	"strings"

	"usher/spec"
	"usher/state"
)

// productItem is a product, service or benefit in JSON.
type productItem struct {
	Name      string           `json:"name"`
	Title     string           `json:"title"`
	Type      spec.ProductType `json:"type"`
	Contracts []string         `json:"contracts"`
	Used      int              `json:"used"`
	Downloads []spec.Download  `json:"downloads"`
}

// Products lists what access can be given to, the contracts that offer it and
// how many hold it on the given day.
func Products(t *state.Truth, today spec.Day) List {
	used := seatsUsed(t, today)
	items, rows := []productItem{}, [][]string{}
	for _, p := range t.Roster.Products {
		item := productItem{p.Name, p.Title, p.Type, []string{}, 0, orEmpty(p.Downloads)}
		for i := range t.Roster.Contracts {
			c := &t.Roster.Contracts[i]
			if c.Offer(p.Name) == nil {
				continue
			}
			item.Contracts = append(item.Contracts, c.Name)
			item.Used += used[[2]string{c.Name, p.Name}]
		}
		items = append(items, item)
		rows = append(rows, []string{p.Name, p.Title, string(p.Type), strings.Join(item.Contracts, ", "), strconv.Itoa(item.Used)})
	}
	return List{[]string{"name", "title", "type", "contracts", "people"}, rows, items}
}
