package reconciler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"usher/reconciler"
	"usher/spec"
)

// scroll is commits in memory, parents before children; the last one is wanted.
type scroll struct {
	t       tester
	commits []entry
}

// entry is one commit of a scroll.
type entry struct {
	step    reconciler.Step // without its standing
	parents []int
	tree    tree
	town    *town
}

var _ reconciler.Tracker = (*scroll)(nil)

// commit adds a commit, signed by a key of a town; 0: by none.
func (s *scroll) commit(town *town, key int, parents ...int) int {
	n := len(s.commits)
	e := entry{parents: parents, tree: town.tree(), town: town.clone()}
	at := time.Date(2026, 11, 22, 8, 0, n, 0, time.UTC)
	e.step.Commit = reconciler.Commit{ID: fmt.Sprintf("%040x", n+1), Subject: fmt.Sprint("edit ", n), Committer: reconciler.Identity{At: at}}
	for _, p := range parents {
		e.step.Parents = append(e.step.Parents, s.commits[p].step.ID)
	}
	e.step.Signer.Problem = "not signed"
	if key > 0 {
		parsed, err := spec.ParseSigningKey(signingKey(fmt.Sprint(key)))
		if err != nil {
			s.t.Fatal(err)
		}
		e.step.Signer = reconciler.Signer{Key: parsed.Key, Fingerprint: fmt.Sprint("SHA256:", key)}
	}
	s.commits = append(s.commits, e)
	return n
}

func (s *scroll) find(id string) int {
	i := slices.IndexFunc(s.commits, func(e entry) bool { return e.step.ID == id })
	if i < 0 {
		s.t.Fatalf("there is no commit %s", id)
	}
	return i
}

// reading reads one commit whole.
func (s *scroll) reading(i int) *reconciler.Manifests {
	m, _ := (&world{tree: s.commits[i].tree}).Snapshot(context.Background())
	m.Source, m.Ref, m.Commit = "git", "refs/heads/main", s.commits[i].step.ID
	return m
}

func (s *scroll) Snapshot(context.Context) (*reconciler.Manifests, error) {
	return s.reading(len(s.commits) - 1), nil
}

func (s *scroll) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

func (s *scroll) Commit(_ context.Context, name string) (reconciler.Commit, error) {
	return s.commits[s.find(name)].step.Commit, nil
}

// reachable are the commits that one comes after, and that one.
func (s *scroll) reachable(i int) map[int]bool {
	found := map[int]bool{i: true}
	for _, p := range s.commits[i].parents {
		maps.Copy(found, s.reachable(p))
	}
	return found
}

func (s *scroll) Descends(_ context.Context, applied, commit string) (bool, error) {
	return s.reachable(s.find(commit))[s.find(applied)], nil
}

// way lists the commits to judge, the way that [reconciler.Historian] says.
func (s *scroll) way(applied, commit string) []reconciler.Step {
	was, is := s.reachable(s.find(applied)), s.reachable(s.find(commit))
	built := map[int]bool{}
	for i := range is {
		for _, p := range s.commits[i].parents {
			built[p] = built[p] || !was[i]
		}
	}
	var earlier, fresh []reconciler.Step
	for i := range s.commits {
		step := s.commits[i].step
		switch {
		case step.ID == applied:
			step.Standing = reconciler.StandingApplied
			earlier = slices.Insert(earlier, 0, step)
		case was[i] && built[i]:
			step.Standing = reconciler.StandingEarlier
			earlier = append(earlier, step)
		case is[i] && !was[i]:
			fresh = append(fresh, step)
		}
	}
	return append(earlier, fresh...)
}

func (s *scroll) Steps(_ context.Context, applied, commit string, today spec.Day) ([]reconciler.Step, error) {
	steps := s.way(applied, commit)
	for i := range steps {
		var files []*spec.File
		for path, text := range s.commits[s.find(steps[i].ID)].tree {
			f, errs := spec.Parse(path, []byte(text))
			if len(errs) > 0 {
				return nil, errs
			}
			files = append(files, f)
		}
		if roster, errs := spec.Resolve(files, today); len(errs) == 0 {
			steps[i].Roster = roster
		}
	}
	return steps, nil
}

