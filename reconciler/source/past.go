package source

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"usher/reconciler"
	"usher/spec"
)

// pastTrees keeps what was read of the trees of a history, so that of thousands of
// commits with thousands of files each only what changed is read and parsed. What
// the newest history did not need is forgotten.
type pastTrees struct {
	today   spec.Day
	trees   generations[string, object] // by id
	files   generations[pastFile, parsedFile]
	rosters generations[[32]byte, *spec.Roster] // by the files they are made of; nil: not valid
}

// pastFile is one content in one place.
type pastFile struct{ path, blob string }

type parsedFile struct {
	file  *spec.File
	valid bool
}

// generations is a memory of what the last use asked for, and the one under way.
type generations[K comparable, V any] struct{ last, now map[K]V }

func (g *generations[K, V]) get(k K) (V, bool) {
	v, ok := g.now[k]
	if !ok {
		if v, ok = g.last[k]; ok {
			g.put(k, v)
		}
	}
	return v, ok
}

func (g *generations[K, V]) put(k K, v V) {
	if g.now == nil {
		g.now = map[K]V{}
	}
	g.now[k] = v
}

// turn forgets what was not asked for since the last turn, unless nothing was.
func (g *generations[K, V]) turn() {
	if len(g.now) > 0 {
		g.last, g.now = g.now, nil
	}
}

// begin starts the reading of a history; seats count from today on.
func (t *pastTrees) begin(today spec.Day) {
	if t.today != today {
		t.rosters = generations[[32]byte, *spec.Roster]{}
	}
	t.today = today
}

func (t *pastTrees) end() {
	t.trees.turn()
	t.files.turn()
	t.rosters.turn()
}

// knownTrees reads objects by way of what is known.
type knownTrees struct {
	*batch
	known *generations[string, object]
}

func (k knownTrees) get(id string, most int64) (object, error) {
	if o, ok := k.known.get(id); ok {
		return o, nil
	}
	o, err := k.batch.get(id, most)
	if err == nil {
		k.known.put(id, o)
	}
	return o, err
}

// roster resolves the manifests below the folder of a root tree; nil where they
// are not valid, or the folder is not there.
func (r *Ref) roster(b *batch, tree string) (*spec.Roster, error) {
	w := &treeWalk{batch: knownTrees{b, &r.past.trees}, blobs: map[string]string{}}
	switch err := w.descend(tree, r.below); {
	case errors.Is(err, reconciler.ErrNoFolder):
		return nil, nil
	case err != nil:
		return nil, err
	}
	paths := slices.Sorted(w.paths())
	h := sha256.New()
	for _, path := range paths {
		fmt.Fprintf(h, "%s\x00%s\n", path, w.blobs[path])
	}
	key := [32]byte(h.Sum(nil))
	if roster, known := r.past.rosters.get(key); known {
		return roster, nil
	}
	files, err := r.parsed(b, w)
	if err != nil {
		return nil, err
	}
	roster := resolved(files, paths, len(w.errs) == 0, r.past.today)
	r.past.rosters.put(key, roster)
	return roster, nil
}

// parsed reads and parses what is not known of the files of a tree.
func (r *Ref) parsed(b *batch, w *treeWalk) (map[string]parsedFile, error) {
	files := make(map[string]parsedFile, len(w.blobs))
	for path, blob := range w.blobs {
		at := pastFile{path, blob}
		f, known := r.past.files.get(at)
		if !known {
			var err error
			if f, err = r.parse(b, path, blob); err != nil {
				return nil, err
			}
			r.past.files.put(at, f)
		}
		files[path] = f
	}
	return files, nil
}

// parse reads one file. One that is too large is not valid, and no reason to know
// nothing of a history that got rid of it.
func (r *Ref) parse(b *batch, path, blob string) (parsedFile, error) {
	known, ok := r.known[blob]
	if !ok {
		o, err := b.get(blob, spec.MaxFileSize)
		switch {
		case errors.Is(err, errTooLarge):
			return parsedFile{file: &spec.File{Path: path}}, nil
		case err != nil:
			return parsedFile{}, err
		case o.kind != "blob":
			return parsedFile{}, fmt.Errorf("%s is a %s, not a file", blob, o.kind)
		}
		known.data = o.data
	}
	file, errs := spec.Parse(path, known.data)
	return parsedFile{file, len(errs) == 0}, nil
}

// resolved is the roster that files ask for; nil where they are not valid.
func resolved(files map[string]parsedFile, paths []string, valid bool, today spec.Day) *spec.Roster {
	list := make([]*spec.File, len(paths))
	for i, path := range paths {
		list[i] = files[path].file
		valid = valid && files[path].valid
	}
	if !valid {
		return nil
	}
	roster, errs := spec.Resolve(list, today)
	if len(errs) > 0 {
		return nil
	}
	return roster
}
