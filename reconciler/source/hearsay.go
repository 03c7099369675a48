package source

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/fsnotify/fsnotify"
)

// hearsay is what events told of since somebody last asked. It is believed only
// where nothing can have been lost: no event, no directory that was not watched.
type hearsay struct {
	asked bool // somebody asks
	paths map[string]bool
	doubt bool // there may be more than these
	stale bool // directories may have come or gone since they were listed: some may not be watched

	fence  *os.File // watched, and written to for the sake of the event; nil: there is none
	path   string   // by which it is watched
	passes chan struct{}
}

// maxHeard is how many paths are kept; of more, everything is looked at.
const maxHeard = maxDiffer

// fenceWait is how long the event of the fence may take.
const fenceWait = 2 * time.Second

// begin makes the fence: a file of ours that has no name any more. Events come in
// the order in which things happened, so once one comes that we caused, all of what
// happened before it have come.
func (h *hearsay) begin(notify *fsnotify.Watcher) {
	h.paths, h.doubt, h.passes = map[string]bool{}, true, make(chan struct{}, 1)
	f, err := os.CreateTemp("", "usher-*")
	if err != nil {
		return // without a fence everything is looked at
	}
	path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	if os.Remove(f.Name()) != nil || notify.Add(path) != nil {
		f.Close()
		return
	}
	h.fence, h.path = f, path
}

func (h *hearsay) end() {
	if h.fence != nil {
		h.fence.Close()
		h.fence = nil
	}
}

// add takes in one path.
func (h *hearsay) add(path string) {
	switch {
	case !h.asked:
	case len(h.paths) >= maxHeard:
		h.doubt = true
	default:
		h.paths[path] = true
	}
}

// passed reports whether an event is that of the fence, and lets through who waits.
func (h *hearsay) passed(path string) bool {
	if path != h.path || h.path == "" {
		return false
	}
	select {
	case h.passes <- struct{}{}:
	default:
	}
	return true
}

// pass waits until all has been heard that happened so far, and reports whether that
// is certain.
func (w *Watcher) pass(ctx context.Context) bool {
	w.mu.Lock()
	fence, passes := w.word.fence, w.word.passes
	if fence == nil || w.why != "" {
		w.mu.Unlock()
		return false
	}
	select {
	case <-passes: // of an earlier time
	default:
	}
	_, err := fence.WriteAt([]byte{0}, 0)
	w.mu.Unlock()
	if err != nil {
		return false
	}
	late := time.NewTimer(fenceWait)
	defer late.Stop()
	select {
	case <-passes:
		return true
	case <-ctx.Done():
	case <-late.C:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word.end() // an event that comes late would be taken for the next one
	return false
}

// take returns the paths that events told of since it was last asked, and whether
// nothing else can have changed.
func (w *Watcher) take(ctx context.Context) (paths []string, sound bool) {
	if w == nil || w.notify == nil {
		return nil, false
	}
	certain := w.pass(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	h := &w.word
	sound = certain && h.asked && !h.doubt && !h.stale
	for path := range h.paths {
		paths = append(paths, path)
	}
	h.asked, h.doubt, h.paths = true, false, map[string]bool{}
	h.stale = h.stale || !sound
	return paths, sound
}

// heard reports whether an event has told of a path by now that was not yet taken,
// or of more than paths say.
func (w *Watcher) heard(ctx context.Context, path string) bool {
	certain := w.pass(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	return !certain || w.word.doubt || w.word.paths[path]
}

// suspect has the next who asks look at everything.
func (w *Watcher) suspect() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.word.doubt = true
}

// relist has the next Sync list the directories anew.
func (w *Watcher) relist() {
	if w != nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.word.stale = true
	}
}

// suspected reports whether Sync has a reason to list the directories, which it then
// does.
func (w *Watcher) suspected() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	stale := w.word.stale || w.word.doubt || !w.word.asked
	w.word.stale = false
	return stale
}
