package render

import (
	"slices"
	"strconv"
	"strings"

	"usher/spec"
	"usher/state"
)

// userItem is a user in JSON.
type userItem struct {
	ID        string       `json:"id"`
	Name      string       `json:"name"`
	Email     string       `json:"email"`
	FirstName string       `json:"firstName"`
	LastName  string       `json:"lastName"`
	Status    state.Status `json:"status"`
	Roles     []roleItem   `json:"roles"`
	Access    []grantItem  `json:"access"`
}

type roleItem struct {
	Contract string    `json:"contract"`
	Role     spec.Role `json:"role"`
}

type grantItem struct {
	Contract string   `json:"contract"`
	Product  string   `json:"product"`
	From     spec.Day `json:"from"`
	Until    spec.Day `json:"until"`
	Via      []string `json:"via"`
}

// Users lists the people of a truth, and after them the removed ones given.
func Users(t *state.Truth, removed []state.Account) List {
	roles := rolesByUser(t.Roster)
	items := make([]userItem, 0, len(t.Roster.Users)+len(removed))
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		account := t.Accounts[u.Name]
		items = append(items, userItem{account.ID, u.Name, u.Email, u.FirstName, u.LastName, account.Status, orEmpty(roles[u.Name]), grantItems(u.Access)})
	}
	for _, a := range removed {
		items = append(items, userItem{a.ID, a.Name, a.Email, a.FirstName, a.LastName, a.Status, []roleItem{}, []grantItem{}})
	}
	return userList(items)
}

// People lists people as they were found, with the items of [Users].
func People(list []state.Person) List {
	items := make([]userItem, len(list))
	for i, p := range list {
		roles := make([]roleItem, len(p.Roles))
		for j, r := range p.Roles {
			roles[j] = roleItem{r.Contract, r.Role}
		}
		items[i] = userItem{p.ID, p.Name, p.Email, p.FirstName, p.LastName, p.Status, roles, grantItems(p.Access)}
	}
	return userList(items)
}

func userList(items []userItem) List {
	rows := make([][]string, len(items))
	for i, u := range items {
		rows[i] = []string{u.Name, u.FirstName + " " + u.LastName, u.Email, string(u.Status), roleCell(u.Roles), accessCell(u.Access)}
	}
	return List{[]string{"name", "full name", "email", "status", "roles", "access"}, rows, items}
}

func rolesByUser(r *spec.Roster) map[string][]roleItem {
	roles := map[string][]roleItem{}
	for _, c := range r.Contracts {
		roles[c.Manager] = append(roles[c.Manager], roleItem{c.Name, spec.ContractManager})
		for _, name := range c.Coordinators {
			roles[name] = append(roles[name], roleItem{c.Name, spec.SoftwareCoordinator})
		}
	}
	return roles
}

func grantItems(grants []spec.Grant) []grantItem {
	items := make([]grantItem, len(grants))
	for i, g := range grants {
		items[i] = grantItem{g.Contract, g.Product, g.From, g.Until, vias(g.Because)}
	}
	return items
}

func roleCell(roles []roleItem) string {
	cells := make([]string, len(roles))
	for i, r := range roles {
		cells[i] = roleName(r.Role) + " of " + r.Contract
	}
	return strings.Join(cells, ", ")
}

func accessCell(access []grantItem) string {
	names := make([]string, len(access))
	for i, g := range access {
		names[i] = g.Product
	}
	slices.Sort(names)
	return strings.Join(slices.Compact(names), ", ")
}

// invitationItem is an invitation in JSON: that of an account which has not
// been activated.
type invitationItem struct {
	User       string       `json:"user"`
	Email      string       `json:"email"`
	Status     state.Status `json:"status"`
	Generation int          `json:"generation"`
	Issue      int          `json:"issue"`
	Invited    string       `json:"invited"`
	Expires    string       `json:"expires"`
}

// Invitations lists who has been invited and has not yet signed in.
func Invitations(t *state.Truth) List {
	items, rows := []invitationItem{}, [][]string{}
	for i := range t.Roster.Users {
		a := t.Accounts[t.Roster.Users[i].Name]
		if a.Issue == 0 || !a.Activated.IsZero() {
			continue
		}
		item := invitationItem{a.Name, a.Email, a.Status, a.Generation, a.Issue, moment(a.Invited), moment(a.Expires)}
		items = append(items, item)
		rows = append(rows, []string{item.User, item.Email, string(item.Status), item.Invited, item.Expires, strconv.Itoa(item.Issue)})
	}
	return List{[]string{"user", "email", "status", "invited", "expires", "issue"}, rows, items}
}
