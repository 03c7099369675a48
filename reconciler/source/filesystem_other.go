//go:build !linux

package source

import (
	"io/fs"
	"time"
)

func silentFileSystem(string) string { return "" }

func changedAt(info fs.FileInfo) time.Time { return info.ModTime() }
