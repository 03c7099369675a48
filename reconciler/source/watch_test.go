package source_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
)

// stillFor is how long trees of these tests must have stood still.
const stillFor = 500 * time.Millisecond

// follower reads a tree as the reconciler's loop does: an event or the time makes
// it look, and what differs is acted on once it stands still.
type follower struct {
	stranger func() reconciler.Source // what reads the tree without knowing anything of it
	source   reconciler.Source
	watcher  *source.Watcher // nil: nothing tells of changes
	resync   time.Duration

	mu     sync.Mutex
	acted  []*reconciler.Manifests
	tree   map[string]reconciler.ManifestSum // by path: what was acted on, edit after edit
	edits  int                               // readings that were not of the whole tree
	untold int
}

func follow(t *testing.T, root string, watch bool, resync, stillness time.Duration) *follower {
	t.Helper()
	f := &follower{source: source.Dir(root, source.Options{Settle: stillness}), resync: resync}
	f.stranger = func() reconciler.Source { return source.Dir(root, source.Options{}) }
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	if watch {
		f.watcher = source.Watch(root, slog.New(slog.DiscardHandler))
		if why := f.watcher.Polling(); why != "" {
			t.Fatalf("this machine tells of no changes: %s", why)
		}
		running.Go(func() { f.watcher.Run(ctx) })
	}
	source.Follow(f.source, f.watcher)
	running.Go(func() { f.run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return f
}

func (f *follower) run(ctx context.Context) {
	var dirty <-chan struct{}
	if f.watcher != nil {
		dirty = f.watcher.Dirty()
		f.watcher.Sync()
	}
	for idle := true; ; {
		wait := f.resync
		if !f.look(ctx, idle) {
			wait = min(wait, 50*time.Millisecond)
		}
		if f.watcher != nil {
			f.watcher.Sync()
		}
		idle = false
		select {
		case <-ctx.Done():
			return
		case <-dirty:
		case <-time.After(wait):
			idle = true
		}
	}
}

// look reports whether the tree could be read.
func (f *follower) look(ctx context.Context, thorough bool) bool {
	m, err := f.read(ctx, thorough)
	if err != nil {
		return false
	}
	if last := f.last(); last != nil && last.Digest == m.Digest {
		return true
	}
	if m, err = f.source.Settled(ctx, m); err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.acted) == 0 || f.acted[len(f.acted)-1].Digest != m.Digest {
		f.acted = append(f.acted, m)
		f.carryOut(m)
	}
	return true
}

// read reads what differs from the tree that was acted on last, if the source can.
func (f *follower) read(ctx context.Context, thorough bool) (*reconciler.Manifests, error) {
	last := f.last()
	if source, ok := f.source.(reconciler.Follower); ok && last != nil {
		if m := source.Since(ctx, last.Snapshot, thorough); m != nil {
			f.mu.Lock()
			f.untold += m.Edit.Untold
			f.mu.Unlock()
			return m, nil
		}
	}
	return f.source.Snapshot(ctx)
}

// carryOut makes the tree what it is by now.
func (f *follower) carryOut(m *reconciler.Manifests) {
	if m.Edit == nil {
		f.tree = map[string]reconciler.ManifestSum{}
	} else {
		f.edits++
		for _, path := range m.Edit.Gone {
			delete(f.tree, path)
		}
	}
	for _, file := range m.Files {
		f.tree[file.Path] = reconciler.SumOf(file.Data)
	}
}

func (f *follower) last() *reconciler.Manifests {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.acted) == 0 {
		return nil
	}
	return f.acted[len(f.acted)-1]
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.acted)
}

