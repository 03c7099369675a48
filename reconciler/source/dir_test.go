package source_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// plant makes a tree: a name that ends in / is a directory, a content that
// begins with -> a symbolic link.
func plant(t *testing.T, root string, entries map[string]string) string {
	t.Helper()
	for name, content := range entries {
		path := filepath.Join(root, name)
		err := os.MkdirAll(filepath.Dir(path), 0o755)
		target, link := strings.CutPrefix(content, "->")
		switch {
		case err != nil:
		case strings.HasSuffix(name, "/"):
			err = os.MkdirAll(path, 0o755)
		case link:
			err = os.Symlink(strings.ReplaceAll(target, "ROOT", root), path)
		default:
			err = os.WriteFile(path, []byte(content), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func snapshot(root string) (*reconciler.Manifests, error) {
	return source.Dir(root, source.Options{}).Snapshot(context.Background())
}

func paths(m *reconciler.Manifests) []string {
	var list []string
	for _, f := range m.Files {
		list = append(list, f.Path)
	}
	return list
}

func TestSnapshot(t *testing.T) {
	outside := plant(t, t.TempDir(), map[string]string{"x.yaml": "a: 1", "sub/y.yaml": "a: 1"})
	for _, test := range []struct {
		name string
		tree map[string]string
		want []string // paths read
		errs []string // codes and places, where it cannot be read
	}{
		{name: "nothing", tree: map[string]string{}},
		{
			name: "any layout, sorted",
			tree: map[string]string{"z.yaml": "", "a/b/c.yml": "", "a.yaml": "", "a/x.yaml": ""},
			want: []string{"a.yaml", "a/b/c.yml", "a/x.yaml", "z.yaml"},
		}, {
			name: "other files and names that begin with a dot are left alone",
			tree: map[string]string{"a.yaml": "", ".b.yaml": "", ".git/c.yaml": "", "..x/d.yaml": "", "README.md": "", "a.yaml~": "", "e.YAML": "", "f.json": ""},
			want: []string{"a.yaml"},
		}, {
			name: "what Kubernetes mounts",
			tree: map[string]string{"a.yaml": "->..data/a.yaml", "..data": "->..2026_11", "..2026_11/a.yaml": "a: 1", "..2026_10/a.yaml": "old"},
			want: []string{"a.yaml"},
		}, {
			name: "links inside, relative and absolute",
			tree: map[string]string{"real/a.yaml": "", "link": "->real", "b.yaml": "->real/a.yaml", "sub/c.yaml": "->ROOT/real/a.yaml"},
			want: []string{"b.yaml", "link/a.yaml", "real/a.yaml", "sub/c.yaml"},
		}, {
			name: "a link out of the directory, to a file and to a directory",
			tree: map[string]string{"a.yaml": "", "b.yaml": "->" + outside + "/x.yaml", "sub": "->" + outside + "/sub"},
			errs: []string{"link-outside b.yaml", "link-outside sub"},
		}, {
			name: "a link to a neighbour whose name begins the same",
			tree: map[string]string{"in/a.yaml": "", "in.yaml": "->../" + filepath.Base(outside) + "x/a.yaml"},
			errs: []string{"broken-link in.yaml"},
		}, {
			name: "a link that leads nowhere",
			tree: map[string]string{"a.yaml": "->gone.yaml"}, errs: []string{"broken-link a.yaml"},
		}, {
			name: "a link to itself",
			tree: map[string]string{"a.yaml": "->a.yaml"}, errs: []string{"broken-link a.yaml"},
		}, {
			name: "a link to a directory that it lies in",
			tree: map[string]string{"sub/a.yaml": "", "sub/up": "->.."}, errs: []string{"link-cycle sub/up"},
		}, {
			name: "two directories that link to each other",
			tree: map[string]string{"one/two": "->../two", "two/one": "->../one"},
			errs: []string{"link-cycle one/two/one", "link-cycle two/one/two"},
		}, {
			name: "a link that is no manifest is nobody's business",
			tree: map[string]string{"a.yaml": "", "notes": "->gone", "passwd": "->/etc/hostname"},
			want: []string{"a.yaml"},
		}, {
			name: "a directory with the name of a manifest",
			tree: map[string]string{"a.yaml": "", "b.yaml/": "", "c.yml/d.yaml": ""},
			errs: []string{"not-a-file b.yaml", "not-a-file c.yml"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			m, err := snapshot(plant(t, t.TempDir(), test.tree))
			if diff := cmp.Diff(test.errs, codes(t, err)); diff != "" {
				t.Errorf("errors (-want +got):\n%s", diff)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(test.want, paths(m)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

func codes(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var errs spec.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("%v, want errors with a place", err)
	}
	var list []string
	for _, e := range errs {
		list = append(list, e.Code+" "+e.File)
		if e.Hint == "" {
			t.Errorf("%v: no hint", e)
		}
	}
	return list
}

// A pipe would be waited on for ever.
func TestSnapshotPipe(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": "", "c.yaml": "->pipe"})
	for _, name := range []string{"b.yaml", "pipe"} {
		if err := syscall.Mkfifo(filepath.Join(root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := snapshot(root)
	if diff := cmp.Diff([]string{"not-a-file b.yaml", "not-a-file c.yaml"}, codes(t, err)); diff != "" {
		t.Error(diff)
	}
}

// A file or a directory that may not be read refuses the whole tree. Root may
// read everything, so it is another user who tries.
func TestSnapshotUnreadable(t *testing.T) {
	const trial = "USHER_TEST_READ"
	if root := os.Getenv(trial); root != "" {
		_, err := snapshot(root)
		if diff := cmp.Diff([]string{"unreadable b.yaml", "unreadable sub"}, codes(t, err)); diff != "" {
			t.Error(diff)
		}
		return
	}
	root, err := os.MkdirTemp("/tmp", "usher-unreadable")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(root)
	plant(t, root, map[string]string{"a.yaml": "", "b.yaml": "", "sub/c.yaml": ""})
	binary := filepath.Join(root, "try")
	copyFile(t, os.Args[0], binary)
	for name, mode := range map[string]os.FileMode{".": 0o755, "b.yaml": 0, "sub": 0} {
		if err := os.Chmod(filepath.Join(root, name), mode); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(binary, "-test.run=^TestSnapshotUnreadable$")
	cmd.Dir, cmd.Env = "/", append(os.Environ(), trial+"="+root)
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "PASS") {
		t.Errorf("%v\n%s", err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestSnapshotOfNothing(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"file": ""})
	for path, want := range map[string]string{
		filepath.Join(root, "gone"): "there is no directory " + filepath.Join(root, "gone"),
		filepath.Join(root, "file"): filepath.Join(root, "file") + " is not a directory; name the directory that holds the manifests",
	} {
		if _, err := snapshot(path); err == nil || err.Error() != want {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// The root may be given as a relative path, or be a link itself.
func TestSnapshotRoot(t *testing.T) {
	base := plant(t, t.TempDir(), map[string]string{
		"tree/real/a.yaml": "a: 1", "tree/b.yaml": "->real/a.yaml", "tree/link": "->real", "tree/c.yaml": "->ROOT/tree/real/a.yaml", "alias": "->tree",
	})
	t.Chdir(filepath.Join(base, "tree"))
	want, err := snapshot(filepath.Join(base, "tree"))
	if err != nil {
		t.Fatal(err)
	}
	for _, root := range []string{".", "./", "../tree", "../alias", filepath.Join(base, "alias")} {
		m, err := snapshot(root)
		if err != nil {
			t.Errorf("%s: %v", root, err)
			continue
		}
		if diff := cmp.Diff(want.Files, m.Files); diff != "" || m.Digest != want.Digest {
			t.Errorf("%s: %s", root, diff)
		}
	}
	plant(t, base, map[string]string{"tree/up": "->.."})
	for _, root := range []string{".", "../alias", filepath.Join(base, "tree")} {
		if _, err := snapshot(root); err == nil {
			t.Errorf("%s: a link to its parent was followed", root)
		}
	}
}

// The digest depends on names and contents, and on nothing else.
func TestDigest(t *testing.T) {
	tree := map[string]string{"a.yaml": "a: 1", "b/c.yaml": "b: 1"}
	first, err := snapshot(plant(t, t.TempDir(), tree))
	if err != nil {
		t.Fatal(err)
	}
	root := plant(t, t.TempDir(), tree)
	plant(t, root, map[string]string{"README.md": "x", ".git/config.yaml": "x"})
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(root, "a.yaml"), old, old); err != nil {
		t.Fatal(err)
	}
	same, err := snapshot(root)
	if err != nil || same.Digest != first.Digest {
		t.Errorf("the same tree elsewhere: %s, want %s (%v)", same.Digest, first.Digest, err)
	}
	seen := map[string]bool{first.Digest: true}
	for _, other := range []map[string]string{
		{}, {"a.yaml": "a: 1"}, {"a.yaml": "a: 2", "b/c.yaml": "b: 1"}, {"a.yaml": "b: 1", "b/c.yaml": "a: 1"},
		{"a.yml": "a: 1", "b/c.yaml": "b: 1"}, {"a.yaml": "a: 1b: 1", "b/c.yaml": ""}, {"a.yaml": "a: 1", "b/c.yaml": "b: 1", "d.yaml": ""},
	} {
		m, err := snapshot(plant(t, t.TempDir(), other))
		if err != nil || seen[m.Digest] {
			t.Errorf("%v has the digest of another tree (%v)", other, err)
			continue
		}
		seen[m.Digest] = true
	}
}

// A file too large is read just far enough to tell.
func TestSnapshotHugeFile(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": ""})
	if err := os.Truncate(filepath.Join(root, "a.yaml"), 1<<40); err != nil {
		t.Skipf("this file system has no sparse files: %v", err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := snapshot(root)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if got := len(m.Files[0].Data); got != spec.MaxFileSize+1 {
		t.Errorf("read %d bytes, want %d", got, spec.MaxFileSize+1)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 8*spec.MaxFileSize {
		t.Errorf("reading took %d bytes", used)
	}
	if _, errs := spec.Parse("a.yaml", m.Files[0].Data); len(errs) == 0 {
		t.Error("a file that was cut short is taken for a manifest")
	}
}

// Nothing is read while git is at work in the tree or above it.
func TestSnapshotWhileGitWorks(t *testing.T) {
	top := plant(t, t.TempDir(), map[string]string{".git/HEAD": "", "people/x/a.yaml": ""})
	for _, root := range []string{top, filepath.Join(top, "people"), filepath.Join(top, "people/x")} {
		if _, err := snapshot(root); err != nil {
			t.Errorf("%s: %v", root, err)
		}
	}
	plant(t, top, map[string]string{".git/index.lock": ""})
	for _, root := range []string{top, filepath.Join(top, "people"), filepath.Join(top, "people/x")} {
		if _, err := snapshot(root); err == nil || !strings.Contains(err.Error(), "git is at work") {
			t.Errorf("%s: %v, want that git is at work", root, err)
		}
	}
}

// In a linked work tree and in a submodule .git is a file that points elsewhere.
func TestSnapshotWhileGitWorksElsewhere(t *testing.T) {
	for _, pointer := range []string{"gitdir: ROOT/main/.git/worktrees/x\n", "gitdir: ../main/.git/worktrees/x\n"} {
		base := t.TempDir()
		plant(t, base, map[string]string{
			"main/.git/worktrees/x/HEAD": "", "linked/.git": strings.ReplaceAll(pointer, "ROOT", base), "linked/people/a.yaml": "",
		})
		root := filepath.Join(base, "linked", "people")
		if _, err := snapshot(root); err != nil {
			t.Errorf("%q: %v", pointer, err)
		}
		plant(t, base, map[string]string{"main/.git/worktrees/x/index.lock": ""})
		if _, err := snapshot(root); err == nil || !strings.Contains(err.Error(), "git is at work") {
			t.Errorf("%q: %v, want that git is at work", pointer, err)
		}
	}
}

func TestSnapshotCancelled(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"a.yaml": ""})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := source.Dir(root, source.Options{}).Snapshot(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want it cancelled", err)
	}
}

// Several things wrong are reported at once.
func TestSnapshotAllErrors(t *testing.T) {
	root := plant(t, t.TempDir(), map[string]string{"b.yaml/": "", "a.yaml": "->gone", "c/d.yaml": "->/etc/hostname"})
	_, err := snapshot(root)
	got := codes(t, err)
	if diff := cmp.Diff([]string{"broken-link a.yaml", "not-a-file b.yaml", "link-outside c/d.yaml"}, got); diff != "" {
		t.Error(diff)
	}
}
