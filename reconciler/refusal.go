package reconciler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"usher/spec"
	"usher/state"
)

// verdict is the end of a trial.
func (t *trial) verdict() (accepted bool, refusals []Refusal) {
	if len(t.points) == 0 {
		return true, nil
	}
	last := t.points[len(t.points)-1]
	if last.roster == nil {
		s := &t.Steps[last.step]
		return false, []Refusal{{Commit: s.ID, Subject: s.Subject, Problem: "its manifests are not valid", Ways: []string{"mend them"}}}
	}
	if !last.current {
		t.dropped(last)
	}
	pending := last.pending()
	return len(pending) == 0, t.refusals(last, pending)
}

// dropped judges what a history that does not build on what is applied leaves out
// of it: the signer of its last commit answers for that, who must have made it
// after what is applied. An old commit pushed again says nothing about what came
// after it.
func (t *trial) dropped(last *standpoint) {
	for i := range t.points {
		if s := &t.Steps[i]; s.Standing == StandingApplied && t.Steps[last.step].Committer.At.Before(s.Committer.At) {
			t.dated[last.step] = "it is older than what is applied"
		}
	}
	last.grounds = []*standpoint{t.origin}
	for k, f := range differingFacts(t.Base, last.roster) {
		if r, known := last.records[k]; !known || r.fine() && len(r.vouchers) == 0 {
			t.change(last, []int{last.step}, k, f, []record{{value: f.from, good: f.from, settled: f.from, first: f.from, tag: -1}})
		}
	}
}

// refusals words what is pending: facts of one thing that one commit changed and
// that lack the same come together.
func (t *trial) refusals(last *standpoint, pending []factKey) (list []Refusal) {
	by := last.accepted[0].roster
	var of []blame
	for _, k := range pending {
		r := last.records[k]
		n := len(list) - 1
		if n < 0 || !sameThing(list[n].Change, k) || of[n].step != r.blame.step || of[n].right.String() != r.blame.right.String() {
			s := &t.Steps[r.blame.step]
			list = append(list, Refusal{
				Commit: s.ID, Subject: s.Subject, Signer: r.blame.signer, Problem: r.blame.problem,
				Change: k.change(), Missing: r.blame.right.String(), Ways: ways(s, r.blame.right, by),
			})
			of = append(of, r.blame)
			n++
		}
		list[n].Change.include(k, fact{r.before(), r.value})
	}
	return list
}

// before is the value that a refused one would take the place of.
func (r *record) before() string {
	if r.good == r.value {
		return r.first
	}
	return r.good
}

func compareFactKeys(a, b factKey) int {
	return cmp.Or(
		cmp.Compare(rank[a.kind], rank[b.kind]), strings.Compare(a.subject, b.subject), strings.Compare(a.contract, b.contract),
		strings.Compare(a.product, b.product), strings.Compare(a.field, b.field), strings.Compare(a.element, b.element))
}

// change is the beginning of a Change of the thing that a fact is about.
func (k factKey) change() Change {
	c := Change{Kind: k.kind, Subject: k.subject, Contract: k.contract, Product: k.product}
	if k.kind == KindRole {
		c.Role = spec.Role(k.field)
	}
	return c
}

func sameThing(c Change, k factKey) bool {
	return c.Kind == k.kind && c.Contract == k.contract && c.Product == k.product && c.Subject == k.subject && k.kind != KindRole
}

// include adds one fact to a change.
func (c *Change) include(k factKey, f fact) {
	action := Alter
	switch {
	case k.kind == KindRole:
		c.Subject, action = roleHolder(k, f), Assign
		if f.to == "" {
			action = Unassign
		}
	case k.field == fieldThrough:
		c.Fields = append(c.Fields, Field{Name: k.field, From: named(k, f.from), To: named(k, f.to)})
	case k.kind == KindAccess:
		action = Grant
		if f.to == "" {
			action = Revoke
		}
		from, to := strings.TrimPrefix(f.from, present), strings.TrimPrefix(f.to, present)
		c.Fields = append(c.Fields, Field{Name: "days", From: daysOf(k, f.from), To: daysOf(k, f.to)})
		(*fields)(&c.Fields).value("reason", strings.TrimSpace(from), strings.TrimSpace(to))
	case k.field == fieldExists:
		action = toward(some(f.from), some(f.to))
	case k.field == fieldSuspended:
		action = Suspend
		if f.to == "" {
			action = Restore
		}
	case k.element != "":
		c.Fields = append(c.Fields, Field{Name: k.field, From: named(k, f.from), To: named(k, f.to)})
	default:
		c.Fields = append(c.Fields, Field{Name: k.field, From: f.from, To: f.to})
	}
	if c.Action == "" || c.Action == Alter {
		c.Action = action
	} else if k.kind == KindAccess && k.field != fieldThrough && c.Action != action {
		c.Action = Alter
	}
}

// some is a value that there is, or nil.
func some(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// named is the element of a list where it is there.
func named(k factKey, value string) string {
	if value == "" {
		return ""
	}
	return k.element
}

func daysOf(k factKey, value string) string {
	if value == "" {
		return ""
	}
	return cmp.Or(k.element, "always")
}

func roleHolder(k factKey, f fact) string {
	return cmp.Or(k.element, f.to, f.from)
}

// words say what a change does, for people: "bo becomes contractManager of
// acme-design".
func (c *Change) words() string {
	switch c.Kind {
	case KindRole:
		if c.Action == Unassign {
			return fmt.Sprintf("%s is no longer %s of %s", c.Subject, c.Role, c.Contract)
		}
		return fmt.Sprintf("%s becomes %s of %s", c.Subject, c.Role, c.Contract)
	case KindAccess:
		return fmt.Sprintf("%s access of %s to %s under %s", c.Action, c.Subject, c.Product, c.Contract)
	}
	text := fmt.Sprintf("%s %s %s", c.Action, c.Kind, c.Subject)
	if len(c.Fields) > 0 && c.Action == Alter {
		var names []string
		for _, f := range c.Fields {
			if !slices.Contains(names, f.Name) {
				names = append(names, f.Name)
			}
		}
		text += " (" + strings.Join(names, ", ") + ")"
	}
	return text
}

// ways are what cures a refusal.
func ways(s *Step, need right, by *spec.Roster) []string {
	ways := []string{"git revert " + short(s.ID)}
	who := need.holders(by)
	trailer := fmt.Sprintf("sign a commit with the trailer Usher-Authorises: %s", short(s.ID))
	switch {
	case len(who) == 0:
		return append(ways, fmt.Sprintf("have somebody %s (it takes the %s, and nobody who is has a signing key yet)", trailer, need))
	case len(who) == 1:
		return append(ways, fmt.Sprintf("have %s %s", who[0], trailer))
	}
	return append(ways, fmt.Sprintf("have one of %s %s", strings.Join(who[:min(len(who), 5)], ", "), trailer))
}

// short is a commit's id as people read and trailers accept it.
func short(id string) string { return id[:min(12, len(id))] }

// rule is the refusal as what holds a plan.
func (r *Refusal) rule() state.HeldRule {
	text := fmt.Sprintf("commit %s (%s)", short(r.Commit), r.Subject)
	if r.Signer != "" {
		text += ", signed by " + r.Signer
	}
	if r.Problem != "" {
		text += ", " + r.Problem
	}
	if r.Change.Kind != "" {
		text += ": " + r.Change.words() + ": it takes the " + r.Missing
	}
	return state.HeldRule{
		Rule: ruleAuthority, Scope: short(r.Commit), Count: 1,
		Message: text, Release: strings.Join(r.Ways, ", or "),
	}
}
