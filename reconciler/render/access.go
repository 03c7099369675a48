package render

import (
	"strings"

	"usher/spec"
	"usher/state"
)

// accessItem is one grant in JSON.
type accessItem struct {
	User     string        `json:"user"`
	Email    string        `json:"email"`
	Contract string        `json:"contract"`
	Product  string        `json:"product"`
	From     spec.Day      `json:"from"`
	Until    spec.Day      `json:"until"`
	Reason   string        `json:"reason"`
	Via      []string      `json:"via"`
	Because  []spec.Origin `json:"because"`
}

// AccessFilter narrows a list of access; empty fields do not.
type AccessFilter struct{ Contract, Product string }

func (f AccessFilter) fits(g spec.Grant) bool {
	return (f.Contract == "" || f.Contract == g.Contract) && (f.Product == "" || f.Product == g.Product)
}

// Access lists who may use what, by person; user narrows it to one.
func Access(t *state.Truth, user string, f AccessFilter) List {
	items, rows := []accessItem{}, [][]string{}
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		if user != "" && u.Name != user {
			continue
		}
		for _, g := range u.Access {
			if !f.fits(g) {
				continue
			}
			item := accessItem{u.Name, u.Email, g.Contract, g.Product, g.From, g.Until, g.Reason, vias(g.Because), orEmpty(g.Because)}
			items = append(items, item)
			rows = append(rows, []string{item.User, item.Product, item.Contract, g.From.String(), g.Until.String(), strings.Join(item.Via, ", "), item.Reason})
		}
	}
	return List{[]string{"user", "product", "contract", "from", "until", "via", "reason"}, rows, items}
}
