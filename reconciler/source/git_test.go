package source_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// clone is a git repository of a test, with a work tree.
type clone struct {
	*testing.T
	dir string
}

func newClone(t *testing.T, options ...string) *clone {
	t.Helper()
	c := &clone{t, t.TempDir()}
	c.git(append([]string{"init", "-q", "-b", "main"}, options...)...)
	return c
}

// git runs git as somebody would, apart from their configuration.
func (c *clone) git(args ...string) string {
	c.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@acme.example", "GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@acme.example")
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (c *clone) write(path, content string) {
	c.Helper()
	full := filepath.Join(c.dir, path)
	if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
		c.Fatal(err)
	}
	if err := os.WriteFile(full, []byte(content), 0o644); err != nil {
		c.Fatal(err)
	}
}

// commit commits everything and returns the commit's id.
func (c *clone) commit(message string) string {
	c.Helper()
	c.git("add", "-A")
	c.git("commit", "-q", "--allow-empty", "-m", message)
	return c.git("rev-parse", "HEAD")
}

func (c *clone) source(below string) *source.Ref {
	c.Helper()
	r, err := source.OpenRepository(context.Background(), c.dir)
	if err != nil {
		c.Fatal(err)
	}
	return source.NewRef(r, "refs/heads/main", below)
}

func (c *clone) snapshot(below string) *reconciler.Manifests {
	c.Helper()
	m, err := c.source(below).Snapshot(context.Background())
	if err != nil {
		c.Fatal(err)
	}
	return m
}

func contents(m *reconciler.Manifests) map[string]string {
	files := map[string]string{}
	for _, f := range m.Files {
		files[f.Path] = string(f.Data)
	}
	return files
}

// A commit reads as the directory that it was made of, in either object format.
func TestCommitReadsAsItsDirectory(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		t.Run(format, func(t *testing.T) {
			c := newClone(t, "--object-format="+format)
			for i := range 50 {
				c.write(fmt.Sprintf("people/%02x/u%d.yaml", i%7, i), fmt.Sprintf("# person %d\n", i))
			}
			c.write("same.yml", "# person 1\n") // a blob that another file is as well
			c.write("empty.yaml", "")
			c.write("README.md", "no manifest")
			c.write(".hidden/x.yaml", "skipped")
			id := c.commit("all")
			m := c.snapshot("")
			dir, err := source.Dir(c.dir, source.Options{}).Snapshot(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if m.Digest != dir.Digest || m.Commit != id || len(m.Files) != 52 {
				t.Errorf("commit %s: %d files, digest %s; directory: %d files, %s", m.Commit, len(m.Files), m.Digest, len(dir.Files), dir.Digest)
			}
			c.git("gc", "-q", "--prune=now")
			if packed := c.snapshot(""); packed.Digest != m.Digest {
				t.Error("packed, the commit reads otherwise")
			}
			if below := c.snapshot("people/03"); len(below.Files) != 7 || !strings.HasPrefix(below.Files[0].Path, "u") {
				t.Errorf("below people/03: %v", contents(below))
			}
		})
	}
}

// Only what the commit holds counts, not what the work tree shows.
func TestWorkTreeIsNotRead(t *testing.T) {
	c := newClone(t)
	c.write("a.yaml", "one")
	c.commit("one")
	c.write("a.yaml", "two")
	c.write("b.yaml", "new")
	if diff := cmp.Diff(map[string]string{"a.yaml": "one"}, contents(c.snapshot(""))); diff != "" {
		t.Error(diff)
	}
	bare := &clone{t, filepath.Join(t.TempDir(), "bare.git")}
	c.git("clone", "-q", "--mirror", c.dir, bare.dir)
	if diff := cmp.Diff(map[string]string{"a.yaml": "one"}, contents(bare.snapshot(""))); diff != "" {
		t.Errorf("bare: %s", diff)
	}
}

func TestFilesThatAreNotFollowed(t *testing.T) {
	c := newClone(t)
	c.write("real.yaml", "one")
	if err := os.Symlink("real.yaml", filepath.Join(c.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(c.dir, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	c.write("dir.yaml/x.txt", "x")
	c.commit("links")
	c.git("update-index", "--add", "--cacheinfo", "160000,"+c.git("rev-parse", "HEAD")+",module.yaml")
	c.git("commit", "-q", "-m", "module")
	_, err := c.source("").Snapshot(context.Background())
	var errs spec.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("Snapshot: %v, want errors", err)
	}
	want := []string{
		"dir.yaml: a directory with the name of a manifest",
		"link.yaml: a symbolic link or a submodule, which is not followed in commits",
		"module.yaml: a symbolic link or a submodule, which is not followed in commits",
	}
	if diff := cmp.Diff(want, strings.Split(errs.Error(), "\n")); diff != "" {
		t.Error(diff)
	}
}

func TestWhatIsNotThere(t *testing.T) {
	c := newClone(t)
	if _, err := c.source("").Snapshot(context.Background()); err == nil || !strings.Contains(err.Error(), "there is no refs/heads/main") {
		t.Errorf("no commit yet: %v", err)
	}
	c.write("a.yaml", "one")
	c.commit("one")
	if _, err := c.source("nowhere").Snapshot(context.Background()); err == nil || !strings.Contains(err.Error(), "there is no folder nowhere") {
		t.Errorf("no folder: %v", err)
	}
	if _, err := c.source("").At(context.Background(), "x\ny"); err == nil {
		t.Error("a name of two lines was asked for")
	}
	if _, err := source.OpenRepository(context.Background(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "not a git repository") {
		t.Errorf("no repository: %v", err)
	}
}

// A loose object that was tampered with is served by git as it is; it is not
// believed. Nor is a ref that replaces an object.
func TestTamperedObjectsAreNotBelieved(t *testing.T) {
	c := newClone(t)
	c.write("a.yaml", "one")
	c.commit("one")
	blob := c.git("rev-parse", "HEAD:a.yaml")
	c.write("evil.txt", "evil")
	evil := c.git("hash-object", "-w", "evil.txt")
	c.git("replace", blob, evil)
	if diff := cmp.Diff(map[string]string{"a.yaml": "one"}, contents(c.snapshot(""))); diff != "" {
		t.Errorf("replaced: %s", diff)
	}
	loose := filepath.Join(c.dir, ".git", "objects", blob[:2], blob[2:])
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	z.Write([]byte("blob 3\x00two"))
	z.Close()
	os.Chmod(loose, 0o644)
	if err := os.WriteFile(loose, packed.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := c.source("").Snapshot(context.Background())
	if err == nil {
		t.Error("a tampered blob was believed")
	}
}

// The surroundings of the process do not reach what is read.
func TestEnvironmentDoesNotReachGit(t *testing.T) {
	c := newClone(t)
	c.write("a.yaml", "one")
	c.commit("one")
	other := newClone(t)
	other.write("a.yaml", "other")
	other.commit("other")
	t.Setenv("GIT_DIR", filepath.Join(other.dir, ".git"))
	t.Setenv("GIT_OBJECT_DIRECTORY", filepath.Join(other.dir, ".git", "objects"))
	if diff := cmp.Diff(map[string]string{"a.yaml": "one"}, contents(c.snapshot(""))); diff != "" {
		t.Error(diff)
	}
}
