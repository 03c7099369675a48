package source

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"usher/reconciler"
	"usher/spec"
)

var _ reconciler.Follower = (*dir)(nil)

// Follow has a source keep what every manifest was when it was read, so that a look
// costs what differs: see [reconciler.Follower]. Of a folder, events tells which files
// may; where it is nil, or has not heard everything, the times of all files are
// looked at, and only what they tell apart is read. Of commits, the ids of their
// trees tell.
func Follow(s reconciler.Source, events *Watcher) {
	switch s := s.(type) {
	case *dir:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.follow, s.following.events = true, events
	case *Ref:
		s.mu.Lock()
		defer s.mu.Unlock()
		s.follow = true
	}
}

// following is what a tree is known to be.
type following struct {
	events  *Watcher        // nil: nobody tells of changes
	root    string          // where the tree was read, without symbolic links
	ledger  *ledger         // nil: it was not read yet
	tied    bool            // see scan
	folders []indexed       // see index; none where the last look was not at all of them
	doubt   bool            // more may differ from the ledger than events told of since
	base    string          // the digest of the tree that differ counts from
	differ  map[string]bool // paths of files that are, or were for a time, others than in that tree
	round   uint8           // of looks at the whole tree
}

// maxDiffer is how many files may differ before reading the whole tree is no more
// work.
const maxDiffer = 5000

// begin takes a whole reading for what the tree is, and returns its digest.
func (f *following) begin(s *scan) string {
	was := f.ledger
	f.ledger, f.root, f.tied, f.doubt = newLedger(s.files), s.root, s.tied, false
	f.folders = s.index("").folders
	digest := f.ledger.digest()
	if was == nil {
		f.base, f.differ = digest, map[string]bool{}
		return digest
	}
	for now := range f.ledger.each {
		if before := was.file(now.path); before == nil || before.sum != now.sum {
			f.differ[now.path] = true
		}
	}
	for before := range was.each {
		if f.ledger.file(before.path) == nil {
			f.differ[before.path] = true
		}
	}
	return digest
}

// index is what the index file is to hold; nil where that is not known.
func (f *following) index() *index {
	if f.ledger == nil || f.doubt {
		return nil
	}
	return &index{root: f.root, digest: f.ledger.digest(), folders: f.folders, files: f.ledger.inOrder()}
}

// Recall takes the tree for the one of the index file, if that is the one read before.
// What both it and the register say of a file is true of it, whoever wrote them and
// when; more may differ from that than anybody told of since.
func (d *dir) Recall(_ context.Context, was reconciler.Snapshot, files *spec.Register) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if was.Source != "dir" || was.Path != d.root || d.following.ledger != nil {
		return
	}
	known, err := d.readIndex()
	if err != nil || known.digest != was.Digest || len(known.files) != files.Files() {
		return
	}
	for i := range known.files {
		f := &known.files[i]
		sum, registered := files.Sum(f.path)
		if !registered || f.racy && f.sum != sum {
			return
		}
		f.sum = sum
	}
	ledger := newLedger(known.files)
	if ledger.digest() != was.Digest {
		return
	}
	d.follow = true
	f := &d.following
	f.ledger, f.root, f.doubt = ledger, known.root, true
	f.base, f.differ = was.Digest, map[string]bool{}
}

// Since returns how the tree differs from one that was read before.
func (d *dir) Since(ctx context.Context, was reconciler.Snapshot, thorough bool) *reconciler.Manifests {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, _ := d.since(ctx, was.Digest, thorough)
	return m
}

// again reads the tree in the same way as the first time.
func (d *dir) again(ctx context.Context, first *reconciler.Manifests) (*reconciler.Manifests, time.Time, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if first.Edit != nil {
		if m, newest := d.since(ctx, first.Edit.Since, false); m != nil {
			return m, newest, nil
		}
	}
	return d.read(ctx)
}

// since looks at what may differ from the tree of a digest, and returns when that
// changed last.
func (d *dir) since(ctx context.Context, digest string, thorough bool) (*reconciler.Manifests, time.Time) {
	f := &d.following
	if f.ledger == nil || !f.countFrom(digest) {
		return nil, time.Time{}
	}
	real, err := d.open()
	if err != nil || real != f.root {
		return nil, time.Time{}
	}
	told, sound := f.hear(ctx)
	f.folders = nil
	s := &scan{ctx: ctx, root: real, began: time.Now(), ledger: f.ledger, manifests: &reconciler.Manifests{}, read: map[string][]byte{}}
	plain, untold := sound && s.visit(told), 0
	if thorough || !plain {
		s.forget()
		untold = f.survey(s, told, plain)
	}
	if !plain || untold > 0 {
		f.events.relist()
	}
	if f.doubt = f.doubt || len(s.errs) > 0 || s.err != nil || gitAtWork(d.root) != nil; f.doubt {
		return nil, time.Time{}
	}
	f.enter(s)
	m := f.edit(s)
	if m == nil || len(s.errs) > 0 {
		return nil, time.Time{}
	}
	m.Snapshot = d.snapshot(f.ledger.digest())
	m.Edit.Since, m.Edit.Untold = f.base, untold
	m.Edit.Read = func(path string) ([]byte, error) {
		data, _, err := readFile(filepath.Join(real, filepath.FromSlash(path)))
		return data, err
	}
	return m, s.newest
}

