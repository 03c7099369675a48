package reconciler

import (
	"context"
	"slices"
	"time"

	"usher/spec"
	"usher/state"
)

// lost reads what people lost in the last 24 hours, where a plan takes more of
// anything; nil otherwise.
func (c *Controller) lost(ctx context.Context, x *comparison, p *Plan, now time.Time) ([]state.Loss, error) {
	j := &judge{plan: p, truth: x.truth, counts: map[scope]*count{}}
	if j.gather(spec.DayOf(now)); len(j.counts) == 0 {
		return nil, nil
	}
	return c.DB.Losses(ctx, now.Add(-24*time.Hour))
}

// losers reads who lost something lately, as they are now, where a comparison is
// of some people alone; nil otherwise.
func (c *Controller) losers(ctx context.Context, x *comparison, lost []state.Loss) (*state.Excerpt, error) {
	if x.census == nil || len(lost) == 0 {
		return nil, nil
	}
	var ids []string
	for _, l := range lost {
		ids = append(ids, l.Account)
	}
	slices.Sort(ids)
	return c.DB.Excerpt(ctx, state.Who{Accounts: slices.Compact(ids)})
}

// holdersBeyond counts who has what the scopes are about, beyond those whom the
// plan was made of: who lost something before one by one, since nobody is to be
// counted twice, and the rest as a number.
func (j *judge) holdersBeyond() {
	if lost := j.plan.losers; lost != nil {
		for _, a := range lost.Accounts {
			j.holds(a.ID, scope{rule: ruleRemovals}, scope{rule: ruleAccess}, scope{rule: ruleRoles})
		}
		j.holdersAmong(&lost.Truth)
		for name, teams := range lost.MemberOf {
			j.holds(lost.Accounts[name].ID, scope{rule: ruleTeams})
			for _, team := range teams {
				j.holds(lost.Accounts[name].ID, scope{ruleTeams, "team", team})
			}
		}
	}
	for s, c := range j.counts {
		c.others = j.holding(s) - len(c.holders)
	}
}

// holding is how many have what a scope is about, by the census, or by the team that
// the plan changes.
func (j *judge) holding(s scope) int {
	switch {
	case s.kind == "contract":
		return j.plan.census.Contracts[s.name]
	case s.kind == "product":
		return j.plan.census.Products[s.name]
	case s.kind == "team":
		return len(orZero(j.truth.Roster.Team(s.name)).Members)
	case s.rule == ruleTeams:
		return j.plan.census.Members
	}
	return j.plan.census.People
}
