package render

import (
	"strconv"

	"usher/spec"
	"usher/state"
)

// creditItem is a contract's cloud credits in JSON. Pool and left are null where
// the contract declares no pool; left is below zero where more was used.
type creditItem struct {
	Contract string `json:"contract"`
	Pool     *int64 `json:"pool"`
	Used     int64  `json:"used"`
	Left     *int64 `json:"left"`
	Expires  string `json:"expires"`
	Expired  bool   `json:"expired"`
}

// Credits lists the contracts that have a pool of cloud credits or use on record
// (DOMAIN.md row 19), with what is left on the given day. totals are per contract;
// a contract that has ended keeps its use.
func Credits(t *state.Truth, totals []state.CreditTotal, today spec.Day) List {
	items, rows := []creditItem{}, [][]string{}
	add := func(i creditItem) {
		items = append(items, i)
		rows = append(rows, []string{i.Contract, number(i.Pool), number(&i.Used), i.leftWords(), i.Expires})
	}
	for i := range t.Roster.Contracts {
		c := &t.Roster.Contracts[i]
		for ; len(totals) > 0 && totals[0].Contract < c.Name; totals = totals[1:] {
			add(creditItem{Contract: totals[0].Contract, Used: totals[0].Used})
		}
		item := creditsOf(c, today)
		if len(totals) > 0 && totals[0].Contract == c.Name {
			item.use(totals[0].Used)
			totals = totals[1:]
		} else if c.Credits == nil {
			continue
		}
		add(item)
	}
	for _, total := range totals {
		add(creditItem{Contract: total.Contract, Used: total.Used})
	}
	return List{[]string{"contract", "pool", "used", "left", "expires"}, rows, items}
}

// creditsOf is a contract's credits before any use.
func creditsOf(c *spec.Contract, today spec.Day) creditItem {
	item := creditItem{Contract: c.Name}
	if c.Credits != nil {
		pool, left := c.Credits.Pool, c.Credits.Pool
		item.Pool, item.Left = &pool, &left
		item.Expires, item.Expired = c.Credits.Expires.String(), today > c.Credits.Expires
	}
	return item
}

func (i *creditItem) use(amount int64) {
	i.Used += amount
	if i.Left != nil {
		*i.Left -= amount
	}
}

// leftWords is what is left, as a table shows it: of a pool that has expired,
// nothing can be used any more.
func (i creditItem) leftWords() string {
	switch {
	case i.Left == nil:
		return ""
	case *i.Left < 0:
		return strconv.FormatInt(-*i.Left, 10) + " over"
	case i.Expired:
		return "expired"
	}
	return number(i.Left)
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

// creditUserItem is one person's use under one contract in JSON.
type creditUserItem struct {
	Contract string `json:"contract"`
	User     string `json:"user"`
	Email    string `json:"email"`
	ID       string `json:"id"`
	Used     int64  `json:"used"`
}

// CreditsByUser lists who used how much. totals are per contract and account;
// removed are the accounts that are not in t any more.
func CreditsByUser(t *state.Truth, removed []state.Account, totals []state.CreditTotal) List {
	known := make(map[string]state.Account, len(t.Accounts)+len(removed))
	for _, a := range removed {
		known[a.ID] = a
	}
	for _, a := range t.Accounts {
		known[a.ID] = a
	}
	items, rows := []creditUserItem{}, [][]string{}
	for _, total := range totals {
		a := known[total.Account]
		items = append(items, creditUserItem{total.Contract, a.Name, a.Email, total.Account, total.Used})
		rows = append(rows, []string{total.Contract, a.Name, a.Email, number(&total.Used)})
	}
	return List{[]string{"contract", "user", "email", "used"}, rows, items}
}

// creditMonthItem is a contract's use in one month in JSON.
type creditMonthItem struct {
	Contract string `json:"contract"`
	Month    string `json:"month"`
	Used     int64  `json:"used"`
	Total    int64  `json:"total"`
	Left     *int64 `json:"left"`
}

// CreditsByMonth lists what was used in each month, with what all months up to
// it come to and what they left of the pool as it is now. totals are per contract
// and month.
func CreditsByMonth(t *state.Truth, totals []state.CreditTotal) List {
	items, rows := []creditMonthItem{}, [][]string{}
	var so creditItem
	for _, total := range totals {
		if so.Contract != total.Contract {
			so = creditItem{Contract: total.Contract}
			if c := t.Roster.Contract(total.Contract); c != nil {
				so = creditsOf(c, spec.Always)
			}
		}
		so.use(total.Used)
		item := creditMonthItem{total.Contract, total.Month, total.Used, so.Used, nil}
		if so.Left != nil {
			left := *so.Left
			item.Left = &left
		}
		items = append(items, item)
		rows = append(rows, []string{total.Contract, total.Month, number(&item.Used), number(&item.Total), so.leftWords()})
	}
	return List{[]string{"contract", "month", "used", "total", "left"}, rows, items}
}
