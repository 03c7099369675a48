package reconciler

import (
	"slices"
	"strconv"

	"usher/spec"
)

// contracts compares the contracts: what each offers, and who holds which role.
func (d *differ) contracts() {
	name := func(c *spec.Contract) string { return c.Name }
	both(d.True.Roster.Contracts, d.Wanted.Contracts, name, func(from, to *spec.Contract) {
		d.contract(from, to)
		d.contractRoles(orZero(from), orZero(to))
	})
}

func (d *differ) contract(from, to *spec.Contract) {
	a, b := orZero(from), orZero(to)
	var f fields
	both(a.Offers, b.Offers, func(o *spec.Offer) string { return o.Product }, func(was, is *spec.Offer) {
		f.value("seats of "+orOther(was, is).Product, seatsOf(was), seatsOf(is))
	})
	f.value("cloudCredits.pool", pool(a.Credits), pool(b.Credits))
	f.value("cloudCredits.expires", expires(a.Credits), expires(b.Credits))
	f.value("supportEmail", a.SupportEmail, b.SupportEmail)
	c := orOther(to, from)
	if action := toward(from, to); action != Alter || len(f) > 0 {
		d.add(Change{Action: action, Kind: KindContract, Subject: c.Name, Fields: f, Because: []spec.Origin{c.Origin}})
	} else if !slices.Equal(contractLines(from), contractLines(to)) {
		d.moved(KindContract, c.Name)
	}
}

// contractLines lists where a contract and its offers are declared.
func contractLines(c *spec.Contract) []spec.Origin {
	lines := []spec.Origin{c.Origin}
	for i := range c.Offers {
		lines = append(lines, c.Offers[i].Origin)
	}
	return lines
}

// orOther returns the first record that there is.
func orOther[T any](first, second *T) *T {
	if first != nil {
		return first
	}
	return second
}

func seatsOf(o *spec.Offer) string {
	switch {
	case o == nil:
		return ""
	case o.Seats == spec.Unlimited:
		return "unlimited"
	}
	return strconv.Itoa(o.Seats)
}

func pool(c *spec.Credits) string {
	if c == nil {
		return ""
	}
	return strconv.FormatInt(c.Pool, 10)
}

func expires(c *spec.Credits) string {
	if c == nil {
		return ""
	}
	return c.Expires.String()
}

// contractRoles compares who holds the roles under one contract, person by
// person: a rename is not a change of roles.
func (d *differ) contractRoles(from, to *spec.Contract) {
	manager, coordinators := d.nowNamed(from.Manager), d.currentNames(from.Coordinators)
	if manager != to.Manager {
		d.unassign(from.Name, from.Manager, spec.ContractManager, to)
		d.assign(to, to.Manager, spec.ContractManager)
	}
	var f fields
	f.elements("", coordinators, to.Coordinators)
	for _, change := range f {
		if change.To != "" {
			d.assign(to, change.To, spec.SoftwareCoordinator)
			continue
		}
		for _, name := range from.Coordinators {
			if d.nowNamed(name) == change.From {
				d.unassign(from.Name, name, spec.SoftwareCoordinator, to)
			}
		}
	}
}

// currentNames returns names as they are wanted, sorted.
func (d *differ) currentNames(names []string) []string {
	if len(d.wantAs) == 0 {
		return names
	}
	now := make([]string, len(names))
	for i, name := range names {
		now[i] = d.nowNamed(name)
	}
	slices.Sort(now)
	return now
}

func (d *differ) assign(c *spec.Contract, name string, role spec.Role) {
	if name == "" {
		return // the contract is withdrawn
	}
	u := d.Wanted.User(name)
	d.add(Change{
		Action: Assign, Kind: KindRole, Subject: name, Email: u.Email, Contract: c.Name, Role: role,
		Because: []spec.Origin{c.Origin}, user: u, account: d.accountOf(name),
	})
	d.tellRole(c, c.Name, u, RoleLine{Contract: c.Name, Role: role, Assigned: true})
}

// unassign takes a role from a person known by their name as true. to is the
// contract as wanted, without a name where it is withdrawn.
func (d *differ) unassign(contract, name string, role spec.Role, to *spec.Contract) {
	if name == "" {
		return // the contract is new
	}
	u := d.True.Roster.User(name)
	now := orOther(d.Wanted.User(d.nowNamed(name)), u)
	if d.removed[name] {
		now = u
	}
	d.add(Change{
		Action: Unassign, Kind: KindRole, Subject: now.Name, Email: now.Email, Contract: contract, Role: role,
		Because: []spec.Origin{orOther(d.Wanted.Contract(contract), d.True.Roster.Contract(contract)).Origin},
		user:    d.Wanted.User(now.Name), account: d.account(name).ID,
	})
	d.tellRole(to, contract, now, RoleLine{Contract: contract, Role: role})
}

// tellRole notes whom a change of roles is told to: the person, and the
// contract's manager. That a manager is or is no longer a coordinator as well
// changes nothing they may do, so it is told to nobody (DOMAIN.md row 3); nor is
// what people have who are taken over from elsewhere.
func (d *differ) tellRole(to *spec.Contract, contract string, u *spec.User, line RoleLine) {
	if line.Role == spec.SoftwareCoordinator && to.Manager == u.Name || d.Adopt && line.Assigned && d.accountOf(u.Name) == "" {
		return
	}
	if !d.removed[u.Name] { // the message about the removal says enough
		d.roles[u.Name] = append(d.roles[u.Name], line)
	}
	if to.Manager != "" && to.Manager != u.Name {
		line.Person, line.Email = u.FullName(), u.Email
		d.told[to.Manager] = append(d.told[to.Manager], line)
	}
}
