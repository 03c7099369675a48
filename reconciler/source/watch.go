package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/fsnotify/fsnotify"
)

// Watcher tells when a directory may have changed. It promises nothing: events
// are lost when their queue overflows, when a directory comes back, on network
// file systems. So an event only says "look", a regular look finds what no event
// told of, and after each look the watches are set anew.
type Watcher struct {
	root  string
	log   *slog.Logger
	dirty chan struct{}

	mu      sync.Mutex
	notify  *fsnotify.Watcher // nil: polling
	watched map[string]bool
	why     string // why it polls; "" while it watches
}

// Watch begins to watch the tree below root. Where the system cannot, the
// watcher says so in Polling and never reports anything.
func Watch(root string, log *slog.Logger) *Watcher {
	w := &Watcher{root: filepath.Clean(root), log: log, dirty: make(chan struct{}, 1), watched: map[string]bool{}}
	if reason := silentFileSystem(root); reason != "" {
		w.why = reason
		return w
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		w.why = fmt.Sprintf("no file notification: %v", err)
		return w
	}
	w.notify = notify
	return w
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
	defer w.notify.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case e, ok := <-w.notify.Events:
			if !ok {
				return
			}
			if w.concerns(e.Name) {
				w.mark()
			}
		case err, ok := <-w.notify.Errors:
			if !ok {
				return
			}
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				w.log.Warn("watching the manifests", "error", err)
			}
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

// concerns reports whether an event can matter: not editors' and copiers' own
// files, and beside the tree nothing but the tree itself.
func (w *Watcher) concerns(path string) bool {
	name := filepath.Base(path)
	switch {
	case path == w.root:
		return true
	case filepath.Dir(path) == filepath.Dir(w.root):
		return false
	case name == "..data": // the link that a mounted ConfigMap is swapped by
		return true
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "~"), strings.HasSuffix(name, ".swp"), name == "4913":
		return false
	}
	return true
}

// Sync watches the directories that there are now, the tree's parent among them,
// and forgets the ones that are gone. It is called after every look.
func (w *Watcher) Sync() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.notify == nil || w.why != "" {
		return
	}
	wanted := map[string]bool{filepath.Dir(w.root): true}
	if err := directories(w.root, wanted); err != nil {
		w.log.Debug("listing directories to watch", "error", err)
	}
	// A directory that was deleted and made again has the same name and no watch:
	// what the notifier itself still lists is what counts.
	listed := map[string]bool{}
	for _, path := range w.notify.WatchList() {
		listed[path] = true
		if !wanted[path] {
			w.notify.Remove(path)
		}
	}
	for path := range wanted {
		if listed[path] {
			continue
		}
		if err := w.notify.Add(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			w.why = fmt.Sprintf("watching %s: %v; raise fs.inotify.max_user_watches", path, err)
			w.notify.Close()
			return
		}
		w.mark() // what happened before the watch was set told nobody
	}
}

// directories adds every directory below root that may hold manifests, through
// links as well.
func directories(root string, into map[string]bool) error {
	return filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.Type()&fs.ModeSymlink != 0:
			target, err := filepath.EvalSymlinks(path)
			if err != nil || into[target] {
				return nil
			}
			if info, err := os.Stat(target); err == nil && info.IsDir() {
				return directories(target, into)
			}
			return nil
		case !e.IsDir():
			return nil
		case path != root && strings.HasPrefix(e.Name(), "."):
			return fs.SkipDir
		case into[path]:
			return fs.SkipDir
		}
		into[path] = true
		return nil
	})
}

// Watchable says why a folder cannot be watched, "" where it can.
func Watchable(root string) string {
	w := Watch(root, slog.New(slog.DiscardHandler))
	w.Sync()
	if w.notify != nil {
		w.notify.Close()
	}
	return w.Polling()
}
