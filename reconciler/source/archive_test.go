package source_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

func TestArchiveHoldsTheSameTree(t *testing.T) {
	dir := filepath.Join("..", "..", "examples", "acme")
	m, err := source.Dir(dir, source.Options{}).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m.Source, m.Ref, m.Commit = "git", "refs/heads/main", strings.Repeat("5", 40)
	m.Files = append(m.Files, reconciler.ManifestFile{Path: "wrong.yaml", Data: []byte("\xff\xfe not UTF-8\x00"), Sum: reconciler.SumOf([]byte("\xff\xfe not UTF-8\x00"))})
	var b bytes.Buffer
	if err := source.Pack(&b, m); err != nil {
		t.Fatal(err)
	}
	got, err := source.Unpack(&b, true)
	if err != nil {
		t.Fatal(err)
	}
	if got.Digest == m.Digest {
		t.Error("the digest is that of a tree with one file less: it was sent, not worked out")
	}
	m.Digest = got.Digest
	if diff := cmp.Diff(m, got, cmpopts.IgnoreUnexported(*m)); diff != "" {
		t.Errorf("unpacked (-want +got):\n%s", diff)
	}
	again, err := source.Sent(got).Snapshot(t.Context())
	if err != nil || again.Digest != got.Digest || len(again.Files) != len(m.Files) {
		t.Errorf("as a source: %d files, %v; want %d", len(again.Files), err, len(m.Files))
	}
}

// entry is one entry of an archive made by hand.
type entry struct {
	name string
	kind byte
	text string
}

func archive(t *testing.T, entries ...entry) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.text)), Mode: 0o644}
		if e.kind == tar.TypeSymlink || e.kind == tar.TypeLink {
			h.Linkname = "/etc/passwd"
		}
		if e.kind == tar.TypeXGlobalHeader {
			*h = tar.Header{Typeflag: e.kind, PAXRecords: map[string]string{"comment": e.name, "USHER.path": e.text, "USHER.ref": e.text}}
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte(e.text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}

func TestUnpackReadsWhatADirectoryWouldShow(t *testing.T) {
	got, err := source.Unpack(archive(t,
		entry{"./", tar.TypeDir, ""}, entry{"./users/", tar.TypeDir, ""},
		entry{"./users/b.yml", tar.TypeReg, "b"}, entry{"a.yaml", tar.TypeReg, "a"},
		entry{".git/config.yaml", tar.TypeReg, "x"}, entry{"x/.hidden.yaml", tar.TypeReg, "x"},
		entry{"README.md", tar.TypeReg, "x"}, entry{"link", tar.TypeSymlink, ""},
	), false)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, f := range got.Files {
		files = append(files, f.Path+"="+string(f.Data))
	}
	if diff := cmp.Diff([]string{"a.yaml=a", "users/b.yml=b"}, files); diff != "" {
		t.Errorf("manifests (-want +got):\n%s", diff)
	}
	if got.Source != "dir" || got.Commit != "" {
		t.Errorf("read from %+v; want a folder", got.Snapshot)
	}
}

func TestUnpackRefuses(t *testing.T) {
	many := make([]entry, source.MaxArchiveFiles+1)
	for i := range many {
		many[i] = entry{fmt.Sprintf("%d.yaml", i), tar.TypeReg, ""}
	}
	tests := []struct {
		name string
		body *bytes.Buffer
		gzip bool
		want error
		says string
	}{
		{"no tar", bytes.NewBufferString(strings.Repeat("hello", 200)), false, source.ErrArchive, ""},
		{"no gzip", archive(t, entry{"a.yaml", tar.TypeReg, "a"}), true, source.ErrArchive, ""},
		{"cut short", bytes.NewBuffer(archive(t, entry{"a.yaml", tar.TypeReg, strings.Repeat("a", 4000)}).Bytes()[:1500]), false, source.ErrArchive, ""},
		{"cut short between two files", cut(archive(t, entry{"a.yaml", tar.TypeReg, "a"}, entry{"b.yaml", tar.TypeReg, "b"}), 1024), false, source.ErrArchive, "it has no end"},
		{"nothing", new(bytes.Buffer), false, source.ErrArchive, "it has no end"},
		{"a gzip without its end", cut(packed(t), packed(t).Len()-4), true, source.ErrArchive, ""},
		{"out of it", archive(t, entry{"../a.yaml", tar.TypeReg, "a"}), false, source.ErrArchive, "no path below it"},
		{"out of it, hidden", archive(t, entry{"x/../../a.yaml", tar.TypeReg, "a"}), false, source.ErrArchive, "no path below it"},
		{"absolute", archive(t, entry{"/a.yaml", tar.TypeReg, "a"}), false, source.ErrArchive, "no path below it"},
		{"a line break", archive(t, entry{"a\nb.yaml", tar.TypeReg, "a"}), false, source.ErrArchive, "no path below it"},
		{"a link", archive(t, entry{"a.yaml", tar.TypeSymlink, ""}), false, source.ErrArchive, "tar --dereference"},
		{"a hard link", archive(t, entry{"a.yaml", tar.TypeLink, ""}), false, source.ErrArchive, "tar --dereference"},
		{"a folder that ends in .yaml", archive(t, entry{"a.yaml/", tar.TypeDir, ""}), false, source.ErrArchive, "a.yaml is no file"},
		{"twice", archive(t, entry{"a.yaml", tar.TypeReg, "a"}, entry{"./a.yaml", tar.TypeReg, "b"}), false, source.ErrArchive, "a.yaml is in it twice"},
		{"too many", archive(t, many...), false, source.ErrArchiveSize, "more than 200000 manifests"},
		{"a bomb", bomb(t), true, source.ErrArchiveSize, "more than 256 MiB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := source.Unpack(tt.body, tt.gzip)
			if !errors.Is(err, tt.want) || m != nil || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Unpack: %v, %v; want %v that says %q", m, err, tt.want, tt.says)
			}
		})
	}
}

