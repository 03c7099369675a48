package reconciler_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"

	"usher/reconciler"
	"usher/spec"
)

// strangers are controllers of one world of which each knows nothing but what the
// one before it kept in files.
type strangers struct {
	*world
	dir   string
	trees map[string]tree // every one that was read, by digest
	base  string          // the digest of the one recalled; "": none
	edits bool            // the tree is told as an edit, where one is recalled
	adopt bool
}

func (s *strangers) register() string { return filepath.Join(s.dir, "usher.db.register") }

func openStrangers(t tester, manifests tree) *strangers {
	dir, err := os.MkdirTemp("", "strangers")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return &strangers{world: openWorld(t, dir, manifests), dir: dir, trees: map[string]tree{}}
}

// by has a controller apply the tree and keep what it remembers.
func (s *strangers) by(c *reconciler.Controller) {
	s.Helper()
	s.world.ctl = c
	s.tells()
}

// another is the next controller.
func (s *strangers) another() *reconciler.Controller {
	s.base = ""
	return &reconciler.Controller{
		DB: s.db, Source: s, Compose: plain{}, Now: s.world.ctl.Now, By: "tester", From: "usher@acme.example", Adopt: s.adopt,
		Recollection: reconciler.Recollection{Register: s.register(), Build: "1"},
	}
}

func (s *strangers) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	m, err := s.world.Snapshot(ctx)
	s.trees[m.Digest] = tree{}
	for path, text := range s.tree {
		s.trees[m.Digest][path] = text
	}
	return m, err
}

func (s *strangers) Recall(_ context.Context, was reconciler.Snapshot, files *spec.Register) {
	if known := s.trees[was.Digest]; s.edits && known != nil && len(known) == files.Files() {
		s.base = was.Digest
	}
}

func (s *strangers) Since(ctx context.Context, was reconciler.Snapshot, _ bool) *reconciler.Manifests {
	if s.base == "" || s.base != was.Digest {
		return nil
	}
	m, err := s.Snapshot(ctx)
	if err != nil {
		return nil
	}
	return editOf(m, s.base, s.trees[s.base])
}

// TestStrangersEqualWhole: controllers that each remember what the one before kept,
// whatever became of that file in between, plan and apply in the same words as one
// that compares everybody.
func TestStrangersEqualWhole(t *testing.T) {
	applied, excerpts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		town := newTown(drawn(rt))
		s := openStrangers(rt, town.tree())
		s.edits, s.adopt = town.d(2) == 0, town.d(2) == 0
		s.by(s.another())
		var kept [][]byte
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			before := town.clone()
			for range town.d(3) {
				town.edit()
			}
			s.tree = town.tree()
			if town.d(4) == 0 {
				s.days([]int{1, 2, 20, 90}[town.d(4)])
			}
			s.adopt = town.d(4) == 0
			kept = append(kept, s.meddle(town.d, kept))
			valid, excerpt := s.sameAsStranger()
			if !valid {
				town = before
				continue
			}
			applied++
			if excerpt {
				excerpts++
			}
		}
		s.tree = town.tree()
		s.sameAsStranger()
		s.world.settled()
	})
	if excerpts < applied/4 {
		t.Errorf("of %d edits %d were planned from excerpts", applied, excerpts)
	}
	t.Logf("of %d valid edits %d were planned from excerpts", applied, excerpts)
}

// sameAsStranger plans and applies the tree, each by another controller, and compares
// with one that has nothing to remember. It reports whether the tree is valid, and
// whether the first one compared those alone whom the edit concerns.
func (s *strangers) sameAsStranger() (valid, excerpt bool) {
	s.Helper()
	whole := s.another()
	whole.Recollection = reconciler.Recollection{}
	want, wantErr := whole.Plan(s.Context())
	got, err := s.another().Plan(s.Context())
	s.plannedAlike(want, wantErr, got, err)
	s.world.ctl = s.another()
	valid = s.sameAsWhole()
	s.tells()
	return valid, got != nil && got.Excerpt()
}

// tells has the controller tell stewards, after which it keeps what it remembers.
func (s *strangers) tells() {
	s.Helper()
	owner := s.own()
	defer owner.Close()
	out, err := s.world.ctl.Apply(s.Context(), owner, "")
	if err != nil {
		return // the tree is not valid
	}
	if _, err := s.world.ctl.TellStewards(s.Context(), owner, out, err); err != nil {
		s.Fatal(err)
	}
}

