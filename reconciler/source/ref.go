package source

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"usher/reconciler"
	"usher/spec"
)

// Limits on what is read of a commit, before it can cost time or memory.
const (
	maxTreeObject = 64 << 20 // bytes of one commit or tree object
	maxTreeFiles  = 2_000_000
)

// Ref is the tree of manifests in the commit that a ref names. A commit is read
// whole or not at all, whatever happens to the work tree meanwhile.
type Ref struct {
	repository *Repository
	ref        string // refs/heads/main
	below      string // the folder in the tree, "" for all of it; slash-separated

	mu    sync.Mutex
	known map[string]content // by blob id, of the last commit read
	last  *reconciler.Manifests
	past  pastTrees         // of the history read last
	forge []spec.SigningKey // whose commits their authors stand for

	follow bool // what is read is told as edits from then on, and not kept whole
	now    followed
}

// content is what a blob holds.
type content struct {
	data []byte
	sum  reconciler.ManifestSum
}

// NewRef is the source of a ref's manifests, below a folder of the tree.
func NewRef(r *Repository, ref, below string) *Ref {
	return &Ref{repository: r, ref: ref, below: strings.Trim(path.Clean("/"+below), "/")}
}

// FullName returns the full name of the branch, the branch of a remote, or the tag
// that goes by a short name, such as refs/remotes/origin/main for origin/main. Where
// there are several, it takes none of them.
func (r *Repository) FullName(ctx context.Context, short string) (string, error) {
	candidates := []string{"refs/heads/" + short, "refs/remotes/" + short, "refs/tags/" + short}
	out, err := r.at(ctx, append([]string{"for-each-ref", "--format=%(refname)", "--"}, candidates...)...).Output()
	if err != nil {
		return "", fmt.Errorf("looking up %s: %w", short, gitError(err))
	}
	var found []string
	for _, name := range strings.Fields(string(out)) {
		if slices.Contains(candidates, name) { // git lists what is below one as well
			found = append(found, name)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("no branch and no tag is called %s", short)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("%s could be any of %s", short, strings.Join(found, ", "))
}

// Snapshot reads the commit that the ref names now.
func (r *Ref) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	m, err := r.At(ctx, r.ref)
	if m == nil {
		return nil, err
	}
	named := *m
	named.Ref = r.ref
	return &named, err
}

// Settled is the first reading: a commit does not change.
func (r *Ref) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

// Glance reports whether the ref still names the commit of that reading: then a
// reading would be the same, whatever its size. It costs what reading a ref does.
func (r *Ref) Glance(ctx context.Context, was reconciler.Snapshot) bool {
	if was.Source != "git" || was.Path != r.repository.path || was.Ref != r.ref || was.Folder != r.below || was.Commit == "" {
		return false
	}
	if r.repository.find(ctx) != nil {
		return false
	}
	c, err := r.Commit(ctx, r.ref)
	return err == nil && c.ID == was.Commit
}

// Keep does nothing: a commit's id says all that Glance needs.
func (r *Ref) Keep(string) error { return nil }

// At reads the manifests of any commit, by any name that git has for it. Reading
// the commit read last again costs no more than finding that it is.
func (r *Ref) At(ctx context.Context, name string) (*reconciler.Manifests, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.repository.find(ctx); err != nil {
		return nil, err
	}
	b, err := r.repository.batch(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, r.repository.path, err)
	}
	defer b.close()
	o, err := b.get(name+"^{commit}", maxTreeObject)
	if errors.Is(err, errNoObject) {
		return nil, fmt.Errorf("there is no %s in %s", name, r.repository.path)
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s of %s: %w", name, r.repository.path, err)
	}
	if r.last != nil && r.last.Commit == o.id {
		return r.last, nil
	}
	m, err := r.read(b, o)
	if err != nil {
		var errs spec.Errors
		if errors.As(err, &errs) {
			return m, errs
		}
		return nil, fmt.Errorf("reading commit %s of %s: %w", o.id, r.repository.path, err)
	}
	if !r.follow {
		r.last = m
	}
	return m, nil
}

