package source

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"usher/reconciler"
	"usher/spec"
)

// maxAncestry is how many commits are read to find the new ones.
const maxAncestry = 2_000_000

// maxSkew is how far the dates of commits may be out of order for all that is
// applied to be known as such. Beyond it a commit may be taken for new that is not.
const maxSkew = 24 * time.Hour

var _ reconciler.Historian = (*Ref)(nil)

// TrustForge names the keys that the forge signs its own commits with: who it
// names as their author stands for them.
func (r *Ref) TrustForge(keys []spec.SigningKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.forge = keys
}

// Steps returns how a commit came to be since the one that is applied: see
// [reconciler.Historian]. Every commit, tree and blob on the way is hashed again,
// and nothing but what commits themselves name as their parents counts: no grafts,
// no commit graph, no replaced objects.
func (r *Ref) Steps(ctx context.Context, applied, commit string, today spec.Day) ([]reconciler.Step, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, err := r.repository.batch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	defer b.close()
	a := newAncestry(b)
	if err := a.walk(applied, commit); err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	r.past.begin(today)
	defer r.past.end()
	var steps []reconciler.Step
	for _, v := range a.order() {
		s, err := r.step(b, v)
		if err != nil {
			return nil, fmt.Errorf("reading commit %s of %s: %w", v.commit.ID, r.repository.path, err)
		}
		steps = append(steps, s)
	}
	return steps, nil
}

