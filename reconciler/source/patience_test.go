package source

import (
	"time"

	"usher/reconciler"
)

// DirWithin is a Dir that waits no longer than patience for its tree to settle.
func DirWithin(path string, settle, patience time.Duration) reconciler.Source {
	return &dir{root: path, settle: settle, patience: patience}
}