// read reads a commit's manifests. Blobs that the last commit had as well are
// not read again.
func (r *Ref) read(b *batch, o object) (*reconciler.Manifests, error) {
	commit, err := parseCommit(o)
	if err != nil {
		return nil, err
	}
	w := &treeWalk{batch: b, blobs: map[string]string{}}
	if err := w.descend(commit.Tree, r.below); err != nil {
		return nil, err
	}
	m := &reconciler.Manifests{Snapshot: r.snapshot(commit)}
	if len(w.errs) > 0 {
		return m, w.errs.Sort()
	}
	known, err := r.contents(b, w)
	if err != nil {
		return nil, err
	}
	for _, file := range slices.Sorted(w.paths()) {
		blob := known[w.blobs[file]]
		m.Files = append(m.Files, reconciler.ManifestFile{Path: file, Data: blob.data, Sum: blob.sum})
	}
	m.Digest = digest(m.Files)
	if r.follow {
		r.now.begin(commit, m)
	} else {
		r.known = known
	}
	return m, nil
}

// contents returns the bytes of every blob of the walk. All that are missing are
// asked for at once: an answer is read while the next is being found.
func (r *Ref) contents(b *batch, w *treeWalk) (map[string]content, error) {
	contents := make(map[string]content, len(w.blobs))
	var missing []string
	for _, id := range w.blobs {
		if _, ok := contents[id]; ok {
			continue
		}
		known, ok := r.known[id]
		contents[id] = known
		if !ok {
			missing = append(missing, id)
		}
	}
	slices.Sort(missing)
	asked := make(chan error, 1)
	go func() {
		for _, id := range missing {
			if err := b.ask(id); err != nil {
				asked <- err
				return
			}
		}
		asked <- nil
	}()
	for _, id := range missing {
		o, err := b.answer(spec.MaxFileSize + 1<<20) // a little more: Parse says what is too large, and where
		if err != nil {
			return nil, err
		}
		if o.kind != "blob" {
			return nil, fmt.Errorf("%s is a %s, not a file", id, o.kind)
		}
		contents[id] = content{o.data, reconciler.SumOf(o.data)}
	}
	return contents, <-asked
}

// treeWalk finds the manifests of a tree.
type treeWalk struct {
	batch interface {
		get(name string, most int64) (object, error)
	}
	blobs map[string]string // path -> blob id
	errs  spec.Errors
}

func (w *treeWalk) paths() func(func(string) bool) {
	return func(yield func(string) bool) {
		for file := range w.blobs {
			if !yield(file) {
				return
			}
		}
	}
}

// descend goes to the folder below which manifests are read, and reads it.
func (w *treeWalk) descend(tree, below string) error {
	tree, err := w.below(tree, below)
	if err != nil {
		return err
	}
	return w.walk(tree, "")
}

// below finds the tree of a folder.
func (w *treeWalk) below(tree, below string) (string, error) {
	for below != "" {
		var first string
		first, below, _ = strings.Cut(below, "/")
		entries, err := w.tree(tree)
		if err != nil {
			return "", err
		}
		i := slices.IndexFunc(entries, func(e treeEntry) bool { return e.name == first && e.mode == modeTree })
		if i < 0 {
			return "", fmt.Errorf("%w %s in it", reconciler.ErrNoFolder, first)
		}
		tree = entries[i].id
	}
	return tree, nil
}

func (w *treeWalk) tree(id string) ([]treeEntry, error) {
	o, err := w.batch.get(id, maxTreeObject)
	if err != nil {
		return nil, err
	}
	if o.kind != "tree" {
		return nil, fmt.Errorf("%s is a %s, not a tree", id, o.kind)
	}
	return o.entries()
}

func (w *treeWalk) walk(id, prefix string) error {
	entries, err := w.tree(id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.name, ".") {
			continue
		}
		file := prefix + e.name
		switch {
		case e.mode == modeTree && isManifest(e.name):
			w.fail(file, "not-a-file", "a directory with the name of a manifest", "rename it: names that end in .yaml or .yml are for files")
		case e.mode == modeTree:
			if err := w.walk(e.id, file+"/"); err != nil {
				return err
			}
		case !isManifest(e.name):
		case e.mode == modeLink, e.mode == modeModule:
			w.fail(file, "not-a-file", "a symbolic link or a submodule, which is not followed in commits", "commit the file itself")
		case e.mode == modeFile, e.mode == modeExecutable, e.mode == "100664":
			w.blobs[file] = e.id
		default:
			w.fail(file, "not-a-file", "an entry of the unknown mode "+e.mode, "remove it")
		}
		if len(w.blobs) > maxTreeFiles {
			return fmt.Errorf("more than %d manifests", maxTreeFiles)
		}
	}
	return nil
}

func (w *treeWalk) fail(file, code, reason, hint string) {
	w.errs = append(w.errs, &spec.Error{File: file, Code: code, Reason: reason, Hint: hint})
}
