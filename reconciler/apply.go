package reconciler

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"usher/spec"
	"usher/state"
)

// Apply brings the state to what the manifests ask, in this order: what people
// asked for beside it, what passed by the calendar, the plan. The first two
// happen even where the manifests cannot be read. reviewed is the id of the only
// plan that may be carried out, "" for whichever it is.
//
// A plan that is held changes nothing, is recorded for approval, and comes back
// as a *HeldError. Where everything is as wanted and these very manifests were
// applied before, nothing is written. The outcome is never nil.
func (c *Controller) Apply(ctx context.Context, owner *state.Owner, reviewed string) (*Outcome, error) {
	out := &Outcome{}
	if _, err := c.performRequests(ctx, owner); err != nil {
		return out, err
	}
	if reviewed == "" {
		if same, err := c.unchanged(ctx, owner); same != nil || err != nil {
			return orZero(same), err
		}
	}
	if err := c.followCalendar(ctx, owner, out); err != nil {
		return out, err
	}
	head, err := c.DB.Head(ctx)
	if err != nil {
		return out, err
	}
	m, err := c.reading(ctx)
	if err == nil && m.Digest != head.Applied.Digest {
		m, err = c.settled(ctx, m)
	}
	if err != nil {
		return out, err
	}
	return out, c.applyManifests(ctx, owner, m, reviewed, out)
}

// reading is what was read a moment ago, or is read now.
func (c *Controller) reading(ctx context.Context) (*Manifests, error) {
	if m := c.Read; m != nil {
		c.Read = nil
		return m, nil
	}
	return c.read(ctx, true)
}

// settled is a tree once it has stood still: as it was read first, where it is what
// it was then, since that may have been resolved already.
func (c *Controller) settled(ctx context.Context, first *Manifests) (*Manifests, error) {
	m, err := c.Source.Settled(ctx, first)
	if err == nil && m.Snapshot == first.Snapshot && m.Edit == nil && first.Edit == nil {
		return first, nil
	}
	return m, err
}

// applyManifests carries out the plan of manifests that stand still.
func (c *Controller) applyManifests(ctx context.Context, owner *state.Owner, m *Manifests, reviewed string, out *Outcome) error {
	x, read, err := c.compare(ctx, m)
	out.Read = read
	if err != nil {
		return err
	}
	c.register(x)
	out.truth = x.truth
	if out.Plan, err = c.plan(ctx, read, x); err != nil {
		return err
	}
	if reviewed != "" && out.Plan.ID != reviewed {
		return fmt.Errorf("%w: it is %s and was reviewed as %s; plan again and have that reviewed", ErrStale, out.Plan.ID, reviewed)
	}
	out.Applied, err = c.carryOut(ctx, owner, out.Plan, x.truth)
	if err != nil {
		return err
	}
	revision := x.truth.Applied.Number
	if out.Applied != nil {
		revision = out.Applied.Number
	}
	c.remember(x, out.Plan, revision)
	return nil
}

// register takes from what manifests were parsed to, once they are compared, what is to
// be remembered of them, and lets go of it: it is as much again as what they ask for. A
// controller that stays keeps some, and one that judges commits compares them by it.
func (c *Controller) register(x *comparison) {
	if (c.Stays || c.Recollection.Register != "") && x.draft == nil && len(c.parsed.known) == x.files {
		x.register = spec.NewRegister(c.parsed.tree(), x.wanted)
	}
	if !c.Stays && !c.Authority {
		c.parsed = parsedTree{}
	}
}

// carryOut writes one plan, unless it is held or there is nothing to write.
func (c *Controller) carryOut(ctx context.Context, owner *state.Owner, p *Plan, truth *state.Truth) (*state.Revision, error) {
	if len(p.Held) > 0 && !p.Approved {
		return nil, c.hold(ctx, owner, p, truth)
	}
	if p.Empty() && sameTree(p.Revision, truth.Applied) {
		return nil, owner.ReleaseHolds(ctx)
	}
	cause := state.Cause{
		Kind: state.CauseManifests, Source: p.Revision.Source, Path: p.Revision.Path, Commit: p.Revision.Commit,
		Digest: p.Revision.Digest, PlanID: p.ID, Approved: p.Approved, By: c.By, Provenance: p.provenance,
	}
	if p.Adopt {
		cause.Kind = state.CauseAdopt
	}
	rev, err := owner.Update(ctx, cause, truth.Newest.Number, func(tx *state.Tx) error {
		return c.write(tx, p, truth.CalendarDay)
	})
	if err != nil {
		return nil, fmt.Errorf("applying the plan: %w", err)
	}
	return &rev, nil
}

