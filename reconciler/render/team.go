package render

import (
	"strings"

	"usher/state"
)

// teamItem is a team in JSON.
type teamItem struct {
	Name    string      `json:"name"`
	Members []string    `json:"members"`
	Teams   []string    `json:"teams"`
	Access  []grantItem `json:"access"`
}

// Teams lists the teams with their direct members and what they give.
func Teams(t *state.Truth) List {
	items, rows := []teamItem{}, [][]string{}
	for _, team := range t.Roster.Teams {
		item := teamItem{team.Name, orEmpty(team.Members), orEmpty(team.Teams), grantItems(team.Access)}
		items = append(items, item)
		rows = append(rows, []string{team.Name, strings.Join(team.Members, ", "), strings.Join(team.Teams, ", "), accessCell(item.Access)})
	}
	return List{[]string{"name", "members", "teams", "access"}, rows, items}
}
