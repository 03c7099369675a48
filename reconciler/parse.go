package reconciler

import (
	"crypto/sha256"
	"runtime"
	"sync"

	"usher/spec"
)

// ManifestSum is the SHA-256 of a manifest; zero where nobody worked it out.
type ManifestSum [sha256.Size]byte

// SumOf is the sum of these bytes.
func SumOf(data []byte) ManifestSum { return sha256.Sum256(data) }

// parsedTree keeps what files parsed to, so that only the documents that changed
// are parsed again. Parsing depends on nothing but a file's path and bytes (see
// [spec.ParseParts]), and resolving leaves what was parsed as it is.
type parsedTree struct {
	parse func(path string, data []byte, known []spec.Part) ([]spec.Part, spec.Errors)
	known map[string]*parsedFile // by path; of the last tree alone
}

type parsedFile struct {
	sum   ManifestSum
	parts []spec.Part
	errs  spec.Errors
}

// parsePrivate reads a file of the private folder, which is small, as one part.
func parsePrivate(path string, data []byte, _ []spec.Part) ([]spec.Part, spec.Errors) {
	f, errs := spec.ParsePrivate(path, data)
	return []spec.Part{{File: f}}, errs
}

// files parses those files that differ from the last tree's, side by side. The
// result does not depend on which is parsed first. A file without a sum is
// parsed each time.
func (t *parsedTree) files(files []ManifestFile) ([]*spec.File, spec.Errors) {
	parsed := make([]*parsedFile, len(files))
	var changed []int
	for i, f := range files {
		if was := t.known[f.Path]; was != nil && was.sum == f.Sum && f.Sum != (ManifestSum{}) {
			parsed[i] = was
		} else {
			changed = append(changed, i)
		}
	}
	t.parseEach(files, parsed, changed)
	t.known = make(map[string]*parsedFile, len(files))
	list := make([]*spec.File, 0, len(files))
	var errs spec.Errors
	for i, p := range parsed {
		t.known[files[i].Path] = p
		for _, part := range p.parts {
			list = append(list, part.File)
		}
		errs = append(errs, p.errs...)
	}
	return list, errs
}

// parseEach parses the files at some places of the list.
func (t *parsedTree) parseEach(files []ManifestFile, into []*parsedFile, at []int) {
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(at)) {
		wg.Go(func() {
			for i := range next {
				into[i] = t.parseFile(files[i])
			}
		})
	}
	for _, i := range at {
		next <- i
	}
	close(next)
	wg.Wait()
}

func (t *parsedTree) parseFile(f ManifestFile) *parsedFile {
	var known []spec.Part
	if was := t.known[f.Path]; was != nil {
		known = was.parts
	}
	p := &parsedFile{sum: f.Sum}
	p.parts, p.errs = t.parse(f.Path, f.Data, known)
	return p
}

// tree is the last tree.
func (t *parsedTree) tree() []spec.ParsedFile {
	files := make([]spec.ParsedFile, 0, len(t.known))
	for path, f := range t.known {
		files = append(files, spec.ParsedFile{Path: path, Sum: f.sum, Parts: f.parts})
	}
	return files
}

// maxKept is how many parsed documents are kept once everybody was compared. They
// take two to five kilobytes a person, where a register takes half of one; edits go
// by that, and to parse so many anew takes a tenth of a second.
const maxKept = 2000

// shed lets go of what parsed to more than is kept.
func (t *parsedTree) shed() {
	documents := 0
	for _, f := range t.known {
		documents += len(f.parts)
	}
	if documents > maxKept {
		t.known = nil
	}
}
