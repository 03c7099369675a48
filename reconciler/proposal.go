package reconciler

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"usher/spec"
	"usher/state"
)

// ErrNoFolder means that a commit has no folder of the name that manifests are
// read from.
var ErrNoFolder = errors.New("there is no folder")

// Archive is a Historian that reads any commit, not only the one its ref names.
type Archive interface {
	Historian
	// At reads the manifests of a commit, by any name that git has for it;
	// ErrNoFolder where it lacks the folder they are read from.
	At(ctx context.Context, name string) (*Manifests, error)
	// MergeBase returns the newest commit in the history of both base and commit,
	// zero where they share none. Base itself is one where commit comes after it.
	MergeBase(ctx context.Context, base, commit string) (Commit, error)
}

// Base is what a plan is compared with where no state is asked: the commit that a
// proposed one parted from.
type Base struct {
	Ref    string `json:"ref"`    // what is to take the change, as it was named
	Tip    string `json:"tip"`    // id of the commit that this names now
	Commit string `json:"commit"` // id of the commit that is compared with; "": nothing is

	Files []string `json:"files"` // the manifests that were added or altered since the two parted, sorted
}

// Propose says what a pull request would change: the commit of the source is
// compared with the one where it parted from base, and with no state at all. What
// base got since is nobody's change here; comparing with its tip would show that
// as if the pull request took it back.
//
// Commits are judged as a controller would that has applied the manifests they
// parted from, and the limits as far as they need no memory: the notes say what
// is not known. It writes nothing.
func (c *Controller) Propose(ctx context.Context, base string) (*Plan, error) {
	a, commits := c.Source.(Archive)
	if !commits {
		return nil, errNoCommits
	}
	m, wanted, err := c.Check(ctx)
	if err != nil {
		return nil, err
	}
	f, err := c.foundation(ctx, a, base, m.Commit)
	if err != nil {
		return nil, fmt.Errorf("comparing with %s: %w", base, err)
	}
	now := c.Now()
	truth := f.truth(wanted)
	plan, errs := Diff(Comparison{Wanted: wanted, True: truth, Now: now, Adopt: c.Adopt})
	if len(errs) > 0 {
		return nil, errs
	}
	if f.Files, err = c.changed(ctx, a, f.parted, m); err != nil {
		return nil, fmt.Errorf("comparing with %s: %w", base, err)
	}
	plan.Revision, plan.Base = m.Snapshot, &f.Base
	if err := c.word(plan); err != nil {
		return nil, err
	}
	plan.Held = c.Limits.Judge(plan, truth, nil, spec.DayOf(now))
	plan.Notes = append(plan.Notes, f.notes...)
	return plan, c.judgeProposal(ctx, a, plan, truth, f)
}

// foundation is what a proposal is compared with.
type foundation struct {
	Base
	parted string       // id of the commit where the two parted; that of the tip where they never met
	roster *spec.Roster // as it stands there; empty where nothing is valid
	tip    *spec.Roster // of the base's tip, where that is another commit; nil: not valid, or the same
	notes  []Note
}

func (f *foundation) note(format string, args ...any) {
	f.notes = append(f.notes, Note{Message: fmt.Sprintf(format, args...)})
}

// parted returns the commit that base names, and the one where another parted from
// it: the first of them itself where they never met.
func (c *Controller) parted(ctx context.Context, a Archive, base, commit string) (parted, tip Commit, err error) {
	if tip, err = a.Commit(ctx, base); err != nil {
		return parted, tip, fmt.Errorf("%w; fetch it with its history, which a shallow clone lacks", err)
	}
	if parted, err = a.MergeBase(ctx, tip.ID, commit); parted.ID == "" {
		parted = tip
	}
	return parted, tip, err
}

func (c *Controller) foundation(ctx context.Context, a Archive, ref, wanted string) (*foundation, error) {
	parted, tip, err := c.parted(ctx, a, ref, wanted)
	if err != nil {
		return nil, err
	}
	f := &foundation{Base: Base{Ref: ref, Tip: tip.ID}, roster: &spec.Roster{}}
	met, err := a.Descends(ctx, parted.ID, wanted)
	if err != nil {
		return nil, err
	}
	if !met {
		f.note("commits %s and %s share no history, so their whole content is compared; a controller would hold that as rewritten history", short(tip.ID), short(wanted))
	}
	f.parted = parted.ID
	if err := c.standOn(ctx, a, f, parted); err != nil {
		return nil, err
	}
	if parted.ID == tip.ID {
		return f, nil
	}
	f.note("%s has moved on to commit %s since: merge or rebase to see this plan beside what came in", ref, short(tip.ID))
	f.tip, err = c.rosterAt(ctx, a, tip.ID)
	return f, notManifests(err)
}

// Changed lists the manifests, sorted, that were added or altered since the commit
// of some manifests parted from base.
func (c *Controller) Changed(ctx context.Context, base string, m *Manifests) ([]string, error) {
	a, commits := c.Source.(Archive)
	if !commits {
		return nil, errNoCommits
	}
	parted, _, err := c.parted(ctx, a, base, m.Commit)
	var files []string
	if err == nil {
		files, err = c.changed(ctx, a, parted.ID, m)
	}
	if err != nil {
		return nil, fmt.Errorf("comparing with %s: %w", base, err)
	}
	return files, nil
}

