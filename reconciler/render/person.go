package render

import (
	"strings"

	"usher/reconciler"
	"usher/spec"
)

// person is all that a plan changes about one user.
type person struct {
	subject string // metadata.name
	email   string
	name    string              // first and last name, empty where the plan does not tell
	self    []reconciler.Change // of the account itself
	roles   []reconciler.Change
	access  []reconciler.Change
}

// people groups the plan's changes of users, roles and access by person, in the
// plan's order.
func people(p *reconciler.Plan) []*person {
	var list []*person
	known := map[string]*person{}
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Kind != reconciler.KindUser && c.Kind != reconciler.KindRole && c.Kind != reconciler.KindAccess {
			continue
		}
		one := known[c.Subject]
		if one == nil {
			one = &person{subject: c.Subject, email: c.Email}
			known[c.Subject] = one
			list = append(list, one)
		}
		one.take(p.Changes, i)
	}
	for _, one := range list {
		one.name = p.People[one.subject]
	}
	return list
}

// take adds a change of the plan to what it is about.
func (one *person) take(all []reconciler.Change, i int) {
	c := &all[i]
	if one.email == "" {
		one.email = c.Email
	}
	switch c.Kind {
	case reconciler.KindUser:
		one.self = extend(one.self, all, i)
	case reconciler.KindRole:
		one.roles = extend(one.roles, all, i)
	default:
		one.access = extend(one.access, all, i)
	}
}

// extend adds a change to some. As long as they stand together in the plan, as they do
// in one that is sorted, they stay there: a first plan is about everybody.
func extend(some, all []reconciler.Change, i int) []reconciler.Change {
	n := len(some)
	switch {
	case n == 0:
		return all[i : i+1 : i+1]
	case n <= i && &some[0] == &all[i-n]:
		return all[i-n : i+1 : i+1]
	}
	return append(some, all[i])
}

// value is what a field of the change leads to, or what it was where it goes.
func value(c reconciler.Change, field string) string {
	for _, f := range c.Fields {
		if f.Name != field {
			continue
		}
		if f.To != "" {
			return f.To
		}
		return f.From
	}
	return ""
}

// sign is what happens to the person as a whole: "+", "-" or "~".
func (one *person) sign() string {
	for _, c := range one.self {
		switch c.Action {
		case reconciler.Add:
			return "+"
		case reconciler.Remove:
			return "-"
		}
	}
	return "~"
}

// label is "Ada Lovelace <ada@acme.example> (ada)"; the key is left out where it
// is the address.
func (one *person) label() string {
	label := one.subject
	switch {
	case one.name != "" && one.email != "":
		label = one.name + " <" + one.email + ">"
	case one.email != "":
		label = one.email
	}
	if one.email != "" && !strings.EqualFold(one.subject, one.email) {
		label += " (" + one.subject + ")"
	}
	return label
}

// life is what happens to the account apart from its fields, in words:
// "suspended", "was ada.byron".
func (one *person) life() string {
	var words []string
	for _, c := range one.self {
		if word := lifeWord(c); word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

func lifeWord(c reconciler.Change) string {
	switch c.Action {
	case reconciler.Rename:
		for _, f := range c.Fields {
			if f.Name == "name" && f.From != "" {
				return "renamed, was " + f.From
			}
		}
		return "renamed"
	case reconciler.Suspend:
		return "suspended"
	case reconciler.Restore:
		return "restored"
	case reconciler.Resend:
		return "invited again"
	case reconciler.Add:
		var words []string
		if value(c, "account") == "returned" {
			words = append(words, "comes back to the account they had")
		}
		if value(c, "suspended") != "" {
			words = append(words, "suspended")
		}
		return strings.Join(words, ", ")
	}
	return ""
}

// because is the manifest lines behind the person's own changes, distinct.
func (one *person) because() []spec.Origin {
	for _, c := range one.self {
		if len(c.Because) > 0 {
			return c.Because
		}
	}
	return nil
}

// inHeading are the fields that a person's first line already shows.
var inHeading = map[string]bool{"account": true, "suspended": true, "name": true, "email": true, "firstName": true, "lastName": true}

// fields is what differs about the account, one text a field; of those added
// and removed without what stands in the heading.
func (one *person) fields() []string {
	var list []string
	for _, c := range one.self {
		whole := c.Action == reconciler.Add || c.Action == reconciler.Remove
		for _, f := range c.Fields {
			if whole && inHeading[f.Name] || c.Action == reconciler.Rename && f.Name == "name" {
				continue
			}
			list = append(list, fieldText(f))
		}
	}
	return list
}

// longValue is how many cells of one value are shown.
const longValue = 72

// fieldText is "lastName: Byron → Lovelace", "members: + ada" or "seats: - 5".
func fieldText(f reconciler.Field) string {
	from, to := shorten(f.From, longValue), shorten(f.To, longValue)
	switch {
	case f.From == "":
		return f.Name + ": + " + to
	case f.To == "":
		return f.Name + ": - " + from
	}
	return f.Name + ": " + from + " → " + to
}

// roleName is a role in words.
func roleName(r spec.Role) string {
	switch r {
	case spec.ContractManager:
		return "contract manager"
	case spec.SoftwareCoordinator:
		return "software coordinator"
	}
	return string(r)
}

// signOf is the sign of one change.
func signOf(a reconciler.Action) string {
	switch a {
	case reconciler.Add, reconciler.Grant, reconciler.Assign:
		return "+"
	case reconciler.Remove, reconciler.Revoke, reconciler.Unassign:
		return "-"
	}
	return "~"
}

// days is the span of an access change in words; of an altered one what changes:
// "until 2027-03-31 → until 2027-06-30", "contract acme → beta".
func days(c reconciler.Change) string {
	was, is, other := spanWords(c)
	var parts []string
	switch {
	case c.Action != reconciler.Alter:
		if is == "" {
			is = was
		}
		parts = append(parts, is)
	case was != is:
		parts = append(parts, orAlways(was)+" → "+orAlways(is))
	}
	return strings.TrimSpace(strings.Join(append(parts, other...), "  "))
}

// spanWords reads the days out of the fields; other is what else they say.
func spanWords(c reconciler.Change) (was, is string, other []string) {
	var from, until reconciler.Field
	for _, f := range c.Fields {
		switch f.Name {
		case "from":
			from = f
		case "until":
			until = f
		case "contract", "product":
			if c.Action == reconciler.Alter {
				other = append(other, fieldText(f))
			}
		case "reason":
			other = append(other, reason(c, f))
		default:
			other = append(other, fieldText(f))
		}
	}
	return between(from.From, until.From), between(from.To, until.To), other
}

func reason(c reconciler.Change, f reconciler.Field) string {
	if c.Action == reconciler.Alter {
		return fieldText(f)
	}
	return "(" + f.To + f.From + ")"
}

func between(from, until string) string {
	var words []string
	if from != "" {
		words = append(words, "from "+from)
	}
	if until != "" {
		words = append(words, "until "+until)
	}
	return strings.Join(words, " ")
}

func orAlways(days string) string {
	if days == "" {
		return "no such limit"
	}
	return days
}
