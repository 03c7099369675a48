package source

import (
	"context"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
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
