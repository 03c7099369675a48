package reconciler

import (
	"fmt"
	"maps"
	"slices"

	"usher/spec"
	"usher/state"
)

// Hold returns what holds the plan, given how its tree came to be: the limits
// that hold it already but for those that a sufficient signer answered for, and
// every refusal. It is a pure function.
func (r Review) Hold(p *Plan, t *state.Truth) []state.HeldRule {
	accepted, refusals := Authority(r)
	held := r.lift(p, t)
	if accepted { // then whoever handed the contract over was its manager
		held = slices.DeleteFunc(held, func(rule state.HeldRule) bool { return rule.Rule == ruleHandover })
	}
	for i := range refusals {
		held = append(held, refusals[i].rule())
	}
	return held
}

// liftable are the rules that a trailer Usher-Allow-Removals lifts; a tree that
// declares nobody is not among them.
var liftable = []string{ruleRemovals, ruleAccess, ruleTeams, ruleRoles}

// lift returns the rules that hold a plan, without the limits on removals where
// the newest trailer Usher-Allow-Removals says how many people are concerned, and
// its signer manages every contract that is. Where it does not fit, the rules say
// why.
func (r Review) lift(p *Plan, t *state.Truth) []state.HeldRule {
	held := slices.Clone(p.Held)
	losing, contracts := r.losses(p, t)
	step := r.newestAllowance()
	if step < 0 || len(losing) == 0 {
		return held
	}
	flaw := r.allowanceFlaw(step, len(losing), contracts)
	if flaw == "" {
		return slices.DeleteFunc(held, func(rule state.HeldRule) bool { return slices.Contains(liftable, rule.Rule) })
	}
	for i := range held {
		if slices.Contains(liftable, held[i].Rule) {
			held[i].Message += "; " + flaw
		}
	}
	return held
}

func (r Review) newestAllowance() int {
	for i, s := range slices.Backward(r.Steps) {
		if s.AllowRemovals != nil && s.Standing == StandingNew {
			return i
		}
	}
	return -1
}

// allowanceFlaw says why a trailer lifts nothing; "" where it does.
func (r Review) allowanceFlaw(step, losing int, contracts []string) string {
	s := &r.Steps[step]
	if n := *s.AllowRemovals; n != losing {
		return fmt.Sprintf("commit %s allows %d, and %d would lose something", short(s.ID), n, losing)
	}
	t := newTrial(r)
	for i := range r.Steps[:step+1] {
		t.walk(i)
	}
	if b := t.lacks(step, right{manager: true, every: true, contracts: contracts}, r.Base); b != nil {
		why := b.problem
		if why == "" {
			why = "it takes the " + b.right.String()
		}
		return fmt.Sprintf("commit %s allows %d, but does not count: %s", short(s.ID), losing, why)
	}
	return ""
}

// losses finds the accounts that lose something by the plan, and the contracts
// concerned, sorted.
func (r Review) losses(p *Plan, t *state.Truth) (losing map[string]bool, contracts []string) {
	today := spec.DayOf(r.Now)
	j := &judge{plan: p, truth: t, counts: map[scope]*count{}}
	j.gather(today)
	losing = map[string]bool{}
	for _, c := range j.counts {
		maps.Copy(losing, c.now)
	}
	concerned := map[string]bool{}
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		if !losing[t.Accounts[u.Name].ID] {
			continue
		}
		after := p.wanted.User(u.Name)
		for _, g := range u.Access {
			if after == nil || after.Suspended || !covered(&g, after.Access, today) {
				concerned[g.Contract] = true
			}
		}
	}
	for i := range p.Changes {
		if c := &p.Changes[i]; c.Kind == KindRole && c.Action == Unassign {
			concerned[c.Contract] = true
		}
	}
	return losing, slices.Sorted(maps.Keys(concerned))
}
