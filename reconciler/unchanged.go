package reconciler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"usher/spec"
	"usher/state"
)

// Glancer is a source that can know its tree again without reading it.
type Glancer interface {
	Source
	// Glance reports whether a Snapshot would be the one given, which Keep was
	// called for. False says nothing.
	Glance(ctx context.Context, was Snapshot) bool
	// Keep keeps what Glance needs of the tree last read, if it has the digest.
	Keep(digest string) error
}

// Recollection is where a controller keeps as of when it found nothing to do, so
// that the next one, on the same state and the same manifests, need not compare
// them again. It is only a cache: without the file, or where anything is not as it
// says, everything is read and compared.
//
// Tables that were altered by hand are not seen this way; [state.DB.Verify] is what
// finds them.
type Recollection struct {
	File     string // beside the state; empty: nothing is kept
	Register string // another one, for the manifests applied last: see memory; empty: they are not kept
	Index    string // the one that the source keeps, of which no more is known than that it goes with these; empty: none
	Build    string // of this usher: another one may decide otherwise
	wrote    recollected
}

// Drop deletes all that was kept, also what somebody left half written who was killed.
// It names people: those who were declared when it was written, of whom some may be
// forgotten since.
func (r *Recollection) Drop() error {
	for _, file := range []string{r.File, r.Register, r.Index} {
		if file == "" {
			continue
		}
		if err := dropFile(file); err != nil {
			return fmt.Errorf("deleting what was kept beside the state: %w", err)
		}
	}
	r.wrote = recollected{}
	return nil
}

