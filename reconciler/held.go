package reconciler

import (
	"errors"
	"maps"
	"slices"

	"usher/state"
)

// HeldPlan is a plan that waits for a person, with whom it concerns. It never
// changes, so it may be read from several goroutines.
type HeldPlan struct {
	Plan *Plan

	concerned [][]string // the contracts that each change concerns, in step with Plan.Changes
	audience  []audience // who may know of each rule, in step with Plan.Held
	contracts []string   // that there are now and some change concerns, sorted
}

// NewHeldPlan works out whom a held plan concerns, given what is true.
func NewHeldPlan(t *state.Truth, p *Plan) *HeldPlan {
	c := newConcerns(t, p)
	h := &HeldPlan{Plan: p}
	all := map[string]bool{}
	for i := range p.Changes {
		concerned := c.of(&p.Changes[i])
		h.concerned = append(h.concerned, slices.Sorted(maps.Keys(concerned)))
		maps.Copy(all, concerned)
	}
	for _, rule := range p.Held {
		h.audience = append(h.audience, c.audience(rule))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if t.Roster.Contract(name) != nil {
			h.contracts = append(h.contracts, name)
		}
	}
	return h
}

// HeldView is what somebody may see of a held plan: changes and rules about their
// contracts or about nobody's in particular.
type HeldView struct {
	Plan          *Plan // without the changes, seats and rules that are not theirs to see; no messages, no notes
	OtherChanges  int
	OtherRules    int
	AnswerableFor []string // contracts each of whose manager has to be the one who approves; none: any contract manager
}

// For returns what a steward of some contracts may see; manages says whether they
// are the manager of one.
func (h *HeldPlan) For(contracts []string, manages bool) HeldView {
	mine := map[string]bool{}
	for _, name := range contracts {
		mine[name] = true
	}
	p := *h.Plan
	p.Mail, p.Notes, p.Changes, p.Held, p.Seats, p.People = nil, nil, nil, nil, nil, map[string]string{}
	v := HeldView{Plan: &p, AnswerableFor: h.contracts}
	for i, change := range h.Plan.Changes {
		if len(h.concerned[i]) > 0 && !slices.ContainsFunc(h.concerned[i], func(c string) bool { return mine[c] }) {
			v.OtherChanges++
			continue
		}
		p.Changes = append(p.Changes, change)
		if full := h.Plan.People[change.Subject]; full != "" {
			p.People[change.Subject] = full
		}
	}
	for i, rule := range h.Plan.Held {
		if h.audience[i].includes(mine, manages) {
			p.Held = append(p.Held, rule)
		} else {
			v.OtherRules++
		}
	}
	for _, s := range h.Plan.Seats {
		if mine[s.Contract] {
			p.Seats = append(p.Seats, s)
		}
	}
	return v
}

// Mail returns the messages of the plan without those to people of whose changes the
// view shows none.
func (h *HeldPlan) Mail(v HeldView) []Mail {
	hidden := map[string]bool{}
	for i := range h.Plan.Changes {
		hidden[h.Plan.Changes[i].Subject] = true
	}
	for i := range v.Plan.Changes {
		delete(hidden, v.Plan.Changes[i].Subject)
	}
	return slices.DeleteFunc(slices.Clone(h.Plan.Mail), func(m Mail) bool { return hidden[m.name] })
}

// Held returns the plan that waits for a person now, nil where none does.
func (l *Loop) Held() *HeldPlan {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held
}

// keepHeld remembers the plan that an attempt was held with, until one is not. What
// could not be read or has errors leaves it as it was.
func (l *Loop) keepHeld(t *state.Truth, err error) {
	var waiting *HeldError
	var held *HeldPlan
	switch {
	case errors.As(err, &waiting):
		held = NewHeldPlan(t, waiting.Plan)
	case err != nil:
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
}

// audience is who may know of a rule.
type audience struct {
	everybody bool
	managers  bool            // the manager of any contract
	contracts map[string]bool // stewards of any of these
}

func (a audience) includes(contracts map[string]bool, manager bool) bool {
	return a.everybody || a.managers && manager || intersects(a.contracts, contracts)
}
