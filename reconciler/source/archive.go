package source

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"usher/reconciler"
	"usher/spec"
)

// Bounds of an archive of manifests.
const (
	MaxArchiveFiles = 200_000
	MaxArchiveBytes = 256 << 20 // unpacked
	MaxArchiveSent  = 64 << 20  // bytes as sent: a hundred thousand people, a file each, are 3 MiB gzipped
	maxArchivePath  = 4096      // bytes of one path
)

// What can be wrong with an archive; test with errors.Is.
var (
	// ErrArchive: it cannot be read, or holds what no tree of manifests does.
	ErrArchive = errors.New("not an archive of manifests")
	// ErrArchiveSize: it holds more than MaxArchiveFiles or MaxArchiveBytes.
	ErrArchiveSize = errors.New("the archive holds too much")
)

// Where an archive says what its manifests were read from. The commit stands where
// git archive writes it, so that an archive of git's says it too.
const (
	recordCommit = "comment"
	recordPath   = "USHER.path"
	recordRef    = "USHER.ref"
)

// Pack writes manifests as a gzipped tar (pax), for a server to plan by. It holds
// their paths and bytes and what they were read from, and nothing of whoever wrote it.
func Pack(w io.Writer, m *reconciler.Manifests) error {
	zipped := gzip.NewWriter(w)
	t := tar.NewWriter(zipped)
	err := pack(t, m)
	if err = errors.Join(err, t.Close(), zipped.Close()); err != nil {
		return fmt.Errorf("packing manifests: %w", err)
	}
	return nil
}

func pack(t *tar.Writer, m *reconciler.Manifests) error {
	records := map[string]string{}
	for key, value := range map[string]string{
		recordCommit: m.Commit, recordPath: m.Path, recordRef: m.Ref,
	} {
		if value != "" {
			records[key] = value
		}
	}
	if err := t.WriteHeader(&tar.Header{Typeflag: tar.TypeXGlobalHeader, Name: "pax_global_header", PAXRecords: records}); err != nil {
		return err
	}
	for _, f := range m.Files {
		h := &tar.Header{Typeflag: tar.TypeReg, Name: f.Path, Mode: 0o644, Size: int64(len(f.Data)), Format: tar.FormatPAX}
		if err := t.WriteHeader(h); err != nil {
			return err
		}
		if _, err := t.Write(f.Data); err != nil {
			return err
		}
	}
	return nil
}

// Unpack reads the manifests of a tar (ustar, GNU or pax), gzipped or not: every
// *.yaml and *.yml in it, except below names that begin with a dot, as [Dir] does of a
// directory. Nothing is written anywhere. What the archive says it was read from is
// passed on where it has the form; nothing proves it. Errors: [ErrArchive],
// [ErrArchiveSize], and those of the reader.
func Unpack(r io.Reader, gzipped bool) (*reconciler.Manifests, error) {
	if gzipped {
		unzipped, err := gzip.NewReader(r)
		if err != nil {
			return nil, unreadable(err)
		}
		r = unzipped
	}
	whole := &bounded{Reader: r, left: MaxArchiveBytes}
	u := &unpacking{
		tar:       tar.NewReader(whole),
		manifests: &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "dir"}},
		known:     map[string]bool{},
	}
	if err := u.all(); err != nil {
		return nil, err
	}
	if err := whole.end(); err != nil {
		return nil, err
	}
	m := u.manifests
	slices.SortFunc(m.Files, func(a, b reconciler.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	m.Digest = digest(m.Files)
	return m, nil
}

// unreadable keeps what the reader itself says, such as that a request is too large.
func unreadable(err error) error {
	if errors.Is(err, ErrArchiveSize) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrArchive, err)
}

// bounded reads so many bytes and no more: a small archive may unpack to anything.
type bounded struct {
	io.Reader
	left  int64
	zeros int // bytes of zero at the end of what was read
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fmt.Errorf("%w: more than %d MiB unpacked", ErrArchiveSize, MaxArchiveBytes>>20)
	}
	last := len(bytes.TrimRight(p[:n], "\x00"))
	if last > 0 {
		b.zeros = 0
	}
	b.zeros += n - last
	return n, err
}

