package reconciler

import (
	"context"
	"errors"
	"slices"
	"strings"

	"usher/spec"
	"usher/state"
)

// ofHold tells stewards of the plan that is held: those of the contracts that its
// changes concern, all of them where it concerns none.
func (s *stewards) ofHold(ctx context.Context, out *Outcome, applyErr error) error {
	var held *HeldError
	switch {
	case errors.As(applyErr, &held):
		return s.tell(ctx, topicHeld, held.Plan.ID, heldAgain, func(t *state.Truth) ([]Notice, error) {
			return heldNotices(t, held.Plan), nil
		})
	case applyErr == nil && out != nil && out.Plan != nil:
		return s.forget(ctx, topicHeld)
	}
	return nil
}

// heldNotices says to each steward what they may know of the plan: the rules about
// their contracts or about everyone, and how many changes concern them. A steward
// is who is one now, not who would be one by the plan. A new contract is any
// contract manager's to decide (DOMAIN.md, "Authority").
func heldNotices(t *state.Truth, p *Plan) []Notice {
	c := newConcerns(t, p)
	changes, common := c.count()
	of := map[string]*Report{}
	for name, contracts := range c.stewards {
		if len(changes) > 0 && changes[name] == 0 && !(c.manages[name] && c.creates()) {
			continue
		}
		held := &HeldReport{Plan: p.ID, Changes: changes[name], Common: common, Release: releases(p.Held)}
		for _, rule := range p.Held {
			if c.audience(rule).includes(contracts, c.manages[name]) {
				held.Rules = append(held.Rules, rule)
			} else {
				held.Others++
			}
		}
		of[name] = &Report{Held: held}
	}
	return reports(t, NoticeHeld, of)
}

// releases are the distinct ways to let a plan through, in the order of the rules.
func releases(held []state.HeldRule) []string {
	var list []string
	for _, rule := range held {
		if !slices.Contains(list, rule.Release) {
			list = append(list, rule.Release)
		}
	}
	return list
}

// concerns finds the contracts that changes of a plan concern, before or after it.
type concerns struct {
	plan     *Plan
	rosters  [2]*spec.Roster            // true and wanted
	people   map[string]*spec.User      // true, by account id
	stewards map[string]map[string]bool // name -> contracts, true
	answer   map[string][]string        // contract -> its stewards, true
	wanted   map[string]map[string]bool // name -> contracts, wanted
	manages  map[string]bool            // names of contract managers, true
	offering map[string]map[string]bool // product -> contracts, in either roster
}

func newConcerns(t *state.Truth, p *Plan) *concerns {
	c := &concerns{
		plan: p, rosters: [2]*spec.Roster{t.Roster, p.wanted}, people: map[string]*spec.User{},
		stewards: stewardship(t.Roster), wanted: stewardship(p.wanted), answer: map[string][]string{},
		manages: map[string]bool{}, offering: map[string]map[string]bool{},
	}
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		c.people[t.Accounts[u.Name].ID] = u
	}
	for name, contracts := range c.stewards {
		for contract := range contracts {
			c.answer[contract] = append(c.answer[contract], name)
		}
	}
	for i := range t.Roster.Contracts {
		c.manages[t.Roster.Contracts[i].Manager] = true
	}
	for _, r := range c.rosters {
		for i := range r.Contracts {
			c.offers(&r.Contracts[i])
		}
	}
	return c
}

func (c *concerns) offers(contract *spec.Contract) {
	for _, o := range contract.Offers {
		if c.offering[o.Product] == nil {
			c.offering[o.Product] = map[string]bool{}
		}
		c.offering[o.Product][contract.Name] = true
	}
}

// count returns how many changes concern contracts of each steward, and how many
// no contract at all.
func (c *concerns) count() (of map[string]int, common int) {
	of = map[string]int{}
	once := map[string]bool{}
	for i := range c.plan.Changes {
		concerned := c.of(&c.plan.Changes[i])
		if len(concerned) == 0 {
			common++
		}
		clear(once)
		for contract := range concerned {
			for _, name := range c.answer[contract] {
				once[name] = true
			}
		}
		for name := range once {
			of[name]++
		}
	}
	return of, common
}

// of returns the contracts that a change concerns.
func (c *concerns) of(change *Change) map[string]bool {
	concerned := map[string]bool{}
	switch change.Kind {
	case KindContract:
		concerned[change.Subject] = true
	case KindProduct:
		return c.offering[change.Subject]
	case KindTeam:
		return c.ofTeam(change.Subject)
	case KindUser:
		c.addUser(concerned, change.user, c.wanted)
		c.addUser(concerned, c.people[change.account], c.stewards)
	default:
		concerned[change.Contract] = true
		if change.was != nil {
			concerned[change.was.Contract] = true
		}
	}
	return concerned
}

// addUser adds the contracts under which a person has access or a role.
func (c *concerns) addUser(to map[string]bool, u *spec.User, roles map[string]map[string]bool) {
	if u == nil {
		return
	}
	for i := range u.Access {
		to[u.Access[i].Contract] = true
	}
	for contract := range roles[u.Name] {
		to[contract] = true
	}
}

func (c *concerns) ofTeam(name string) map[string]bool {
	contracts := map[string]bool{}
	for _, r := range c.rosters {
		for _, g := range orZero(r.Team(name)).Access {
			contracts[g.Contract] = true
		}
	}
	return contracts
}

// creates reports whether a new contract holds the plan.
func (c *concerns) creates() bool {
	for _, rule := range c.plan.Held {
		if rule.Rule == ruleNewContract {
			return true
		}
	}
	return false
}

// audience finds who may be told of a rule: its words name what it is about.
func (c *concerns) audience(rule state.HeldRule) audience {
	kind, name, _ := strings.Cut(rule.Scope, " ")
	switch {
	case rule.Rule == ruleHandover:
		return audience{contracts: map[string]bool{rule.Scope: true}}
	case rule.Rule == ruleNewContract:
		return audience{managers: true}
	case kind == "contract":
		return audience{contracts: map[string]bool{name: true}}
	case kind == "product":
		return audience{contracts: c.offering[name]}
	case kind == "team":
		of := c.ofTeam(name)
		return audience{everybody: len(of) == 0, contracts: of}
	}
	return audience{everybody: true}
}