// meddle does to the file what happens to files, and returns what it was before. kept
// are its former contents.
func (s *strangers) meddle(d dice, kept [][]byte) []byte {
	s.Helper()
	content, err := os.ReadFile(s.register())
	if err != nil {
		s.Fatal(err)
	}
	now := bytes.Clone(content)
	switch choice := d(10); {
	case choice == 0 && len(now) > 0:
		now = now[:d(len(now))]
	case choice == 1 && len(now) > 0:
		now[d(len(now))] ^= 0x40
	case choice < 4 && len(kept) > 0:
		now = kept[d(len(kept))]
	case choice == 4:
		s.apart(d)
	}
	if err := os.WriteFile(s.register(), now, 0o600); err != nil {
		s.Fatal(err)
	}
	return content
}

// apart has a controller that keeps nothing apply another tree and then this one, so
// that what is applied is the same as before, and by another revision.
func (s *strangers) apart(d dice) {
	s.Helper()
	tree := s.tree
	aside := s.another()
	aside.Recollection = reconciler.Recollection{}
	owner := s.own()
	defer owner.Close()
	other := newTown(d)
	s.tree = other.tree()
	aside.Apply(s.Context(), owner, "") // held or not
	s.tree = tree
	aside.Apply(s.Context(), owner, "")
}

// TestMemoryOfAnother: what a controller kept is used by the next one of the very same
// state, program and manifests, and by nobody else.
func TestMemoryOfAnother(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(s *strangers, c *reconciler.Controller)
		want   bool // that it is used
	}{
		{"nothing", func(*strangers, *reconciler.Controller) {}, true},
		{"another day", func(s *strangers, _ *reconciler.Controller) { s.days(100) }, true},
		{"another usher", func(_ *strangers, c *reconciler.Controller) { c.Recollection.Build = "2" }, false},
		{"an usher that knows no build", func(_ *strangers, c *reconciler.Controller) { c.Recollection.Build = "" }, false},
		{"no file", func(s *strangers, _ *reconciler.Controller) { os.Remove(s.register()) }, false},
		{"a file cut short", func(s *strangers, _ *reconciler.Controller) { os.Truncate(s.register(), 100) }, false},
		{"a revision that kept nothing", func(s *strangers, _ *reconciler.Controller) {
			s.tree["x.yaml"] = user("x")
			aside := s.another()
			aside.Recollection = reconciler.Recollection{}
			s.by(aside)
		}, false},
		{"another state of the same manifests", func(s *strangers, c *reconciler.Controller) {
			other := openStrangers(t, firm())
			other.by(other.another())
			c.Recollection.Register = other.register()
		}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openStrangers(t, firm())
			s.by(s.another())
			c := s.another()
			test.change(s, c)
			s.tree["y.yaml"] = user("y")
			p, err := c.Plan(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := p.Excerpt(); got != test.want {
				t.Errorf("the memory was used: %v, want %v", got, test.want)
			}
		})
	}
}

// A state that went back while a plan was being made is compared whole.
func TestMemoryOfAStateThatWentBack(t *testing.T) {
	s := openStrangers(t, firm())
	s.by(s.another())
	c := s.another()
	if p, err := c.Plan(t.Context()); err != nil || !p.Excerpt() {
		t.Fatalf("plan %+v, %v; want one from memory", p, err)
	}
	other := openStrangers(t, firm())
	other.by(other.another())
	c.DB = other.db
	if p, err := c.Plan(t.Context()); err != nil || p.Excerpt() {
		t.Errorf("plan %+v, %v; want one of everybody", p, err)
	}
}

// What a plan notes of somebody whom nothing changes is noted from memory as well, also
// of those who came by the plan before.
func TestMemoryOfNotes(t *testing.T) {
	const again = "invitation: {generation: 3}"
	for _, test := range []struct {
		name string
		come func(s *strangers) // has x come, with the account active
		line string
	}{
		{"one who stays", func(s *strangers) {
			s.adopt = true
			s.tree["x.yaml"] = user("x")
			s.by(s.another())
		}, again},
		{"one who comes with an account elsewhere", func(s *strangers) { s.adopt = true }, again},
		{"one who comes back", func(s *strangers) {
			s.adopt = true
			s.tree["x.yaml"] = user("x")
			s.by(s.another())
			delete(s.tree, "x.yaml")
			s.by(s.another())
		}, again},
		{"one who is suspended", func(*strangers) {}, again + "\n  suspended: true"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := openStrangers(t, firm())
			s.by(s.another())
			test.come(s)
			s.tree["x.yaml"] = user("x", test.line)
			s.by(s.another())
			s.adopt = false
			s.tree["y.yaml"] = user("y")
			if valid, excerpt := s.sameAsStranger(); !valid || !excerpt {
				t.Errorf("the tree is valid: %v, planned from memory: %v", valid, excerpt)
			}
		})
	}
}
