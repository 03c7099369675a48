package source

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"usher/reconciler"
	"usher/spec"
)

var (
	_ reconciler.Follower = (*Ref)(nil)
	_ reconciler.Tracker  = (*Ref)(nil)
)

// followed is what a ref that is followed held when it was read last. Objects of git
// tell what differs: nothing below a tree that has the same id is read.
type followed struct {
	ledger *ledger // of that reading; nil: there was none
	tree   string  // id of its root tree
	base   string  // the digest of a tree that edits were asked for since
	from   string  // id of the root tree of that
	rest   *batch  // for what edits do not carry; nil: nobody asked
}

// begin takes a whole reading for what the ref holds.
func (f *followed) begin(c *Commit, m *reconciler.Manifests) {
	files := make([]indexed, len(m.Files))
	for i, file := range m.Files {
		files[i] = indexed{path: file.Path, sum: file.Sum}
	}
	f.ledger, f.tree = newLedger(files), c.Tree
	if f.base == "" {
		f.base, f.from = m.Digest, c.Tree
	}
}

// Recall takes the ref for having held the commit read before.
func (r *Ref) Recall(ctx context.Context, was reconciler.Snapshot, register *spec.Register) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if was.Source != "git" || was.Path != r.repository.path || was.Folder != r.below || was.Commit == "" || r.now.ledger != nil || r.repository.find(ctx) != nil {
		return
	}
	b, err := r.repository.batch(ctx)
	if err != nil {
		return
	}
	defer b.close()
	c, err := readCommit(b, was.Commit)
	if err != nil || c.ID != was.Commit {
		return
	}
	var files []indexed
	for path := range register.Paths {
		sum, _ := register.Sum(path)
		files = append(files, indexed{path: path, sum: sum})
	}
	ledger := newLedger(files)
	if ledger.digest() != was.Digest {
		return
	}
	r.follow = true
	r.now = followed{ledger: ledger, tree: c.Tree, base: was.Digest, from: c.Tree}
}

// countFrom has edits count from the tree of a digest, if that can be told.
func (f *followed) countFrom(digest string) bool {
	if f.ledger == nil {
		return false
	}
	if digest != f.base && digest == f.ledger.digest() {
		f.base, f.from = digest, f.tree
	}
	return digest == f.base
}

func (f *followed) close() {
	if f.rest != nil {
		f.rest.close()
		f.rest = nil
	}
}

// Since returns the commit that the ref names now as an edit of one read before. It
// costs what the folders cost in which files differ. Commits tell all that there is
// to know, so that every look is thorough.
func (r *Ref) Since(ctx context.Context, was reconciler.Snapshot, _ bool) *reconciler.Manifests {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now.close()
	if r.repository.find(ctx) != nil || !r.now.countFrom(was.Digest) {
		return nil
	}
	b, err := r.repository.batch(ctx)
	if err != nil {
		return nil
	}
	defer b.close()
	c, err := readCommit(b, r.ref)
	if err != nil || r.move(b, c) != nil {
		return nil
	}
	m, err := r.edit(ctx, b, c)
	if err != nil {
		return nil
	}
	m.Snapshot, m.Digest = r.snapshot(c), r.now.ledger.digest()
	m.Ref = r.ref
	return m
}

func (r *Ref) snapshot(c *Commit) reconciler.Snapshot {
	return reconciler.Snapshot{Source: "git", Path: r.repository.path, Commit: c.ID, Folder: r.below}
}

// move takes the ledger to a commit.
func (r *Ref) move(b *batch, c *Commit) error {
	f := &r.now
	if c.Tree != f.tree {
		d, err := r.differing(b, f.tree, c.Tree)
		if err != nil {
			return err
		}
		for _, file := range slices.Sorted(maps.Keys(d.blobs)) {
			if d.blobs[file] == "" {
				f.ledger.remove(file)
				continue
			}
			content, err := b.content(d.blobs[file])
			if err != nil {
				f.ledger = nil // half of it moved
				return err
			}
			f.ledger.put(indexed{path: file, sum: content.sum})
		}
	}
	f.tree = c.Tree
	return nil
}

// edit reads how a commit differs from the base.
func (r *Ref) edit(ctx context.Context, b *batch, c *Commit) (*reconciler.Manifests, error) {
	d, err := r.differing(b, r.now.from, c.Tree)
	if err != nil {
		return nil, err
	}
	m := &reconciler.Manifests{Snapshot: r.snapshot(c), Edit: &reconciler.Edit{Since: r.now.base}}
	m.Edit.Read = func(file string) ([]byte, error) { return r.beside(ctx, c, file) }
	for _, file := range slices.Sorted(maps.Keys(d.blobs)) {
		if d.blobs[file] == "" {
			m.Edit.Gone = append(m.Edit.Gone, file)
			continue
		}
		content, err := b.content(d.blobs[file])
		if err != nil {
			return nil, err
		}
		m.Files = append(m.Files, reconciler.ManifestFile{Path: file, Data: content.data, Sum: content.sum})
	}
	return m, nil
}

