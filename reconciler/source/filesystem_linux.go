package source

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// silentFileSystem says why a file system tells nothing of what others write to
// it, "" for one that does. The numbers are those of statfs(2).
func silentFileSystem(path string) string {
	var s syscall.Statfs_t
	if syscall.Statfs(path, &s) != nil {
		return ""
	}
	names := map[int64]string{0x6969: "NFS", 0x517b: "SMB", 0xfe534d42: "SMB", 0xff534d42: "CIFS", 0x01021997: "9P", 0x65735546: "FUSE", 0x5346414f: "AFS", 0x00c36400: "Ceph"}
	if name := names[int64(s.Type)&0xffffffff]; name != "" {
		return fmt.Sprintf("%s is on %s, which does not tell of changes made elsewhere", path, name)
	}
	return ""
}

// changedAt is when a file last changed in any way. A copy that keeps the times
// of the original still sets the change time.
func changedAt(info fs.FileInfo) time.Time {
	at := info.ModTime()
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		if changed := time.Unix(s.Ctim.Unix()); changed.After(at) {
			return changed
		}
	}
	return at
}

// inodeOf is a file's inode and when that last changed, Unix time in nanoseconds.
// known is whether the system tells both.
func inodeOf(info fs.FileInfo) (inode uint64, changed int64, known bool) {
	s, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0, false
	}
	return s.Ino, s.Ctim.Nano(), true
}

// standsBelow reports whether a file or a folder is the one that was indexed, as far as
// times tell. It asks the system itself, from the root on, for a fraction of what an
// fs.FileInfo costs.
func (f *indexed) standsBelow(root *os.File) bool {
	var s unix.Stat_t
	err := unix.Fstatat(int(root.Fd()), cmp.Or(f.path, "."), &s, 0)
	return err == nil && s.Size == f.size && s.Ino == f.inode && s.Mtim.Nano() == f.content && s.Ctim.Nano() == f.status
}

// alone reports whether a file has no other name, under which it might be written.
func alone(info fs.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && s.Nlink == 1
}
