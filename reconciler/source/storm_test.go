package source_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"usher/reconciler"
)

// stormFiles is how many files each branch has. A quarter of them is on one
// branch only, so that a mixed tree may lack people as well.
const stormFiles = 2000

// Two branches of 2,000 files are checked out in turn while a follower reads the
// work tree: whatever it acts on is one branch or the other, whole. It is 15
// checkouts, or as many as USHER_TEST_CHECKOUTS says. A reader without any of the
// follower's care reads meanwhile, to show that there is something to survive.
func TestCheckoutStorm(t *testing.T) {
	flips := 15
	if n, err := strconv.Atoi(os.Getenv("USHER_TEST_CHECKOUTS")); err == nil {
		flips = n
	}
	root := twoBranches(t)
	careless, stopped := make(chan struct{}), make(chan int)
	go func() { stopped <- carelessReader(root, careless) }()
	f := follow(t, root, true, time.Second, stillFor/5)
	for i := range flips {
		command(t, root, "git", "checkout", "-q", []string{"one", "two"}[i%2])
		time.Sleep(rand.N(stillFor))
	}
	f.settledOn(t, []string{"one", "two"}[(flips-1)%2])
	close(careless)
	mixed := <-stopped
	if mixed == 0 {
		t.Error("even a careless reader saw only whole trees: this was no storm")
	}
	wrong := 0
	for _, m := range f.acted {
		if !whole(m) {
			wrong++
		}
	}
	t.Logf("%d checkouts: acted on %d trees, %d of them wrong; a careless reader saw %d that were mixed", flips, len(f.acted), wrong, mixed)
	if wrong > 0 || len(f.acted) < 2 {
		t.Errorf("acted on %d trees of which %d were wrong, want several and 0", len(f.acted), wrong)
	}
}

// settledOn waits for a whole tree of the branch.
func (f *follower) settledOn(t *testing.T, branch string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if m := f.last(); m != nil && whole(m) && branchOf(m.Files[0].Data) == branch {
			return
		}
	}
	t.Errorf("the last branch checked out, %s, was not acted on", branch)
}

func twoBranches(t *testing.T) string {
	root := filepath.Join(t.TempDir(), "manifests")
	must(t, os.Mkdir(root, 0o755))
	command(t, root, "git", "init", "-q", "-b", "main")
	command(t, root, "git", "commit", "-q", "--allow-empty", "-m", "nothing")
	for _, branch := range []string{"one", "two"} {
		command(t, root, "git", "checkout", "-q", "-b", branch, "main")
		for i := range stormFiles {
			name := fmt.Sprintf("d%d/u%d.yaml", i%20, i)
			if i%4 == 0 {
				name = fmt.Sprintf("d%d/only-%s-%d.yaml", i%20, branch, i)
			}
			put(t, filepath.Join(root, name), fmt.Sprintf("branch: %s\nnumber: %d\n", branch, i))
		}
		command(t, root, "git", "add", ".")
		command(t, root, "git", "commit", "-qm", branch)
	}
	return root
}

func branchOf(data []byte) string {
	_, rest, _ := bytes.Cut(data, []byte("branch: "))
	branch, _, _ := bytes.Cut(rest, []byte("\n"))
	return string(branch)
}

// whole reports whether a tree is one branch and all of it.
func whole(m *reconciler.Manifests) bool {
	for _, file := range m.Files {
		if branchOf(file.Data) != branchOf(m.Files[0].Data) {
			return false
		}
	}
	return len(m.Files) == stormFiles
}

// carelessReader reads the tree over and over, and counts what was not whole.
func carelessReader(root string, stop <-chan struct{}) (mixed int) {
	for {
		select {
		case <-stop:
			return mixed
		case <-time.After(500 * time.Millisecond):
		}
		m := &reconciler.Manifests{}
		paths, _ := filepath.Glob(filepath.Join(root, "d*", "*.yaml"))
		for _, path := range paths {
			if data, err := os.ReadFile(path); err == nil {
				m.Files = append(m.Files, reconciler.ManifestFile{Path: path, Data: data, Sum: reconciler.SumOf(data)})
			}
		}
		if len(m.Files) == 0 || !whole(m) {
			mixed++
		}
	}
}
