package render

import (
	"strconv"
	"strings"

	"usher/state"
)

// holdItem is a held plan in JSON.
type holdItem struct {
	Plan       string           `json:"plan"`
	At         string           `json:"at"`
	Basis      int64            `json:"basis"`
	Digest     string           `json:"digest"`
	State      state.HoldState  `json:"state"`
	Held       []state.HeldRule `json:"held"`
	ApprovedAt string           `json:"approvedAt"`
	ApprovedBy string           `json:"approvedBy"`
}

// Holds lists held plans.
func Holds(list []state.Hold) List {
	items, rows := make([]holdItem, len(list)), make([][]string, len(list))
	for i, h := range list {
		items[i] = holdItem{h.PlanID, moment(h.At), h.Basis, h.Digest, h.State, orEmpty(h.Rules), moment(h.ApprovedAt), h.ApprovedBy}
		var reasons []string
		for _, r := range h.Rules {
			reasons = append(reasons, r.Message)
		}
		rows[i] = []string{ShortID(h.PlanID), string(h.State), moment(h.At), strconv.FormatInt(h.Basis, 10), strings.Join(reasons, "; ")}
	}
	return List{[]string{"plan", "state", "held since", "basis", "because"}, rows, items}
}
