// Package source says where manifests come from.
//
// A plain directory is the weaker of the sources: nothing marks where one edit
// ends and the next begins, so what is about to be acted on is read until it has
// stood still. Commits have no such moment.
package source

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher/reconciler"
	"usher/spec"
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
	last     *index // of the last reading; nil: kept already, or there is none
}

// Snapshot reads the tree once.
func (d *dir) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
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
		again, newest, err := d.read(ctx)
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
	info, err := os.Stat(d.root)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, time.Time{}, fmt.Errorf("there is no directory %s", d.root)
	case err != nil:
		return nil, time.Time{}, fmt.Errorf("reading manifests: %w", err)
	case !info.IsDir():
		return nil, time.Time{}, fmt.Errorf("%s is not a directory; name the directory that holds the manifests", d.root)
	}
	if err := gitAtWork(d.root); err != nil {
		return nil, time.Time{}, err
	}
	real, err := realPath(d.root)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading manifests: %w", err)
	}
	s := &scan{ctx: ctx, root: real, began: time.Now(), manifests: &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "dir", Path: d.root}}}
	s.directory("", nil)
	if len(s.errs) > 0 {
		return s.manifests, s.newest, s.errs.Sort()
	}
	if s.err != nil {
		return nil, time.Time{}, s.err
	}
	if err := gitAtWork(d.root); err != nil {
		return nil, time.Time{}, err
	}
	slices.SortFunc(s.manifests.Files, func(a, b reconciler.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	s.manifests.Digest = digest(s.manifests.Files)
	if d.index != "" {
		d.last = &index{root: real, digest: s.manifests.Digest, files: s.files}
	}
	return s.manifests, s.newest, nil
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

// digest is the SHA-256 over every path and the SHA-256 of its content.
func digest(files []reconciler.ManifestFile) string {
	h := sha256.New()
	for _, f := range files {
		fmt.Fprintf(h, "%s\x00%x\n", f.Path, f.Sum)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// scan is one reading under way. Whatever cannot be read is an error; a part of
// a tree is never taken for the whole.
type scan struct {
	ctx       context.Context
	root      string // absolute, without symbolic links
	manifests *reconciler.Manifests
	newest    time.Time
	errs      spec.Errors
	err       error // of the context, or errDiffers
	began     time.Time
	files     []indexed // in the order of the walk
	known     *index    // the tree is compared with it, and not read; nil: it is read
	aged      bool      // a file of known is no longer racy
}

func (s *scan) fail(path, code, format string, args ...any) *spec.Error {
	if path == "" {
		path = "." // the directory itself
	}
	e := &spec.Error{File: path, Code: code, Reason: fmt.Sprintf(format, args...)}
	s.errs = append(s.errs, e)
	return e
}

func isManifest(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

// directory reads one directory. links are the targets of the links that lead
// to it: none is followed twice, or a link would go round for ever.
func (s *scan) directory(path string, links []string) {
	full := filepath.Join(s.root, filepath.FromSlash(path))
	entries, err := os.ReadDir(full)
	if err != nil {
		s.fail(path, "unreadable", "cannot be read: %v", plainError(err)).Hint = "nothing is applied while a part of the tree cannot be read"
		return
	}
	if info, err := os.Stat(full); err == nil {
		s.touched(info)
	}
	for _, e := range entries {
		if s.err == nil {
			s.err = s.ctx.Err()
		}
		if s.err != nil {
			return
		}
		switch {
		case !strings.HasPrefix(e.Name(), "."):
			s.entry(strings.TrimPrefix(path+"/"+e.Name(), "/"), e, links)
		case strings.Contains(e.Name(), ".yaml.") || strings.Contains(e.Name(), ".yml."):
			if info, err := e.Info(); err == nil {
				s.touched(info) // a manifest that a copier is still writing
			}
		}
	}
}

func (s *scan) touched(info fs.FileInfo) {
	if at := changedAt(info); at.After(s.newest) {
		s.newest = at
	}
}

func (s *scan) entry(path string, e fs.DirEntry, links []string) {
	kind := e.Type()
	if kind&fs.ModeSymlink != 0 {
		target, info := s.link(path, links)
		if info == nil {
			return
		}
		kind = info.Mode().Type()
		links = append(slices.Clip(links), target)
	}
	switch {
	case kind.IsDir() && isManifest(e.Name()):
		s.fail(path, "not-a-file", "a directory with the name of a manifest").Hint = "rename it: names that end in .yaml or .yml are for files"
	case kind.IsDir():
		s.directory(path, links)
	case isManifest(e.Name()) && !kind.IsRegular():
		s.fail(path, "not-a-file", "neither a file nor a directory").Hint = "remove it, or rename it so that it does not end in .yaml or .yml"
	case isManifest(e.Name()):
		s.file(path)
	}
}

// link judges a symbolic link and returns what it leads to; nil where it is not
// to be followed. Links to what is neither a manifest nor a directory are
// nobody's business.
func (s *scan) link(path string, links []string) (target string, info fs.FileInfo) {
	full := filepath.Join(s.root, filepath.FromSlash(path))
	target, err := filepath.EvalSymlinks(full)
	if err != nil {
		if isManifest(path) {
			s.fail(path, "broken-link", "a symbolic link that leads nowhere").Hint = "remove it, or put back what it points to"
		}
		return "", nil
	}
	info, err = os.Stat(target)
	if err != nil || !info.IsDir() && !isManifest(path) {
		return "", nil
	}
	if target != s.root && !strings.HasPrefix(target, s.root+string(filepath.Separator)) {
		s.fail(path, "link-outside", "a symbolic link that leads out of the directory").Hint = "copy what it points to, or move it into the directory"
		return "", nil
	}
	if info.IsDir() && (slices.Contains(links, target) || strings.HasPrefix(full+string(filepath.Separator), target+string(filepath.Separator))) {
		s.fail(path, "link-cycle", "a symbolic link to a directory that it lies in").Hint = "remove it"
		return "", nil
	}
	return target, info
}

func (s *scan) file(path string) {
	if s.known != nil {
		s.compare(path)
		return
	}
	data, info, err := readFile(filepath.Join(s.root, filepath.FromSlash(path)))
	if err != nil {
		s.fail(path, "unreadable", "cannot be read: %v", plainError(err)).Hint = "nothing is applied while a part of the tree cannot be read"
		return
	}
	s.touched(info)
	sum := reconciler.SumOf(data)
	s.manifests.Files = append(s.manifests.Files, reconciler.ManifestFile{Path: path, Data: data, Sum: sum})
	s.files = append(s.files, indexedFile(path, info, sum, s.began))
}

// readFile reads a file to its end, or just far enough to see that it is larger
// than a manifest may be.
func readFile(path string) ([]byte, fs.FileInfo, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), spec.MaxFileSize)) + bytes.MinRead)
	_, err = b.ReadFrom(io.LimitReader(f, spec.MaxFileSize+1))
	return b.Bytes(), info, err
}

// plainError is an error without the path that the place names already.
func plainError(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
