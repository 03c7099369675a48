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
}

// compare resolves manifests and reads what is true: of those whom the edit
// concerns since the manifests were applied that the controller remembers, where
// that can be told and nothing is wrong with them; of everybody otherwise.
func (c *Controller) compare(ctx context.Context, m *Manifests) (*comparison, error) {
	if x, err := c.excerpt(ctx, m); x != nil || err != nil {
		return x, err
	}
	roster, err := c.resolve(ctx, m)
	if err != nil {
		return nil, err
	}
	truth, err := c.DB.Truth(ctx)
	return &comparison{wanted: roster, truth: truth}, err
}

// memory is what a controller that stays remembers of the manifests applied last.
type memory struct {
	register *spec.Register // nil: nothing
	revision int64          // that applied them
	excerpts int            // revisions applied from excerpts since everybody was compared
}

// excerpt compares those whom an edit concerns; nil where everybody has to be.
func (c *Controller) excerpt(ctx context.Context, m *Manifests) (*comparison, error) {
	if c.memory.register == nil || c.Authority { // signatures are judged by whole rosters
		return nil, nil
	}
	draft := c.draft(m)
	if draft == nil {
		return nil, nil
	}
	concern, sure := draft.Concerned()
	if !sure || c.nearlyAll(concern) {
		return nil, nil
	}
	e, err := c.DB.Excerpt(ctx, state.Who{Names: concern.People, Emails: concern.Emails, Teams: concern.Teams, Gone: len(concern.Emails) > 0})
	switch {
	case err != nil:
		return nil, err
	case e.Applied.Number != c.memory.revision:
		c.memory = memory{}
		return nil, nil
	}
	known := e.Roster.Users
	if !draft.Include(known, m.data) {
		return nil, nil
	}
	wanted, was, sure := draft.Resolve(known, e.MemberOf, spec.DayOf(c.Now()))
	if !sure {
		return nil, nil
	}
	e.Roster = was
	return &comparison{wanted, &e.Truth, c.memory.register.Census(), draft}, c.checkPrivate(ctx, wanted)
}

// nearlyAll reports whether an edit concerns so many that to compare everybody is
// no more work.
func (c *Controller) nearlyAll(concern spec.Concern) bool {
	const many = 1000
	return len(concern.People) > max(many, c.memory.register.Census().People/4)
}

// draft reads the files that differ from those applied last; nil where one of them
// has errors.
func (c *Controller) draft(m *Manifests) *spec.Draft {
	register := c.memory.register
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
	if there < register.Files() {
		for path := range register.Paths {
			if m.file(path) == nil {
				draft.Delete(path)
			}
		}
	}
	return draft
}

// remember keeps what is known of manifests that were applied, or that asked for
// nothing else than is true. revision is the one that applied them.
func (c *Controller) remember(x *comparison, revision int64) {
	switch {
	case !c.Stays:
	case x.draft != nil:
		x.draft.Keep()
		c.memory.revision = revision
		c.memory.excerpts++
	default:
		c.memory = memory{register: spec.NewRegister(c.parsed.tree(), x.wanted), revision: revision}
		c.parsed.shed()
	}
}
