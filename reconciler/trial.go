package reconciler

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"usher/spec"
)

// How far dates of commits may stray.
const (
	maxBackdated = 24 * time.Hour // before the newest commit that it builds on
	maxAhead     = time.Hour      // after now
)

// trial is a review under way.
type trial struct {
	Review
	origin *standpoint    // what is applied
	points []*standpoint  // by step
	place  map[string]int // commit id -> step
	heirs  map[string]int // commit id -> how many steps build on it
	dated  map[int]string // step -> what is wrong with its date
	owners map[*spec.Roster]map[string][]keyOwner
}

// keyOwner is a user with one of their signing keys.
type keyOwner struct {
	user *spec.User
	key  spec.SigningKey
}

// standpoint is where the trial stands after a step.
type standpoint struct {
	step     int          // index; -1: what is applied
	roster   *spec.Roster // nil: the step's manifests are not valid
	accepted []acceptance // what roles count by: more than one after a merge of accepted sides that is not
	current  bool         // builds on what is applied; else the roles in it may be those of the past
	floor    time.Time    // the newest date so far
	records  map[factKey]record
	past     lineage

	grounds []*standpoint // of one that is not valid: the valid ones before it
	burden  []int         // and the steps whose changes fall to the next valid one
}

// acceptance is a roster that was accepted, and at which step; -1: what is applied.
type acceptance struct {
	step   int
	roster *spec.Roster
}

// record is what became of one fact since it was last at rest.
type record struct {
	value    string // as it is
	good     string // the last value that somebody put there who may
	settled  string // in the roster accepted last
	first    string // before the first change
	tag      int    // the step that changed it last
	vouchers []int  // the steps whose signers answer for the good value
	denied   bool   // not good, whatever the value
	blame    blame  // where it is not good
}

// blame is why a change was refused.
type blame struct {
	step    int
	signer  string // a user's name, else a fingerprint, else ""
	problem string // why that signature does not count
	right   right  // what the signer should be
}

func (r *record) fine() bool { return r.value == r.good && !r.denied }

// lineage is a set of steps, one bit each.
type lineage []uint64

func (l lineage) has(step int) bool { return step >= 0 && l[step/64]&(1<<(step%64)) != 0 }

func (l lineage) add(step int) { l[step/64] |= 1 << (step % 64) }

func (l lineage) join(other lineage) {
	for i := range other {
		l[i] |= other[i]
	}
}

func newTrial(r Review) *trial {
	t := &trial{
		Review: r, place: map[string]int{}, heirs: map[string]int{}, dated: map[int]string{},
		owners: map[*spec.Roster]map[string][]keyOwner{},
	}
	t.origin = t.standing(-1, r.Base, true)
	for i := range r.Steps {
		t.place[r.Steps[i].ID] = i
		for _, id := range r.Steps[i].Parents {
			t.heirs[id]++
		}
	}
	return t
}

// standing is the standpoint of what is not judged.
func (t *trial) standing(step int, roster *spec.Roster, current bool) *standpoint {
	p := &standpoint{
		step: step, roster: roster, current: current, records: map[factKey]record{},
		accepted: []acceptance{{-1, t.Base}}, past: make(lineage, len(t.Steps)/64+1),
	}
	if step >= 0 {
		p.past.add(step)
		p.floor = t.Steps[step].Committer.At
	}
	return p
}

// walk takes one step.
func (t *trial) walk(i int) {
	s := &t.Steps[i]
	var p *standpoint
	switch s.Standing {
	case StandingApplied:
		p = t.standing(i, t.Base, true)
	case StandingEarlier:
		p = t.standing(i, orOther(s.Roster, t.Base), false)
	default:
		p = t.stepFrom(i, t.parents(s))
	}
	t.points = append(t.points, p)
}

// parents are the standpoints that a step builds on.
func (t *trial) parents(s *Step) (parents []*standpoint) {
	for _, id := range s.Parents {
		if i, known := t.place[id]; known && i < len(t.points) {
			parents = append(parents, t.points[i])
		}
	}
	if len(parents) == 0 {
		parents = append(parents, t.origin)
	}
	return parents
}

func (t *trial) stepFrom(i int, parents []*standpoint) *standpoint {
	p := &standpoint{step: i, past: make(lineage, len(t.Steps)/64+1), roster: t.Steps[i].Roster}
	for _, parent := range parents {
		p.past.join(parent.past)
		p.current = p.current || parent.current
		if parent.floor.After(p.floor) {
			p.floor = parent.floor
		}
		p.burden = append(p.burden, parent.burden...)
		if parent.roster == nil {
			p.grounds = append(p.grounds, parent.grounds...)
		} else {
			p.grounds = append(p.grounds, parent)
		}
	}
	p.past.add(i)
	p.grounds = distinct(p.grounds)
	p.accepted = t.acceptedBefore(p)
	t.date(p)
	if p.roster == nil {
		p.burden = append(p.burden, i)
	} else {
		t.judge(p)
	}
	return p
}

