// Package source says where manifests come from.
//
// A plain directory is the weaker of the sources: nothing marks where one edit
// ends and the next begins, so what is about to be acted on is read until it has
// stood still. Commits have no such moment.
package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"usher/reconciler"
)

// Defaults of Options.
const (
	DefaultSettle = 500 * time.Millisecond
	patience      = 10 * time.Second // how long a tree may go on changing
)

// Options of a directory.
type Options struct {
	Settle time.Duration // how long a tree must have stood still before it is acted on; negative: DefaultSettle
	Index  string        // file to keep in what the tree looked like when it was last read; empty: none
}

// Dir is the tree of manifests below a directory: every *.yaml and *.yml, except
// below names that begin with a dot. Symbolic links are followed inside the
// directory only.
func Dir(path string, o Options) reconciler.Source {
	if o.Settle < 0 {
		o.Settle = DefaultSettle
	}
	return &dir{root: path, settle: o.Settle, patience: patience, index: o.Index}
}

type dir struct {
	root     string
	settle   time.Duration
	patience time.Duration
	index    string // file; empty: none
	follow   bool
	ahead    <-chan glanced // see LookAhead; nil: nobody looks

	mu        sync.Mutex
	last      *index // of the last reading; nil: kept already, or there is none
	following following
}

// Snapshot reads the tree once.
func (d *dir) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, _, err := d.read(ctx)
	return m, err
}

// Settled reads the tree again until two readings agree and nothing in it is
// younger than the quiet window. Where the times are ahead of the clock, the
// readings have to agree for as long; and always for a quarter of it, because a file
// being cut short shows its new size a moment before its new time (ext4).
func (d *dir) Settled(ctx context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	began := time.Now()
	stood := began // since when the readings agree
	for {
		again, newest, err := d.again(ctx, first)
		if err != nil {
			return nil, err
		}
		if again.Digest != first.Digest {
			stood = time.Now()
		}
		if newest.After(time.Now()) {
			newest = stood
		}
		wait := max(d.settle-time.Since(newest), d.settle/4-time.Since(stood))
		if again.Digest == first.Digest && wait <= 0 {
			return again, nil
		}
		if time.Since(began) > d.patience {
			return nil, fmt.Errorf("%s keeps changing while it is read; try again when whoever writes it has finished", d.root)
		}
		first = again
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(min(max(wait, 10*time.Millisecond), d.settle)):
		}
	}
}

// read reads the whole tree and returns the time of its newest change.
func (d *dir) read(ctx context.Context) (*reconciler.Manifests, time.Time, error) {
	real, err := d.open()
	if err != nil {
		return nil, time.Time{}, err
	}
	if d.follow {
		d.following.events.take(ctx) // all is read: what they told of, too
		d.following.doubt = true     // until it is
	}
	s := &scan{ctx: ctx, root: real, began: time.Now(), manifests: &reconciler.Manifests{Snapshot: d.snapshot("")}}
	s.directory("", nil)
	if s.err == nil && len(s.errs) > 0 {
		return s.manifests, s.newest, s.errs.Sort()
	}
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	if err := gitAtWork(d.root); err != nil {
		return nil, time.Time{}, err
	}
	slices.SortFunc(s.manifests.Files, func(a, b reconciler.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	switch {
	case d.follow:
		s.manifests.Digest = d.following.begin(s)
	default:
		s.manifests.Digest = digest(s.manifests.Files)
		if d.index != "" {
			d.last = s.index(s.manifests.Digest)
		}
	}
	return s.manifests, s.newest, nil
}

// snapshot names a reading.
func (d *dir) snapshot(digest string) reconciler.Snapshot {
	return reconciler.Snapshot{Source: "dir", Path: d.root, Digest: digest}
}

// open returns where the directory is, without symbolic links, if it can be read now.
func (d *dir) open() (real string, err error) {
	info, err := os.Stat(d.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("there is no directory %s", d.root)
	case err != nil:
		return "", fmt.Errorf("reading manifests: %w", err)
	case !info.IsDir():
		return "", fmt.Errorf("%s is not a directory; name the directory that holds the manifests", d.root)
	}
	if err := gitAtWork(d.root); err != nil {
		return "", err
	}
	if real, err = realPath(d.root); err != nil {
		return "", fmt.Errorf("reading manifests: %w", err)
	}
	return real, nil
}

// realPath is the absolute path that a path leads to, without symbolic links.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(path)
}

// gitAtWork refuses a work tree in the middle of a checkout, a merge or a reset.
func gitAtWork(root string) error {
	for at := root; ; at = filepath.Join(at, "..") {
		if git := gitFolder(at); git != "" {
			lock := filepath.Join(git, "index.lock")
			if _, err := os.Lstat(lock); err == nil {
				return fmt.Errorf("git is at work in %s (%s exists); try again when it has finished", at, lock)
			}
			return nil
		}
		abs, err := filepath.Abs(at)
		if err != nil || abs == filepath.Dir(abs) {
			return nil
		}
	}
}

// gitFolder is where git keeps the index of a work tree, "" where the directory
// is none. In a linked work tree and in a submodule .git is a file that says so.
func gitFolder(at string) string {
	git := filepath.Join(at, ".git")
	info, err := os.Stat(git)
	switch {
	case err != nil:
		return ""
	case !info.Mode().IsRegular():
		return git
	}
	text, _, err := readFile(git)
	folder, linked := strings.CutPrefix(strings.TrimSpace(string(text)), "gitdir: ")
	switch {
	case err != nil || !linked:
		return git
	case filepath.IsAbs(folder):
		return folder
	}
	return filepath.Join(at, folder)
}
