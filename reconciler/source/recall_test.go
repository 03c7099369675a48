package source_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// registered is the register of a reading, as far as a source asks for it.
func registered(m *reconciler.Manifests) *spec.Register {
	var files []spec.ParsedFile
	for _, f := range m.Files {
		files = append(files, spec.ParsedFile{Path: f.Path, Sum: f.Sum})
	}
	return spec.NewRegister(files, &spec.Roster{})
}

// recalling is a source that knows nothing but what another one kept.
type recalling interface {
	reconciler.Follower
	reconciler.Glancer
}

// TestRecalledFolder: whatever happened to a folder since another process read it and
// kept its index, the edit that a process tells which recalls it leads to the tree that
// somebody finds who reads all of it.
func TestRecalledFolder(t *testing.T) {
	for _, links := range []bool{false, true} {
		t.Run(fmt.Sprint("links ", links), func(t *testing.T) {
			defer source.SetMargin(30 * time.Millisecond)()
			seed := uint64(time.Now().UnixNano())
			v := &vandal{root: plainTree(t, t.TempDir()), links: links, dice: rand.New(rand.NewPCG(seed, 0))}
			index := filepath.Join(t.TempDir(), "index")
			next := func() recalling { return source.Dir(v.root, source.Options{Index: index}).(recalling) }
			reading := func(s reconciler.Source) *reconciler.Manifests {
				m, err := s.Snapshot(t.Context())
				must(t, err)
				return m
			}
			first := next()
			known := reading(first)
			must(t, first.Keep(known.Digest))
			edits := 0
			for range 100 {
				time.Sleep(time.Duration(v.dice.IntN(40)) * time.Millisecond)
				var done []string
				for range v.dice.IntN(3) {
					done = append(done, v.strike())
				}
				v.mend()
				want := reading(source.Dir(v.root, source.Options{}))
				if next().Glance(t.Context(), known.Snapshot) && want.Digest != known.Digest {
					t.Fatalf("seed %d: after %v a glance finds nothing changed", seed, done)
				}
				s := next()
				s.Recall(t.Context(), known.Snapshot, registered(known))
				m := s.Since(t.Context(), known.Snapshot, true)
				if m == nil {
					m = reading(s)
				} else {
					edits++
				}
				settled, err := s.Settled(t.Context(), m)
				must(t, err)
				for _, m := range []*reconciler.Manifests{m, settled} {
					if diff := cmp.Diff(whatIs(want), whatIs(known).after(m)); diff != "" || m.Digest != want.Digest {
						t.Fatalf("seed %d: after %v: %s, want %s; files (-want +got):\n%s", seed, done, m.Digest, want.Digest, diff)
					}
				}
				if v.dice.IntN(3) > 0 { // else it is held, or not valid
					known = want
					must(t, s.Keep(known.Digest))
				}
			}
			if edits < 50 {
				t.Errorf("seed %d: of 100 trees %d were read as edits", seed, edits)
			}
		})
	}
}

// A folder is recalled by its own index alone, and by one of the very tree that is
// registered.
func TestRecallOfAnother(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(k *kept, m *reconciler.Manifests)
		want   bool
	}{
		{"nothing", func(*kept, *reconciler.Manifests) {}, true},
		{"another tree registered", func(_ *kept, m *reconciler.Manifests) { m.Files[0].Sum[0]++ }, false},
		{"a file more registered", func(_ *kept, m *reconciler.Manifests) {
			m.Files = append(m.Files, reconciler.ManifestFile{Path: "z.yaml"})
		}, false},
		{"another name registered", func(_ *kept, m *reconciler.Manifests) { m.Files[0].Path = "0.yaml" }, false},
		{"another digest", func(_ *kept, m *reconciler.Manifests) { m.Digest = "sha256:0" }, false},
		{"another folder", func(_ *kept, m *reconciler.Manifests) { m.Path = "elsewhere" }, false},
		{"the index of another folder", func(k *kept, m *reconciler.Manifests) {
			other := keep(k.TB, plant(k.TB.(*testing.T), k.TempDir(), map[string]string{"a.yaml": "a: 1"}))
			k.index = other.index
		}, false},
		{"the index of another tree", func(k *kept, _ *reconciler.Manifests) {
			must(k.TB.(*testing.T), os.WriteFile(filepath.Join(k.root, "a.yaml"), []byte("a: 2"), 0o644))
			k.again()
		}, false},
		{"no index", func(k *kept, _ *reconciler.Manifests) { os.Remove(k.index) }, false},
		{"an index cut short", func(k *kept, _ *reconciler.Manifests) { os.Truncate(k.index, 50) }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			k := keep(t, orchard(t))
			m, err := k.source().Snapshot(t.Context())
			must(t, err)
			test.change(k, m)
			s := k.source().(recalling)
			s.Recall(context.Background(), m.Snapshot, registered(m))
			if got := s.Since(t.Context(), m.Snapshot, true) != nil; got != test.want {
				t.Errorf("the tree was recalled: %v, want %v", got, test.want)
			}
		})
	}
}

// A file that changed in the very tick in which its index was made is read, as by a
// glance.
func TestRecallReadsRacyFiles(t *testing.T) {
	defer source.SetMargin(time.Hour)()
	k := keep(t, orchard(t))
	m, err := k.source().Snapshot(t.Context())
	must(t, err)
	must(t, os.WriteFile(filepath.Join(k.root, "a.yaml"), []byte("a: 2"), 0o644))
	source.Restamp(t, k.index, k.root)
	s := k.source().(recalling)
	s.Recall(t.Context(), m.Snapshot, registered(m))
	edit := s.Since(t.Context(), m.Snapshot, true)
	if edit == nil || whatIs(edit)["a.yaml"] != "a: 2" {
		t.Errorf("edit %+v, want a.yaml in it", edit)
	}
}