// content reads a blob.
func (b *batch) content(id string) (content, error) {
	o, err := b.get(id, spec.MaxFileSize+1<<20) // a little more: Parse says what is too large, and where
	if err != nil {
		return content{}, err
	}
	if o.kind != "blob" {
		return content{}, fmt.Errorf("%s is a %s, not a file", id, o.kind)
	}
	return content{o.data, reconciler.SumOf(o.data)}, nil
}

// beside reads a file of a commit that its edit does not carry. Which blob it is git
// says, and whoever asks has its sum.
func (r *Ref) beside(ctx context.Context, c *Commit, file string) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.now.rest == nil {
		var err error
		if r.now.rest, err = r.repository.batch(ctx); err != nil {
			return nil, err
		}
	}
	o, err := r.now.rest.get(c.ID+":"+path.Join(r.below, file), spec.MaxFileSize)
	if err != nil {
		r.now.close() // what it would say next answers another question
		return nil, fmt.Errorf("reading %s of commit %s: %w", file, c.ID, err)
	}
	return o.data, nil
}

// treeDifference finds the manifests in which two trees differ.
type treeDifference struct {
	*treeWalk
	budget int // trees that may still be read
}

// errUnusual means that only reading a whole tree can say what is in it.
var errUnusual = errors.New("a tree that has to be read whole")

// maxTrees is how many folders are compared before reading all is no more work.
const maxTrees = 2000

// differing returns the manifests in which two root trees differ: in blobs, by path,
// what they are in the second one, "" where they are gone.
func (r *Ref) differing(b *batch, from, to string) (*treeDifference, error) {
	d := &treeDifference{&treeWalk{batch: b, blobs: map[string]string{}}, maxTrees}
	if from == to {
		return d, nil
	}
	folders := [2]string{from, to}
	for i := range folders {
		var err error
		if folders[i], err = d.below(folders[i], r.below); err != nil {
			return nil, err
		}
	}
	return d, d.compare(folders[0], folders[1], "")
}

// compare looks at one folder in both; an id "" is a folder that is not there.
func (d *treeDifference) compare(from, to, prefix string) error {
	if from == to {
		return nil
	}
	if d.budget -= 2; d.budget < 0 || len(d.blobs) > maxDiffer {
		return errUnusual
	}
	was, err := d.entries(from)
	if err != nil {
		return err
	}
	is, err := d.entries(to)
	if err != nil {
		return err
	}
	for name := range was {
		if _, stays := is[name]; !stays {
			is[name] = treeEntry{}
		}
	}
	for name, now := range is {
		if before := was[name]; before.mode != now.mode || before.id != now.id {
			if err := d.entry(before, now, prefix+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// entries are those of a tree that can matter, by name.
func (d *treeDifference) entries(id string) (map[string]treeEntry, error) {
	entries := map[string]treeEntry{}
	if id == "" {
		return entries, nil
	}
	list, err := d.tree(id)
	for _, e := range list {
		if e.mode == modeTree || isManifest(e.name) {
			if e.name[0] != '.' {
				entries[e.name] = e
			}
		}
	}
	return entries, err
}

// entry compares what has one name in both; one that is not there has no mode.
func (d *treeDifference) entry(was, is treeEntry, file string) error {
	folder := func(e treeEntry) string {
		if e.mode == modeTree {
			return e.id
		}
		return ""
	}
	plain := func(e treeEntry) bool {
		return e.mode == modeFile || e.mode == modeExecutable || e.mode == "100664"
	}
	switch {
	case is.mode != "" && isManifest(path.Base(file)) && !plain(is):
		return errUnusual // the whole reading says what is wrong with it
	case plain(is):
		d.blobs[file] = is.id
	case plain(was):
		d.blobs[file] = ""
	}
	return d.compare(folder(was), folder(is), file+"/")
}

// maxSteps is how many commits are told as edits.
const maxSteps = 64

// Edits returns the commits since the one that is applied as Steps does, each as an
// edit of the tree that was applied; nil where that cannot be told.
func (r *Ref) Edits(ctx context.Context, applied reconciler.Snapshot, commit string) ([]reconciler.Step, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.now.countFrom(applied.Digest) {
		return nil, nil
	}
	b, err := r.repository.batch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	defer b.close()
	a := newAncestry(b)
	if err := a.walk(applied.Commit, commit); err != nil {
		return nil, fmt.Errorf("reading the history of %s: %w", r.repository.path, err)
	}
	order := a.order()
	if a.applied == "" || len(order) > maxSteps {
		return nil, nil
	}
	steps := make([]reconciler.Step, len(order))
	for i, v := range order {
		steps[i] = r.describe(v)
		if steps[i].Edit, err = r.edit(ctx, b, v.commit); err != nil {
			return nil, nil // Steps says what is wrong, if it matters
		}
	}
	return steps, nil
}
