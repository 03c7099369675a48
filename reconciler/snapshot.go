package reconciler

import (
	"context"
	"slices"
	"strings"

	"usher/spec"
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

// Manifests is one reading of a tree: of all of it, or of what differs.
type Manifests struct {
	Snapshot
	Files []ManifestFile // sorted by path; of an edit those that differ
	Edit  *Edit          // nil: the whole tree was read

	resolved *resolution // what they ask for, once that was worked out
}

// resolution is the roster that manifests without any error resolve to on a day.
type resolution struct {
	roster *spec.Roster
	day    spec.Day
}

// Edit is how a tree differs from one that was read before.
type Edit struct {
	Since  string                            // digest of the earlier one
	Gone   []string                          // paths of files that are there no more; sorted
	Untold int                               // files found to differ by looking at all, of which the file system should have told
	Read   func(path string) ([]byte, error) // any file of the tree; whoever knows its sum sees whether it is what it was
}

// file returns the file at a path, nil where there is none.
func (m *Manifests) file(path string) *ManifestFile {
	i, found := slices.BinarySearchFunc(m.Files, path, func(f ManifestFile, path string) int { return strings.Compare(f.Path, path) })
	if !found {
		return nil
	}
	return &m.Files[i]
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

// Follower is a source that can tell how its tree differs from one that it read
// before, at the cost of what differs.
type Follower interface {
	Source
	// Since returns the tree as an edit of an earlier one; nil where only reading all
	// of it can tell, or says what is wrong. A thorough look trusts nothing but the
	// tree itself; any other what it was told of changes.
	Since(ctx context.Context, was Snapshot, thorough bool) *Manifests
	// Recall has a source that read nothing yet know a tree that another one read, with
	// these files. Where it cannot, Since says so.
	Recall(ctx context.Context, was Snapshot, files *spec.Register)
}
