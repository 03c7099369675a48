package source_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"usher/reconciler"
	"usher/reconciler/source"
)

// vandal changes a tree in every way that a file system has.
type vandal struct {
	root  string
	links bool
	dice  *rand.Rand
	n     int
}

func (v *vandal) text() []byte {
	v.n++
	return fmt.Appendf(nil, "name: n%d\n", v.n)
}

// folder is one that may exist.
func (v *vandal) folder() string {
	return filepath.Join(v.root, []string{"", "a", "b", "a/c", "b/d/e"}[v.dice.IntN(5)])
}

func (v *vandal) file() string {
	return filepath.Join(v.folder(), fmt.Sprintf("f%d.yaml", v.dice.IntN(5)))
}

// strike does one thing. What cannot be done, because something is not there or in
// the way, is left.
func (v *vandal) strike() string {
	file, other := v.file(), v.file()
	deeds := []deed{
		{"save", func() { os.MkdirAll(filepath.Dir(file), 0o755); os.WriteFile(file, v.text(), 0o644) }},
		{"save by renaming", func() {
			temporary := filepath.Join(filepath.Dir(file), "."+filepath.Base(file)+".tmp")
			if os.WriteFile(temporary, v.text(), 0o644) == nil {
				os.Rename(temporary, file)
			}
		}},
		{"save in two goes", func() {
			if f, err := os.OpenFile(file, os.O_WRONLY|os.O_TRUNC, 0); err == nil {
				f.Write(v.text())
				time.Sleep(time.Millisecond)
				f.Write([]byte("more: 1\n"))
				f.Close()
			}
		}},
		{"save as it was", func() {
			if data, err := os.ReadFile(file); err == nil {
				os.WriteFile(file, data, 0o644)
			}
		}},
		{"rename", func() { os.Rename(file, other) }},
		{"delete", func() { os.Remove(file) }},
		{"chmod", func() { os.Chmod(file, 0o600) }},
		{"touch", func() { os.Chtimes(file, time.Unix(1, 0), time.Unix(1, 0)) }},
		{"no manifest", func() { os.WriteFile(file+"x", v.text(), 0o644) }},
		{"move a folder", func() { os.Rename(v.folder(), filepath.Join(v.root, "b", fmt.Sprint("moved", v.dice.IntN(2)))) }},
		{"move a folder out", func() {
			away := filepath.Join(filepath.Dir(v.root), fmt.Sprint("away", v.n))
			if os.Rename(filepath.Join(v.root, "b"), away) == nil && v.dice.IntN(2) == 0 {
				os.WriteFile(filepath.Join(away, "f1.yaml"), v.text(), 0o644) // nobody's business any more
				os.Rename(away, filepath.Join(v.root, "b"))
			}
		}},
		{"remove a folder", func() { os.RemoveAll(filepath.Join(v.root, "a/c")) }},
		{"make a folder anew", func() {
			os.RemoveAll(filepath.Join(v.root, "a"))
			os.MkdirAll(filepath.Join(v.root, "a/c"), 0o755)
			os.WriteFile(filepath.Join(v.root, "a/c/f0.yaml"), v.text(), 0o644)
		}},
	}
	if v.links {
		deeds = append(deeds, v.linking(file, other)...)
	}
	deed := deeds[v.dice.IntN(len(deeds))]
	deed.do()
	return deed.name
}

// deed is one thing to do to a tree.
type deed struct {
	name string
	do   func()
}

func (v *vandal) linking(file, other string) []deed {
	return []deed{
		{"link to a file", func() { os.Symlink(filepath.Base(other), filepath.Join(filepath.Dir(other), "link.yaml")) }},
		{"link to a folder", func() { os.Symlink("../b", filepath.Join(v.root, "a", "there")) }},
		{"another name", func() { os.Link(file, other) }},
		{"unlink", func() {
			filepath.WalkDir(v.root, func(path string, e os.DirEntry, err error) error {
				if err == nil && e.Type()&os.ModeSymlink != 0 {
					os.Remove(path)
				}
				return nil
			})
		}},
	}
}

// mend removes links that lead nowhere, so that the tree can be read.
func (v *vandal) mend() {
	filepath.WalkDir(v.root, func(path string, e os.DirEntry, err error) error {
		if err == nil && e.Type()&os.ModeSymlink != 0 {
			if _, err := filepath.EvalSymlinks(path); err != nil {
				os.Remove(path)
			}
		}
		return nil
	})
}

