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
	Contracts  []string         `json:"contracts"` // concerned: each one's manager is asked
	Approvals  []approvalItem   `json:"approvals"`
}

// approvalItem is a contract manager's yes in JSON.
type approvalItem struct {
	Contract string `json:"contract"`
	By       string `json:"by"`
	At       string `json:"at"`
}

// Holds lists held plans.
func Holds(list []state.Hold) List {
	items, rows := make([]holdItem, len(list)), make([][]string, len(list))
	for i, h := range list {
		items[i] = holdItem{h.PlanID, moment(h.At), h.Basis, h.Digest, h.State, orEmpty(h.Rules), moment(h.ApprovedAt), h.ApprovedBy, orEmpty(h.Contracts), approvalItems(h.Approvals)}
		var reasons []string
		for _, r := range h.Rules {
			reasons = append(reasons, r.Message)
		}
		rows[i] = []string{ShortID(h.PlanID), string(h.State), moment(h.At), strconv.FormatInt(h.Basis, 10), approversText(&h), strings.Join(reasons, "; ")}
	}
	return List{[]string{"plan", "state", "held since", "basis", "approved by", "because"}, rows, items}
}

func approvalItems(list []state.Approval) []approvalItem {
	items := make([]approvalItem, len(list))
	for i, a := range list {
		items[i] = approvalItem{a.Contract, a.By, moment(a.At)}
	}
	return items
}

// approversText is who let a plan through, or a part of it.
func approversText(h *state.Hold) string {
	if h.ApprovedBy != "" {
		return h.ApprovedBy
	}
	return approvedText(h.Approvals)
}

// approvedText says who has approved a plan for which contracts: "ada for design".
func approvedText(list []state.Approval) string {
	words := make([]string, len(list))
	for i, a := range list {
		words[i] = a.By + " for " + a.Contract
	}
	return strings.Join(words, ", ")
}
