package reconciler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"usher/spec"
	"usher/state"
)

// Limits are the bounds beyond which a plan is held until a person approves it
// (RELIABILITY: any one hit holds the whole plan, and nothing of it is applied).
type Limits struct {
	Removals Limit // people removed, people losing access, a team or a role
	Mail     int   // messages in one revision; 0: DefaultMail
}

// DefaultMail is how many messages one revision may send without approval.
const DefaultMail = 500

// Limit is a number of people, or a share of all that are concerned. The zero
// Limit is the default: 10 %, and never less than three people.
type Limit struct {
	Number  int
	Percent bool
	Set     bool
}

// ParseLimit reads "25" or "10%".
func ParseLimit(s string) (Limit, error) {
	digits, percent := strings.CutSuffix(strings.TrimSpace(s), "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || percent && n > 100 {
		return Limit{}, fmt.Errorf("%q is neither a number of people, such as 25, nor a share of them, such as 10%%", s)
	}
	return Limit{Number: n, Percent: percent, Set: true}, nil
}

// of returns the limit among so many people.
func (l Limit) of(people int) int {
	switch {
	case !l.Set:
		return max(3, people/10)
	case l.Percent:
		return people * l.Number / 100
	}
	return l.Number
}

// fewHolders is how many must hold a product, a contract's products or a
// membership for its own limit to count: less than that is one person's business.
const fewHolders = 4

// Judge returns every rule that holds the plan, none where it may be carried out.
// lost is what people lost in the last 24 hours without anybody approving it;
// counting it in keeps a slow copy of an emptied tree from dripping below the
// limits. It is a pure function.
func (l Limits) Judge(p *Plan, t *state.Truth, lost []state.Loss, today spec.Day) []state.HeldRule {
	j := &judge{Limits: l, plan: p, truth: t, counts: map[scope]*count{}}
	j.gather(today)
	j.recall(lost)
	j.emptied()
	j.losses()
	j.contracts()
	j.messages()
	return j.held
}

// scope is what a limit counts people in.
type scope struct{ rule, kind, name string }

// The rules about losses, in the order in which they are reported.
const (
	ruleRemovals = "removals"
	ruleAccess   = "access"
	ruleTeams    = "teams"
	ruleRoles    = "roles"
)

// count is who loses something within a scope.
type count struct {
	now     map[string]bool // account ids, by this plan
	before  map[string]bool // account ids, in the last 24 hours
	holders map[string]bool // account ids of those who have it now
	others  int             // who have it now as well, and neither lose nor lost anything
}

// of counts the people concerned: those who have it, and those who had it before.
func (c *count) of() int {
	n := len(c.holders) + c.others
	for id := range c.before {
		if !c.holders[id] {
			n++
		}
	}
	return n
}

func (c *count) people() int {
	n := len(c.now)
	for id := range c.before {
		if !c.now[id] {
			n++
		}
	}
	return n
}

type judge struct {
	Limits
	plan   *Plan
	truth  *state.Truth
	counts map[scope]*count
	held   []state.HeldRule
}

func (j *judge) count(s scope) *count {
	c := j.counts[s]
	if c == nil {
		c = &count{now: map[string]bool{}, before: map[string]bool{}, holders: map[string]bool{}}
		j.counts[s] = c
	}
	return c
}

func (j *judge) lose(id string, scopes ...scope) {
	for _, s := range scopes {
		j.count(s).now[id] = true
	}
}

// accessScopes are the scopes in which losing one product counts.
func accessScopes(contract, product string) []scope {
	return []scope{{rule: ruleAccess}, {ruleAccess, "contract", contract}, {ruleAccess, "product", product}}
}

// gather counts who loses what by the plan.
func (j *judge) gather(today spec.Day) {
	for i := range j.plan.Changes {
		c := &j.plan.Changes[i]
		switch {
		case c.Kind == KindUser && c.Action == Remove:
			j.lose(c.account, scope{rule: ruleRemovals})
		case c.Kind == KindUser && c.Action == Suspend:
			j.suspended(c, today)
		case c.Kind == KindAccess && c.loses(today):
			j.lose(c.account, accessScopes(c.was.Contract, c.was.Product)...)
		case c.Kind == KindRole && c.Action == Unassign:
			j.lose(c.account, scope{rule: ruleRoles})
		case c.Kind == KindTeam:
			j.leavers(c)
		}
	}
}

// suspended counts what a person cannot use any more; what is taken away in the
// same plan counts as a change of its own.
func (j *judge) suspended(c *Change, today spec.Day) {
	for _, g := range c.user.Access {
		if g.Until >= today {
			j.lose(c.account, accessScopes(g.Contract, g.Product)...)
		}
	}
}

// leavers counts the members that a team loses, by the accounts they have: a
// member under another name is the same.
func (j *judge) leavers(c *Change) {
	for _, id := range c.roll.lost {
		j.lose(id, scope{rule: ruleTeams}, scope{ruleTeams, "team", c.Subject})
	}
}

// recall adds what was lost before to the scopes in which the plan takes more.
func (j *judge) recall(lost []state.Loss) {
	for _, l := range lost {
		var scopes []scope
		switch l.Kind {
		case state.LossRemoved:
			scopes = []scope{{rule: ruleRemovals}}
		case state.LossAccess:
			scopes = accessScopes(l.Contract, l.Product)
		case state.LossTeam:
			scopes = []scope{{rule: ruleTeams}, {ruleTeams, "team", l.Team}}
		case state.LossRole:
			scopes = []scope{{rule: ruleRoles}}
		}
		for _, s := range scopes {
			if c := j.counts[s]; c != nil {
				c.before[l.Account] = true
			}
		}
	}
}