// hold records a held plan, with the contracts whose managers are asked, and returns
// it as the error that it is.
func (c *Controller) hold(ctx context.Context, owner *state.Owner, p *Plan, truth *state.Truth) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("recording the held plan: %w", err)
	}
	err = owner.Hold(ctx, state.Hold{
		PlanID: p.ID, Basis: p.Basis, Digest: p.Revision.Digest, Rules: p.Held, Plan: text,
		Contracts: NewHeldPlan(truth, p).contracts,
	})
	if err != nil {
		return fmt.Errorf("recording the held plan: %w", err)
	}
	return &HeldError{Plan: p}
}

// write carries a plan out within one transaction. What ends comes before what
// begins, so that names, addresses and seats are free for whoever takes them. day
// is the one up to which the state says that the calendar was followed.
func (c *Controller) write(tx *state.Tx, p *Plan, day spec.Day) error {
	w := &writer{tx: tx, plan: p, ids: make(map[string]string, p.Summary.User.Add), invited: map[string]invited{}, pace: c.paceOf(p)}
	w.mail = &mailing{Controller: c, writer: w, mail: p.Mail}
	defer w.mail.running.Wait()
	if p.Approved {
		if err := tx.UseApproval(p.ID); err != nil {
			return err
		}
	}
	if err := tx.ReleaseHolds(); err != nil {
		return err
	}
	for _, step := range []func() error{
		w.lines, w.revocations, w.withdrawals, w.removals,
		w.peopleStay, w.begins, w.things,
		w.invitations, w.explanations,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	// Not the day it is by now: midnight may have passed since the calendar was
	// followed, and the new day's edges are still to be told.
	if err := tx.SetCalendarDay(max(c.followed, day)); err != nil {
		return err
	}
	return w.mail.finish()
}

// writer is a plan being carried out.
type writer struct {
	tx      *state.Tx
	plan    *Plan
	ids     map[string]string  // name -> id of accounts this plan makes
	invited map[string]invited // account id -> its new invitation; of accounts there were before
	first   invited            // the invitation of each account this plan makes
	mail    *mailing
	pace    *pace // nil: nobody looks
}

// invited is an invitation: its number, and the moment from which it no longer opens.
type invited struct {
	issue   int
	expires time.Time
}

func invitationOf(a state.Account) invited { return invited{a.Issue, a.Expires} }

// knows reports whether everything is known by now that a message says.
func (w *writer) knows(m *Mail) bool {
	if m.account == "" {
		return w.ids[m.name] != ""
	}
	return m.Kind != NoticeInvitation || w.invited[m.account] != invited{}
}

// told is the account that a message is about, and its invitation.
func (w *writer) told(m *Mail) (account string, of invited) {
	if m.account == "" {
		return w.ids[m.name], w.first
	}
	return m.account, w.invited[m.account]
}

// id is the account that a change is about; accounts that the plan makes have
// theirs from their own change on, which comes before what they get.
func (w *writer) id(c *Change) string {
	if c.account != "" {
		return c.account
	}
	return w.ids[c.Subject]
}

// each calls fn for the changes of some kinds.
func (w *writer) each(fn func(c *Change) error, kinds ...Kind) error {
	for i := range w.plan.Changes {
		if c := &w.plan.Changes[i]; slices.Contains(kinds, c.Kind) {
			if err := fn(c); err != nil {
				return fmt.Errorf("%s %s %s: %w", c.Action, c.Kind, c.Subject, err)
			}
			w.pace.step(1)
		}
	}
	return nil
}

// lines records where lines stand now. A plan of everybody knows of none that moved:
// what is declared elsewhere is then written row by row.
func (w *writer) lines() error {
	for _, s := range w.plan.shifts {
		if err := w.tx.MoveLines(s); err != nil {
			return err
		}
	}
	if w.plan.census != nil {
		return nil
	}
	var files map[string]bool
	return w.tx.KeepLines(func(file string) bool {
		if files == nil {
			files = w.plan.wanted.Files()
		}
		return files[file]
	})
}

// revocations takes access away from those who stay; a removal ends all that
// its account has by itself.
func (w *writer) revocations() error {
	return w.each(func(c *Change) error {
		if c.Action != Revoke || c.user == nil {
			return nil
		}
		return w.tx.Revoke(c.account, *c.was)
	}, KindAccess)
}

func (w *writer) withdrawals() error {
	return w.each(func(c *Change) error {
		if c.Action != Unassign || c.user == nil {
			return nil
		}
		return w.tx.Unassign(c.Contract, c.account, c.Role)
	}, KindRole)
}

// removals ends accounts, then what nobody has any more.
func (w *writer) removals() error {
	remove := map[Kind]func(*Change) error{
		KindUser:     func(c *Change) error { return w.tx.RemoveAccount(c.account, c.Because) },
		KindTeam:     func(c *Change) error { return w.tx.RemoveTeam(c.Subject) },
		KindProduct:  func(c *Change) error { return w.tx.RemoveProduct(c.Subject) },
		KindContract: func(c *Change) error { return w.tx.RemoveContract(c.Subject) },
	}
	for _, kind := range []Kind{KindUser, KindTeam, KindProduct, KindContract} {
		err := w.each(func(c *Change) error {
			if c.Action != Remove {
				return nil
			}
			return remove[kind](c)
		}, kind)
		if err != nil {
			return err
		}
	}
	return nil
}

// peopleStay writes what changed about those who stay, once a person.
func (w *writer) peopleStay() error {
	done := ""
	return w.each(func(c *Change) error {
		if c.Action == Add || c.Action == Remove || c.account == done {
			return nil
		}
		done = c.account
		return w.changeAccount(c.account, c.user)
	}, KindUser)
}

// changeAccount leaves the generation of the invitation alone: it goes on record
// when the invitation is sent.
func (w *writer) changeAccount(id string, u *spec.User) error {
	as := *u
	as.Generation = 0
	return w.tx.ChangeAccount(id, &as)
}

// begins writes who is new and what anybody gets, person by person: what a revision
// does to one account then stands in one row of the audit.
func (w *writer) begins() error {
	return w.each(func(c *Change) error {
		switch {
		case c.Kind == KindUser && c.Action == Add:
			if err := w.come(c); err != nil {
				return err
			}
			return w.mail.advance()
		case c.Kind == KindRole && c.Action == Assign:
			return w.tx.Assign(c.Contract, w.id(c), c.Role)
		case c.Kind == KindAccess && c.Action == Grant:
			return w.tx.Grant(w.id(c), *c.is)
		case c.Kind == KindAccess && c.Action == Alter:
			return w.tx.ChangeGrant(w.id(c), *c.was, *c.is)
		}
		return nil
	}, KindUser, KindRole, KindAccess)
}

func (w *writer) come(c *Change) error {
	if c.account != "" {
		_, err := w.tx.ReviveAccount(c.account, c.user)
		return err
	}
	a, err := w.tx.AddAccount(c.user, w.plan.Adopt)
	w.ids[c.Subject] = a.ID
	if a.Issue > 0 {
		w.first = invitationOf(a) // the same for all: of one moment
	}
	return err
}

// things writes products, contracts and teams that are new or differ, and those
// that only stand elsewhere.
func (w *writer) things() error {
	for _, kind := range []Kind{KindProduct, KindContract, KindTeam} {
		err := w.each(func(c *Change) error {
			if c.Action == Remove {
				return nil
			}
			return w.put(thing{kind, c.Subject}, c.roll)
		}, kind)
		if err != nil {
			return err
		}
	}
	for _, t := range w.plan.moved {
		if err := w.put(t, &roll{}); err != nil {
			return fmt.Errorf("noting where %s %s is declared: %w", t.kind, t.name, err)
		}
	}
	return nil
}

func (w *writer) put(t thing, r *roll) error {
	switch wanted := w.plan.wanted; t.kind {
	case KindProduct:
		return w.tx.PutProduct(wanted.Product(t.name))
	case KindContract:
		return w.tx.PutContract(wanted.Contract(t.name))
	default:
		return w.team(wanted.Team(t.name), r)
	}
}

func (w *writer) team(t *spec.Team, r *roll) error {
	joined := make([]string, len(r.joined))
	for i, name := range r.joined {
		joined[i] = w.accountID(name)
	}
	return w.tx.PutTeam(t, joined, r.left)
}

// accountID finds anyone's account by their name as wanted.
func (w *writer) accountID(name string) string {
	if id, ok := w.ids[name]; ok {
		return id
	}
	return w.plan.accountOf(name)
}

// invitations issues anew those of accounts that were there before; a new
// account has its own from the start.
func (w *writer) invitations() error {
	for i := range w.plan.Mail {
		n := &w.plan.Mail[i]
		if n.Kind != NoticeInvitation || n.account == "" {
			continue
		}
		u := w.plan.wanted.User(n.name)
		a, err := w.tx.Invite(n.account, u.Generation)
		if err != nil {
			return fmt.Errorf("inviting %s: %w", n.name, err)
		}
		w.invited[a.ID] = invitationOf(a)
	}
	return nil
}

func (w *writer) explanations() error {
	for _, id := range w.plan.retired {
		if err := w.tx.Uninvite(id); err != nil {
			return err
		}
	}
	for _, e := range w.plan.explain {
		var err error
		if e.grant != nil {
			err = w.tx.Explain(e.account, *e.grant)
		} else {
			err = w.changeAccount(e.account, e.user)
		}
		if err != nil {
			return fmt.Errorf("noting where access comes from: %w", err)
		}
	}
	return nil
}
