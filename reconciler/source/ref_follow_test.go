package source_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// read is a tree by path.
type read map[string]string

func whatIs(m *reconciler.Manifests) read {
	tree := read{}
	for _, f := range m.Files {
		tree[f.Path] = string(f.Data)
	}
	return tree
}

// after is what an edit makes of a tree.
func (r read) after(m *reconciler.Manifests) read {
	if m.Edit == nil {
		return whatIs(m)
	}
	tree := maps.Clone(r)
	for _, path := range m.Edit.Gone {
		delete(tree, path)
	}
	maps.Copy(tree, whatIs(m))
	return tree
}

// TestCommitsAsEdits: whatever is committed, the edit that leads to a commit, and
// those that lead to the commits between, make of the tree before what somebody reads
// who reads all of it.
func TestCommitsAsEdits(t *testing.T) {
	for _, below := range []string{"", "org"} {
		t.Run("below "+below, func(t *testing.T) {
			seed := uint64(time.Now().UnixNano())
			dir := t.TempDir()
			v := &vandal{root: filepath.Join(dir, below), links: true, dice: rand.New(rand.NewPCG(seed, 0))}
			command(t, dir, "git", "init", "-q", "-b", "main")
			plainTree(t, dir)
			put(t, filepath.Join(v.root, "a/f0.yaml"), "name: first\n")
			commit := func() string {
				command(t, dir, "git", "add", "-A")
				command(t, dir, "git", "commit", "-q", "--allow-empty", "-m", "all")
				out, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
				must(t, err)
				return strings.TrimSpace(string(out))
			}
			commit()
			repository, err := source.OpenRepository(t.Context(), dir)
			must(t, err)
			stranger := func() *source.Ref { return source.NewRef(repository, "refs/heads/main", below) }
			ref := stranger()
			source.Follow(ref, nil)
			applied, err := ref.Snapshot(t.Context())
			must(t, err)
			tree := whatIs(applied)
			edits, whole := 0, 0
			for round := range 30 {
				var between []string
				for range 1 + v.dice.IntN(2) {
					v.strike()
					put(t, filepath.Join(dir, "beside.yaml"), fmt.Sprint(round))
					between = append(between, commit())
				}
				want, err := stranger().Snapshot(t.Context())
				if err != nil || len(want.Files) == 0 {
					if m := ref.Since(t.Context(), applied.Snapshot, true); m != nil && err != nil {
						t.Fatalf("seed %d: an edit leads to what cannot be read: %v", seed, err)
					}
					for _, folder := range []string{"a", "b", "users"} {
						os.RemoveAll(filepath.Join(v.root, folder))
					}
					put(t, filepath.Join(v.root, "a/f0.yaml"), "name: again\n")
					continue
				}
				m := ref.Since(t.Context(), applied.Snapshot, true)
				if m == nil {
					whole++
					if m, err = ref.Snapshot(t.Context()); err != nil {
						t.Fatal(err)
					}
				} else {
					edits++
				}
				if diff := cmp.Diff(whatIs(want), tree.after(m)); diff != "" || m.Digest != want.Digest || m.Snapshot != want.Snapshot {
					t.Fatalf("seed %d: %v, want %v; files (-want +got):\n%s", seed, m.Snapshot, want.Snapshot, diff)
				}
				checkSteps(t, ref, stranger(), applied, tree, between)
				checkRecalled(t, stranger(), want, applied, tree, between)
				if v.dice.IntN(3) > 0 { // else it is held, or not valid
					applied, tree = m, tree.after(m)
				}
			}
			if edits < whole {
				t.Errorf("seed %d: %d commits were read as edits, %d whole", seed, edits, whole)
			}
			t.Logf("%d commits were read as edits, %d whole", edits, whole)
		})
	}
}

// checkRecalled checks that a source which recalls the tree applied, and has read
// nothing, tells the same edits.
func checkRecalled(t *testing.T, ref *source.Ref, want, applied *reconciler.Manifests, tree read, between []string) {
	t.Helper()
	ref.Recall(t.Context(), applied.Snapshot, tree.registered())
	m := ref.Since(t.Context(), applied.Snapshot, true)
	if m == nil {
		return // it is as much to tell for one that read the tree
	}
	if diff := cmp.Diff(whatIs(want), tree.after(m)); diff != "" || m.Snapshot != want.Snapshot {
		t.Errorf("recalled: %v, want %v; files (-want +got):\n%s", m.Snapshot, want.Snapshot, diff)
	}
	checkSteps(t, ref, ref, applied, tree, between)
}

// registered is the register of a tree, as far as a source asks for it.
func (r read) registered() *spec.Register {
	m := &reconciler.Manifests{}
	for path, text := range r {
		m.Files = append(m.Files, reconciler.ManifestFile{Path: path, Sum: reconciler.SumOf([]byte(text))})
	}
	return registered(m)
}

// A ref is recalled as what this very repository had at that commit in that folder.
func TestRecallOfAnotherCommit(t *testing.T) {
	c := newClone(t)
	c.write("access/a.yaml", "a")
	c.commit("one")
	was := c.snapshot("access")
	for name, test := range map[string]struct {
		change func(s *reconciler.Snapshot)
		want   bool
	}{
		"this":               {func(*reconciler.Snapshot) {}, true},
		"another commit":     {func(s *reconciler.Snapshot) { s.Commit = s.Commit[1:] + "0" }, false},
		"no commit":          {func(s *reconciler.Snapshot) { s.Commit = "" }, false},
		"another folder":     {func(s *reconciler.Snapshot) { s.Folder = "" }, false},
		"another repository": {func(s *reconciler.Snapshot) { s.Path += "2" }, false},
		"a plain folder":     {func(s *reconciler.Snapshot) { s.Source = "dir" }, false},
		"another digest":     {func(s *reconciler.Snapshot) { s.Digest += "0" }, false},
	} {
		s := was.Snapshot
		test.change(&s)
		ref := c.source("access")
		ref.Recall(t.Context(), s, whatIs(was).registered())
		if got := ref.Since(t.Context(), s, true) != nil; got != test.want {
			t.Errorf("%s: recalled %v, want %v", name, got, test.want)
		}
	}
}

// checkSteps checks the edits that lead to some commits, all of them on one line.
func checkSteps(t *testing.T, ref, stranger *source.Ref, applied *reconciler.Manifests, tree read, between []string) {
	t.Helper()
	steps, err := ref.Edits(t.Context(), applied.Snapshot, between[len(between)-1])
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range steps {
		want, err := stranger.At(t.Context(), s.ID)
		if err != nil {
			t.Fatalf("commit %s is told as an edit and cannot be read: %v", s.ID, err)
		}
		if diff := cmp.Diff(whatIs(want), tree.after(s.Edit)); diff != "" {
			t.Errorf("commit %s (-want +got):\n%s", s.ID, diff)
		}
		for path, text := range whatIs(want) {
			if data, err := s.Edit.Edit.Read(path); err != nil || string(data) != text {
				t.Errorf("%s of commit %s: %q, %v; want %q", path, s.ID, data, err, text)
			}
			break // any
		}
	}
}
