package portal

import (
	"slices"

	"usher/spec"
	"usher/state"
)

// kind is what somebody is to the portal.
type kind int

const (
	anonymous kind = iota // who has not signed in, or may not
	newcomer              // signed in with the given password, and has to choose their own
	member                // signed in with a password of their own
	machine               // came with an API token
)

// viewer is who asks for something. One who may not sign in, removed or suspended,
// is anonymous whatever their browser holds.
type viewer struct {
	kind    kind
	account state.Account // of a newcomer or member
	posts   []state.Post  // the roles of a member, sorted by contract
	token   string        // name of a machine's token
	scopes  []state.Scope // what that token is good for
}

// right is what a page asks of its viewer: a level for people, or a scope for
// tokens. No route is for both, so that a cookie opens nothing of the API and a
// token no page.
type right struct {
	level level
	scope state.Scope
}

type level int

const (
	nobody    level = iota // people have no such right; the zero right opens nothing
	anybody                // signed in or not
	newcomers              // who still has to choose a password
	members                // who has an account in use
	stewards               // contract manager or coordinator of the contract concerned
	managers               // its contract manager
)

// for pages.
var (
	open      = right{level: anybody}
	choosing  = right{level: newcomers}
	signedIn  = right{level: members}
	stewardOf = right{level: stewards}
	managerOf = right{level: managers}
)

// scoped is the right of tokens with a scope.
func scoped(scope state.Scope) right { return right{scope: scope} }

// allowed is every rule of who may do what in the portal (DOMAIN.md rows 1 to 8).
// contract is the one concerned; where it is empty, a role under any contract
// will do, and what is then shown is cut down to those of [viewer.contracts].
func allowed(who viewer, need right, contract string) bool {
	switch {
	case need.scope != "":
		return who.kind == machine && slices.Contains(who.scopes, need.scope)
	case need.level == anybody:
		return true
	case need.level == newcomers:
		return who.kind == newcomer
	case who.kind != member:
		return false
	case need.level == members:
		return true
	}
	return slices.ContainsFunc(who.posts, func(p state.Post) bool {
		return (contract == "" || p.Contract == contract) && need.level.holds(p.Role)
	})
}

// holds reports whether a role under a contract gives a level. The contract manager
// need not be a coordinator as well (DOMAIN.md row 3).
func (l level) holds(role spec.Role) bool {
	switch role {
	case spec.ContractManager:
		return l == stewards || l == managers
	case spec.SoftwareCoordinator:
		return l == stewards
	}
	return false
}

// contracts lists the contracts for which somebody has a right, sorted: what a page
// of several contracts may show.
func (v viewer) contracts(need right) []string {
	var names []string
	for _, p := range v.posts {
		if allowed(v, need, p.Contract) {
			names = append(names, p.Contract)
		}
	}
	return slices.Compact(names)
}

// looksAfter reports whether somebody is a steward of a person with access or a role
// under these contracts: of any one, or, where there is none, of any there is
// (DOMAIN.md, "Authority").
func (v viewer) looksAfter(related []string) bool {
	if len(related) == 0 {
		return allowed(v, stewardOf, "")
	}
	return slices.ContainsFunc(related, func(contract string) bool { return allowed(v, stewardOf, contract) })
}

// Name is what the viewer is called, for the page and for the record of what they do.
func (v viewer) Name() string {
	switch v.kind {
	case newcomer, member:
		return v.account.Name
	case machine:
		return "token " + v.token
	}
	return ""
}

// FullName is the first and last name of whoever signed in.
func (v viewer) FullName() string {
	if v.account.ID == "" {
		return ""
	}
	return v.account.FirstName + " " + v.account.LastName
}

// Email is what the viewer signs in with.
func (v viewer) Email() string { return v.account.Email }

// SignedIn reports whether the viewer may use the pages for people with an account.
func (v viewer) SignedIn() bool { return v.kind == member }
