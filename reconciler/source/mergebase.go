package source

import (
	"context"
	"fmt"
	"slices"

	"usher/reconciler"
)

var _ reconciler.Archive = (*Ref)(nil)

// MergeBase returns the commit that two histories parted from: see
// [reconciler.Archive]. As everywhere, only what proven commits name as their
// parents counts.
func (r *Ref) MergeBase(ctx context.Context, base, commit string) (reconciler.Commit, error) {
	b, err := r.repository.batch(ctx)
	if err != nil {
		return reconciler.Commit{}, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	defer b.close()
	a := newAncestry(b)
	if err := a.walk(base, commit); err != nil {
		return reconciler.Commit{}, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	if a.applied == "" {
		return reconciler.Commit{}, fmt.Errorf("reading the history of %s: there is no commit %s", r.repository.path, base)
	}
	common := a.boundary()
	if len(common) == 0 {
		return reconciler.Commit{}, nil
	}
	best := common[0]
	for _, c := range common[1:] { // a date out of order must not make an ancestor the best
		later := newAncestry(b)
		if err := later.walk(best.ID, c.ID); err != nil {
			return reconciler.Commit{}, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
		}
		if later.met {
			best = c
		}
	}
	return best.named(), nil
}

// boundary lists the commits of the applied history that new ones build on, newest
// first.
func (a *ancestry) boundary() []*Commit {
	wanted := a.commits[a.wanted]
	if wanted.old {
		return []*Commit{wanted.commit}
	}
	found := map[string]bool{}
	var list newest
	for _, v := range a.commits {
		for _, id := range v.commit.Parents {
			if parent := a.commits[id]; !v.old && parent != nil && parent.old && !found[id] {
				found[id] = true
				list = append(list, parent)
			}
		}
	}
	slices.SortFunc(list, func(x, y *visit) int {
		if (newest{x, y}).Less(0, 1) {
			return -1
		}
		return 1
	})
	commits := make([]*Commit, len(list))
	for i, v := range list {
		commits[i] = v.commit
	}
	return commits
}
