package source

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"usher/reconciler"
)

// A digest is that of every path and the SHA-256 of its content. Files stand on
// shelves, which a path is hashed to, and shelves in halls, so that with one file
// that changes a shelf, a hall and the whole are hashed again, and nothing else: a
// few files and at most 256 sums, twice.
type ledger struct {
	halls [256]hall
	sums  [256]reconciler.ManifestSum // of the halls
	files int
}

// hall is the shelves whose numbers begin with the same byte.
type hall struct {
	shelves map[byte]*shelf // none of them empty
	stale   bool            // its sum is to be worked out again
}

// shelf is some files, sorted by path.
type shelf struct {
	files []indexed
	sum   reconciler.ManifestSum
	stale bool
}

// shelfOf is the hall and the shelf of a path: the 32-bit FNV-1a hash, folded.
func shelfOf(path string) (hall, shelf byte) {
	const offset, prime = 2166136261, 16777619
	h := uint32(offset)
	for i := range len(path) {
		h = (h ^ uint32(path[i])) * prime
	}
	h ^= h >> 16
	return byte(h >> 8), byte(h)
}

func comparePath(f indexed, path string) int { return strings.Compare(f.path, path) }

// file finds a file; nil where there is none.
func (l *ledger) file(path string) *indexed {
	h, s := shelfOf(path)
	on := l.halls[h].shelves[s]
	if on == nil {
		return nil
	}
	i, found := slices.BinarySearchFunc(on.files, path, comparePath)
	if !found {
		return nil
	}
	return &on.files[i]
}

// put enters a file, or what it is now.
func (l *ledger) put(f indexed) {
	h, s := shelfOf(f.path)
	in := &l.halls[h]
	if in.shelves == nil {
		in.shelves = map[byte]*shelf{}
	}
	on := in.shelves[s]
	if on == nil {
		on = &shelf{}
		in.shelves[s] = on
	}
	i, found := slices.BinarySearchFunc(on.files, f.path, comparePath)
	if !found {
		on.files = slices.Insert(on.files, i, indexed{})
		l.files++
	} else if on.files[i].sum == f.sum {
		on.files[i] = f
		return
	}
	on.files[i] = f
	on.stale, in.stale = true, true
}

// remove strikes a file out, if it is there.
func (l *ledger) remove(path string) {
	h, s := shelfOf(path)
	in := &l.halls[h]
	on := in.shelves[s]
	if on == nil {
		return
	}
	i, found := slices.BinarySearchFunc(on.files, path, comparePath)
	if !found {
		return
	}
	on.files = slices.Delete(on.files, i, i+1)
	on.stale, in.stale = true, true
	l.files--
	if len(on.files) == 0 {
		delete(in.shelves, s)
	}
}

// each yields every file, in no order.
func (l *ledger) each(yield func(*indexed) bool) {
	for h := range l.halls {
		for _, on := range l.halls[h].shelves {
			for i := range on.files {
				if !yield(&on.files[i]) {
					return
				}
			}
		}
	}
}

// digest works out again what changed.
func (l *ledger) digest() string {
	whole := make([]byte, 0, len(l.halls)*(1+sha256.Size))
	for h := range l.halls {
		in := &l.halls[h]
		if in.stale {
			l.sums[h], in.stale = in.digest(), false
		}
		if len(in.shelves) > 0 {
			whole = append(append(whole, byte(h)), l.sums[h][:]...)
		}
	}
	sum := sha256.Sum256(whole)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func (in *hall) digest() reconciler.ManifestSum {
	all := make([]byte, 0, len(in.shelves)*(1+sha256.Size))
	for s := range 256 {
		on := in.shelves[byte(s)]
		if on == nil {
			continue
		}
		if on.stale {
			on.sum, on.stale = on.digest(), false
		}
		all = append(append(all, byte(s)), on.sum[:]...)
	}
	return sha256.Sum256(all)
}

// digest is that of each path, which a zero byte ends, and its content's sum.
func (on *shelf) digest() reconciler.ManifestSum {
	var all []byte
	for i := range on.files {
		all = append(append(append(all, on.files[i].path...), 0), on.files[i].sum[:]...)
	}
	return sha256.Sum256(all)
}

// newLedger enters files of which no path stands twice.
func newLedger(files []indexed) *ledger {
	l := &ledger{files: len(files)}
	for _, f := range files {
		h, s := shelfOf(f.path)
		in := &l.halls[h]
		if in.shelves == nil {
			in.shelves = map[byte]*shelf{}
		}
		in.stale = true
		if in.shelves[s] == nil {
			in.shelves[s] = &shelf{stale: true}
		}
		in.shelves[s].files = append(in.shelves[s].files, f)
	}
	for h := range l.halls {
		for _, on := range l.halls[h].shelves {
			slices.SortFunc(on.files, func(a, b indexed) int { return strings.Compare(a.path, b.path) })
			on.files = slices.Clip(on.files)
		}
	}
	return l
}

// inOrder lists the files in the order of a walk: names are compared one by one on
// the way down, so that what is below a comes before a.yaml.
func (l *ledger) inOrder() []indexed {
	files := make([]indexed, 0, l.files)
	for f := range l.each {
		files = append(files, *f)
	}
	slices.SortFunc(files, func(a, b indexed) int { return compareOnTheWay(a.path, b.path) })
	return files
}

func compareOnTheWay(a, b string) int {
	for {
		nameA, restA, belowA := strings.Cut(a, "/")
		nameB, restB, belowB := strings.Cut(b, "/")
		if c := strings.Compare(nameA, nameB); c != 0 || !belowA || !belowB {
			return cmp.Or(c, cmp.Compare(len(restA), len(restB)))
		}
		a, b = restA, restB
	}
}

// digest is the digest of a whole tree.
func digest(files []reconciler.ManifestFile) string {
	all := make([]indexed, len(files))
	for i, f := range files {
		all[i] = indexed{path: f.Path, sum: f.Sum}
	}
	return newLedger(all).digest()
}
