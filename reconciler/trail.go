package reconciler

import (
	"context"
	"slices"
	"time"

	"usher/spec"
	"usher/state"
)

// trail is how a tree came to be since the one applied, each step an edit of that
// one: the steps to judge, where commits count by who signed them, and the tree that
// is wanted, which is the last.
//
// Rosters of the steps hold the same people: all whom any step concerns, and all who
// signed one. So what differs between any two of them is what differs between the
// whole ones. Roles, contracts and products are whole in each, and so are the teams
// that any step touches; nothing else tells who may change what.
type trail struct {
	register *spec.Register
	heeded   []string // see memory
	steps    []Step   // nil: nobody is asked who signed
	stages   []stage
}

// stage is one tree of a trail.
type stage struct {
	manifests *Manifests
	draft     *spec.Draft
	roster    *spec.Roster // see resolve
}

func (t *trail) last() *stage { return &t.stages[len(t.stages)-1] }

// trail reads the way to manifests; nil where not all of it can be told as edits of
// what is remembered.
func (c *Controller) trail(ctx context.Context, m *Manifests) (*trail, error) {
	t := &trail{register: c.memory.register, heeded: c.memory.of.Heeded}
	if c.Authority && m.Commit != "" && m.Commit != c.memory.of.Tree.Commit {
		tracker, ok := c.Source.(Tracker)
		if !ok || c.memory.of.Tree.Commit == "" { // the first commits are judged from --trust on
			return nil, nil
		}
		var err error
		if t.steps, err = tracker.Edits(ctx, c.memory.of.Tree, m.Commit); len(t.steps) == 0 || err != nil {
			return nil, err
		}
	}
	for i := range t.steps {
		if !t.add(t.steps[i].Edit, c.memory.of.Tree.Digest) {
			return nil, nil
		}
	}
	if !t.add(m, c.memory.of.Tree.Digest) {
		return nil, nil
	}
	return t, nil
}

// add reads one tree; false where it has errors.
func (t *trail) add(m *Manifests, base string) bool {
	draft := draftOf(t.register, base, m)
	t.stages = append(t.stages, stage{manifests: m, draft: draft})
	return draft != nil
}

// concerned is whom any stage concerns, who signed, and whom every plan looks at.
func (t *trail) concerned() (who state.Who, sure bool) {
	who.Names = slices.Clone(t.heeded)
	for i := range t.stages {
		concern, sure := t.stages[i].draft.Concerned()
		if !sure {
			return who, false
		}
		who.Names = append(who.Names, concern.People...)
		who.Emails = append(who.Emails, concern.Emails...)
	}
	for i := range t.steps {
		s := &t.steps[i]
		if s.Forge {
			who.Emails = append(who.Emails, spec.FoldEmail(s.Author.Email))
		}
		if name := t.register.Signer(s.Signer.Key); name != "" {
			who.Names = append(who.Names, name)
		}
	}
	for _, list := range []*[]string{&who.Names, &who.Emails} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	who.Gone = len(who.Emails) > 0
	return who, true
}

// resolve resolves every stage, given what is true of all whom they concern, and
// returns what was true of them; false where a stage has errors.
func (t *trail) resolve(e *state.Excerpt, today spec.Day) (was *spec.Roster, ok bool) {
	known := e.Roster.Users
	for i := range t.stages {
		s := &t.stages[i]
		if !s.draft.Include(known, t.unchanged(s.manifests)) {
			return nil, false
		}
		if s.roster, was, ok = s.draft.Resolve(e.MemberOf, today); !ok {
			return nil, false
		}
	}
	return was, true
}

// unchanged reads the files of a tree that are as they were registered.
func (t *trail) unchanged(m *Manifests) func(path string) []byte {
	return func(path string) []byte {
		var data []byte
		if f := m.file(path); f != nil {
			data = f.Data
		} else if m.Edit != nil {
			data, _ = m.Edit.Read(path)
			if sum, known := t.register.Sum(path); !known || sum != SumOf(data) {
				return nil
			}
		}
		return data
	}
}

// review is that of the steps, given what was true of those concerned; nil where
// there are none, or somebody did what they may not. Who may instead is to be said
// then, which takes everybody.
func (t *trail) review(was *spec.Roster, now time.Time) *Review {
	if t.steps == nil {
		return nil
	}
	var drafts []*spec.Draft
	for i := range t.stages {
		drafts = append(drafts, t.stages[i].draft)
	}
	r := &Review{Base: t.register.Beside(was, nil, drafts), Steps: t.steps, Now: now}
	for i := range r.Steps {
		r.Steps[i].Roster = t.register.Beside(t.stages[i].roster, drafts[i], drafts)
	}
	if accepted, _ := Authority(*r); !accepted {
		return nil
	}
	return r
}
