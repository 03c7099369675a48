package source

import (
	"log/slog"
	"path"
	"path/filepath"
	"strings"
)

// WatchRef begins to watch a ref of a repository: HEAD, packed-refs, and each
// folder on the way to the ref's own file, any of which git makes, replaces and
// removes as it likes. What it misses, as with refs kept in other ways, a regular
// look finds.
func WatchRef(r *Repository, ref string, log *slog.Logger) *Watcher {
	w := &Watcher{log: log, files: func() []string { return r.refFiles(ref) }}
	dir, _ := r.folders()
	w.begin(dir)
	return w
}

// refFiles are the files that say what a ref is, those that lead to them, and the
// path that the repository was found at. They need not exist.
func (r *Repository) refFiles(ref string) []string {
	dir, shared := r.folders()
	head := filepath.Join(dir, "HEAD")
	files := []string{head, filepath.Join(shared, "packed-refs"), filepath.Join(shared, "reftable", "tables.list")}
	if abs, err := filepath.Abs(r.path); err == nil {
		files = append(files, abs, filepath.Join(abs, ".git"))
	}
	if ref == "HEAD" {
		text, _, err := readFile(head)
		target, symbolic := strings.CutPrefix(strings.TrimSpace(string(text)), "ref: ")
		if err != nil || !symbolic {
			return files
		}
		ref = target
	}
	for ; ref != "."; ref = path.Dir(ref) {
		files = append(files, filepath.Join(shared, filepath.FromSlash(ref)))
	}
	return files
}
