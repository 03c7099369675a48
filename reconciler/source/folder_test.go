//go:build linux

package source_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher/reconciler/source"
)

// Folders that stand as they stood need not be listed; where they do not, they are, and
// from then on they stand again.
func TestFoldersThatStand(t *testing.T) {
	defer source.SetMargin(0)()
	k := keep(t, plainOrchard(t))
	time.Sleep(20 * time.Millisecond)
	k.again()
	if !source.Stands(t, k.index) {
		t.Fatal("a folder that nobody touched does not stand")
	}
	if err := os.WriteFile(filepath.Join(k.root, "b", ".hidden"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if source.Stands(t, k.index) {
		t.Error("a folder stands that a name came to")
	}
	time.Sleep(20 * time.Millisecond)
	if !k.glance() {
		t.Fatal("a hidden file makes the folder another")
	}
	if !source.Stands(t, k.index) {
		t.Error("after it was listed again it does not stand")
	}
}

// A name that comes in the very tick in which a folder was listed leaves it the times
// it had.
func TestRacyFolder(t *testing.T) {
	defer source.SetMargin(time.Second)()
	root := plainOrchard(t)
	time.Sleep(1100 * time.Millisecond) // the files are no longer racy
	k := keep(t, root)
	if err := os.WriteFile(filepath.Join(k.root, "b", "z.yaml"), []byte("z: 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	source.Restamp(t, k.index, k.root)
	if k.glance() {
		t.Error("a file that came in the same tick is not noticed")
	}
}

// What a link leads to comes and goes without the folder of the link changing.
func TestLinksAreAlwaysFollowed(t *testing.T) {
	defer source.SetMargin(0)()
	root := plainOrchard(t)
	elsewhere := filepath.Join(root, ".elsewhere")
	for _, dir := range []string{elsewhere, filepath.Join(root, "b")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(elsewhere, "later"), filepath.Join(root, "b", "later")); err != nil {
		t.Fatal(err)
	}
	k := keep(t, root)
	time.Sleep(20 * time.Millisecond)
	k.again()
	if !k.glance() {
		t.Fatal("a link that leads nowhere makes the folder another")
	}
	plant(t, elsewhere, map[string]string{"later/z.yaml": "z: 1"})
	if k.glance() {
		t.Error("a folder that a link leads to now is not noticed")
	}
	if _, err := k.source().Snapshot(context.Background()); err != nil {
		t.Errorf("the folder behind the link cannot be read: %v", err)
	}
}

// What was seen ahead is good for one glance: the next one looks for itself.
func TestLookAheadIsForOneGlance(t *testing.T) {
	defer source.SetMargin(0)()
	k := keep(t, plainOrchard(t))
	time.Sleep(20 * time.Millisecond)
	s := k.source()
	source.LookAhead(t.Context(), s)
	if !s.Glance(t.Context(), k.was) {
		t.Fatal("the folder is not known again")
	}
	if err := os.WriteFile(filepath.Join(k.root, "b", "z.yaml"), []byte("z: 1"), 0o644); err != nil {
		t.Fatal(err)
	}
	if s.Glance(t.Context(), k.was) {
		t.Error("a new file is not noticed")
	}
}
