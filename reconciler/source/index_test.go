//go:build linux

package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
)

// kept is a folder that was read and whose index was kept.
type kept struct {
	testing.TB
	root, index string
	was         reconciler.Snapshot
}

func keep(t testing.TB, root string) *kept {
	t.Helper()
	k := &kept{TB: t, root: root, index: filepath.Join(t.TempDir(), "usher.db.index")}
	k.again()
	return k
}

// source is another process's view of the folder.
func (k *kept) source() reconciler.Glancer {
	return source.Dir(k.root, source.Options{Index: k.index}).(reconciler.Glancer)
}

// again reads the folder and keeps what it looks like.
func (k *kept) again() {
	k.Helper()
	s := k.source()
	m, err := s.Snapshot(context.Background())
	if err != nil {
		k.Fatal(err)
	}
	if err := s.Keep(m.Digest); err != nil {
		k.Fatal(err)
	}
	k.was = m.Snapshot
}

func (k *kept) glance() bool { return k.source().Glance(context.Background(), k.was) }

func orchard(t *testing.T) string { return orchardWith(t, "->ROOT/a.yaml") }

// plainOrchard has no links: that nothing came or went shows in the times of its folders.
func plainOrchard(t *testing.T) string { return orchardWith(t, "e: 1") }

func orchardWith(t *testing.T, e string) string {
	return plant(t, t.TempDir(), map[string]string{
		"a.yaml": "a: 1", "b/c.yml": "c: 1", "b/d.yaml": "d: 1", "b.yaml": "b: 1", "links/e.yaml": e, "notes.txt": "x",
	})
}

func TestGlanceAtAFolder(t *testing.T) {
	in := func(root string, change func(string) error, name string) error {
		return change(filepath.Join(root, name))
	}
	write := func(content string) func(string) error {
		return func(path string) error { return os.WriteFile(path, []byte(content), 0o644) }
	}
	for _, test := range []struct {
		name   string
		change func(root string) error
		want   bool
	}{
		{"nothing", func(string) error { return nil }, true},
		{"what is no manifest", func(root string) error { return in(root, write("y"), "notes.txt") }, true},
		{"a hidden file", func(root string) error { return in(root, write("a: 2"), ".a.yaml") }, true},
		{"an empty folder", func(root string) error { return os.Mkdir(filepath.Join(root, "new"), 0o755) }, true},
		{"a name that came and went", func(root string) error {
			return errors.Join(in(root, write("z: 1"), "b/z.yaml"), os.Remove(filepath.Join(root, "b/z.yaml")))
		}, true},
		{"other content of the same length", func(root string) error { return in(root, write("d: 2"), "b/d.yaml") }, false},
		{"other content behind a link", func(root string) error { return in(root, write("a: 2"), "a.yaml") }, false},
		{"longer content", func(root string) error { return in(root, write("d: 12"), "b/d.yaml") }, false},
		{"a new file at the beginning", func(root string) error { return in(root, write("a: 1"), "0.yaml") }, false},
		{"a new file at the end", func(root string) error { return in(root, write("z: 1"), "z.yaml") }, false},
		{"a new file below", func(root string) error { return in(root, write("z: 1"), "b/z.yaml") }, false},
		{"a file less", func(root string) error { return os.Remove(filepath.Join(root, "b/d.yaml")) }, false},
		{"the last file less", func(root string) error { return os.Remove(filepath.Join(root, "links/e.yaml")) }, false},
		{"another name", func(root string) error {
			return os.Rename(filepath.Join(root, "b/d.yaml"), filepath.Join(root, "b/e.yaml"))
		}, false},
		{"a copy in its place with the same times", func(root string) error {
			path := filepath.Join(root, "b/d.yaml")
			info, err := os.Stat(path)
			if err == nil {
				err = os.WriteFile(path+"~", []byte("d: 2"), 0o644)
			}
			if err == nil {
				err = os.Chtimes(path+"~", info.ModTime(), info.ModTime())
			}
			if err == nil {
				err = os.Rename(path+"~", path)
			}
			return err
		}, false},
		{"git at work", func(root string) error {
			if err := os.Mkdir(filepath.Join(root, ".git"), 0o755); err != nil {
				return err
			}
			return in(root, write(""), ".git/index.lock")
		}, false},
		{"a link that leads nowhere", func(root string) error { return os.Symlink("nowhere", filepath.Join(root, "z.yaml")) }, false},
	} {
		for _, coarse := range []time.Duration{0, time.Hour} { // trusting the times; reading every file again
			for kind, grown := range map[string]func(*testing.T) string{"links": orchard, "plain": plainOrchard} {
				t.Run(fmt.Sprint(test.name, " ", kind, " ", coarse), func(t *testing.T) {
					defer source.SetMargin(coarse)()
					k := keep(t, grown(t))
					time.Sleep(20 * time.Millisecond) // a tick of the clock that files are stamped with
					if err := test.change(k.root); err != nil {
						t.Fatal(err)
					}
					ahead := k.source()
					source.LookAhead(t.Context(), ahead)
					if got := k.glance(); got != test.want {
						t.Errorf("Glance = %v, want %v", got, test.want)
					}
					if got := ahead.Glance(t.Context(), k.was); got != test.want {
						t.Errorf("having looked ahead, Glance = %v, want %v", got, test.want)
					}
				})
			}
		}
	}
}

