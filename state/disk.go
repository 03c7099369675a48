//go:build linux || darwin || freebsd

package state

import "golang.org/x/sys/unix"

// freeDisk returns how many bytes of the file system at path are free for us, and
// how many it has in all.
func freeDisk(path string) (free, all uint64, err error) {
	var s unix.Statfs_t
	if err := unix.Statfs(path, &s); err != nil {
		return 0, 0, err
	}
	return uint64(s.Bavail) * uint64(s.Bsize), uint64(s.Blocks) * uint64(s.Bsize), nil
}