// Descends reports whether commit is applied or comes after it.
func (r *Ref) Descends(ctx context.Context, applied, commit string) (bool, error) {
	b, err := r.repository.batch(ctx)
	if err != nil {
		return false, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	defer b.close()
	a := newAncestry(b)
	if err := a.walk(applied, commit); err != nil {
		return false, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	return a.met, nil
}

// Commit returns one commit by any name that git has for it.
func (r *Ref) Commit(ctx context.Context, name string) (reconciler.Commit, error) {
	b, err := r.repository.batch(ctx)
	if err != nil {
		return reconciler.Commit{}, fmt.Errorf("reading %s of %s: %w", name, r.repository.path, err)
	}
	defer b.close()
	c, err := readCommit(b, name)
	if err != nil {
		return reconciler.Commit{}, fmt.Errorf("reading %s of %s: %w", name, r.repository.path, err)
	}
	named := c.named()
	named.Message = c.Message
	return named, nil
}

func readCommit(b *batch, name string) (*Commit, error) {
	o, err := b.get(name+"^{commit}", maxTreeObject)
	if err != nil {
		return nil, err
	}
	return parseCommit(o)
}

// named is the commit in the words of the reconciler.
func (c *Commit) named() reconciler.Commit {
	return reconciler.Commit{
		ID: c.ID, Subject: c.Subject, Parents: c.Parents,
		Author: reconciler.Identity(c.Author), Committer: reconciler.Identity(c.Committer),
	}
}

// ancestry is what was found of two commits' histories.
type ancestry struct {
	*batch
	commits map[string]*visit
	queue   newest
	applied string // id; "": none, or gone
	wanted  string
	fresh   int       // commits in the queue that are not known to be applied
	oldest  time.Time // of the commits visited as new; a year far off before the first
	met     bool      // the wanted commit is the applied one or comes after it
}

func newAncestry(b *batch) *ancestry {
	return &ancestry{batch: b, commits: map[string]*visit{}, oldest: time.Unix(1<<40, 0)}
}

// visit is one commit of an ancestry.
type visit struct {
	commit *Commit
	old    bool // reachable from the applied commit
	queued bool
}

// walk goes back from both commits, newest first, until all that is left to visit
// is in the history of the applied one and older than all that is new. A path from
// the wanted commit to the applied one is walked whole whatever the dates say.
func (a *ancestry) walk(applied, wanted string) error {
	w, err := a.find(wanted)
	if errors.Is(err, errNoObject) {
		return fmt.Errorf("there is no commit %s", wanted)
	}
	if err != nil {
		return err
	}
	a.wanted = w.commit.ID
	if applied != "" {
		switch v, err := a.find(applied); {
		case errors.Is(err, errNoObject): // gone: nothing comes after it
		case err != nil:
			return err
		default:
			a.applied, v.old = v.commit.ID, true
			a.met = a.applied == a.wanted
			a.push(v)
		}
	}
	if !a.met {
		a.push(w)
	}
	for a.fresh > 0 || len(a.queue) > 0 && !a.queue[0].commit.Committer.At.Before(a.oldest.Add(-maxSkew)) {
		if err := a.visit(a.pop()); err != nil {
			return err
		}
	}
	return nil
}

func (a *ancestry) find(name string) (*visit, error) {
	if v := a.commits[name]; v != nil {
		return v, nil
	}
	c, err := readCommit(a.batch, name)
	if err != nil {
		return nil, err
	}
	if a.commits[c.ID] == nil {
		a.commits[c.ID] = &visit{commit: c}
	}
	return a.commits[c.ID], nil
}

func (a *ancestry) push(v *visit) {
	if v.queued {
		return
	}
	v.queued = true
	heap.Push(&a.queue, v)
	if !v.old {
		a.fresh++
	}
}

func (a *ancestry) pop() *visit {
	v := heap.Pop(&a.queue).(*visit)
	v.queued = false
	if !v.old {
		a.fresh--
		if v.commit.Committer.At.Before(a.oldest) {
			a.oldest = v.commit.Committer.At
		}
	}
	return v
}

// visit passes on to the parents of a commit what is known of it.
func (a *ancestry) visit(v *visit) error {
	for _, id := range v.commit.Parents {
		known := a.commits[id] != nil
		parent, err := a.find(id)
		if errors.Is(err, errNoObject) {
			return fmt.Errorf("commit %s, a parent of %s, is not in the repository: fetch the whole history, not a shallow one", id, v.commit.ID)
		}
		if err != nil {
			return err
		}
		if parent.commit.ID != id {
			return fmt.Errorf("asked for commit %s, git answered with %s", id, parent.commit.ID)
		}
		a.met = a.met || !v.old && id == a.applied
		switch {
		case v.old && !parent.old:
			if parent.queued {
				a.fresh--
			}
			parent.old = true
			a.push(parent)
		case !known:
			a.push(parent)
		}
	}
	if len(a.commits) > maxAncestry {
		return fmt.Errorf("more than %d commits lie between %s and what is applied", maxAncestry, a.wanted)
	}
	return nil
}

// newest is a heap of visits by date; of equal dates by id, to be the same always.
type newest []*visit

func (q newest) Len() int      { return len(q) }
func (q newest) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q newest) Less(i, j int) bool {
	a, b := q[i].commit, q[j].commit
	if !a.Committer.At.Equal(b.Committer.At) {
		return a.Committer.At.After(b.Committer.At)
	}
	return a.ID < b.ID
}
func (q *newest) Push(v any) { *q = append(*q, v.(*visit)) }
func (q *newest) Pop() any {
	last := len(*q) - 1
	v := (*q)[last]
	*q = (*q)[:last]
	return v
}

// standing says where a commit stands in time.
func (a *ancestry) standing(v *visit) reconciler.Standing {
	switch {
	case v.commit.ID == a.applied:
		return reconciler.StandingApplied
	case v.old:
		return reconciler.StandingEarlier
	}
	return reconciler.StandingNew
}

// order lists what is to be judged, parents before children: the applied commit,
// what new ones build on, the new ones.
func (a *ancestry) order() []standing {
	var list []standing
	done := map[string]bool{}
	add := func(v *visit) {
		done[v.commit.ID] = true
		list = append(list, standing{v.commit, a.standing(v)})
	}
	if a.applied != "" {
		add(a.commits[a.applied])
	}
	pending := []*visit{a.commits[a.wanted]}
	for len(pending) > 0 {
		v := pending[len(pending)-1]
		var missing []*visit
		if !v.old {
			for _, id := range v.commit.Parents {
				if !done[id] {
					missing = append(missing, a.commits[id])
				}
			}
		}
		switch {
		case done[v.commit.ID]:
			pending = pending[:len(pending)-1]
		case len(missing) > 0:
			slices.Reverse(missing)
			pending = append(pending, missing...)
		default:
			add(v)
			pending = pending[:len(pending)-1]
		}
	}
	return list
}

// standing is a commit and where it stands.
type standing struct {
	commit *Commit
	as     reconciler.Standing
}

// step reads what a commit asks for and who answers for it.
func (r *Ref) step(b *batch, v standing) (reconciler.Step, error) {
	roster, err := r.roster(b, v.commit.Tree)
	if err != nil {
		return reconciler.Step{}, err
	}
	s := r.describe(v)
	s.Roster = roster
	return s, nil
}

// describe says who answers for a commit.
func (r *Ref) describe(v standing) reconciler.Step {
	c := v.commit
	s := reconciler.Step{Commit: c.named(), Standing: v.as}
	if v.as != reconciler.StandingNew {
		return s
	}
	s.Signer = c.Signer()
	s.Authorises, s.AllowRemovals = trailers(c.Message)
	s.Forge = s.Signer.Key != "" && slices.ContainsFunc(r.forge, func(k spec.SigningKey) bool {
		return k.Key == s.Signer.Key && k.ValidAt(c.Committer.At)
	})
	return s
}

var (
	trailerLine = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$`)
	})
	commitID = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[0-9a-f]{12,64}$`)
	})
)

// trailers reads what the last paragraph of a message says to usher. It must be
// trailers throughout, and not the subject.
func trailers(message string) (authorises []string, allow *int) {
	paragraphs := strings.Split(strings.TrimSpace(strings.ReplaceAll(message, "\r\n", "\n")), "\n\n")
	if len(paragraphs) < 2 {
		return nil, nil
	}
	for line := range strings.SplitSeq(strings.Trim(paragraphs[len(paragraphs)-1], "\n"), "\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			continue // goes on with the line before
		}
		m := trailerLine().FindStringSubmatch(line)
		if m == nil {
			return nil, nil
		}
		switch strings.ToLower(m[1]) {
		case "usher-authorises":
			if id := strings.ToLower(m[2]); commitID().MatchString(id) {
				authorises = append(authorises, id)
			}
		case "usher-allow-removals":
			if n, err := strconv.Atoi(m[2]); err == nil && n > 0 {
				allow = &n
			}
		}
	}
	return authorises, allow
}
