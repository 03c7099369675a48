package source

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"usher/reconciler"
	"usher/spec"
)

// An index file lets a tree that was read before be known again without reading
// it: for each manifest, in the order of the walk, its path, size, inode, and the
// times at which its content and its inode changed, and for all of them the digest.
// The same is kept of the folders, where times can tell that nothing came or went.
// It is only a cache. One that is absent, cut short, corrupt or of another folder is
// as good as none, and whatever differs from it is read as if there were none.
//
// Times prove nothing of a file that changed while it was being read, or just
// before: a later change may bear the same time. As in git's index such a file is
// racy: its sum is kept, and it is read again.
type index struct {
	root    string
	digest  string
	folders []indexed // the root, "", among them; none where a symbolic link was met
	files   []indexed
}

// indexed is one manifest of an index, or one folder.
type indexed struct {
	path            string
	size            int64
	inode           uint64
	content, status int64 // when its content and its inode last changed, Unix time in nanoseconds
	racy            bool
	round           uint8                  // see following
	sum             reconciler.ManifestSum // the index file has it of racy ones alone
}

// margin is how coarse the times of a file system may be: two seconds on FAT.
var margin = 2 * time.Second

// indexedFile is what the index keeps of a file read at a time or later.
func indexedFile(path string, info fs.FileInfo, sum reconciler.ManifestSum, read time.Time) indexed {
	f := indexed{path: path, size: info.Size(), content: info.ModTime().UnixNano(), sum: sum}
	var known bool
	f.inode, f.status, known = inodeOf(info)
	f.racy = !known || max(f.content, f.status) >= read.Add(-margin).UnixNano()
	return f
}

// same reports whether the file is the one that was indexed, as far as times tell.
func (f *indexed) same(info fs.FileInfo) bool {
	inode, status, _ := inodeOf(info)
	return info.Size() == f.size && info.ModTime().UnixNano() == f.content && inode == f.inode && status == f.status
}

// errDiffers ends a comparison with the index.
var errDiffers = errors.New("the tree differs from its index")

// Glance compares the tree with the index that Keep wrote. An index that cannot be
// used is as good as a tree that differs.
func (d *dir) Glance(ctx context.Context, was reconciler.Snapshot) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if was.Source != "dir" || was.Path != d.root {
		return false
	}
	g := d.glanced(ctx)
	known := g.known
	if known == nil || known.digest != was.Digest {
		return false
	}
	if g.stands {
		return gitAtWork(d.root) == nil
	}
	s := &scan{ctx: ctx, root: known.root, known: known, began: g.began, manifests: &reconciler.Manifests{}}
	s.directory("", nil)
	if len(s.errs) > 0 || s.err != nil || len(s.files) != len(known.files) || gitAtWork(d.root) != nil {
		return false
	}
	if now := s.index(known.digest); s.aged || now.tells() {
		d.last = now
		_ = d.keep(known.digest) // else the next glance only takes as long
	}
	return true
}

// compare looks whether the next file of the walk is as the index has it.
func (s *scan) compare(path string) {
	full := filepath.Join(s.root, filepath.FromSlash(path))
	info, err := os.Stat(full)
	if err != nil || len(s.files) == len(s.known.files) {
		s.err = errDiffers
		return
	}
	was := s.known.files[len(s.files)]
	if was.path != path || !was.same(info) {
		s.err = errDiffers
		return
	}
	if was.racy {
		data, info, err := readFile(full)
		if err != nil || reconciler.SumOf(data) != was.sum {
			s.err = errDiffers
			return
		}
		was = indexedFile(path, info, was.sum, s.began)
		s.aged = s.aged || !was.racy
	}
	s.files = append(s.files, was)
}

// Keep writes the index of the tree as it was last read, if that has the digest.
func (d *dir) Keep(digest string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.keep(digest)
}

func (d *dir) keep(digest string) error {
	last := cmp.Or(d.last, d.following.index())
	if d.index == "" || last == nil || last.digest != digest || silentFileSystem(d.root) != "" {
		return nil // other machines change a shared folder, and times told of it may be old
	}
	d.last = nil
	if err := renameio.WriteFile(d.index, last.encoded(), 0o600); err != nil {
		return fmt.Errorf("keeping the index of manifests: %w", err)
	}
	return nil
}

const indexMark = "usher index 2\n"

// encoded is the mark, the root, the digest, the folders and the files, sealed: see
// [spec.Pack].
func (x *index) encoded() []byte {
	b := make([]byte, 0, 100+80*(len(x.folders)+len(x.files)))
	b = append(b, indexMark...)
	b = spec.PackText(b, x.root)
	b = spec.PackText(b, x.digest)
	b = appendEntries(b, x.folders)
	b = appendEntries(b, x.files)
	return spec.Seal(b)
}

func appendEntries(b []byte, entries []indexed) []byte {
	b = binary.AppendUvarint(b, uint64(len(entries)))
	for i := range entries {
		f := &entries[i]
		b = spec.PackText(b, f.path)
		b = binary.AppendVarint(b, f.size)
		b = binary.AppendUvarint(b, f.inode)
		b = binary.AppendVarint(b, f.content)
		b = binary.AppendVarint(b, f.status)
		if f.racy {
			b = append(append(b, 1), f.sum[:]...)
		} else {
			b = append(b, 0)
		}
	}
	return b
}

// readIndex reads the index, which must be of this folder.
func (d *dir) readIndex() (*index, error) {
	if d.index == "" {
		return nil, fs.ErrNotExist
	}
	content, err := os.ReadFile(d.index)
	if err != nil {
		return nil, err
	}
	x, err := decodeIndex(content)
	if err != nil {
		return nil, err
	}
	if real, err := realPath(d.root); err != nil || real != x.root {
		return nil, errDiffers
	}
	return x, nil
}

var errNoIndex = errors.New("not an index of manifests")

func decodeIndex(b []byte) (*index, error) {
	u, sealed := spec.Unseal(b, indexMark)
	if !sealed {
		return nil, errNoIndex
	}
	x := &index{root: u.Text(), digest: u.Text(), folders: unpackEntries(u), files: unpackEntries(u)}
	if !u.Whole() {
		return nil, errNoIndex
	}
	return x, nil
}

func unpackEntries(u *spec.Unpacker) []indexed {
	entries := make([]indexed, u.Count())
	for i := range entries {
		entries[i].unpack(u)
	}
	return entries
}

func (f *indexed) unpack(u *spec.Unpacker) {
	f.path = u.Text()
	f.size = u.Varint()
	f.inode = u.Uvarint()
	f.content = u.Varint()
	f.status = u.Varint()
	if f.racy = u.Bool(); f.racy {
		copy(f.sum[:], u.Bytes(len(f.sum)))
	}
}
