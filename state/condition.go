package state

import (
	"slices"
	"strings"
	"time"
	"unicode"

	"usher/spec"
)

// beyond comes after every text with the same beginning.
const beyond = "\U0010FFFF"

// condition is one thing that people found must fulfil.
type condition struct {
	check     string // SQL about p, a row of person in force
	checkArgs []any
	leads     []string // by indexes, to whoever may fulfil it; nil: there are none
	leadArgs  []any    // of all leads
	exact     bool     // they lead to nobody else
}

// led is a query of all leads: for their account, or for a constant, where only the
// number of rows is asked for and none need be looked up.
func (c *condition) led(column string) string {
	return "SELECT " + column + " FROM " + strings.Join(c.leads, " UNION ALL SELECT "+column+" FROM ")
}

// all joins the checks of the conditions, but for one that leads to none who do not
// fulfil it.
func all(conditions []condition, leader *condition) (check string, args []any) {
	checks := []string{"1 = 1"}
	for i := range conditions {
		c := &conditions[i]
		if c == leader && c.exact {
			continue
		}
		checks = append(checks, "("+c.check+")")
		args = append(args, c.checkArgs...)
	}
	return strings.Join(checks, " AND "), args
}

func (q *PeopleQuery) conditions(now time.Time) []condition {
	var list []condition
	for _, word := range searchWords(q.Text) {
		list = append(list, beginsWith(word))
	}
	if q.Status != "" {
		list = append(list, hasStatus(q.Status, now))
	}
	if q.Product != "" {
		list = append(list, q.hasProduct())
	}
	implied := q.Product != "" && q.Contract == "" // by who has it under one of them
	if q.Under != nil && !implied {
		list = append(list, isUnder(q.Under))
	}
	return list
}

// searchWords splits what somebody types or pastes: "Lovelace, Ada <ada@…>".
func searchWords(text string) []string {
	words := strings.FieldsFunc(FoldForSearch(text), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`,;<>()"`, r)
	})
	slices.Sort(words)
	words = slices.Compact(words)
	return words[:min(len(words), maxWords)]
}

// beginsWith: a word of the name or e-mail begins with this one. Addresses are
// kept with their domains in ASCII, which is how they are compared too.
func beginsWith(word string) condition {
	address := word
	if strings.Contains(word, "@") {
		address = spec.FoldEmail(word)
	}
	c := condition{exact: true}
	var checks []string
	for _, column := range []struct{ name, from string }{
		{"sort_key", word}, {"first_key", word}, {"name", word}, {"email_key", address},
	} {
		bounds := []any{column.from, column.from + beyond}
		checks = append(checks, "p."+column.name+" >= ? AND p."+column.name+" < ?")
		c.leads = append(c.leads, "person WHERE until IS NULL AND "+column.name+" >= ? AND "+column.name+" < ?")
		c.checkArgs = append(c.checkArgs, bounds...)
		c.leadArgs = append(c.leadArgs, bounds...)
	}
	bounds := []any{word, word + beyond}
	checks = append(checks, "EXISTS (SELECT 1 FROM person_word w WHERE w.account = p.account AND w.word >= ? AND w.word < ?)")
	c.leads = append(c.leads, "person_word WHERE word >= ? AND word < ?")
	c.checkArgs, c.leadArgs = append(c.checkArgs, bounds...), append(c.leadArgs, bounds...)
	c.check = strings.Join(checks, " OR ")
	return c
}

// hasStatus says in SQL what [Account.statusAt] says.
func hasStatus(status Status, now time.Time) condition {
	const (
		activated = "EXISTS (SELECT 1 FROM account a WHERE a.id = p.account AND a.activated > 0 AND a.activated <= ?)"
		opens     = "EXISTS (SELECT 1 FROM invitation i WHERE i.account = p.account AND i.until IS NULL AND i.expires > ?)"
	)
	at := millis(now)
	switch status {
	case Suspended:
		return condition{check: "p.suspended = 1", leads: []string{"person WHERE until IS NULL AND suspended = 1"}, exact: true}
	case Active:
		return condition{
			check: "p.suspended = 0 AND " + activated, checkArgs: []any{at},
			leads: []string{"(SELECT id AS account FROM account WHERE activated > 0)"},
		}
	case Invited:
		return condition{
			check: "p.suspended = 0 AND NOT " + activated + " AND " + opens, checkArgs: []any{at, at},
			leads: []string{"invitation WHERE until IS NULL AND expires > ?"}, leadArgs: []any{at},
		}
	case Expired: // who was never invited is active or suspended; so an invitation has passed or was ended
		return condition{
			check: "p.suspended = 0 AND NOT " + activated + " AND NOT " + opens, checkArgs: []any{at, at},
			leads: []string{"invitation WHERE until IS NULL AND expires <= ?", "invitation WHERE until IS NOT NULL"}, leadArgs: []any{at},
		}
	}
	return condition{check: "1 = 0", leads: []string{"person WHERE 1 = 0"}}
}

// hasProduct: has the product under one contract, or any of those looked at. Who it
// leads to is found by an index of products; whether one person has it, by that of
// accounts, and the other is hidden from the planner, which takes it for as good.
func (q *PeopleQuery) hasProduct() condition {
	contract, args := "", []any{q.Product}
	switch {
	case q.Contract != "":
		contract, args = " AND contract = ?", append(args, q.Contract)
	case q.Under != nil:
		contract, args = " AND contract IN ("+marks(len(q.Under))+")", append(args, texts(q.Under)...)
	}
	return condition{
		check: "EXISTS (SELECT 1 FROM access WHERE account = p.account AND until IS NULL AND product || '' = ?" + contract + ")", checkArgs: args,
		leads: []string{"access WHERE until IS NULL AND product = ?" + contract}, leadArgs: args, exact: true,
	}
}

// isUnder: has access or a role under one of the contracts, or under none at all,
// so that whoever may change a person finds them (DOMAIN.md, "Authority"). What is
// held under a contract is in the figures, and who holds that is in an index.
func isUnder(contracts []string) condition {
	const of = "account = p.account AND until IS NULL"
	in := "contract IN (" + marks(len(contracts)) + ")"
	under := texts(contracts)
	return condition{
		check: "p.idle = 1 OR EXISTS (SELECT 1 FROM access WHERE " + of + " AND " + in + ")" +
			" OR EXISTS (SELECT 1 FROM role WHERE " + of + " AND " + in + ")",
		checkArgs: slices.Concat(under, under),
		leads: []string{
			"access WHERE until IS NULL AND (product, contract) IN" +
				" (SELECT product, contract FROM holding WHERE until IS NULL AND " + in + ")",
			"role WHERE until IS NULL AND " + in,
			"person WHERE until IS NULL AND idle = 1",
		},
		leadArgs: slices.Concat(under, under), exact: true,
	}
}

// marks is the list of n parameters; of none, one that nothing equals.
func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.Repeat("?, ", n-1) + "?"
}

func texts(list []string) []any {
	values := make([]any, len(list))
	for i, s := range list {
		values[i] = s
	}
	return values
}
