package edit

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// Access is one item of an access list, as a manifest says it (DOMAIN.md row 14).
type Access struct {
	Product  string
	Contract string // "": the only contract that offers the product
	spec.Span
	Reason string // "": none given
}

// String is the item in words: "revit under acme-design until 2027-03-31".
func (a Access) String() string {
	s := a.Product
	if a.Contract != "" {
		s += " under " + a.Contract
	}
	if a.Span != spec.AllTime {
		s += " " + a.Span.String()
	}
	return s
}

func (a Access) item(from int) item {
	it := item{fields: []field{{"product", Text(a.Product)}}, short: true, from: from}
	if a.Contract != "" {
		it.fields = append(it.fields, field{"contract", Text(a.Contract)})
	}
	if a.From != spec.Always {
		it.fields = append(it.fields, field{"from", Day(a.From)})
	}
	if a.Until != spec.Forever {
		it.fields = append(it.fields, field{"until", Day(a.Until)})
	}
	if a.Reason != "" {
		it.fields = append(it.fields, field{"reason", Text(a.Reason)})
	}
	return it
}

const accessField = "spec.access"

// Own returns what a person's own manifest gives them, in its order. Access by
// teams and lists is not among it.
func (t *Tree) Own(user string) ([]Access, error) {
	d, err := t.find("User", user)
	if err != nil {
		return nil, err
	}
	var own []Access
	for _, n := range itemsAt(d.root(), strings.Split(accessField, ".")) {
		own = append(own, accessOf(n))
	}
	return own, nil
}

// accessOf reads an item that spec has accepted.
func accessOf(n *yaml.Node) Access {
	if n.Kind == yaml.ScalarNode {
		return Access{Product: n.Value, Span: spec.AllTime}
	}
	a := Access{Product: valueAt(n, "product"), Contract: valueAt(n, "contract"), Span: spec.AllTime, Reason: valueAt(n, "reason")}
	if day, err := spec.ParseDay(valueAt(n, "from")); err == nil {
		a.From = day
	}
	if day, err := spec.ParseDay(valueAt(n, "until")); err == nil {
		a.Until = day
	}
	return a
}

// SetAccess makes a person's own manifest give exactly what is wanted. Items
// that say it already stay as they are and where they are; an item of the same
// product and contract is altered; what is new comes last. What teams give is
// not the person's own and stays.
func (t *Tree) SetAccess(user string, want []Access) error {
	own, err := t.Own(user)
	if err != nil {
		return err
	}
	return t.setList("User", user, accessField, match(own, want, Access.item, t.sameSeat))
}

// match pairs the wanted items of a list with those it has: equal ones first,
// then, where alike allows, one that is to become the other.
func match[T comparable](have, want []T, make func(T, int) item, alike func(a, b T) bool) []item {
	from := slices.Repeat([]int{-1}, len(want))
	taken := slices.Repeat([]bool{false}, len(have))
	for _, fits := range []func(a, b T) bool{func(a, b T) bool { return a == b }, alike} {
		for i, w := range want {
			for j := range have {
				if from[i] < 0 && !taken[j] && fits(have[j], w) {
					from[i], taken[j] = j, true
				}
			}
		}
	}
	items := []item{}
	for j := range have {
		if i := slices.Index(from, j); i >= 0 {
			items = append(items, make(want[i], j))
		}
	}
	for i, w := range want {
		if from[i] < 0 {
			items = append(items, make(w, -1))
		}
	}
	return items
}

// contractOf is the contract that an item is given under, "" where that is not
// certain.
func (t *Tree) contractOf(a Access) string {
	if a.Contract != "" {
		return a.Contract
	}
	if offering := t.offering(a.Product); len(offering) == 1 {
		return offering[0]
	}
	return ""
}

func (t *Tree) offering(product string) []string {
	var contracts []string
	for i := range t.roster.Contracts {
		c := &t.roster.Contracts[i]
		if slices.ContainsFunc(c.Offers, func(o spec.Offer) bool { return o.Product == product }) {
			contracts = append(contracts, c.Name)
		}
	}
	return contracts
}

func (t *Tree) sameSeat(a, b Access) bool {
	return a.Product == b.Product && t.contractOf(a) == t.contractOf(b)
}

// EditAccess revokes products of a person's own access, then grants what it is
// given. Where nothing is asked that is not so, it changes nothing.
//
// To revoke takes away every item of a product under a contract, which may be ""
// where the items are all of one. To grant never takes away: an item of the same
// product and contract that the new one covers is extended to it, and one that
// gives more is an error (ErrLess) unless it is revoked as well.
func (t *Tree) EditAccess(user string, revoke []spec.Seat, grant []Access) error {
	own, err := t.Own(user)
	if err != nil {
		return err
	}
	revoked := map[string]string{} // product -> contract
	for _, seat := range revoke {
		if own, revoked[seat.Product], err = t.revoke(user, own, seat); err != nil {
			return err
		}
	}
	for _, a := range grant {
		if a.Contract == "" && len(t.offering(a.Product)) > 1 {
			a.Contract = revoked[a.Product]
		}
		if own, err = t.grant(user, own, a); err != nil {
			return err
		}
	}
	return t.SetAccess(user, own)
}

func (t *Tree) grant(user string, own []Access, a Access) ([]Access, error) {
	for i, have := range own {
		switch {
		case !t.sameSeat(have, a):
		case a.From <= have.From && have.Until <= a.Until:
			a.Contract, a.Reason = have.Contract, cmp.Or(a.Reason, have.Reason)
			own[i] = a
			return own, nil
		case have.From <= a.From && a.Until <= have.Until:
			return nil, fail(ErrLess, fmt.Sprintf("to give it for these days only, revoke %s as well", a.Product),
				"%s has %s already, which is more", user, have)
		}
	}
	return append(own, a), nil
}

// revoke returns what is left, and the contract of what is not.
func (t *Tree) revoke(user string, own []Access, seat spec.Seat) (kept []Access, contract string, err error) {
	var contracts []string
	for _, a := range own {
		if a.Product == seat.Product && (seat.Contract == "" || t.contractOf(a) == seat.Contract) {
			contracts = append(contracts, t.contractOf(a))
		} else {
			kept = append(kept, a)
		}
	}
	slices.Sort(contracts)
	switch contracts = slices.Compact(contracts); len(contracts) {
	case 0:
		return nil, "", t.notTheirs(user, seat.Product, seat.Contract)
	case 1:
		return kept, contracts[0], nil
	}
	return nil, "", fail(ErrAmbiguous, "say which: "+seat.Product+"@"+strings.Join(contracts, " or "+seat.Product+"@"),
		"%s has %s under %d contracts", user, seat.Product, len(contracts))
}

// notTheirs says why there is nothing to revoke: the access comes from
// elsewhere, or is not there.
func (t *Tree) notTheirs(user, product, contract string) error {
	u := t.roster.User(user)
	for i := 0; u != nil && i < len(u.Access); i++ {
		g := &u.Access[i]
		if g.Product != product || contract != "" && g.Contract != contract {
			continue
		}
		for _, o := range g.Because {
			if o.Via != "" {
				return fail(ErrElsewhere, fmt.Sprintf("take %s out of that team, or %s out of what the team gives to all of its members", user, product),
					"%s has %s by %s, at %s, not by a manifest of their own", user, product, o.Via, o)
			}
		}
	}
	under := ""
	if contract != "" {
		under = " under " + contract
	}
	return fail(ErrUnknown, "", "%s does not have %s%s", user, product, under)
}
