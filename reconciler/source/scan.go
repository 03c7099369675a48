package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"usher/reconciler"
	"usher/spec"
)

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
	unread    []string  // files that are to be read: see fetchAll
	files     []indexed // in the order of the walk
	known     *index    // the tree is compared with it, and not read; nil: it is read
	aged      bool      // a file of known is no longer racy
	tied      bool      // a manifest is reached by a link, or is one file with several names
	linked    bool      // there is a symbolic link, wherever it leads
	folders   []indexed // that were listed

	ledger *ledger           // what differs from it is read, and nothing else; nil: all is
	read   map[string][]byte // by path, with a ledger: what was read
	gone   []string          // paths with no file any more
	round  uint8             // of looks, marks the files of the ledger that stand
	stood  int               // how many do
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
		s.folders = append(s.folders, indexedFile(path, info, reconciler.ManifestSum{}, s.began))
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
	s.fetchAll()
}

func (s *scan) touched(info fs.FileInfo) {
	if at := changedAt(info); at.After(s.newest) {
		s.newest = at
	}
}

func (s *scan) entry(path string, e fs.DirEntry, links []string) {
	kind := e.Type()
	if kind&fs.ModeSymlink != 0 {
		s.linked = true
		target, info := s.link(path, links)
		if info == nil {
			return
		}
		kind = info.Mode().Type()
		links = append(slices.Clip(links), target)
		s.tied = true
	}
	switch {
	case kind.IsDir() && isManifest(e.Name()):
		s.fail(path, "not-a-file", "a directory with the name of a manifest").Hint = "rename it: names that end in .yaml or .yml are for files"
	case kind.IsDir():
		s.fetchAll() // files come in the order of the walk
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
	if s.ledger == nil {
		s.unread = append(s.unread, path)
		return
	}
	if !s.stands(path) {
		s.fetch(path)
	}
}

// fetch reads a file.
func (s *scan) fetch(path string) { s.enter(path, s.reading(path)) }

// fetchAll reads the files that the walk came by, side by side: most of the time goes
// to opening them.
func (s *scan) fetchAll() {
	if len(s.unread) == 0 {
		return
	}
	readings := make([]reading, len(s.unread))
	next := make(chan int)
	var readers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(readings)) {
		readers.Go(func() {
			for i := range next {
				readings[i] = s.reading(s.unread[i])
			}
		})
	}
	for i := range readings {
		next <- i
	}
	close(next)
	readers.Wait()
	for i, r := range readings {
		s.enter(s.unread[i], r)
	}
	s.unread = s.unread[:0]
	if s.err == nil {
		s.err = s.ctx.Err()
	}
}

// reading is a file that was read, or the error.
type reading struct {
	data []byte
	info fs.FileInfo
	sum  reconciler.ManifestSum
	err  error
}

// reading reads a file, unless nobody waits for it any more.
func (s *scan) reading(path string) reading {
	if err := s.ctx.Err(); err != nil {
		return reading{err: err}
	}
	data, info, err := readFile(filepath.Join(s.root, filepath.FromSlash(path)))
	if err != nil {
		return reading{err: err}
	}
	return reading{data: data, info: info, sum: reconciler.SumOf(data)}
}

// enter notes a file that was read.
func (s *scan) enter(path string, r reading) {
	if r.err != nil {
		s.fail(path, "unreadable", "cannot be read: %v", plainError(r.err)).Hint = "nothing is applied while a part of the tree cannot be read"
		return
	}
	data, info, sum := r.data, r.info, r.sum
	s.touched(info)
	s.tied = s.tied || !alone(info)
	if s.ledger == nil {
		s.manifests.Files = append(s.manifests.Files, reconciler.ManifestFile{Path: path, Data: data, Sum: sum})
	} else {
		s.read[path] = data
	}
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
