package source

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"usher/reconciler"
)

// index is what an index keeps of a whole scan that went well. What a link leads to
// may change while the folder of the link does not, so with any the folders have to be
// listed again.
func (s *scan) index(digest string) *index {
	x := &index{root: s.root, digest: digest, folders: s.folders, files: s.files}
	if s.linked {
		x.folders = nil
	}
	return x
}

// tells reports whether times alone can tell that everything is as it was: whether
// folders are known, and nothing is racy.
func (x *index) tells() bool {
	racy := func(f indexed) bool { return f.racy }
	return len(x.folders) > 0 && !slices.ContainsFunc(x.folders, racy) && !slices.ContainsFunc(x.files, racy)
}

// LookAhead has a source begin with what Glance will ask, while the caller finds out
// what to ask it about. Of a folder that is the times of everything in it.
func LookAhead(ctx context.Context, s reconciler.Source) {
	d, ok := s.(*dir)
	if !ok {
		return
	}
	ahead := make(chan glanced, 1)
	d.ahead = ahead
	go func() { ahead <- d.look(ctx) }()
}

// glanced is what a look at times told.
type glanced struct {
	began  time.Time
	known  *index // nil: there is none that can be used now
	stands bool   // everything is as it is known
}

// glanced is what LookAhead saw, once, or what is to be seen now.
func (d *dir) glanced(ctx context.Context) glanced {
	if ahead := d.ahead; ahead != nil {
		d.ahead = nil
		return <-ahead
	}
	return d.look(ctx)
}

func (d *dir) look(ctx context.Context) glanced {
	g := glanced{began: time.Now()}
	known, err := d.readIndex()
	if err != nil || gitAtWork(d.root) != nil {
		return g
	}
	g.known, g.stands = known, known.stands(ctx)
	return g
}

// stands reports whether every folder and every file is as it was, as far as times
// tell. Then nothing else is in those folders either: no name comes or goes without
// the times of its folder. They are looked at side by side, each by its name; false
// says no more than that the folders have to be listed.
func (x *index) stands(ctx context.Context) bool {
	if !x.tells() {
		return false
	}
	root, err := os.Open(x.root)
	if err != nil {
		return false
	}
	defer root.Close()
	var differs atomic.Bool
	var lookers sync.WaitGroup
	cores := runtime.GOMAXPROCS(0)
	for core := range cores {
		lookers.Go(func() {
			for _, entries := range [][]indexed{x.folders, x.files} {
				for i := core; i < len(entries) && !differs.Load(); i += cores {
					if !entries[i].standsBelow(root) || ctx.Err() != nil {
						differs.Store(true)
					}
				}
			}
		})
	}
	lookers.Wait()
	return !differs.Load()
}
