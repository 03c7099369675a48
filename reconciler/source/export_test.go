package source

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// Watches lists what a watcher watches.
func Watches(w *Watcher) []string { return slices.Sorted(maps.Keys(w.watched)) }

// SetMargin has the times of files count as coarse as that, until undo.
func SetMargin(d time.Duration) (undo func()) {
	was := margin
	margin = d
	return func() { margin = was }
}

// Stands reports whether the times of folders and files alone tell that a folder is as
// its index has it.
func Stands(t testing.TB, file string) bool {
	return indexIn(t, file).stands(t.Context())
}

func indexIn(t testing.TB, file string) *index {
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	x, err := decodeIndex(content)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// Restamp gives an index the times that its files have now, as if they had changed
// within one tick of the clock.
func Restamp(t testing.TB, file, root string) {
	x := indexIn(t, file)
	for _, entries := range [][]indexed{x.folders, x.files} {
		for i, f := range entries {
			info, err := os.Stat(filepath.Join(root, f.path))
			if err != nil {
				t.Fatal(err)
			}
			entries[i] = indexedFile(f.path, info, f.sum, time.Now())
		}
	}
	if err := os.WriteFile(file, x.encoded(), 0o600); err != nil {
		t.Fatal(err)
	}
}