// dropFile deletes a file, and those by which renameio was to replace it: a dot, its
// name, a number.
func dropFile(file string) error {
	beside, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		return err
	}
	for _, entry := range beside {
		number, unfinished := strings.CutPrefix(entry.Name(), "."+filepath.Base(file))
		if unfinished = unfinished && strings.Trim(number, "0123456789") == ""; !unfinished && entry.Name() != filepath.Base(file) {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(file), entry.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// recollected is the content of the file.
type recollected struct {
	Format  int    `json:"format"` // 1
	Build   string `json:"build"`
	Chain   string `json:"chain"` // see state.Head
	Day     string `json:"day"`   // the calendar was followed up to it, and stewards were told as of it
	Private string `json:"private,omitempty"`
	Snapshot
}

// recall returns what was kept, if it is of this state and today. The controller
// then knows what it would find out by following the calendar.
func (c *Controller) recall(ctx context.Context) (recollected, state.Head, bool) {
	var was recollected
	text, err := os.ReadFile(c.Recollection.File) // without a name there is none either
	if err != nil || c.Recollection.Build == "" || json.Unmarshal(text, &was) != nil {
		return recollected{}, state.Head{}, false
	}
	head, err := c.DB.Head(ctx)
	today := spec.DayOf(c.Now())
	if err != nil || was.Format != 1 || was.Build != c.Recollection.Build || was.Chain != head.Chain || was.Day != today.String() {
		return recollected{}, state.Head{}, false
	}
	c.followed, c.surveyed = today, survey{head.Newest.Number, today}
	return was, head, true
}

// Unchanged returns how an apply would end that finds nothing to do, in the manifests
// or in the state, without making it: nobody need own the state for that, and nothing
// is written. It is nil where that is not known.
func (c *Controller) Unchanged(ctx context.Context) (*Outcome, error) {
	if rest, err := c.DB.AtRest(ctx); err != nil || !rest {
		return nil, err
	}
	out, err := c.glance(ctx)
	c.glanced = out == nil
	return out, err
}

// unchanged is how an apply ends where nothing differs and whatever was held is held
// no more; nil where that is not known.
func (c *Controller) unchanged(ctx context.Context, owner *state.Owner) (*Outcome, error) {
	if c.glanced {
		c.glanced = false
		return nil, nil // a moment ago it was not
	}
	out, err := c.glance(ctx)
	if out == nil || err != nil {
		return nil, err
	}
	return out, owner.ReleaseHolds(ctx)
}

// glance returns the outcome of an apply for which nothing differs, as the one before
// found on the very same state and manifests, today. It is nil where that is not known.
func (c *Controller) glance(ctx context.Context) (*Outcome, error) {
	source, ok := c.Source.(Glancer)
	if !ok {
		return nil, nil
	}
	was, head, ok := c.recall(ctx)
	if !ok {
		return nil, nil
	}
	private, err := c.privateDigest(ctx)
	if err != nil || private != was.Private {
		return nil, nil // reading it again says what is wrong
	}
	if !sameTree(was.Snapshot, head.Applied) || !source.Glance(ctx, was.Snapshot) {
		return nil, nil
	}
	plan := &Plan{Format: 1, Basis: head.Applied.Number, Revision: was.Snapshot, Adopt: c.Adopt, Notes: c.standingNotes()}
	plan.identify()
	return &Outcome{Read: was.Snapshot, Plan: plan}, nil
}

// recall tells a loop that begins what is known already of this day.
func (l *Loop) recall(ctx context.Context) {
	if _, _, ok := l.Controller.recall(ctx); ok {
		l.followed = l.Controller.surveyed
	}
}

// unchanged ends a loop's first look where nothing is to be done, as an apply that
// found nothing to do would.
func (l *Loop) unchanged(ctx context.Context) (bool, error) {
	if l.last != (attempt{}) || l.forced {
		return false, nil
	}
	out, err := l.Controller.unchanged(ctx, l.Owner)
	if out == nil || err != nil {
		return false, err
	}
	l.set(SourceReady, true, "")
	l.attempted(out.Read)
	l.outcome, l.ended = out, nil
	l.announce(out, nil)
	l.judge(nil)
	private, err := l.Controller.privateDigest(ctx)
	if err == nil {
		l.last = attempt{out.Read.Digest, out.Read.Commit, private, l.Controller.surveyed.newest, l.Controller.surveyed.day}
	}
	return true, nil
}

// privateDigest is the digest of the contract information, "" where there is none.
func (c *Controller) privateDigest(ctx context.Context) (string, error) {
	if c.Private == nil {
		return "", nil
	}
	m, err := c.Private.Snapshot(ctx)
	if err != nil {
		return "", fmt.Errorf("reading contract information: %w", err)
	}
	return m.Digest, nil
}

// recollect keeps what the next controller can use after an outcome by which the
// manifests are applied: what they declare, and that nothing is left to do, if so. That
// it fails costs the next one some time and nothing else.
func (c *Controller) recollect(ctx context.Context, out *Outcome) {
	if c.Recollection.Build == "" || c.busy || out == nil || out.Plan == nil {
		return
	}
	head, err := c.DB.Head(ctx)
	if err != nil || !sameTree(out.Read, head.Applied) {
		return
	}
	c.keep(head)
	c.keepSeen(ctx, out, head)
}

// keepSeen keeps that nothing is left to do.
func (c *Controller) keepSeen(ctx context.Context, out *Outcome, head state.Head) {
	source, ok := c.Source.(Glancer)
	today := spec.DayOf(c.Now())
	if !ok || c.Recollection.File == "" || len(out.Plan.Notes) > len(c.standingNotes()) || c.followed != today || c.surveyed != (survey{head.Newest.Number, today}) {
		return
	}
	private, err := c.privateDigest(ctx)
	if err != nil {
		return
	}
	is := recollected{
		Format: 1, Build: c.Recollection.Build, Chain: head.Chain, Day: today.String(), Private: private, Snapshot: out.Read,
	}
	if is == c.Recollection.wrote || source.Keep(out.Read.Digest) != nil {
		return
	}
	text, err := json.Marshal(is)
	if err == nil && renameio.WriteFile(c.Recollection.File, text, 0o600) == nil {
		c.Recollection.wrote = is
	}
}
