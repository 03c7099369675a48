package source

import (
	"context"
	"fmt"
	"path"
	"strings"

	"usher/reconciler"
)

// Blame finds the commit that a line of a manifest comes from, and who signed it.
// file is the manifest as the source calls it, line counts from 1. Which commit it
// is, git says; the commit itself is proven as every other.
func (r *Ref) Blame(ctx context.Context, commit, file string, line int32) (reconciler.Commit, reconciler.Signer, error) {
	fail := func(err error) (reconciler.Commit, reconciler.Signer, error) {
		return reconciler.Commit{}, reconciler.Signer{}, fmt.Errorf("finding the commit of %s:%d in %s: %w", file, line, r.repository.path, err)
	}
	out, err := r.repository.at(ctx, "-c", "blame.ignoreRevsFile=", "blame", "--porcelain", "--no-textconv",
		"-L", fmt.Sprintf("%d,%d", line, line), commit, "--", path.Join(r.below, file)).Output()
	if err != nil {
		return fail(gitError(err))
	}
	id, _, _ := strings.Cut(string(out), " ")
	b, err := r.repository.batch(ctx)
	if err != nil {
		return fail(err)
	}
	defer b.close()
	c, err := readCommit(b, id)
	if err != nil {
		return fail(err)
	}
	return c.named(), c.Signer(), nil
}
