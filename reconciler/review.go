package reconciler

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"usher/spec"
	"usher/state"
)

// ruleHistory holds a commit that does not come after the one that is applied.
const ruleHistory = "history"

// authorityOff is what a plan from commits notes, and a status says, where nobody
// is asked who signed them.
const authorityOff = "nobody's signature is asked for: whoever can move the ref can change everything (--authority none)"

// judgeCommits adds to what holds a plan what the way to its commit adds, and takes
// away what a sufficient signer answered for. A plan from a folder has no such way.
func (c *Controller) judgeCommits(ctx context.Context, p *Plan, x *comparison) error {
	t := x.truth
	h, ok := c.Source.(Historian)
	if !ok || p.Revision.Commit == "" {
		return nil
	}
	if err := p.originate(ctx, h); err != nil {
		return err
	}
	base := t.Applied.Commit
	if base != "" && base != p.Revision.Commit {
		descends, err := h.Descends(ctx, base, p.Revision.Commit)
		if err != nil {
			return err
		}
		if !descends {
			p.Held = append(p.Held, rewritten(p, base))
		}
	}
	p.Notes = append(p.Notes, c.standingNotes()...)
	if !c.Authority {
		return nil
	}
	switch base {
	case p.Revision.Commit: // nobody has committed anything since
		return nil
	case "":
		return c.reviewFirst(ctx, h, p, t)
	}
	if x.review != nil {
		x.review.judge(p, t)
		return nil
	}
	return c.review(ctx, h, p, t, base, t.Roster)
}

// standingNotes are what every plan from this source notes, whatever it changes.
func (c *Controller) standingNotes() []Note {
	if _, commits := c.Source.(Historian); commits && !c.Authority {
		return []Note{{Message: authorityOff}}
	}
	return nil
}

func rewritten(p *Plan, applied string) state.HeldRule {
	return state.HeldRule{
		Rule: ruleHistory, Scope: short(p.Revision.Commit),
		Message: fmt.Sprintf("commit %s does not come after %s, which is applied: somebody rewrote the history", short(p.Revision.Commit), short(applied)),
		Release: "usher approve " + p.ID,
	}
}

// review judges the commits since one that is accepted, whose roster is base; nil:
// what its manifests say.
func (c *Controller) review(ctx context.Context, h Historian, p *Plan, t *state.Truth, since string, base *spec.Roster) error {
	now := c.Now()
	steps, err := h.Steps(ctx, since, p.Revision.Commit, spec.DayOf(now))
	if err != nil {
		return err
	}
	for i := range steps {
		if base == nil && steps[i].Standing == StandingApplied {
			base = steps[i].Roster
		}
	}
	if base == nil {
		return fmt.Errorf("the manifests of commit %s, which --trust names, are not valid", short(since))
	}
	Review{Base: base, Steps: steps, Now: now}.judge(p, t)
	return nil
}

// judge adds to what holds a plan, or takes away, what its commits do, and records
// who signed the last.
func (r Review) judge(p *Plan, t *state.Truth) {
	p.Held = r.Hold(p, t)
	p.provenance.Signer, p.provenance.Fingerprint = r.signedBy(p.wanted)
}

// originate records who the plan's commit says made it.
func (p *Plan) originate(ctx context.Context, h Historian) error {
	commit, err := h.Commit(ctx, p.Revision.Commit)
	if err != nil {
		return err
	}
	p.provenance.Author, p.provenance.Committer = commit.Author.String(), commit.Committer.String()
	p.provenance.Parents = strings.Join(commit.Parents, " ")
	return nil
}

// String writes an identity as in an address: "Ada Lovelace <ada@acme.example>".
func (i Identity) String() string { return i.Name + " <" + i.Email + ">" }

// signedBy is whose signature the wanted commit carries, by what is accepted and
// then by what is wanted, and the key's fingerprint; each "" where there is none.
func (r Review) signedBy(wanted *spec.Roster) (name, fingerprint string) {
	if len(r.Steps) == 0 {
		return "", ""
	}
	last := len(r.Steps) - 1
	t := newTrial(r)
	for _, roster := range []*spec.Roster{r.Base, wanted} {
		if name, problem := t.signer(last, roster); problem == "" {
			return name, r.Steps[last].Signer.Fingerprint
		}
	}
	return "", r.Steps[last].Signer.Fingerprint
}

// reviewFirst judges where nothing was applied from commits yet: somebody has to
// name the commit that signatures count from.
func (c *Controller) reviewFirst(ctx context.Context, h Historian, p *Plan, t *state.Truth) error {
	if c.Trust == "" {
		p.Held = append(p.Held, state.HeldRule{
			Rule: ruleAuthority, Scope: short(p.Revision.Commit),
			Message: "nothing was applied from commits so far, so nobody's signature counts yet",
			Release: "--trust COMMIT, once, names the commit to begin from; its manifests say whose do: --trust " + p.Revision.Commit,
		})
		return nil
	}
	trusted, err := h.Commit(ctx, c.Trust)
	if err != nil {
		return fmt.Errorf("reading the commit of --trust: %w", err)
	}
	if trusted.ID == p.Revision.Commit {
		return nil
	}
	descends, err := h.Descends(ctx, trusted.ID, p.Revision.Commit)
	switch {
	case err != nil:
		return err
	case !descends:
		return fmt.Errorf("commit %s does not come after %s, which --trust names", short(p.Revision.Commit), short(trusted.ID))
	}
	return c.review(ctx, h, p, t, trusted.ID, nil)
}

// sameTree reports whether these very manifests were applied last, from this very
// commit.
func sameTree(s Snapshot, applied state.Revision) bool {
	return s.Digest == applied.Digest && s.Commit == applied.Commit
}

// ErrNotApprovable means that a plan is held by what approval does not release.
var ErrNotApprovable = errors.New("approval releases limits, never authority")

// Approve lets a held plan through whole, once, in the name of whoever runs usher. A
// plan that changes what nobody had the right to change stays held:
// ErrNotApprovable, with what cures it.
func Approve(ctx context.Context, db *state.DB, owner *state.Owner, planID, by string) error {
	if err := approvable(ctx, db, planID); err != nil {
		return err
	}
	_, err := owner.Approve(ctx, planID, by)
	return err
}

// ApproveFor is [Approve] by the manager of contracts that the plan concerns, by the
// id of their account, and for these contracts alone: see state.Owner.ApproveFor.
func ApproveFor(ctx context.Context, db *state.DB, owner *state.Owner, planID, account string) error {
	if err := approvable(ctx, db, planID); err != nil {
		return err
	}
	_, err := owner.ApproveFor(ctx, planID, account)
	return err
}

func approvable(ctx context.Context, db *state.DB, planID string) error {
	holds, err := db.Holds(ctx, false)
	if err != nil {
		return err
	}
	for _, h := range holds {
		for _, rule := range h.Rules {
			if h.PlanID == planID && rule.Rule == ruleAuthority {
				return fmt.Errorf("%w: %s; %s", ErrNotApprovable, rule.Message, rule.Release)
			}
		}
	}
	return nil
}

// judging says in the status whether commits count by who signed them.
func (l *Loop) judging() {
	switch _, commits := l.Controller.Source.(Historian); {
	case !commits:
	case l.Controller.Authority:
		l.set(Authorised, true, "")
	default:
		l.set(Authorised, false, authorityOff)
	}
}
