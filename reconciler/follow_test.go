package reconciler_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
)

// guide is a shelf that tells what differs from what was read before, and now and
// then says that nothing told of it.
type guide struct {
	*shelf
	read   map[string]tree // by digest
	untold int
	whole  int // readings of the whole tree
}

func (g *guide) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	m, err := g.shelf.Snapshot(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	if err == nil {
		g.whole++
		g.keep(m)
	}
	return m, err
}

func (g *guide) keep(m *reconciler.Manifests) {
	g.read[m.Digest] = tree{}
	for _, f := range m.Files {
		g.read[m.Digest][f.Path] = string(f.Data)
	}
}

func (g *guide) Since(ctx context.Context, was reconciler.Snapshot, thorough bool) *reconciler.Manifests {
	m, err := g.shelf.Snapshot(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	base, known := g.read[was.Digest]
	if err != nil || !known {
		return nil
	}
	g.keep(m)
	edit := editOf(m, was.Digest, base)
	if thorough {
		edit.Edit.Untold = g.untold
	}
	return edit
}

// editOf tells a reading as an edit of a tree with some digest.
func editOf(m *reconciler.Manifests, since string, base tree) *reconciler.Manifests {
	now := map[string][]byte{}
	edit := &reconciler.Manifests{Snapshot: m.Snapshot, Edit: &reconciler.Edit{Since: since}}
	edit.Edit.Read = func(path string) ([]byte, error) { return now[path], nil }
	for _, f := range m.Files {
		now[f.Path] = f.Data
		if text, known := base[f.Path]; !known || text != string(f.Data) {
			edit.Files = append(edit.Files, f)
		}
	}
	for path := range base {
		if _, stays := now[path]; !stays {
			edit.Edit.Gone = append(edit.Edit.Gone, path)
		}
	}
	return edit
}

func (g *guide) Recall(context.Context, reconciler.Snapshot, *spec.Register) {}

func (g *guide) setUntold(n int) { g.change(func() { g.untold = n }) }

func (g *guide) readings() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.whole
}

// guided is a loop over manifests that are told as edits.
func guided(t *testing.T, resync time.Duration) (*watched, *guide) {
	timing := soon
	timing.Resync = resync
	w := prepare(t, firm(), timing, nil)
	g := &guide{shelf: w.shelf, read: map[string]tree{}}
	w.ctl.Source = g
	w.begin()
	w.look(1)
	return w, g
}

// Edits are applied without reading the whole tree, which happens where an edit
// leaves anything open: here, what a contract offers.
func TestLoopAppliesEdits(t *testing.T) {
	w, g := guided(t, time.Hour)
	before := g.readings()
	w.shelf.put("cy.yaml", user("cy", "access: [cloud]"))
	w.until("cy applied", func() bool { return w.applied() == 2 })
	w.shelf.put("cy.yaml", user("cy"))
	w.until("cy's access applied", func() bool { return w.applied() == 3 })
	w.shelf.change(func() { delete(w.shelf.tree, "cy.yaml") })
	w.until("cy gone", func() bool { return w.applied() == 4 })
	if n := g.readings() - before; n != 0 {
		t.Errorf("three edits took %d readings of the whole tree", n)
	}
	w.shelf.change(func() {
		w.shelf.tree["new.yaml"] = product("render")
		w.shelf.tree["firm.yaml"] = strings.Replace(w.shelf.tree["firm.yaml"], "{name: cloud}", "{name: cloud}, {name: render}", 1)
	})
	w.until("render applied", func() bool { return w.applied() == 5 })
	if n := g.readings() - before; n != 1 {
		t.Errorf("a new offer took %d readings of the whole tree, want 1", n)
	}
	w.end()
	w.tree = w.shelf.tree
	w.ctl.Source = w.world
	w.settled()
}

// Where a look at all files finds what nothing told of, Watching says so, until one
// finds nothing.
func TestLoopSaysWhatWasNotTold(t *testing.T) {
	w, g := guided(t, 50*time.Millisecond)
	w.becomes(reconciler.Watching, true)
	g.setUntold(2)
	w.becomes(reconciler.Watching, false)
	if why := w.why(reconciler.Watching); !strings.Contains(why, "nothing told of 2 files") {
		t.Errorf("Watching: %q", why)
	}
	g.setUntold(0)
	w.becomes(reconciler.Watching, true)
}
