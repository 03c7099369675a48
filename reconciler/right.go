package reconciler

import (
	"maps"
	"slices"
	"strings"

	"usher/spec"
)

// right is what somebody must be to change a fact (DOMAIN.md, "Authority"), by
// the roster that was accepted last.
type right struct {
	manager   bool     // contract manager; else any steward
	every     bool     // of every one of the contracts; else of any one
	contracts []string // sorted; none: any contract there is
}

// sight is what a change is judged by. Roles count as accepted last; the tree
// under review can only ask for more: who holds a role in it, and which contracts
// are concerned.
type sight struct {
	accepted *spec.Roster
	before   []*spec.Roster // of the commit's parents
	after    *spec.Roster   // of the commit
}

func (s sight) all() []*spec.Roster {
	return append(append([]*spec.Roster{s.accepted}, s.before...), s.after)
}

// needs returns the right that changing a fact takes.
func (s sight) needs(k factKey) right {
	switch k.kind {
	case KindContract:
		return s.contractRight(k.subject)
	case KindRole:
		return s.contractRight(k.contract)
	case KindAccess:
		return right{contracts: []string{k.contract}}
	case KindProduct:
		return right{contracts: s.offering(k.subject)}
	case KindTeam:
		return right{contracts: s.teamContracts(k.subject)}
	default:
		return s.userRight(k)
	}
}

// contractRight is that of the contract's manager; a contract that is yet to be
// accepted is any contract manager's to create.
func (s sight) contractRight(name string) right {
	if s.accepted.Contract(name) == nil {
		return right{manager: true}
	}
	return right{manager: true, contracts: []string{name}}
}

// userRight: names take a steward of any contract that the person has access
// under; what decides who signs in, and whether at all, one of every such contract;
// and for people who hold a role that is a change of roles, or a coordinator
// could become the manager by giving the manager another address.
func (s sight) userRight(k factKey) right {
	weighty := k.field == fieldEmail || k.field == fieldKeys || k.field == fieldSuspended || s.after.User(k.subject) == nil
	if held := s.rolesOf(k.subject); weighty && len(held) > 0 {
		return right{manager: true, every: true, contracts: held}
	}
	return right{every: weighty, contracts: s.accessOf(k.subject)}
}

// rolesOf lists the contracts under which somebody holds a role, in any roster in
// sight; a contract that is yet to be accepted counts as any.
func (s sight) rolesOf(name string) []string {
	contracts := map[string]bool{}
	for _, r := range s.all() {
		for i := range r.Contracts {
			if r.Contracts[i].Steward(name) {
				contracts[r.Contracts[i].Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(contracts))
}

// accessOf lists the contracts under which somebody has access before the change.
func (s sight) accessOf(name string) []string {
	contracts := map[string]bool{}
	for _, r := range append([]*spec.Roster{s.accepted}, s.before...) {
		for _, g := range orZero(r.User(name)).Access {
			contracts[g.Contract] = true
		}
	}
	return slices.Sorted(maps.Keys(contracts))
}

func (s sight) teamContracts(name string) []string {
	contracts := map[string]bool{}
	for _, r := range s.all() {
		for _, g := range orZero(r.Team(name)).Access {
			contracts[g.Contract] = true
		}
	}
	return slices.Sorted(maps.Keys(contracts))
}

func (s sight) offering(product string) []string {
	contracts := map[string]bool{}
	for _, r := range s.all() {
		for i := range r.Contracts {
			if r.Contracts[i].Offer(product) != nil {
				contracts[r.Contracts[i].Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(contracts))
}

// held reports whether somebody has the right, by the roles of a roster.
func (r right) held(name string, by *spec.Roster) bool {
	if len(r.contracts) == 0 {
		return slices.ContainsFunc(by.Contracts, func(c spec.Contract) bool { return r.under(&c, name) })
	}
	for _, contract := range r.contracts {
		has := managesAny(by, name) // of a contract that is yet to be: who may create it
		if c := by.Contract(contract); c != nil {
			has = r.under(c, name)
		}
		if has != r.every {
			return has
		}
	}
	return r.every
}

func (r right) under(c *spec.Contract, name string) bool {
	return c.Manager == name || !r.manager && c.Steward(name)
}

func managesAny(r *spec.Roster, name string) bool {
	return slices.ContainsFunc(r.Contracts, func(c spec.Contract) bool { return c.Manager == name })
}

// holders lists who has the right and can sign, sorted.
func (r right) holders(by *spec.Roster) []string {
	var list []string
	for i := range by.Users {
		if u := &by.Users[i]; !u.Suspended && len(u.SigningKeys) > 0 && r.held(u.Name, by) {
			list = append(list, u.Name)
		}
	}
	return list
}

// String says who has the right: "contract manager of acme-design".
func (r right) String() string {
	role, of := "software coordinator", "any contract"
	if r.manager {
		role = "contract manager"
	}
	if len(r.contracts) > 0 {
		join := " or "
		if r.every {
			join = " and "
		}
		of = strings.Join(r.contracts, join)
	}
	return role + " of " + of
}