// cut is the first bytes of an archive.
func cut(b *bytes.Buffer, n int) *bytes.Buffer { return bytes.NewBuffer(b.Bytes()[:n]) }

// packed is an archive of no manifests.
func packed(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	if err := source.Pack(&b, &reconciler.Manifests{}); err != nil {
		t.Fatal(err)
	}
	return &b
}

// bomb is half a megabyte that unpacks to more than is read.
func bomb(t *testing.T) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	w := tar.NewWriter(zipped)
	zeros := make([]byte, 1<<20)
	if err := w.WriteHeader(&tar.Header{Name: "large.bin", Typeflag: tar.TypeReg, Size: 300 << 20}); err != nil {
		t.Fatal(err)
	}
	for range 300 {
		if _, err := w.Write(zeros); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return &b
}

// A manifest that is too large is read as far as parsing needs to say so.
func TestUnpackLeavesSizesToParsing(t *testing.T) {
	m, err := source.Unpack(archive(t, entry{"a.yaml", tar.TypeReg, strings.Repeat("#", spec.MaxFileSize+9)}), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, errs := spec.Parse("a.yaml", m.Files[0].Data); len(errs) != 1 || errs[0].Code != "too-large" {
		t.Errorf("parsing: %v, want too-large", errs)
	}
}

// What an archive says of itself is believed only where it has the form.
func TestUnpackDescribes(t *testing.T) {
	commit := strings.Repeat("0a", 20)
	tests := []struct {
		commit, text string
		want         reconciler.Snapshot
	}{
		{commit, "/srv/acme.git", reconciler.Snapshot{Source: "git", Commit: commit, Path: "/srv/acme.git", Ref: "/srv/acme.git"}},
		{"not a commit", "x", reconciler.Snapshot{Source: "dir", Path: "x", Ref: "x"}},
		{commit, "x\u202e\n", reconciler.Snapshot{Source: "git", Commit: commit}},
	}
	for _, tt := range tests {
		m, err := source.Unpack(archive(t, entry{tt.commit, tar.TypeXGlobalHeader, tt.text}, entry{"a.yaml", tar.TypeReg, "a"}), false)
		if err != nil {
			t.Fatal(err)
		}
		tt.want.Digest = m.Digest
		if diff := cmp.Diff(tt.want, m.Snapshot); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.commit, diff)
		}
	}
}

// TestUnpackOfGitArchive: what git archive writes says its commit.
func TestUnpackOfGitArchive(t *testing.T) {
	dir := t.TempDir()
	git := func(args ...string) []byte {
		t.Helper()
		c := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@b"}, args...)...)
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return out
	}
	git("init", "-q")
	if err := os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("a"), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-qm", "first")
	m, err := source.Unpack(bytes.NewReader(git("archive", "HEAD")), false)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSpace(string(git("rev-parse", "HEAD"))); m.Commit != want || len(m.Files) != 1 {
		t.Errorf("commit %q with %d files; want %q with one", m.Commit, len(m.Files), want)
	}
}
