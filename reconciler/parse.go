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

// parsedTree keeps what files parsed to, so that only what changed is parsed again.
// Parsing depends on nothing but a file's path and bytes (see [spec.Parse]), and
// resolving leaves parsed files as they are.
type parsedTree struct {
	parse func(string, []byte) (*spec.File, spec.Errors)
	known map[string]*parsedFile // by path; of the last tree alone
}

type parsedFile struct {
	sum  ManifestSum
	file *spec.File
	errs spec.Errors
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
	list := make([]*spec.File, len(files))
	var errs spec.Errors
	for i, p := range parsed {
		t.known[files[i].Path] = p
		list[i] = p.file
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
				p := &parsedFile{sum: files[i].Sum}
				p.file, p.errs = t.parse(files[i].Path, files[i].Data)
				into[i] = p
			}
		})
	}
	for _, i := range at {
		next <- i
	}
	close(next)
	wg.Wait()
}