// A file that changes in the very tick in which it was read has the same times
// before and after; only its content tells.
func TestRacyTimes(t *testing.T) {
	for _, test := range []struct {
		content string
		want    bool
	}{{"a: 1", true}, {"a: 2", false}} {
		undo := source.SetMargin(time.Hour)
		k := keep(t, orchard(t))
		path := filepath.Join(k.root, "a.yaml")
		if err := os.WriteFile(path, []byte(test.content), 0o644); err != nil {
			t.Fatal(err)
		}
		source.Restamp(t, k.index, k.root)
		if got := k.glance(); got != test.want {
			t.Errorf("%q in the same tick: Glance = %v, want %v", test.content, got, test.want)
		}
		undo()
	}
}

// What was racy when it was kept is read once more, and then no longer.
func TestRacyFilesAge(t *testing.T) {
	undo := source.SetMargin(time.Hour)
	k := keep(t, orchard(t))
	undo()
	young := size(t, k.index)
	defer source.SetMargin(0)()
	time.Sleep(20 * time.Millisecond)
	if !k.glance() {
		t.Fatal("the folder is not known again")
	}
	if aged := size(t, k.index); aged >= young {
		t.Errorf("the index has %d bytes, and had %d with every file racy; want fewer", aged, young)
	}
	if !k.glance() {
		t.Error("the folder is not known from the index written last")
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// An index that is not whole is as good as none.
func TestCorruptIndex(t *testing.T) {
	defer source.SetMargin(0)()
	k := keep(t, orchard(t))
	time.Sleep(20 * time.Millisecond)
	whole, err := os.ReadFile(k.index)
	if err != nil {
		t.Fatal(err)
	}
	if !k.glance() {
		t.Fatal("the whole index is not good")
	}
	try := func(what string, content []byte) {
		t.Helper()
		if err := os.WriteFile(k.index, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if k.glance() {
			t.Errorf("%s: taken for good", what)
		}
	}
	for i := range whole {
		try(fmt.Sprintf("cut at %d", i), whole[:i])
		flipped := bytes.Clone(whole)
		flipped[i] ^= 0x10
		try(fmt.Sprintf("flipped at %d", i), flipped)
	}
	try("with more at its end", append(bytes.Clone(whole), 0))
	if err := os.Remove(k.index); err != nil {
		t.Fatal(err)
	}
	if k.glance() {
		t.Error("no index: taken for good")
	}
}

func TestIndexOfAnotherFolder(t *testing.T) {
	defer source.SetMargin(0)()
	k := keep(t, orchard(t))
	time.Sleep(20 * time.Millisecond)
	k.root = orchard(t)
	k.was.Path = k.root
	if k.glance() {
		t.Error("another folder was taken for the one of the index")
	}
}

// Keep keeps nothing but what was asked for.
func TestKeepOfAnotherTree(t *testing.T) {
	k := &kept{TB: t, root: orchard(t), index: filepath.Join(t.TempDir(), "index")}
	s := k.source()
	if _, err := s.Snapshot(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.Keep("sha256:other"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(k.index); !os.IsNotExist(err) {
		t.Errorf("an index was written: %v", err)
	}
}