// TestEditsLeadToTheTree: whatever happens to a folder while it is followed, the
// edits that events or the times of files lead to add up to what somebody finds who
// reads all of it.
func TestEditsLeadToTheTree(t *testing.T) {
	for _, c := range []struct {
		name   string
		links  bool
		resync time.Duration
	}{
		{"told", false, time.Hour},
		{"told, with links", true, time.Hour},
		{"told and looking", true, 70 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			seed := uint64(time.Now().UnixNano())
			v := &vandal{root: plainTree(t, t.TempDir()), links: c.links, dice: rand.New(rand.NewPCG(seed, 0))}
			f := follow(t, v.root, true, c.resync, 10*time.Millisecond)
			var done []string
			for range 150 {
				for range 1 + v.dice.IntN(4) {
					done = append(done, v.strike())
					time.Sleep(time.Duration(v.dice.IntN(5)) * time.Millisecond)
				}
				v.mend()
				if !f.arrives(t) {
					t.Fatalf("seed %d: after %s: not at the tree there is", seed, strings.Join(done, ", "))
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			if f.edits < len(f.acted)/2 {
				t.Errorf("of %d trees %d were read as edits", len(f.acted), f.edits)
			}
			if f.untold > 0 {
				t.Errorf("seed %d: of %d files nothing told", seed, f.untold)
			}
			t.Logf("of %d trees %d were read as edits", len(f.acted), f.edits)
		})
	}
}

// arrives waits until the follower is at the tree that there is, and reports whether
// it came there.
func (f *follower) arrives(t *testing.T) bool {
	t.Helper()
	want := f.reading(t)
	for deadline := time.Now().Add(10 * time.Second); f.last() == nil || f.last().Digest != want.Digest; {
		if time.Now().After(deadline) {
			return false
		}
		time.Sleep(2 * time.Millisecond)
	}
	f.isAt(t, want)
	return !t.Failed()
}

// A write through a mapping tells nobody. The next look at all files finds it, and
// says that nothing had told.
func TestWhatNothingToldOfIsFound(t *testing.T) {
	root := plainTree(t, t.TempDir())
	f := follow(t, root, true, 300*time.Millisecond, 10*time.Millisecond)
	f.wants(t, 1)
	time.Sleep(2500 * time.Millisecond) // until the file counts as read long after it was written
	file, err := os.OpenFile(filepath.Join(root, "users/bo.yaml"), os.O_RDWR, 0)
	must(t, err)
	defer file.Close()
	m, err := unix.Mmap(int(file.Fd()), 0, 4, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	must(t, err)
	m[0] = 'N'
	must(t, unix.Msync(m, unix.MS_SYNC), unix.Munmap(m))
	f.wants(t, 2)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.untold != 1 {
		t.Errorf("files of which nothing told: got %d, want 1", f.untold)
	}
}

// What an edit does not carry can be read beside it.
func TestEditReadsTheRest(t *testing.T) {
	root := plainTree(t, t.TempDir())
	f := follow(t, root, true, time.Hour, 10*time.Millisecond)
	f.wants(t, 1)
	time.Sleep(50 * time.Millisecond)
	put(t, filepath.Join(root, "users/ada.yaml"), "name: Ada\n")
	f.wants(t, 2)
	m := f.last()
	if m.Edit == nil {
		t.Fatal("the whole tree was read")
	}
	var paths []string
	for _, file := range m.Files {
		paths = append(paths, file.Path+": "+string(file.Data))
	}
	if diff := cmp.Diff([]string{"users/ada.yaml: name: Ada\n"}, paths); diff != "" {
		t.Errorf("files of the edit (-want +got):\n%s", diff)
	}
	if data, err := m.Edit.Read("users/bo.yaml"); err != nil || string(data) != "name: users/bo.yaml\n" {
		t.Errorf("the rest: %q, %v", data, err)
	}
}

// The digest of a tree is the same however it came about.
func TestDigestOfEdits(t *testing.T) {
	root := plainTree(t, t.TempDir())
	f := follow(t, root, true, time.Hour, 10*time.Millisecond)
	f.wants(t, 1)
	first := f.last().Digest
	time.Sleep(50 * time.Millisecond)
	for i := range 300 {
		put(t, filepath.Join(root, fmt.Sprintf("users/u%d.yaml", i)), "x")
	}
	f.arrives(t)
	for i := range 300 {
		must(t, os.Remove(filepath.Join(root, fmt.Sprintf("users/u%d.yaml", i))))
	}
	f.arrives(t)
	if got := f.last().Digest; got != first {
		t.Errorf("there and back the digest is %s, was %s", got, first)
	}
	if !slices.ContainsFunc(f.acted, func(m *reconciler.Manifests) bool { return m.Edit != nil }) {
		t.Error("no edit was made")
	}
}

// A look comes after all that happened before it, however late events are.
func TestWhatWasSavedIsSeenAtOnce(t *testing.T) {
	root := plainTree(t, t.TempDir())
	w := source.Watch(root, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	d := source.Dir(root, source.Options{Settle: 0})
	source.Follow(d, w)
	w.Sync()
	m, err := d.Snapshot(ctx)
	must(t, err)
	for i := range 300 {
		for j := range 10 {
			put(t, filepath.Join(root, fmt.Sprintf("users/u%d.yaml", j)), fmt.Sprint(i))
		}
		next := d.(reconciler.Follower).Since(ctx, m.Snapshot, false)
		if next == nil || len(next.Files) != 10 {
			t.Fatalf("look %d: %v, want 10 files", i, next)
		}
		m = next
	}
}
