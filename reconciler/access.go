package reconciler

import (
	"slices"

	"usher/spec"
	"usher/state"
)

// explanation is something that stays as it is and now comes from other lines:
// a grant, or the person where there is none.
type explanation struct {
	account string
	user    *spec.User
	grant   *spec.Grant
}

// accessChange is one difference of one person's access; was or is may be nil.
type accessChange struct{ was, is *spec.Grant }

// access compares one person's access and records the changes. It returns them
// for the message.
func (d *differ) access(p pair) []accessChange {
	changes, same := compareAccess(orZero(p.was).Access, orZero(p.is).Access)
	for _, c := range changes {
		d.accessChange(p, c)
	}
	for _, s := range same {
		if !slices.Equal(s.was.Because, s.is.Because) && p.account.ID != "" {
			d.plan.explain = append(d.plan.explain, explanation{p.account.ID, p.is, s.is})
		}
	}
	return changes
}

func (d *differ) accessChange(p pair, c accessChange) {
	g, u := orOther(c.is, c.was), orOther(p.is, p.was)
	was, is := orZero(c.was), orZero(c.is)
	var f fields
	if c.was != nil && c.is != nil {
		f.value("contract", was.Contract, is.Contract)
	}
	f.value("from", fromDay(c.was), fromDay(c.is))
	f.value("until", untilDay(c.was), untilDay(c.is))
	f.value("reason", was.Reason, is.Reason)
	action := map[Action]Action{Add: Grant, Remove: Revoke, Alter: Alter}[toward(c.was, c.is)]
	d.add(Change{
		Action: action, Kind: KindAccess, Subject: u.Name, Email: u.Email, Contract: g.Contract, Product: g.Product,
		Fields: f, Because: g.Because, user: p.is, account: p.account.ID, was: c.was, is: c.is,
	})
}

// nameLines has what is revoked come from the lines that gave it, as they stood then,
// which are what a comparison of everybody knows. Of an excerpt, people were compared
// as declared where the same lines stand now.
func (p *Plan) nameLines(had []spec.User, accounts map[string]state.Account) {
	access := make(map[string][]spec.Grant, len(had)) // by account
	for i := range had {
		access[accounts[had[i].Name].ID] = had[i].Access
	}
	for i := range p.Changes {
		c := &p.Changes[i]
		if c.Action != Revoke {
			continue
		}
		if at, found := slices.BinarySearchFunc(access[c.account], *c.was, spec.CompareGrants); found {
			c.was = &access[c.account][at]
			c.Because = c.was.Because
		}
	}
}

func fromDay(g *spec.Grant) string {
	if g == nil {
		return ""
	}
	return g.From.String()
}

func untilDay(g *spec.Grant) string {
	if g == nil {
		return ""
	}
	return g.Until.String()
}

// compareAccess pairs what a person has with what is wanted. What is equal but
// for its lines comes back as same. Of the rest, spans of one product under one
// contract pair up in the order of their days, and what is then left of a product
// on both sides moved to another contract: both are changes, not a loss and a gain.
func compareAccess(was, is []spec.Grant) (changes, same []accessChange) {
	var lost, gained []*spec.Grant
	abreast(was, is, compareGrants, func(was, is *spec.Grant) {
		switch {
		case is == nil:
			lost = append(lost, was)
		case was == nil:
			gained = append(gained, is)
		case was.Reason == is.Reason:
			same = append(same, accessChange{was, is})
		default:
			changes = append(changes, accessChange{was, is})
		}
	})
	sameContract := func(a, b *spec.Grant) bool { return a.Contract == b.Contract && a.Product == b.Product }
	sameProduct := func(a, b *spec.Grant) bool { return a.Product == b.Product }
	for _, alike := range []func(a, b *spec.Grant) bool{sameContract, sameProduct} {
		var paired []accessChange
		paired, lost, gained = pairGrants(lost, gained, alike)
		changes = append(changes, paired...)
	}
	for _, g := range lost {
		changes = append(changes, accessChange{was: g})
	}
	for _, g := range gained {
		changes = append(changes, accessChange{is: g})
	}
	return changes, same
}

// pairGrants pairs each lost grant with the first gained one that is alike.
func pairGrants(lost, gained []*spec.Grant, alike func(a, b *spec.Grant) bool) (pairs []accessChange, lostLeft, gainedLeft []*spec.Grant) {
	if len(lost) == 0 || len(gained) == 0 {
		return nil, lost, gained
	}
	for _, g := range lost {
		i := slices.IndexFunc(gained, func(other *spec.Grant) bool { return alike(g, other) })
		if i < 0 {
			lostLeft = append(lostLeft, g)
			continue
		}
		pairs = append(pairs, accessChange{g, gained[i]})
		gained = slices.Delete(slices.Clone(gained), i, i+1)
	}
	return pairs, lostLeft, gained
}

func compareGrants(a, b *spec.Grant) int { return spec.CompareGrants(*a, *b) }

// loses reports whether the change takes access away on any day from today on.
// Moving to another contract on the same days does not, nor does a span that
// became part of a longer one.
func (c *Change) loses(today spec.Day) bool {
	switch {
	case c.was == nil || c.was.Until < today:
		return false
	case c.user != nil && covered(c.was, c.user.Access, today):
		return false
	}
	return c.is == nil || c.is.From > max(c.was.From, today) || c.is.Until < c.was.Until
}

// covered reports whether the days of a grant, from today on, all lie in one of
// the others of the same product and contract.
func covered(g *spec.Grant, others []spec.Grant, today spec.Day) bool {
	return slices.ContainsFunc(others, func(other spec.Grant) bool {
		return other.Contract == g.Contract && other.Product == g.Product &&
			other.From <= max(g.From, today) && other.Until >= g.Until
	})
}

// ahead returns the days from today on, on which a person may use what the grant
// is for.
func ahead(u *spec.User, of *spec.Grant, today spec.Day) []spec.Span {
	var spans []spec.Span
	for _, g := range orZero(u).Access {
		if g.Contract == of.Contract && g.Product == of.Product && g.Until >= today {
			spans = append(spans, spec.Span{From: max(g.From, today), Until: g.Until})
		}
	}
	return spans
}

// matters reports whether the change is part of one that the person can notice
// today or later.
func (p pair) matters(c accessChange, today spec.Day) bool {
	for _, g := range []*spec.Grant{c.was, c.is} {
		if g != nil && !slices.Equal(ahead(p.was, g, today), ahead(p.is, g, today)) {
			return true
		}
	}
	return false
}
