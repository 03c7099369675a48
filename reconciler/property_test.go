package reconciler_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func drawn(t *rapid.T) dice {
	return func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "dice") }
}

// resolved is the roster of a tree.
func resolved(t tester, files tree, today spec.Day) *spec.Roster {
	t.Helper()
	var parsed []*spec.File
	for path, text := range files {
		f, errs := spec.Parse(path, []byte(text))
		if len(errs) > 0 {
			t.Fatalf("parse: %v", errs)
		}
		parsed = append(parsed, f)
	}
	roster, errs := spec.Resolve(parsed, today)
	if len(errs) > 0 {
		t.Fatalf("resolve: %v", errs)
	}
	return roster
}

// truthOf is a truth in memory that says what the model does.
func (m *model) truthOf(t tester, roster *spec.Roster) *state.Truth {
	truth := &state.Truth{Basis: 1, Roster: roster, Accounts: map[string]state.Account{}}
	for id, p := range m.people {
		truth.Accounts[p.name] = p.account(id)
	}
	for id, p := range m.gone {
		a := p.account(id)
		a.Removed, a.Status = p.left, state.Removed
		truth.Gone = append(truth.Gone, a)
	}
	for i := range roster.Users {
		roster.Users[i].Previously = nil
	}
	return truth
}

func (p *someone) account(id int) state.Account {
	a := state.Account{ID: fmt.Sprintf("u%d", id), Name: p.name, Email: p.email, EmailKey: spec.FoldEmail(p.email), Generation: p.record}
	if p.active {
		a.Activated = noon.AddDate(0, 0, -1)
	}
	if p.invited {
		a.Issue = 1
	}
	return a
}

// history is a model after some applied edits.
func history(d dice) *model {
	m := newModel(spec.DayOf(noon))
	apply(&model{people: map[int]*someone{}, gone: map[int]*someone{}, steward: m.steward, firstDay: m.firstDay}, m, noon, true)
	for range d(4) {
		before := m.clone()
		m.edits(d, spec.DayOf(noon))
		apply(before, m, noon, d(4) == 0)
	}
	return m
}

func (m *model) edits(d dice, today spec.Day) {
	before := m.clone()
	for range 1 + d(6) {
		m.edit(d, before, today)
	}
}

func mailOf(p *reconciler.Plan) []string {
	var list []string
	for _, n := range p.Mail {
		list = append(list, fmt.Sprintf("%s to %s", n.Kind, n.To))
	}
	slices.Sort(list)
	return list
}

func mustDiff(t tester, c reconciler.Comparison) *reconciler.Plan {
	t.Helper()
	p, errs := reconciler.Diff(c)
	if len(errs) > 0 {
		t.Fatalf("diff: %v", errs)
	}
	return p
}

// Whatever is edited: each person gets just the messages that DOMAIN.md says; the
// wanted against itself is nothing, in whatever order and files it is written;
// and the same difference has the same id.
func TestDiffProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(t)
		before := history(d)
		after := before.clone()
		after.edits(d, spec.DayOf(noon))
		adopt := d(5) == 0
		was := resolved(t, before.tree(d, before), spec.DayOf(noon))
		is := resolved(t, after.tree(d, before), spec.DayOf(noon))
		c := reconciler.Comparison{Wanted: is, True: before.truthOf(t, was), Now: noon, Adopt: adopt}
		p := mustDiff(t, c)

		want := apply(before, after, noon, adopt)
		if diff := cmp.Diff(want, mailOf(p), asTrue...); diff != "" {
			t.Errorf("messages (-want +got):\n%s\nchanges: %q", diff, changes(p))
		}
		if again := mustDiff(t, c); again.ID != p.ID || !slices.Equal(changes(again), changes(p)) {
			t.Errorf("the same comparison twice: %s, %s", p.ID, again.ID)
		}
		shuffled := resolved(t, after.tree(d, before), spec.DayOf(noon))
		if other := mustDiff(t, reconciler.Comparison{Wanted: shuffled, True: c.True, Now: noon, Adopt: adopt}); other.ID != p.ID {
			t.Errorf("shuffled files give another plan: %q, was %q", changes(other), changes(p))
		}
		again := resolved(t, after.tree(d, after), spec.DayOf(noon))
		if p := mustDiff(t, reconciler.Comparison{Wanted: again, True: after.truthOf(t, is), Now: noon}); !p.Empty() {
			t.Errorf("the wanted against itself: %q %q", changes(p), notices(p))
		}
		if p := mustDiff(t, betweenTrees(is, again)); !p.Empty() {
			t.Errorf("the wanted against itself, without a state: %q", changes(p))
		}
		mustDiff(t, betweenTrees(was, is))
	})
}