func (j *judge) hold(rule, scope string, count, limit int, format string, args ...any) {
	j.held = append(j.held, state.HeldRule{
		Rule: rule, Scope: scope, Count: count, Limit: limit,
		Message: fmt.Sprintf(format, args...), Release: "usher approve " + j.plan.ID,
	})
}

// emptied holds a plan that leaves nobody: that is how an unmounted or half
// deleted directory looks.
func (j *judge) emptied() {
	others := 0
	if j.plan.census != nil {
		others = j.plan.census.People - len(j.truth.Roster.Users)
	}
	if n := len(j.truth.Roster.Users) + others; n > 0 && len(j.plan.wanted.Users)+others == 0 {
		j.hold("empty", "", n, 0, "the manifests declare nobody at all, and %s would be removed", people(n))
	}
}

// losses holds what too many people lose. Where a rule holds for everyone
// together, its narrower scopes say nothing more.
func (j *judge) losses() {
	j.holders()
	scopes := slices.SortedFunc(maps.Keys(j.counts), func(a, b scope) int {
		return cmp.Or(strings.Compare(a.rule, b.rule), strings.Compare(a.kind, b.kind), strings.Compare(a.name, b.name))
	})
	all := map[string]bool{}
	for _, s := range scopes {
		c := j.counts[s]
		n, of := c.people(), c.of()
		limit := j.Removals.of(of)
		if all[s.rule] || n <= limit || s.kind != "" && of < fewHolders {
			continue
		}
		all[s.rule] = s.kind == ""
		j.hold(s.rule, strings.TrimSpace(s.kind+" "+s.name), n, limit, "%s", c.words(s, n, of, limit))
	}
}

// words says what a held loss is, for people.
func (c *count) words(s scope, n, of, limit int) string {
	what := map[string]string{
		ruleRemovals: "would be removed", ruleAccess: "would lose access",
		ruleTeams: "would leave a team", ruleRoles: "would lose a role",
	}[s.rule]
	switch s.kind {
	case "contract":
		what += " under " + s.name
	case "product":
		what += " to " + s.name
	case "team":
		what = "would leave team " + s.name
	}
	text := fmt.Sprintf("%s of %d %s, more than the %d allowed within a day", people(n), of, what, limit)
	if before := n - len(c.now); before > 0 {
		text += fmt.Sprintf(" (%d of them in the last 24 hours)", before)
	}
	return text
}

func people(n int) string {
	if n == 1 {
		return "1 person"
	}
	return fmt.Sprintf("%d people", n)
}

// plural counts things whose plural ends in s.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// holders finds who has now what the scopes are about.
func (j *judge) holders() {
	if len(j.counts) == 0 {
		return
	}
	everyone := make(map[string]bool, len(j.truth.Accounts))
	for _, a := range j.truth.Accounts {
		everyone[a.ID] = true
	}
	for _, rule := range []string{ruleRemovals, ruleAccess, ruleRoles} {
		if c := j.counts[scope{rule: rule}]; c != nil {
			c.holders = everyone
		}
	}
	for i := range j.truth.Roster.Teams {
		j.holdersOfTeam(&j.truth.Roster.Teams[i])
	}
	j.holdersAmong(j.truth)
	if j.plan.census != nil {
		j.holdersBeyond()
	}
}

// holdersOfTeam finds the members of a team; of an excerpt, those among its people.
func (j *judge) holdersOfTeam(t *spec.Team) {
	if j.plan.census == nil {
		for _, member := range t.Members {
			j.holds(j.truth.Accounts[member].ID, scope{rule: ruleTeams}, scope{ruleTeams, "team", t.Name})
		}
		return
	}
	for i := range j.truth.Roster.Users {
		if name := j.truth.Roster.Users[i].Name; hasName(t.Members, name) {
			j.holds(j.truth.Accounts[name].ID, scope{rule: ruleTeams}, scope{ruleTeams, "team", t.Name})
		}
	}
}

func (j *judge) holdersAmong(t *state.Truth) {
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		for _, g := range u.Access {
			j.holds(t.Accounts[u.Name].ID, accessScopes(g.Contract, g.Product)[1:]...)
		}
	}
}

// holds notes that an account has what those of the scopes are about in which
// something is lost.
func (j *judge) holds(id string, scopes ...scope) {
	for _, s := range scopes {
		if c := j.counts[s]; c != nil {
			c.holders[id] = true
		}
	}
}

// The rules about power over others; their scope is the contract.
const (
	ruleHandover    = "handover"
	ruleNewContract = "new-contract"
)

// contracts holds a change of a contract's manager, and a contract that comes
// after the first ones: both give somebody power over others. A manager who is
// only renamed is the same.
func (j *judge) contracts() {
	for i := range j.plan.Changes {
		c := &j.plan.Changes[i]
		if c.Kind != KindRole || c.Action != Assign || c.Role != spec.ContractManager {
			continue
		}
		switch was := j.truth.Roster.Contract(c.Contract); {
		case was != nil:
			j.hold(ruleHandover, c.Contract, 1, 0, "contract %s would pass from %s to %s as its contract manager", c.Contract, was.Manager, c.Subject)
		case len(j.truth.Roster.Contracts) > 0:
			j.hold(ruleNewContract, c.Contract, 1, 0, "contract %s would be created, with %s as its contract manager", c.Contract, c.Subject)
		}
	}
}

// messages holds a plan that would write to very many people at once, such as
// one made against an empty database.
func (j *judge) messages() {
	limit := cmp.Or(j.Mail, DefaultMail)
	if n := len(j.plan.Mail); n > limit {
		j.hold("mail", "", n, limit, "%d messages would go out, more than the %d allowed in one revision", n, limit)
	}
}