// endBytes is what every tar ends with: two empty blocks.
const endBytes = 1024

// end refuses an archive without its end, which was cut short between two files: a
// part is never taken for the whole. What follows the end is read as well, because
// the checksum of gzip comes last.
func (b *bounded) end() error {
	if b.zeros < endBytes {
		return fmt.Errorf("%w: it has no end", ErrArchive)
	}
	if _, err := io.Copy(io.Discard, b); err != nil {
		return unreadable(err)
	}
	return nil
}

// unpacking is an archive being read.
type unpacking struct {
	tar       *tar.Reader
	manifests *reconciler.Manifests
	known     map[string]bool // paths so far
	bytes     int64           // of manifests so far; what a sparse file holds is more than was read
}

func (u *unpacking) all() error {
	for {
		h, err := u.tar.Next()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return unreadable(err)
		case h.Typeflag == tar.TypeXGlobalHeader:
			u.describe(h.PAXRecords)
			continue
		}
		if err := u.entry(h); err != nil {
			return err
		}
	}
}

func (u *unpacking) entry(h *tar.Header) error {
	file, wanted, err := archived(h.Name)
	switch {
	case err != nil:
		return err
	case !wanted || h.Typeflag == tar.TypeDir && !isManifest(file):
		return nil
	case h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeGNUSparse:
		return fmt.Errorf("%w: %s is no file; send what a link leads to (tar --dereference)", ErrArchive, file)
	case u.known[file]:
		return fmt.Errorf("%w: %s is in it twice", ErrArchive, file)
	case len(u.known) == MaxArchiveFiles:
		return fmt.Errorf("%w: more than %d manifests", ErrArchiveSize, MaxArchiveFiles)
	}
	// One byte more than a manifest may have, so that parsing says what is too large.
	data, err := io.ReadAll(io.LimitReader(u.tar, spec.MaxFileSize+1))
	if err != nil {
		return unreadable(err)
	}
	if u.bytes += int64(len(data)); u.bytes > MaxArchiveBytes {
		return fmt.Errorf("%w: more than %d MiB unpacked", ErrArchiveSize, MaxArchiveBytes>>20)
	}
	u.known[file] = true
	u.manifests.Files = append(u.manifests.Files, reconciler.ManifestFile{Path: file, Data: data, Sum: reconciler.SumOf(data)})
	return nil
}

// archived is the path of an entry below the top of the archive, and whether it is
// read as a manifest.
func archived(name string) (file string, wanted bool, err error) {
	file = path.Clean(name)
	switch {
	case !plainPath(name), path.IsAbs(file), file == "..", strings.HasPrefix(file, "../"):
		return "", false, fmt.Errorf("%w: %q is no path below it", ErrArchive, name)
	case file == ".":
		return file, false, nil
	}
	for _, part := range strings.Split(file, "/") {
		if strings.HasPrefix(part, ".") {
			return file, false, nil
		}
	}
	return file, isManifest(file), nil
}

// plainPath reports whether a path says nothing but where something stands.
func plainPath(s string) bool {
	return len(s) <= maxArchivePath && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	})
}

var commitName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
})

// describe takes over what the archive says it was read from.
func (u *unpacking) describe(records map[string]string) {
	s := &u.manifests.Snapshot
	if commit := records[recordCommit]; commitName().MatchString(commit) {
		s.Commit, s.Source = commit, "git"
	}
	if plainPath(records[recordPath]) {
		s.Path = records[recordPath]
	}
	if plainPath(records[recordRef]) {
		s.Ref = records[recordRef]
	}
}

// Sent is manifests that somebody handed over. Where they say that they are of a
// commit, nobody can see who signed it: it has no history.
func Sent(m *reconciler.Manifests) reconciler.Source { return sent{m} }

type sent struct{ manifests *reconciler.Manifests }

func (s sent) Snapshot(context.Context) (*reconciler.Manifests, error) { return s.manifests, nil }

func (s sent) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}
