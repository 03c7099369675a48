package reconciler

import (
	"context"
	"slices"
	"strings"
)

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

// file returns the file at a path, nil where there is none.
func (m *Manifests) file(path string) *ManifestFile {
	i, found := slices.BinarySearchFunc(m.Files, path, func(f ManifestFile, path string) int { return strings.Compare(f.Path, path) })
	if !found {
		return nil
	}
	return &m.Files[i]
}

// data returns the bytes of a file, none where it is not there.
func (m *Manifests) data(path string) []byte {
	if f := m.file(path); f != nil {
		return f.Data
	}
	return nil
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
