package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/fsnotify/fsnotify"
)

// Watcher tells when a directory may have changed. It promises nothing: events
// are lost when their queue overflows, when a directory comes back, on network
// file systems. So an event only says "look", a regular look finds what no event
// told of, and after each look the watches are set anew.
type Watcher struct {
	root  string          // absolute; the manifests below it, "" for none
	files func() []string // what else leads to the manifests: absolute; nil: nothing
	log   *slog.Logger
	dirty chan struct{}

	mu      sync.Mutex
	notify  *fsnotify.Watcher      // nil: polling
	watched map[string]fs.FileInfo // by path: which directory it was when its watch was set
	leads   map[string]bool        // links on the way to the root, and the root
	why     string                 // why it polls; "" while it watches
	word    hearsay
}

// Watch begins to watch the tree below root. Where the system cannot, the
// watcher says so in Polling and never reports anything.
func Watch(root string, log *slog.Logger) *Watcher {
	w := &Watcher{root: filepath.Clean(root), log: log}
	if abs, err := filepath.Abs(root); err == nil {
		w.root = abs
	}
	w.begin(w.root)
	return w
}

// begin prepares to watch what lies on the file system of a path.
func (w *Watcher) begin(path string) {
	w.dirty, w.watched = make(chan struct{}, 1), map[string]fs.FileInfo{}
	if w.why = silentFileSystem(path); w.why != "" {
		return
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.why = fmt.Sprintf("no file notification: %v; raise fs.inotify.max_user_instances", err)
		return
	}
	w.notify = notify
	w.word.begin(notify)
}

// Dirty receives after something may have changed.
func (w *Watcher) Dirty() <-chan struct{} { return w.dirty }

// Polling returns why changes are only found by looking, "" while they are told.
func (w *Watcher) Polling() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// Run reads events until ctx ends, and does nothing else: what reads slowly
// loses events.
func (w *Watcher) Run(ctx context.Context) {
	if w.notify == nil {
		<-ctx.Done()
		return
	}
	defer w.close()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.hear(e.Name) {
				w.mark()
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.log.Warn("watching the manifests", "error", err)
			}
			w.suspect()
			w.mark() // whatever was lost, a look finds it
		}
	}
}

func (w *Watcher) mark() {
	select {
	case w.dirty <- struct{}{}:
	default:
	}
}

// hear takes in one event, and reports whether it can matter: not editors' and
// copiers' own files, and outside the tree nothing but what leads to it.
func (w *Watcher) hear(path string) (matters bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := filepath.Base(path)
	switch {
	case w.word.passed(path):
		return false
	case w.leads[path]:
		w.word.doubt = true
		return true
	case w.watched[path] != nil, w.watched[filepath.Dir(path)] == nil: // a directory itself, or one no longer watched
		w.word.doubt = true
		return true
	case w.beside(filepath.Dir(path)):
		return false
	case name == "..data": // the link that a mounted ConfigMap is swapped by
		w.word.doubt = true
		return true
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"), strings.HasSuffix(name, ".swp"), name == "4913":
		if strings.Contains(name, ".yaml.") || strings.Contains(name, ".yml.") {
			w.word.add(path) // a copy under way: what it is part of has not come to rest
		}
		return false
	}
	w.word.add(path)
	return true
}

// beside reports whether a directory is watched only for what leads to the root.
func (w *Watcher) beside(dir string) bool {
	for path := range w.leads {
		if filepath.Dir(path) == dir {
			return true
		}
	}
	return false
}