// date says what is wrong with the date of a step, and takes it for the newest so
// far where nothing is. A commit dated back could pass for one of the time when
// its key still counted.
func (t *trial) date(p *standpoint) {
	switch at := t.Steps[p.step].Committer.At; {
	case at.After(t.Now.Add(maxAhead)):
		t.dated[p.step] = "it is dated " + at.UTC().Format(time.DateTime) + ", which is yet to come"
	case at.Before(p.floor.Add(-maxBackdated)):
		t.dated[p.step] = "it is dated " + at.UTC().Format(time.DateTime) + ", more than a day before a commit it comes after"
	case at.After(p.floor):
		p.floor = at
	}
}

func distinct[T comparable](list []T) []T {
	var kept []T
	for _, v := range list {
		if !slices.Contains(kept, v) {
			kept = append(kept, v)
		}
	}
	return kept
}

// acceptedBefore are the rosters accepted last on each side that a step builds
// on, without those that another side came after.
func (t *trial) acceptedBefore(p *standpoint) []acceptance {
	var all []acceptance
	for _, g := range p.grounds {
		for _, a := range g.accepted {
			if !slices.Contains(all, a) {
				all = append(all, a)
			}
		}
	}
	return slices.DeleteFunc(slices.Clone(all), func(a acceptance) bool {
		return slices.ContainsFunc(all, func(b acceptance) bool {
			return a != b && (a.step < 0 || b.step >= 0 && t.points[b.step].past.has(a.step))
		})
	})
}

// judge decides about what a valid step changes.
func (t *trial) judge(p *standpoint) {
	signers := append(slices.Clone(p.burden), p.step)
	p.burden = nil
	if len(p.grounds) == 1 {
		g := p.grounds[0]
		p.records = t.inherit(g)
		for k, f := range differingFacts(g.roster, p.roster) {
			t.change(p, signers, k, f, []record{p.record(k, f.from)})
		}
	} else {
		t.merge(p, signers)
	}
	t.authorise(p)
	p.accept()
	p.grounds = nil
}

// inherit returns the records of the one step before, which is left without where
// no other step builds on it: a long history would hold them all.
func (t *trial) inherit(g *standpoint) map[factKey]record {
	if g.step < 0 || t.heirs[t.Steps[g.step].ID] > 1 {
		return maps.Clone(g.records)
	}
	records := g.records
	g.records = nil
	return records
}

// record is what is known of a fact; value is what it is where nothing is.
func (p *standpoint) record(k factKey, value string) record {
	if r, ok := p.records[k]; ok {
		return r
	}
	return record{value: value, good: value, settled: value, first: value, tag: -1}
}

// change judges one fact that a step changes. There is more than one record of it
// before where the sides of a merge differ.
func (t *trial) change(p *standpoint, signers []int, k factKey, f fact, before []record) {
	r := before[0]
	r.value, r.tag, r.denied = f.to, p.step, false
	switch {
	case !slices.ContainsFunc(before, func(b record) bool { return f.to != b.good }):
	case !slices.ContainsFunc(before, func(b record) bool { return f.to != b.settled }):
		r.good, r.vouchers = f.to, nil
	default:
		if b := t.refused(p, signers, k); b != nil {
			r.blame, r.denied = *b, true
			break
		}
		r.good, r.vouchers = f.to, signers
	}
	p.records[k] = r
}

// refused says why one of the signers may not change a fact; nil: all may.
func (t *trial) refused(p *standpoint, signers []int, k factKey) *blame {
	before := make([]*spec.Roster, len(p.grounds))
	for i, g := range p.grounds {
		before[i] = g.roster
	}
	for _, a := range p.accepted {
		need := sight{accepted: a.roster, before: before, after: p.roster}.needs(k)
		for _, signer := range signers {
			if b := t.lacks(signer, need, a.roster); b != nil {
				return b
			}
		}
	}
	return nil
}

// lacks says why the signer of a step does not have a right by a roster.
func (t *trial) lacks(step int, need right, by *spec.Roster) *blame {
	name, problem := t.signer(step, by)
	if problem == "" && need.held(name, by) {
		return nil
	}
	return &blame{step, cmp.Or(name, t.Steps[step].Signer.Fingerprint), problem, need}
}

// accept makes the step's roster the one that roles count by, if nothing in it is
// refused.
func (p *standpoint) accept() {
	if !p.current {
		return
	}
	for k := range p.records {
		if r := p.records[k]; !r.fine() {
			return
		}
	}
	p.accepted = []acceptance{{p.step, p.roster}}
	for k, r := range p.records {
		if r.settled != r.value {
			r.settled = r.value
			p.records[k] = r
		}
	}
}

// authorise lets through what the commits named in trailers changed, where the
// signer of this one may do each.
func (t *trial) authorise(p *standpoint) {
	named := t.Steps[p.step].Authorises
	if len(named) == 0 {
		return
	}
	for k, r := range p.records {
		if r.fine() || !names(named, t.Steps[r.blame.step].ID) && !names(named, t.Steps[r.tag].ID) {
			continue
		}
		if b := t.refused(p, []int{p.step}, k); b == nil {
			r.good, r.vouchers, r.tag, r.denied = r.value, []int{p.step}, p.step, false
			p.records[k] = r
		}
	}
}

// names reports whether one of the ids, which may be shortened, is a commit's.
func names(short []string, id string) bool {
	return slices.ContainsFunc(short, func(s string) bool { return strings.HasPrefix(id, s) })
}