// steps is how many random steps TestModel takes: USHER_MODEL_STEPS, or a few.
func steps(t *testing.T) int {
	if text := os.Getenv("USHER_MODEL_STEPS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("USHER_MODEL_STEPS: %v", err)
		}
		return n
	}
	if testing.Short() {
		return 10
	}
	return 60
}

// seed is where TestModel's randomness begins, the same each time unless
// USHER_MODEL_SEED says otherwise: a number, or "now".
func seed(t *testing.T) uint64 {
	n := uint64(1)
	switch text := os.Getenv("USHER_MODEL_SEED"); text {
	case "":
	case "now":
		n = uint64(time.Now().UnixNano())
	default:
		var err error
		if n, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatalf("USHER_MODEL_SEED: %v", err)
		}
	}
	t.Logf("USHER_MODEL_SEED=%d", n)
	return n
}

// TestModel edits, applies, approves and lets days pass at random, and compares
// what the database says with the model after every step. USHER_MODEL_STEPS=3000
// takes it further; USHER_MODEL_SEED=now takes it elsewhere.
func TestModel(t *testing.T) {
	r := rand.New(rand.NewPCG(seed(t), 0))
	m := newModel(spec.DayOf(noon))
	w := &walk{
		world: newWorld(t, nil), d: r.IntN, wanted: map[int64]*spec.Roster{}, ids: map[int]string{},
		before: &model{people: map[int]*someone{}, gone: map[int]*someone{}, steward: m.steward, firstDay: m.firstDay}, after: m,
	}
	w.now = noon
	w.ctl.Adopt = true
	w.applyStep()
	for i := range steps(t) {
		w.step()
		if t.Failed() {
			t.Fatalf("at step %d", i)
		}
	}
	w.past()
}

// walk is a world beside its model.
type walk struct {
	*world
	d             dice
	before, after *model                 // as applied, and as wanted
	wanted        map[int64]*spec.Roster // by revision
	ids           map[int]string         // accounts of those present or gone
	followed      spec.Day               // of the last revision
}

// follow applies the tree and remembers up to which day all has been told.
func (w *walk) follow() *reconciler.Outcome {
	out := w.apply()
	if out.Applied != nil || out.Calendar != nil {
		w.followed = spec.DayOf(w.now)
	}
	return out
}

func (w *walk) step() {
	switch w.d(6) {
	case 0:
		w.pass([]int{0, 1, 1, 2, 5, 31}[w.d(6)])
	default:
		w.after.edits(w.d, spec.DayOf(w.now))
		w.ctl.Adopt = w.d(6) == 0
		w.applyStep()
	}
}

// pass lets days go by, and then applies what was applied already.
func (w *walk) pass(n int) {
	w.days(min(n, int(w.after.firstDay)+horizon-20-int(spec.DayOf(w.now))))
	since, today := w.followed, spec.DayOf(w.now)
	w.ctl.Adopt = false
	out := w.follow()
	var got []string
	if out.Calendar != nil {
		got = w.kinds(out.Calendar.Number)
	}
	var want []string
	for id, p := range w.after.people {
		if since < today && w.after.byCalendar(id, since, today) && !slices.Contains(got, "reminder to "+p.email) {
			want = append(want, "access to "+p.email)
		}
	}
	slices.Sort(want)
	got = slices.DeleteFunc(got, aboutInvitations)
	if !slices.Equal(want, got) {
		w.Errorf("from %v to %v the calendar sent %q, want %q", since, today, got, want)
	}
	if out.Applied != nil || !out.Plan.Empty() {
		w.Errorf("by time alone the plan became %q", changes(out.Plan))
	}
}

