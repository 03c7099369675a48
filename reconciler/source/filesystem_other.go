//go:build !linux

package source

import (
	"io/fs"
	"os"
	"time"
)

func silentFileSystem(string) string { return "" }

func changedAt(info fs.FileInfo) time.Time { return info.ModTime() }

// inodeOf knows nothing here, so that a file is never taken for unchanged without
// being read.
func inodeOf(fs.FileInfo) (inode uint64, changed int64, known bool) { return 0, 0, false }

// standsBelow cannot be told here.
func (f *indexed) standsBelow(*os.File) bool { return false }

// alone cannot be told here.
func alone(fs.FileInfo) bool { return false }