// wants waits until the follower has acted on the tree that there is now, and
// checks that this was the nth it acted on: nothing before it was half of it.
func (f *follower) wants(t *testing.T, n int) {
	t.Helper()
	want := f.reading(t)
	deadline := time.Now().Add(20 * time.Second)
	for f.last() == nil || f.last().Digest != want.Digest {
		if time.Now().After(deadline) {
			t.Fatalf("the tree was not acted on; %d others were", f.count())
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got := f.count(); got != n {
		t.Errorf("trees acted on: got %d, want %d: half of a change was acted on", got, n)
	}
	f.isAt(t, want)
}

// reading reads the tree as somebody does who knows nothing of it.
func (f *follower) reading(t *testing.T) *reconciler.Manifests {
	t.Helper()
	m, err := f.stranger().Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// isAt checks that the edits led to a tree, file by file.
func (f *follower) isAt(t *testing.T, m *reconciler.Manifests) {
	t.Helper()
	want := map[string]reconciler.ManifestSum{}
	for _, file := range m.Files {
		want[file.Path] = file.Sum
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if diff := cmp.Diff(want, f.tree); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func put(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// must fails the test on the first of the errors.
func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@acme.example", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@acme.example")
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// change is one way in which people and programs change a tree.
type change struct {
	name  string
	setup func(t *testing.T, base string) (root string)
	make  func(t *testing.T, base string)
	later string // a file below base that is changed afterwards: it must be noticed as well
}

func plainTree(t *testing.T, base string) string {
	root := filepath.Join(base, "manifests")
	for _, name := range []string{"firm.yaml", "users/ada.yaml", "users/bo.yaml"} {
		put(t, filepath.Join(root, name), "name: "+name+"\n")
	}
	return root
}

const (
	adaFile = "manifests/users/ada.yaml"
	lines   = "kind: User\nname: ada\nlast: Lovelace\n"
)

func changes() []change {
	list := []change{
		{"saved by an editor that keeps a backup", plainTree, editorWithBackup, adaFile},
		{"sed in place", plainTree, func(t *testing.T, base string) {
			command(t, base, "sed", "-i", "s/ada/byron/", adaFile)
		}, adaFile},
		{"an editor's atomic rename", plainTree, func(t *testing.T, base string) {
			put(t, filepath.Join(base, "manifests/users/.ada.yaml.tmp"), lines)
			must(t, os.Rename(filepath.Join(base, "manifests/users/.ada.yaml.tmp"), filepath.Join(base, adaFile)))
		}, adaFile},
		{"cp -r", plainTree, func(t *testing.T, base string) {
			for i := range 60 {
				put(t, filepath.Join(base, "elsewhere", fmt.Sprint("d", i%6), fmt.Sprintf("u%d.yaml", i)), lines)
			}
			command(t, base, "cp", "-r", "elsewhere", "manifests/teams")
		}, "manifests/teams/d3/u3.yaml"},
		{"a copier in slow motion, with names of its own", plainTree, slowCopier, "manifests/copied/u3.yaml"},
		{"files written in slow motion", plainTree, slowWriter, "manifests/users/w3.yaml"},
		{"git pull with deletions", gitClone, func(t *testing.T, base string) {
			command(t, base+"/origin", "git", "rm", "-q", "users/u1.yaml", "users/u2.yaml", "old/x.yaml")
			put(t, base+"/origin/users/u3.yaml", lines)
			command(t, base+"/origin", "git", "commit", "-qam", "fewer")
			command(t, base+"/manifests", "git", "pull", "-q")
		}, "manifests/users/u3.yaml"},
		{"a mounted ConfigMap", configMap, func(t *testing.T, base string) {
			put(t, filepath.Join(base, "manifests/..v2/ada.yaml"), lines)
			put(t, filepath.Join(base, "manifests/..v2/bo.yaml"), lines)
			must(t, os.Symlink("..v2", filepath.Join(base, "manifests/..data_tmp")),
				os.Rename(filepath.Join(base, "manifests/..data_tmp"), filepath.Join(base, "manifests/..data")))
		}, "manifests/new.yaml"},
		{"a directory deleted and made again", plainTree, func(t *testing.T, base string) {
			must(t, os.RemoveAll(filepath.Join(base, "manifests/users")))
			time.Sleep(stillFor / 8)
			put(t, filepath.Join(base, adaFile), lines)
		}, adaFile},
		{"the root deleted and made again", plainTree, func(t *testing.T, base string) {
			must(t, os.RemoveAll(filepath.Join(base, "manifests")))
			time.Sleep(stillFor / 8)
			put(t, filepath.Join(base, adaFile), lines)
		}, adaFile},
		{"the root moved aside and replaced", plainTree, func(t *testing.T, base string) {
			put(t, filepath.Join(base, "next/users/ada.yaml"), lines)
			must(t, os.Rename(filepath.Join(base, "manifests"), filepath.Join(base, "former")),
				os.Rename(filepath.Join(base, "next"), filepath.Join(base, "manifests")))
		}, adaFile},
		{"a root that is a link, led elsewhere", func(t *testing.T, base string) string {
			return linked(t, base, "current")
		}, swapLink, "current/manifests/users/ada.yaml"},
		{"a link on the way to the root, led elsewhere", func(t *testing.T, base string) string {
			return filepath.Join(linked(t, base, "current"), "manifests")
		}, swapLink, "current/manifests/users/ada.yaml"},
		{"a link to a link, led elsewhere", func(t *testing.T, base string) string {
			linked(t, base, "current")
			must(t, os.Symlink("current/manifests", filepath.Join(base, "alias")))
			return filepath.Join(base, "alias")
		}, swapLink, "alias/users/ada.yaml"},
		{"new directories within each other", plainTree, func(t *testing.T, base string) {
			put(t, filepath.Join(base, "manifests/a/b/c/d/deep.yaml"), lines)
		}, "manifests/a/b/c/d/deep.yaml"},
	}
	if _, err := exec.LookPath("vim"); err == nil {
		list = append(list, change{"saved by vim", plainTree, func(t *testing.T, base string) {
			command(t, base, "vim", "-es", "-u", "NONE", "-c", "set backup writebackup", "-c", "%s/ada/byron/", "-c", "wq", adaFile)
		}, adaFile})
	}
	if _, err := exec.LookPath("rsync"); err == nil {
		list = append(list, change{"rsync", plainTree, func(t *testing.T, base string) {
			for i := range 20 {
				put(t, filepath.Join(base, "elsewhere", fmt.Sprintf("u%d.yaml", i)), lines)
			}
			command(t, base, "rsync", "-a", "elsewhere/", "manifests/copied")
		}, "manifests/copied/u3.yaml"})
	}
	return list
}

// editorWithBackup saves a file as vim does.
func editorWithBackup(t *testing.T, base string) {
	file := filepath.Join(base, adaFile)
	swap := filepath.Join(filepath.Dir(file), ".ada.yaml.swp")
	put(t, swap, "swap")
	put(t, filepath.Join(filepath.Dir(file), "4913"), "")
	must(t, os.Remove(filepath.Join(filepath.Dir(file), "4913")), os.Rename(file, file+"~"))
	put(t, file, lines)
	must(t, os.Remove(file+"~"), os.Remove(swap))
}

// slowCopier writes files under names of its own and renames them when complete,
// as rsync does, and takes longer for all than a tree must stand still.
func slowCopier(t *testing.T, base string) {
	dir := filepath.Join(base, "manifests/copied")
	for i := range 6 {
		temporary := filepath.Join(dir, fmt.Sprintf(".u%d.yaml.Xa3b", i))
		for n := range 4 {
			put(t, temporary, lines[:len(lines)*(n+1)/4])
			time.Sleep(stillFor / 8)
		}
		must(t, os.Rename(temporary, filepath.Join(dir, fmt.Sprintf("u%d.yaml", i))))
	}
}

// slowWriter writes files piece by piece under their own names.
func slowWriter(t *testing.T, base string) {
	for i := range 6 {
		for n := range 4 {
			put(t, filepath.Join(base, fmt.Sprintf("manifests/users/w%d.yaml", i)), lines[:len(lines)*(n+1)/4])
			time.Sleep(stillFor / 8)
		}
	}
}

func gitClone(t *testing.T, base string) string {
	for _, name := range []string{"users/u0.yaml", "users/u1.yaml", "users/u2.yaml", "old/x.yaml"} {
		put(t, filepath.Join(base, "origin", name), "name: "+name+"\n")
	}
	command(t, base+"/origin", "git", "init", "-q", "-b", "main")
	command(t, base+"/origin", "git", "add", ".")
	command(t, base+"/origin", "git", "commit", "-qm", "first")
	command(t, base, "git", "clone", "-q", "origin", "manifests")
	return filepath.Join(base, "manifests")
}

// configMap lays a tree out as Kubernetes mounts it.
func configMap(t *testing.T, base string) string {
	root := filepath.Join(base, "manifests")
	for _, name := range []string{"ada.yaml", "bo.yaml"} {
		put(t, filepath.Join(root, "..v1", name), "name: "+name+"\n")
		must(t, os.Symlink("..data/"+name, filepath.Join(root, name)))
	}
	must(t, os.Symlink("..v1", filepath.Join(root, "..data")))
	return root
}

// linked makes a tree behind a link, as git-sync does.
func linked(t *testing.T, base, name string) string {
	put(t, filepath.Join(base, ".trees/1/manifests/users/ada.yaml"), "name: ada\n")
	must(t, os.Symlink(".trees/1", filepath.Join(base, name)))
	return filepath.Join(base, name)
}

func swapLink(t *testing.T, base string) {
	put(t, filepath.Join(base, ".trees/2/manifests/users/ada.yaml"), lines)
	must(t, os.Symlink(".trees/2", filepath.Join(base, "next")),
		os.Rename(filepath.Join(base, "next"), filepath.Join(base, "current")))
}

// Every way to change a tree is noticed by what the file system tells, and where
// it tells nothing by looking; no half of a change is acted on.
func TestEveryChangeIsNoticed(t *testing.T) {
	modes := []struct {
		name   string
		watch  bool
		resync time.Duration
	}{{"told", true, time.Hour}, {"looking", false, 100 * time.Millisecond}}
	var running sync.WaitGroup // all at once: they mostly wait
	defer running.Wait()
	for _, mode := range modes {
		for _, c := range changes() {
			running.Go(func() {
				t.Run(mode.name+"/"+c.name, func(t *testing.T) {
					base := t.TempDir()
					f := follow(t, c.setup(t, base), mode.watch, mode.resync, stillFor)
					f.wants(t, 1)
					time.Sleep(stillFor / 2) // watches are set after the look
					c.make(t, base)
					f.wants(t, 2)
					time.Sleep(stillFor / 2)
					put(t, filepath.Join(base, c.later), "name: later\n")
					f.wants(t, 3)
				})
			})
		}
	}
}

// A tree named by a relative path, "." among them, is watched like any other.
func TestRelativeRootIsWatched(t *testing.T) {
	base := t.TempDir()
	plainTree(t, base)
	for _, root := range []string{".", "users", "../manifests"} {
		t.Run(root, func(t *testing.T) {
			t.Chdir(filepath.Join(base, "manifests"))
			f := follow(t, root, true, time.Hour, stillFor)
			f.wants(t, 1)
			time.Sleep(stillFor / 2)
			put(t, filepath.Join(root, "ada.yaml"), root)
			f.wants(t, 2)
		})
	}
}

// What editors leave behind, and what lies beside the tree, wakes nobody.
func TestNothingElseIsNoticed(t *testing.T) {
	base := t.TempDir()
	root := plainTree(t, base)
	w := source.Watch(root, slog.New(slog.DiscardHandler))
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { w.Run(ctx) })
	defer running.Wait()
	defer stop()
	w.Sync()
	<-w.Dirty() // of the watches just set
	for _, name := range []string{"beside.yaml", "manifests/.ada.yaml.swp", "manifests/ada.yaml~", "manifests/users/4913"} {
		put(t, filepath.Join(base, name), "x")
	}
	select {
	case <-w.Dirty():
		t.Error("woken by what is no manifest")
	case <-time.After(200 * time.Millisecond):
	}
	put(t, filepath.Join(root, "new.yaml"), "x")
	select {
	case <-w.Dirty():
	case <-time.After(10 * time.Second):
		t.Error("not woken by a manifest")
	}
}

// A link that leads out of the tree is refused when read, and is not watched: it
// might lead to the whole disk.
func TestLinksOutOfTheTreeAreNotWatched(t *testing.T) {
	base := t.TempDir()
	root := plainTree(t, base)
	put(t, filepath.Join(base, "outside/deep/x.yaml"), "x")
	must(t, os.Symlink("../outside", filepath.Join(root, "out")))
	w := source.Watch(root, slog.New(slog.DiscardHandler))
	w.Sync()
	defer w.Run(ended())
	got := source.Watches(w)
	want := []string{base, root, filepath.Join(root, "users")}
	if !slices.Equal(got, want) {
		t.Errorf("watched: got %q, want %q", got, want)
	}
}

// ended is a context that has ended: to run a watcher with it closes the watcher.
func ended() context.Context {
	ctx, stop := context.WithCancel(context.Background())
	stop()
	return ctx
}
