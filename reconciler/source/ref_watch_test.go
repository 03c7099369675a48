package source_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
)

// followRef follows a ref. With an hour between looks, only what is told of a
// change is found.
func followRef(t *testing.T, path, ref string) *follower {
	t.Helper()
	r, err := source.OpenRepository(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{source: source.NewRef(r, ref, ""), resync: time.Hour, watcher: source.WatchRef(r, ref, slog.New(slog.DiscardHandler))}
	if why := f.watcher.Polling(); why != "" {
		t.Fatalf("this machine tells of no changes: %s", why)
	}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f.watcher.Run(ctx) })
	running.Go(func() { f.run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return f
}

// sees waits until the follower has acted on a commit.
func (f *follower) sees(t *testing.T, what, commit string) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if last := f.last(); last != nil && last.Commit == commit {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %s was not seen", what, commit)
		}
	}
}

// Every way in which git moves a ref is told.
func TestMovesOfARefAreTold(t *testing.T) {
	c := newClone(t)
	edit := func(text string) string {
		c.write("a.yaml", text)
		return c.commit(text)
	}
	first := edit("one")
	bare := &clone{t, filepath.Join(t.TempDir(), "bare.git")}
	c.git("clone", "-q", "--mirror", c.dir, bare.dir)
	linked := &clone{t, filepath.Join(t.TempDir(), "linked")}
	c.git("worktree", "add", "-q", "--detach", linked.dir)
	main, mirror := followRef(t, c.dir, "refs/heads/main"), followRef(t, bare.dir, "refs/heads/main")
	head, shared := followRef(t, c.dir, "HEAD"), followRef(t, linked.dir, "refs/heads/main")
	detached := followRef(t, linked.dir, "HEAD")
	here := []*follower{main, head, shared}
	for _, step := range []struct {
		what string
		move func() string
		seen []*follower
	}{
		{"at first", func() string { return first }, append(here, mirror, detached)},
		{"a commit", func() string { return edit("two") }, here},
		{"pushed to a bare repository", func() string { c.git("push", "-q", bare.dir, "main"); return c.git("rev-parse", "HEAD") }, []*follower{mirror}},
		{"packed, and a commit after", func() string { c.git("pack-refs", "--all", "--prune"); return edit("three") }, here},
		{"fetched into packed refs", func() string {
			bare.git("pack-refs", "--all", "--prune")
			bare.git("fetch", "-q", "origin")
			return c.git("rev-parse", "HEAD")
		}, []*follower{mirror}},
		{"a commit after gc", func() string { c.git("gc", "-q", "--prune=now"); return edit("four") }, here},
		{"set back", func() string { c.git("reset", "-q", "--hard", "HEAD~2"); return c.git("rev-parse", "HEAD") }, here},
		{"a checkout of another branch", func() string {
			c.git("checkout", "-q", "-b", "topic/of/mine")
			return edit("five")
		}, []*follower{head}},
		{"a commit on that branch", func() string { return edit("six") }, []*follower{head}},
		{"a checkout in a linked work tree", func() string {
			linked.git("checkout", "-q", "--detach", "topic/of/mine")
			return c.git("rev-parse", "HEAD")
		}, []*follower{detached}},
	} {
		want := step.move()
		for _, f := range step.seen {
			f.sees(t, step.what, want)
		}
	}
}

// A link to a repository may be swapped for one to another, as what mirrors
// repositories does.
func TestRepositoryBehindALink(t *testing.T) {
	base := t.TempDir()
	top := &clone{t, filepath.Join(base, "top")}
	if err := os.Mkdir(top.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	top.git("init", "-q", "-b", "main")
	top.write("a.yaml", "one")
	first := top.commit("one")
	top.git("worktree", "add", "-q", "--detach", filepath.Join(base, "1"))
	top.write("a.yaml", "two")
	second := top.commit("two")
	link := filepath.Join(base, "current")
	if err := os.Symlink("1", link); err != nil {
		t.Fatal(err)
	}
	f := followRef(t, link, "HEAD")
	f.sees(t, "before the swap", first)
	top.git("worktree", "add", "-q", "--detach", filepath.Join(base, "2"))
	if err := os.Symlink("2", link+".new"); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link+".new", link); err != nil {
		t.Fatal(err)
	}
	top.git("worktree", "remove", "1")
	f.sees(t, "after the swap", second)
}

// What was read of a commit is not read again: not for the same commit, whatever
// its size, and of the next one only the blobs that differ.
func TestUnchangedBlobsAreNotReadAgain(t *testing.T) {
	c := newClone(t)
	c.write("a.yaml", "one")
	c.write("b/b.yaml", "same")
	c.commit("one")
	tree, same := c.git("rev-parse", "HEAD^{tree}"), c.git("rev-parse", "HEAD:b/b.yaml")
	ref := c.source("")
	read := func() (*reconciler.Manifests, error) { return ref.Snapshot(context.Background()) }
	first, err := read()
	if err != nil {
		t.Fatal(err)
	}
	without := func(id string) (back func()) {
		object := filepath.Join(c.dir, ".git", "objects", id[:2], id[2:])
		if err := os.Rename(object, object+".away"); err != nil {
			t.Fatal(err)
		}
		return func() { os.Rename(object+".away", object) }
	}
	back := without(tree)
	again, err := read()
	if err != nil || again.Digest != first.Digest || again.Commit != first.Commit {
		t.Fatalf("the same commit: %v", err)
	}
	back()
	c.write("a.yaml", "two")
	c.commit("two")
	without(same)
	second, err := read()
	if err != nil {
		t.Fatalf("the next commit: %v", err)
	}
	if got := contents(second); got["a.yaml"] != "two" || got["b/b.yaml"] != "same" {
		t.Errorf("the next commit reads as %v", got)
	}
	if _, err := c.source("").Snapshot(context.Background()); err == nil || !strings.Contains(err.Error(), same) {
		t.Errorf("who reads it all for the first time: %v, want that %s is missing", err, same)
	}
}