// countFrom has what differs count from the tree of a digest, if that can be told.
func (f *following) countFrom(digest string) bool {
	if digest != f.base && digest == f.ledger.digest() {
		f.base, f.differ = digest, map[string]bool{}
	}
	return digest == f.base && len(f.differ) <= maxDiffer
}

// hear returns the paths that events told of, below the root, and whether those are
// all that can differ from the ledger. A file with several names may be written
// under one that nobody watches, and behind a link it is another that changes.
func (f *following) hear(ctx context.Context) (told []string, sound bool) {
	paths, sound := f.events.take(ctx)
	for _, path := range paths {
		below, err := filepath.Rel(f.root, path)
		if err != nil || !filepath.IsLocal(below) {
			sound = false // the root is reached by another way now
			continue
		}
		told = append(told, filepath.ToSlash(below))
	}
	return told, sound && !f.tied && !f.doubt
}

// visit looks at some paths, and reports whether the rest of the tree can be left
// out: not where a folder or a link came or went.
func (s *scan) visit(paths []string) bool {
	for _, path := range paths {
		if s.ctx.Err() != nil || !s.see(path) {
			return false
		}
	}
	return !s.tied
}

// see looks at one path.
func (s *scan) see(path string) bool {
	full := filepath.Join(s.root, filepath.FromSlash(path))
	if folder, err := os.Stat(filepath.Dir(full)); err == nil {
		s.touched(folder)
	}
	info, err := os.Lstat(full)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		s.gone = append(s.gone, path)
		return true
	case err != nil:
		return false
	case strings.HasPrefix(filepath.Base(full), "."):
		s.touched(info) // a manifest that a copier is still writing
		return true
	case !info.Mode().IsRegular():
		return false
	case isManifest(path):
		s.fetch(path)
	}
	return len(s.errs) == 0
}

// forget starts over.
func (s *scan) forget() {
	s.files, s.gone, s.errs, s.tied, s.read = nil, nil, nil, false, map[string][]byte{}
}

// stands reports whether a file is the one of the ledger, as far as times tell.
func (s *scan) stands(path string) bool {
	was := s.ledger.file(path)
	info, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(path)))
	if was == nil || err != nil || was.racy || !was.same(info) {
		return false
	}
	s.touched(info)
	s.tied = s.tied || !alone(info)
	was.round = s.round
	s.stood++
	return true
}

// survey looks at the times of all files, and returns how many differ that events
// should have told of and did not: they told of some files, and of nothing that can
// concern others.
func (f *following) survey(s *scan, told []string, plain bool) (untold int) {
	f.round++
	s.round = f.round
	s.directory("", nil)
	f.folders = s.index("").folders
	if s.stood+s.familiar(f.ledger) < f.ledger.files {
		for was := range f.ledger.each {
			if was.round != f.round && s.read[was.path] == nil {
				s.gone = append(s.gone, was.path)
			}
		}
	}
	if len(s.errs) == 0 && s.err == nil {
		f.doubt, f.tied = false, s.tied
	}
	if !plain {
		return 0
	}
	for _, path := range s.differing(f.ledger) {
		if !slices.Contains(told, path) && !f.events.heard(s.ctx, filepath.Join(f.root, filepath.FromSlash(path))) {
			untold++
		}
	}
	return untold
}

// familiar counts the files that were read and stood in the ledger before.
func (s *scan) familiar(l *ledger) (n int) {
	for i := range s.files {
		if l.file(s.files[i].path) != nil {
			n++
		}
	}
	return n
}

// differing lists what was found to differ from the ledger.
func (s *scan) differing(l *ledger) []string {
	var paths []string
	for i := range s.files {
		if was := l.file(s.files[i].path); was == nil || was.sum != s.files[i].sum {
			paths = append(paths, s.files[i].path)
		}
	}
	for _, path := range s.gone {
		if l.file(path) != nil {
			paths = append(paths, path)
		}
	}
	return paths
}

// enter puts into the ledger what was found.
func (f *following) enter(s *scan) {
	for _, path := range s.differing(f.ledger) {
		f.differ[path] = true
	}
	for _, path := range s.gone {
		f.ledger.remove(path)
	}
	for _, file := range s.files {
		file.round = f.round
		f.ledger.put(file)
	}
	s.files, s.gone = nil, nil
}

// edit reads what differs, as far as this look has not; nil where that cannot be
// read, or is too much.
func (f *following) edit(s *scan) *reconciler.Manifests {
	if len(f.differ) > maxDiffer {
		return nil
	}
	m := &reconciler.Manifests{Edit: &reconciler.Edit{}}
	for _, path := range slices.Sorted(maps.Keys(f.differ)) {
		if f.ledger.file(path) == nil {
			m.Edit.Gone = append(m.Edit.Gone, path)
			continue
		}
		if s.read[path] == nil {
			if s.fetch(path); s.read[path] == nil {
				f.doubt = true // it went, or may not be read, and an event of that is to come
				return nil
			}
		}
		m.Files = append(m.Files, reconciler.ManifestFile{Path: path, Data: s.read[path], Sum: reconciler.SumOf(s.read[path])})
	}
	f.enter(s)
	return m
}
