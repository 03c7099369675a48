package reconciler

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"usher/spec"
	"usher/state"
)

// Judgement is changes that take the same right and that the same commits answer
// for.
type Judgement struct {
	Needs      string   `json:"needs"` // who may make them: "contract manager of acme-design"
	Authorised bool     `json:"authorised"`
	Commits    []Answer `json:"commits"` // who answers for them, in the order of history; where nobody does, who should
	Changes    []Change `json:"changes"` // sorted; what differs, without where it comes from
	Ways       []string `json:"ways"`    // what supplies the right; empty where authorised
}

// Answer is a commit and who answers for it.
type Answer struct {
	Commit      string `json:"commit"`
	Subject     string `json:"subject"`     // the first line of its message
	Signer      string `json:"signer"`      // name of a user; "" where the key is nobody's
	Fingerprint string `json:"fingerprint"` // of the key; "" where there is none
	Problem     string `json:"problem"`     // why that signature does not count: "not signed"; "" where it does
}

// Judgements says of every change that the steps make, from the base to the last
// one, what right it takes and whether who answers for it has that. They are
// authorised throughout where [Authority] accepts. Those that are not come first.
//
// tip is where the base stands meanwhile, nil where it did not move: a merge does
// not give back a power that was taken away there.
func (r Review) Judgements(tip *spec.Roster) []Judgement {
	if len(r.Steps) == 0 {
		return nil
	}
	j := &judging{trial: newTrial(r), tip: tip, place: map[string]int{}}
	for i := range r.Steps {
		j.walk(i)
	}
	// The verdict also judges what a rewritten history leaves out.
	if _, refusals := j.verdict(); j.last().roster == nil {
		return []Judgement{refusals[0].judgement()}
	}
	concerned := differingFacts(r.Base, j.last().roster)
	for _, k := range j.last().pending() {
		if _, known := concerned[k]; !known {
			record := j.last().records[k]
			concerned[k] = fact{record.before(), record.value}
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(concerned), compareFactKeys) {
		j.add(k, concerned[k])
	}
	slices.SortStableFunc(j.list, func(a, b Judgement) int {
		if a.Authorised != b.Authorised {
			if b.Authorised {
				return -1
			}
			return 1
		}
		return strings.Compare(a.Needs, b.Needs)
	})
	return j.list
}

// judgement is that of a proposal whose last commit asks for nothing that is valid.
func (r *Refusal) judgement() Judgement {
	return Judgement{Commits: []Answer{{Commit: r.Commit, Subject: r.Subject, Problem: r.Problem}}, Changes: []Change{}, Ways: r.Ways}
}

// judging is judgements under way.
type judging struct {
	*trial
	tip   *spec.Roster
	list  []Judgement
	place map[string]int // what a judgement is about -> its place in the list
}

func (j *judging) last() *standpoint { return j.points[len(j.points)-1] }

// add judges one fact, and puts it beside what is judged alike.
func (j *judging) add(k factKey, f fact) {
	b, answering := j.found(k)
	key := fmt.Sprint(b.right, b.problem, b.step, answering)
	i, known := j.place[key]
	if !known {
		i = len(j.list)
		j.place[key] = i
		j.list = append(j.list, j.judgement(b, answering))
	}
	changes := &j.list[i].Changes
	if n := len(*changes); n == 0 || !sameThing((*changes)[n-1], k) {
		*changes = append(*changes, k.change())
	}
	(*changes)[len(*changes)-1].include(k, f)
}

// found is what was found about a fact: the right it takes, and the steps that
// answer for it; or the step to blame, and no others.
func (j *judging) found(k factKey) (blame, []int) {
	r, known := j.last().records[k]
	if known && !r.fine() {
		return r.blame, nil
	}
	base := sight{accepted: j.Base, after: j.last().roster}.needs(k)
	for _, step := range r.vouchers {
		if b := j.deprived(k, step, base); b != nil {
			return *b, nil
		}
	}
	return blame{step: -1, right: base}, r.vouchers
}

// deprived says why a signer who might change a fact when the histories parted may
// not any more; nil: they may, or never might by that.
func (j *judging) deprived(k factKey, step int, need right) *blame {
	if j.tip == nil || j.lacks(step, need, j.Base) != nil {
		return nil
	}
	return j.lacks(step, sight{accepted: j.tip, before: []*spec.Roster{j.Base}, after: j.last().roster}.needs(k), j.tip)
}

// judgement is an empty one.
func (j *judging) judgement(b blame, answering []int) Judgement {
	if b.step < 0 {
		judged := Judgement{Needs: b.right.String(), Authorised: true, Commits: []Answer{}, Ways: []string{}}
		for _, step := range answering {
			judged.Commits = append(judged.Commits, j.answer(step))
		}
		return judged
	}
	answer := j.answer(b.step)
	answer.Problem = b.problem
	return Judgement{Needs: b.right.String(), Commits: []Answer{answer}, Ways: j.supply(b)}
}

// answer is a step and its signer, by what counted when it was judged.
func (j *judging) answer(step int) Answer {
	s := &j.Steps[step]
	a := Answer{Commit: s.ID, Subject: s.Subject, Fingerprint: s.Signer.Fingerprint}
	a.Signer, a.Problem = j.signer(step, j.points[step].accepted[0].roster)
	return a
}

// supply lists how a right that is lacking can still come in before, or with, the
// merge.
func (j *judging) supply(b blame) []string {
	by := j.last().accepted[0].roster
	who := cmp.Or(oneOf(b.right.holders(by)), fmt.Sprintf("the %s (nobody who is has a signing key yet)", b.right))
	id, anew := short(j.Steps[b.step].ID), "git commit --amend --no-edit -S"
	if b.step < len(j.Steps)-1 {
		anew = fmt.Sprintf("git rebase --exec '%s' %s^", anew, id)
	}
	return []string{
		fmt.Sprintf("%s signs commit %s anew (%s), or the branch squashed into one", who, id, anew),
		fmt.Sprintf("%s signs the merge commit, with the trailer Usher-Authorises: %s", who, id),
	}
}

// oneOf is "ada" or "one of ada, bo"; "" of nobody.
func oneOf(names []string) string {
	switch {
	case len(names) == 0:
		return ""
	case len(names) == 1:
		return names[0]
	}
	return "one of " + strings.Join(names[:min(len(names), 5)], ", ")
}

// Words say what a judged change does, for people: "grant access of bo to cad under
// design".
func (c *Change) Words() string { return c.words() }

// rule is a judgement as what holds a plan.
func (j *Judgement) rule() state.HeldRule {
	a := j.Commits[len(j.Commits)-1]
	text := fmt.Sprintf("commit %s (%s)", short(a.Commit), a.Subject)
	if a.Signer != "" {
		text += ", signed by " + a.Signer
	}
	if a.Problem != "" {
		text += ", " + a.Problem
	}
	if len(j.Changes) > 0 {
		text += ": " + j.Changes[0].words()
		if more := len(j.Changes) - 1; more > 0 {
			text += fmt.Sprintf(" and %s", plural(more, "more change"))
		}
		text += ": it takes the " + j.Needs
	}
	return state.HeldRule{
		Rule: ruleAuthority, Scope: short(a.Commit), Count: len(j.Changes),
		Message: text, Release: strings.Join(j.Ways, ", or "),
	}
}

// onceMerged lets through what only a controller holds: its plan has another id.
const onceMerged = "once it is merged, usher approve the plan that the controller then holds"

// holdProposal returns what would hold a proposal, given its judgements: the limits
// but for those that a sufficient signer answered for, and what nobody had the right
// to. What lets it through is said for who can still change the commits.
func (r Review) holdProposal(p *Plan, t *state.Truth) []state.HeldRule {
	held := r.lift(p, t)
	if !slices.ContainsFunc(p.Authority, func(j Judgement) bool { return !j.Authorised }) {
		held = slices.DeleteFunc(held, func(rule state.HeldRule) bool { return rule.Rule == ruleHandover })
	}
	losing, contracts := r.losses(p, t)
	for i := range held {
		held[i].Release = onceMerged
		if slices.Contains(liftable, held[i].Rule) && len(contracts) > 0 {
			held[i].Release = fmt.Sprintf("a commit signed by the %s, with the trailer Usher-Allow-Removals: %d; or %s",
				right{manager: true, every: true, contracts: contracts}, len(losing), onceMerged)
		}
	}
	for i := range p.Authority {
		if !p.Authority[i].Authorised {
			held = append(held, p.Authority[i].rule())
		}
	}
	return held
}