func (s *scroll) Edits(_ context.Context, applied reconciler.Snapshot, commit string) ([]reconciler.Step, error) {
	steps := s.way(applied.Commit, commit)
	base := s.commits[s.find(applied.Commit)].tree
	for i := range steps {
		at := s.find(steps[i].ID)
		whole := s.reading(at)
		m := &reconciler.Manifests{Snapshot: whole.Snapshot, Edit: &reconciler.Edit{Since: applied.Digest}}
		for _, f := range whole.Files {
			if text, known := base[f.Path]; !known || text != string(f.Data) {
				m.Files = append(m.Files, f)
			}
		}
		for path := range base {
			if _, stays := s.commits[at].tree[path]; !stays {
				m.Edit.Gone = append(m.Edit.Gone, path)
			}
		}
		m.Edit.Read = func(path string) ([]byte, error) { return []byte(s.commits[at].tree[path]), nil }
		steps[i].Edit = m
	}
	return steps, nil
}

// grow adds a commit or several after one, on one line or two that are merged.
func (s *scroll) grow(town *town, from int) {
	line := func(from, n int) int {
		for range n {
			town.edit()
			from = s.commit(town, town.signer(), from)
			if town.d(6) == 0 && from > 1 {
				s.commits[from].step.Authorises = []string{s.commits[from-1].step.ID}
			}
		}
		return from
	}
	if town.d(3) > 0 {
		line(from, 1+town.d(3))
		return
	}
	parted := town.clone()
	side := line(from, 1+town.d(2))
	*town = *parted
	main := line(from, town.d(2))
	if town.d(2) == 0 {
		*town = *s.commits[side].town.clone()
	}
	if town.d(3) == 0 {
		town.edit()
	}
	s.commit(town, town.signer(), main, side)
}

// signer is a key: often that of a contract manager, now and then nobody's.
func (t *town) signer() int {
	if t.d(3) == 0 {
		return t.d(7)
	}
	var keys []int
	for _, deal := range t.deals {
		for _, p := range t.people {
			if p.name == deal.manager {
				keys = append(keys, p.key)
			}
		}
	}
	if len(keys) == 0 {
		return 0
	}
	return slices.Max(keys)
}

// TestSignedExcerptEqualsWhole: commits are judged by those whom they concern as
// they are by everybody, and refused in the same words.
func TestSignedExcerptEqualsWhole(t *testing.T) {
	accepted, refused, excerpts := 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		town := newTown(drawn(rt))
		town.people["p0"].key, town.people["p1"].key = 1, 2
		town.deals["north"].coordinator = "p2"
		town.people["p2"].key = 3
		w := openWorld(rt, t.TempDir(), nil)
		s := &scroll{t: rt}
		w.ctl.Source, w.ctl.Authority = s, true
		w.ctl.Trust = s.commits[s.commit(town, 0)].step.ID
		w.apply()
		at := 0
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			before := town.clone()
			s.grow(town, at)
			was := w.ctl.Excerpts()
			switch ok := w.sameBySignature(s); {
			case !ok:
				*town = *before // the next ones build on what is applied
				refused++
				continue
			case w.ctl.Excerpts() > was:
				excerpts++
			}
			accepted++
			at = len(s.commits) - 1
		}
	})
	if excerpts < accepted/2 || refused == 0 {
		t.Errorf("of %d accepted pushes %d were judged by excerpts; %d were refused", accepted, excerpts, refused)
	}
	t.Logf("of %d accepted pushes %d were judged by excerpts; %d were refused", accepted, excerpts, refused)
}

// sameBySignature applies the last commit, approving what limits hold, and compares
// with what a controller without a memory says. It reports whether it was applied.
func (w *world) sameBySignature(s *scroll) bool {
	w.Helper()
	stranger := &reconciler.Controller{
		DB: w.db, Source: s, Compose: plain{}, Now: w.ctl.Now, Authority: true, Trust: w.ctl.Trust,
	}
	want, wantErr := stranger.Plan(context.Background())
	out, err := w.tryApply()
	if !w.plannedAlike(want, wantErr, out.Plan, err) {
		return false
	}
	held := (*reconciler.HeldError)(nil)
	switch {
	case !errors.As(err, &held):
		if err != nil {
			w.Fatal(err)
		}
	case !reconciler.Approvable(held.Plan.Held):
		return false
	default:
		w.approve(held.Plan.ID)
		w.apply()
	}
	if got, want := w.truth().Applied.Commit, s.commits[len(s.commits)-1].step.ID; got != want {
		w.Fatalf("applied commit %s, want %s", got, want)
	}
	return true
}
