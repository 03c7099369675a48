package reconciler

import "context"

// Snapshot names what was read.
type Snapshot struct {
	Source string `json:"source"` // "dir" or "git"
	Path   string `json:"path,omitempty"`
	Ref    string `json:"ref,omitempty"`    // the ref that named the commit
	Folder string `json:"folder,omitempty"` // of the commit, below which manifests were read; "" for all of it
	Commit string `json:"commit,omitempty"`
	Digest string `json:"digest"` // "sha256:…" over every path and its content
}

// Manifests is one reading of a tree, whole.
type Manifests struct {
	Snapshot
	Files []ManifestFile // sorted by path
}

// ManifestFile is one file as read.
type ManifestFile struct {
	Path string // slash-separated, below the directory or repository
	Data []byte
	Sum  ManifestSum // of Data; zero: not worked out
}

// Source is where manifests come from.
type Source interface {
	// Snapshot reads the tree once. Whatever cannot be read is an error: a part
	// is never taken for the whole. Errors with a place are spec.Errors.
	Snapshot(ctx context.Context) (*Manifests, error)
	// Settled returns the tree once it has stood still, given the first reading
	// of it; what is about to be acted on must not be half of an edit.
	Settled(ctx context.Context, first *Manifests) (*Manifests, error)
}