// Sync watches the directories that there are now, those that lead to the tree
// among them, and forgets the ones that are gone. It is called after every look, and
// does nothing where whoever asks what events told of has no reason to doubt them.
func (w *Watcher) Sync() {
	if w.notify == nil || w.Polling() != "" || !w.suspected() {
		return
	}
	leads := w.leading()
	wanted := map[string]fs.FileInfo{}
	for path := range leads {
		if info, err := os.Stat(filepath.Dir(path)); err == nil {
			wanted[filepath.Dir(path)] = info
		}
	}
	if w.root != "" {
		if err := directories(w.root, wanted); err != nil {
			w.log.Debug("listing directories to watch", "error", err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.leads = leads
	w.forget(wanted)
	for path, info := range wanted {
		if w.watched[path] == nil && !w.add(path, info) {
			return
		}
	}
}

// forget drops the watches of directories that are gone, or are others now under
// the same name: deleted and made again, moved aside and replaced, behind a link
// that leads elsewhere.
func (w *Watcher) forget(wanted map[string]fs.FileInfo) {
	listed := map[string]bool{}
	for _, path := range w.notify.WatchList() {
		listed[path] = true
	}
	for path, was := range w.watched {
		is := wanted[path]
		if is != nil && listed[path] && os.SameFile(was, is) {
			continue
		}
		delete(w.watched, path)
		if listed[path] {
			w.notify.Remove(path) // an error means that it is gone already
		}
	}
}

// add watches one directory and reports whether the others can be as well.
func (w *Watcher) add(path string, info fs.FileInfo) bool {
	err := w.notify.Add(path)
	switch {
	case err == nil:
		w.watched[path] = info
		w.word.doubt = true
		w.mark() // what happened before the watch was set told nobody
		return true
	case errors.Is(err, fsnotify.ErrClosed):
		return false
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.ENOTDIR):
		return true // the look that follows meets it too, and says so
	}
	w.why = fmt.Sprintf("watching %s: %v", path, err)
	if errors.Is(err, syscall.ENOSPC) {
		w.why = "too many directories to watch; raise fs.inotify.max_user_watches"
	}
	w.word.end()
	w.notify.Close()
	return false
}

// close ends the watching.
func (w *Watcher) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word.end()
	w.notify.Close()
}

// leading is all whose change matters beside the tree of manifests itself.
func (w *Watcher) leading() map[string]bool {
	found := map[string]bool{}
	if w.root != "" {
		found = leads(w.root)
	}
	if w.files != nil {
		for _, file := range w.files() {
			maps.Copy(found, leads(file))
		}
	}
	return found
}

// leads are the names by which the root is reached: its own, and those of the
// links on the way to it, through links to links.
func leads(root string) map[string]bool {
	found := map[string]bool{root: true}
	var follow func(path string, depth int)
	follow = func(path string, depth int) {
		for at := path; at != filepath.Dir(at); at = filepath.Dir(at) {
			target, err := os.Readlink(at)
			if err != nil || found[at] && at != root || depth > maxLinks {
				continue
			}
			found[at] = true
			if !filepath.IsAbs(target) {
				target = filepath.Join(filepath.Dir(at), target)
			}
			follow(target, depth+1)
		}
	}
	follow(root, 0)
	return found
}

// maxLinks is how many links the kernel follows on one way.
const maxLinks = 40

// directories adds every directory below root that may hold manifests, through
// links that stay inside as well.
func directories(root string, into map[string]fs.FileInfo) error {
	inside, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	if inside != root {
		if info, err := os.Lstat(root); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			root = inside
		}
	}
	return walk(root, inside, into)
}

// walk adds the directories below one, and what lies inside and links lead to.
func walk(dir, inside string, into map[string]fs.FileInfo) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && path == dir:
			return err
		case err != nil: // one that cannot be read keeps none of the others unwatched
			return nil
		case e.Type()&fs.ModeSymlink != 0:
			return throughLink(path, inside, into)
		case !e.IsDir():
			return nil
		case path != dir && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		}
		if info, err := e.Info(); err == nil {
			into[path] = info
		}
		return nil
	})
}

// throughLink adds the directories that a link leads to, under their own names.
func throughLink(path, inside string, into map[string]fs.FileInfo) error {
	target, err := filepath.EvalSymlinks(path)
	if err != nil || into[target] != nil || !strings.HasPrefix(target+string(filepath.Separator), inside+string(filepath.Separator)) {
		return nil
	}
	if info, err := os.Stat(target); err != nil || !info.IsDir() {
		return nil
	}
	return walk(target, inside, into)
}

// Watchable says why a folder cannot be watched, "" where it can.
func Watchable(root string) string {
	w := Watch(root, slog.New(slog.DiscardHandler))
	w.Sync()
	if w.notify != nil {
		w.close()
	}
	return w.Polling()
}