func (c *Controller) changed(ctx context.Context, a Archive, since string, m *Manifests) ([]string, error) {
	was, err := a.At(ctx, since)
	if err := notManifests(err); err != nil {
		return nil, err
	}
	known := map[string][]byte{}
	if was != nil {
		for _, f := range was.Files {
			known[f.Path] = f.Data
		}
	}
	files := []string{}
	for _, f := range m.Files {
		if data, ok := known[f.Path]; !ok || !bytes.Equal(data, f.Data) {
			files = append(files, f.Path)
		}
	}
	return files, nil
}

// errNoCommits means that manifests from a folder were to be compared with a commit.
var errNoCommits = errors.New("a folder has no commits to compare")

// notManifests is an error that does not come from the manifests themselves.
func notManifests(err error) error {
	var errs spec.Errors
	if errors.As(err, &errs) || errors.Is(err, ErrNoFolder) {
		return nil
	}
	return err
}

// maxBack is how far before a base whose manifests are not valid one is looked for
// whose are.
const maxBack = 100

// standOn takes the roster of a commit, or of the newest one before it, along first
// parents, whose manifests are valid: that one is what a controller still has
// applied, so nothing else says what a merge would change.
func (c *Controller) standOn(ctx context.Context, a Archive, f *foundation, at Commit) error {
	from, flaw := at, ""
	for range maxBack {
		roster, err := c.rosterAt(ctx, a, at.ID)
		if err == nil {
			f.Commit, f.roster = at.ID, roster
			if flaw != "" {
				f.note("the manifests of the base, commit %s, are not valid: %s; compared with commit %s before it, the last whose are", short(from.ID), flaw, short(at.ID))
			}
			return nil
		}
		if notManifests(err) != nil {
			return err
		}
		if flaw == "" {
			flaw = firstFlaw(err)
		}
		if len(at.Parents) == 0 {
			break
		}
		if at, err = a.Commit(ctx, at.Parents[0]); err != nil {
			return err
		}
	}
	f.note("the base, commit %s, has no manifests to compare with: %s; so everything here counts as new", short(from.ID), flaw)
	return nil
}

// firstFlaw is the first of the errors, and how many more there are.
func firstFlaw(err error) string {
	var errs spec.Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		return err.Error()
	}
	text := errs[0].Error()
	if more := len(errs) - 1; more > 0 {
		text += fmt.Sprintf(" (and %s)", plural(more, "more error"))
	}
	return text
}

// rosterAt resolves the manifests of a commit as of today.
func (c *Controller) rosterAt(ctx context.Context, a Archive, commit string) (*spec.Roster, error) {
	m, err := a.At(ctx, commit)
	if err != nil {
		return nil, err
	}
	c.parsed.parse = spec.ParseParts
	files, errs := c.parsed.files(m.Files)
	roster, more := spec.Resolve(files, spec.DayOf(c.Now()))
	if errs = append(errs, more...); len(errs) > 0 {
		return nil, errs.Sort()
	}
	return roster, nil
}

// longAgo is when people of a base are taken to have activated their accounts.
var longAgo = time.Unix(1, 0).UTC()

// truth is what would be true had the base been applied. Whether somebody has
// activated the account is not written there: they are taken to have, but for those
// whom the proposal invites again, since that means nothing to anybody else.
func (f *foundation) truth(wanted *spec.Roster) *state.Truth {
	t := &state.Truth{Roster: f.roster, Accounts: make(map[string]state.Account, len(f.roster.Users))}
	for i := range f.roster.Users {
		u := &f.roster.Users[i]
		a := state.Account{
			ID: "base:" + u.Name, Name: u.Name, Email: u.Email, EmailKey: u.EmailKey, FirstName: u.FirstName, LastName: u.LastName,
			Generation: max(1, u.Generation), Issue: 1, Activated: longAgo,
		}
		if orZero(wanted.User(u.Name)).Generation > a.Generation {
			a.Activated = time.Time{}
		}
		t.Accounts[u.Name] = a
	}
	return t
}

// unknown is what a plan without a state notes.
const unknown = "made without a state: what was lost in the last 24 hours, what was approved and who has not activated their account yet are not known, so a controller may hold more than this and write some messages otherwise"

// judgeProposal says of each change what right it takes and whether the commits have
// it, and words what lets a plan through for those who can still change the commits.
func (c *Controller) judgeProposal(ctx context.Context, a Archive, p *Plan, t *state.Truth, f *foundation) error {
	if !p.Empty() {
		p.Notes = append(p.Notes, Note{Message: unknown})
	}
	switch {
	case !c.Authority:
		p.Notes = append(p.Notes, Note{Message: authorityOff})
	case len(f.roster.Users) == 0:
		p.Notes = append(p.Notes, Note{Message: "nobody's keys are known before these manifests, so nobody's signature counts yet; a controller begins with --trust COMMIT"})
	case f.Commit != p.Revision.Commit:
		steps, err := a.Steps(ctx, f.Commit, p.Revision.Commit, spec.DayOf(c.Now()))
		if err != nil {
			return err
		}
		r := Review{Base: f.roster, Steps: steps, Now: c.Now()}
		p.Authority = r.Judgements(f.tip)
		p.Held = r.holdProposal(p, t)
		return nil
	}
	for i := range p.Held {
		p.Held[i].Release = onceMerged
	}
	return nil
}
