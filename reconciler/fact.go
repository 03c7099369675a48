package reconciler

import (
	"cmp"
	"slices"
	"strconv"

	"usher/spec"
)

// factKey names one thing that manifests say: an e-mail, one member of a team,
// one person's access on certain days. It tells what a change is responsible
// for: a later change of the same fact takes the responsibility over.
type factKey struct {
	kind     Kind
	subject  string // as of a Change; "" of a role
	contract string // of a role or access
	product  string // of access
	field    string // fieldExists: the thing itself; of a role which one
	element  string // of a list: which one; of access the days
}

// Fields of facts that rights depend on.
const (
	fieldExists    = ""
	fieldEmail     = "email"
	fieldKeys      = "signingKeys"
	fieldSuspended = "suspended"
	fieldThrough   = "through" // of access: by one's own manifest, or by which team
)

// present is the value of facts that are or are not; what is not has the value "".
const present = "yes"

// fact is what a fact was and what it is.
type fact struct{ from, to string }

// facts are the facts that differ between two rosters. People are told apart by
// name alone: who is renamed goes and comes.
type facts map[factKey]fact

func differingFacts(from, to *spec.Roster) facts {
	f := facts{}
	if from == to {
		return f
	}
	both(from.Contracts, to.Contracts, func(c *spec.Contract) string { return c.Name }, f.contract)
	both(from.Products, to.Products, func(p *spec.Product) string { return p.Name }, f.product)
	both(from.Teams, to.Teams, func(t *spec.Team) string { return t.Name }, f.team)
	both(from.Users, to.Users, userName, f.user)
	return f
}

func (f facts) value(k factKey, from, to string) {
	if from != to {
		f[k] = fact{from, to}
	}
}

// elements compares two sorted lists, one fact an element.
func (f facts) elements(k factKey, from, to []string) {
	both(from, to, itself, func(was, is *string) {
		k.element = *orOther(was, is)
		f.value(k, exists(was), exists(is))
	})
}

func exists[T any](p *T) string {
	if p == nil {
		return ""
	}
	return present
}

func (f facts) contract(from, to *spec.Contract) {
	a, b := orZero(from), orZero(to)
	name := orOther(to, from).Name
	of := func(field string) factKey { return factKey{kind: KindContract, subject: name, field: field} }
	f.value(of(fieldExists), exists(from), exists(to))
	both(a.Offers, b.Offers, func(o *spec.Offer) string { return o.Product }, func(was, is *spec.Offer) {
		f.value(of("seats of "+orOther(was, is).Product), seatsOf(was), seatsOf(is))
	})
	f.value(of("cloudCredits.pool"), pool(a.Credits), pool(b.Credits))
	f.value(of("cloudCredits.expires"), expires(a.Credits), expires(b.Credits))
	f.value(of("supportEmail"), a.SupportEmail, b.SupportEmail)
	role := func(r spec.Role) factKey { return factKey{kind: KindRole, contract: name, field: string(r)} }
	f.value(role(spec.ContractManager), a.Manager, b.Manager)
	f.elements(role(spec.SoftwareCoordinator), a.Coordinators, b.Coordinators)
}

func (f facts) product(from, to *spec.Product) {
	a, b := orZero(from), orZero(to)
	of := func(field string) factKey {
		return factKey{kind: KindProduct, subject: orOther(to, from).Name, field: field}
	}
	f.value(of(fieldExists), exists(from), exists(to))
	f.value(of("title"), a.Title, b.Title)
	f.value(of("type"), string(a.Type), string(b.Type))
	f.elements(of("downloads"), downloads(a), downloads(b))
}

func (f facts) team(from, to *spec.Team) {
	a, b := orZero(from), orZero(to)
	of := func(field string) factKey {
		return factKey{kind: KindTeam, subject: orOther(to, from).Name, field: field}
	}
	f.value(of(fieldExists), exists(from), exists(to))
	f.elements(of("members"), a.Members, b.Members)
	f.elements(of("teams"), a.Teams, b.Teams)
	f.elements(of("access"), teamAccess(a), teamAccess(b))
}

func (f facts) user(from, to *spec.User) {
	a, b := orZero(from), orZero(to)
	name := orOther(to, from).Name
	of := func(field string) factKey { return factKey{kind: KindUser, subject: name, field: field} }
	f.value(of(fieldExists), exists(from), exists(to))
	f.value(of(fieldEmail), a.Email, b.Email)
	f.value(of("firstName"), a.FirstName, b.FirstName)
	f.value(of("lastName"), a.LastName, b.LastName)
	f.elements(of(fieldKeys), a.SigningKeys, b.SigningKeys)
	if a.Suspended != b.Suspended {
		f.value(of(fieldSuspended), suspension(a), suspension(b))
	}
	if b.Generation > max(1, a.Generation) { // not declared is the one on record
		f.value(of("invitation.generation"), strconv.Itoa(a.Generation), strconv.Itoa(b.Generation))
	}
	f.access(name, a.Access, b.Access)
	f.ways(name, a.Access, b.Access)
}

func suspension(u *spec.User) string {
	if u.Suspended {
		return "true"
	}
	return ""
}

func (f facts) access(name string, from, to []spec.Grant) {
	abreast(from, to, compareGrants, func(was, is *spec.Grant) {
		if was == nil || is == nil || was.Reason != is.Reason {
			f.value(accessKey(name, orOther(is, was)), grantValue(was), grantValue(is))
		}
	})
}

func accessKey(name string, g *spec.Grant) factKey {
	return factKey{kind: KindAccess, subject: name, contract: g.Contract, product: g.Product, element: g.Span.String()}
}

// grantValue is that there is access, and why; "" where there is none.
func grantValue(g *spec.Grant) string {
	if g == nil {
		return ""
	}
	return present + " " + g.Reason
}

// ways compares through what somebody has access. A second way adds nothing today,
// but it outlives the first, so it is nobody's to add who may not grant.
func (f facts) ways(name string, from, to []spec.Grant) {
	if slices.EqualFunc(from, to, sameWays) {
		return
	}
	was, is := waysOf(name, from), waysOf(name, to)
	for k := range was {
		if !is[k] {
			f[k] = fact{present, ""}
		}
	}
	for k := range is {
		if !was[k] {
			f[k] = fact{"", present}
		}
	}
}

func sameWays(a, b spec.Grant) bool {
	sameWay := func(x, y spec.Origin) bool { return x.Via == y.Via }
	return a.Contract == b.Contract && a.Product == b.Product && slices.EqualFunc(a.Because, b.Because, sameWay)
}

func waysOf(name string, grants []spec.Grant) map[factKey]bool {
	ways := map[factKey]bool{}
	for i := range grants {
		g := &grants[i]
		for _, line := range g.Because {
			ways[factKey{
				kind: KindAccess, subject: name, contract: g.Contract, product: g.Product,
				field: fieldThrough, element: cmp.Or(line.Via, "own manifest"),
			}] = true
		}
	}
	return ways
}