// aboutInvitations picks what the model knows nothing of. A reminder also tells
// what began or ended.
func aboutInvitations(message string) bool {
	return strings.HasPrefix(message, "reminder ") || strings.HasPrefix(message, "expired ")
}

// kinds lists the messages of a revision, sorted, as the model writes them.
func (w *walk) kinds(revision int64) []string {
	list, err := w.db.Messages(w.Context(), state.MessageQuery{Revision: revision})
	if err != nil {
		w.Fatal(err)
	}
	var said []string
	for _, m := range list {
		said = append(said, m.Kind+" to "+m.To)
	}
	slices.Sort(said)
	return said
}

// applyStep applies what is wanted: at once, or where it is held after it was
// seen to change nothing.
func (w *walk) applyStep() {
	applied := w.tree
	w.tree = w.after.tree(w.d, w.before)
	planned := w.plan()
	if len(planned.Held) > 0 {
		was := w.truth()
		w.held()
		if diff := cmp.Diff(was, w.truth()); diff != "" {
			w.Errorf("a held plan changed the state: %s", diff)
		}
		if w.d(4) == 0 { // thought better of
			w.after, w.tree = w.before.clone(), applied
			return
		}
		w.approve(planned.ID)
	}
	out := w.follow()
	if out.Plan.ID != planned.ID {
		w.Errorf("applied %s, planned %s", out.Plan.ID, planned.ID)
	}
	want := apply(w.before, w.after, w.now, w.ctl.Adopt)
	var got []string
	if out.Applied != nil {
		got = w.kinds(out.Applied.Number)
		w.wanted[out.Applied.Number] = w.world.wanted()
	}
	if !slices.Equal(want, got) {
		w.Errorf("sent %q, want %q\nchanges: %q", got, want, changes(out.Plan))
	}
	w.accounts()
	w.before = w.after.clone()
	w.ctl.Adopt = false
	w.settled()
	w.tree = w.after.tree(w.d, w.after)
	if p := w.plan(); !p.Empty() {
		w.Errorf("after apply a shuffled tree asks for %q", changes(p))
	}
	w.follow()
}

// accounts compares each person's account with the model: who it belongs to,
// whether it is active, and that it is the same one exactly when it should be.
func (w *walk) accounts() {
	truth := w.truth()
	seen := map[string]bool{}
	for id, p := range w.after.people {
		a := truth.Accounts[p.name]
		if a.Activated.IsZero() == p.active || (a.Issue > 0) != p.invited && !p.active {
			w.Errorf("%s: %s with invitation %d, want active %v, invited %v", p.name, a.Status, a.Issue, p.active, p.invited)
		}
		was, stayed := w.before.people[id], false
		if past := w.before.gone[id]; was != nil {
			stayed = true
		} else if past != nil {
			stayed = past.name == p.name && past.email == p.email && w.now.Sub(past.left) < state.ReturnWindow
		}
		if known := w.ids[id]; known != "" && (known == a.ID) != stayed || seen[a.ID] {
			w.Errorf("%s has account %s, had %s; want the same: %v", p.name, a.ID, known, stayed)
		}
		w.ids[id], seen[a.ID] = a.ID, true
	}
}

// past reads every revision again.
func (w *walk) past() {
	for revision, want := range w.wanted {
		truth, err := w.db.TruthAt(context.Background(), revision)
		if err != nil {
			w.Fatal(err)
		}
		if diff := cmp.Diff(want, truth.Roster, sameWords...); diff != "" {
			w.Errorf("what was true at revision %d is not what was wanted (-want +got):\n%s", revision, diff)
		}
		for _, c := range truth.Roster.Contracts {
			if c.Manager == "" {
				w.Errorf("at revision %d contract %s has no manager", revision, c.Name)
			}
		}
	}
}
