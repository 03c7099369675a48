package reconciler

import (
	"context"

	"usher/spec"
	"usher/state"
)

// comparison is manifests beside what is true: of everybody, or of those whom an
// edit concerns. Either is compared, judged and carried out in the same way.
type comparison struct {
	wanted *spec.Roster
	truth  *state.Truth
	census *spec.Census // of everybody, where the rosters are an excerpt; nil: they are everybody
	draft  *spec.Draft  // what the excerpt is of
	had    []spec.User  // the people of an excerpt as they were, their access from the lines that gave it then
	review *Review      // of the commits, who may all they do; nil: they are to be judged yet, if any are

	files    int            // of the manifests, where they are of everybody
	register *spec.Register // of these; nil: nobody is to remember them
}

// compare resolves manifests and reads what is true: of those whom the edit
// concerns since the manifests were applied that the controller remembers, where
// that can be told and nothing is wrong with them; of everybody otherwise.
//
// It names what was compared: an edit is read whole for the latter.
func (c *Controller) compare(ctx context.Context, m *Manifests) (*comparison, Snapshot, error) {
	if x, err := c.excerpt(ctx, m); x != nil || err != nil {
		return x, m.Snapshot, err
	}
	m, err := c.whole(ctx, m)
	if err != nil {
		return nil, m.Snapshot, err
	}
	roster, err := c.resolve(ctx, m)
	if err != nil {
		return nil, m.Snapshot, err
	}
	truth, err := c.DB.Truth(ctx)
	return &comparison{wanted: roster, truth: truth, files: len(m.Files)}, m.Snapshot, err
}

// read reads the manifests: as an edit of those applied last, where they are
// remembered and the source can tell, and whole otherwise.
func (c *Controller) read(ctx context.Context, thorough bool) (*Manifests, error) {
	c.remind(ctx)
	if f, ok := c.Source.(Follower); ok && c.memory.register != nil {
		if m := f.Since(ctx, c.memory.of.Tree, thorough); m != nil {
			return m, nil
		}
	}
	return c.Source.Snapshot(ctx)
}

// whole reads the tree that an edit leads to.
func (c *Controller) whole(ctx context.Context, m *Manifests) (*Manifests, error) {
	if m.Edit == nil {
		return m, nil
	}
	first, err := c.Source.Snapshot(ctx)
	if err != nil {
		return m, unreadError{err}
	}
	if first.Digest == m.Digest {
		return first, nil // it stood still before
	}
	settled, err := c.Source.Settled(ctx, first)
	if err != nil {
		return m, unreadError{err}
	}
	return settled, nil
}

// excerpt compares those whom an edit concerns; nil where everybody has to be.
func (c *Controller) excerpt(ctx context.Context, m *Manifests) (*comparison, error) {
	if c.memory.register == nil {
		return nil, nil
	}
	t, err := c.trail(ctx, m)
	if t == nil || err != nil {
		return nil, err
	}
	who, sure := t.concerned()
	if !sure || c.nearlyAll(who) {
		return nil, nil
	}
	who.Sealed = c.memory.seal != ""
	e, err := c.DB.Excerpt(ctx, who)
	switch {
	case err != nil:
		return nil, err
	case e.Applied.Number != c.memory.of.Revision || e.Seal != c.memory.seal:
		c.memory = memory{}
		return nil, nil
	}
	had := e.Roster.Users
	was, sure := t.resolve(e, spec.DayOf(c.Now()))
	if !sure {
		return nil, nil
	}
	x := &comparison{wanted: t.last().roster, truth: &e.Truth, census: c.memory.register.Census(), draft: t.last().draft, had: had}
	if x.review = t.review(was, c.Now()); t.steps != nil && x.review == nil {
		return nil, nil
	}
	e.Roster = was
	return x, c.checkPrivate(ctx, x.wanted)
}

// nearlyAll reports whether an edit concerns so many that to compare everybody is
// no more work.
func (c *Controller) nearlyAll(who state.Who) bool {
	const many = 1000
	return len(who.Names) > max(many, c.memory.register.Census().People/4)
}

// draft reads the files that differ from those applied last; nil where one of them
// has errors, or which they are cannot be told.
func draftOf(register *spec.Register, base string, m *Manifests) *spec.Draft {
	draft := register.Draft()
	there := 0
	for i := range m.Files {
		f := &m.Files[i]
		sum, known := register.Sum(f.Path)
		if known {
			there++
		}
		switch {
		case f.Sum == ManifestSum{}:
			return nil
		case known && sum == f.Sum:
		case !draft.Edit(f.Path, f.Sum, f.Data):
			return nil
		}
	}
	switch {
	case m.Edit != nil && m.Edit.Since != base:
		return nil
	case m.Edit != nil:
		for _, path := range m.Edit.Gone {
			draft.Delete(path)
		}
	case there < register.Files():
		for path := range register.Paths {
			if m.file(path) == nil {
				draft.Delete(path)
			}
		}
	}
	return draft
}
