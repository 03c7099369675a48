package spec

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"

	"gopkg.in/yaml.v3"
)

// Part is one document of a file, parsed.
type Part struct {
	Sum   [sha256.Size]byte // of its bytes
	Above int               // lines of the file before it
	File  *File             // what it declares
}

// ParseParts reads a file of the shared tree document by document. What stands in
// known with the same bytes at the same place is not parsed again; known are the
// parts of the same path. Where there are errors they are those of [Parse], and so
// is what could be read, in a single part.
func ParseParts(path string, data []byte, known []Part) ([]Part, Errors) {
	parts := takeApart(data)
	for i := range parts {
		p := &parts[i]
		if was := partAt(known, p.Above); was != nil && was.Sum == p.Sum {
			p.File = was.File
			continue
		}
		var errs Errors
		if p.File, errs = parse(path, p.Above, p.data, sharedKinds); len(errs) > 0 {
			whole, errs := Parse(path, data)
			return []Part{{File: whole}}, errs
		}
	}
	return bare(parts), nil
}

// unparsed is a part with the bytes that it is to be parsed from.
type unparsed struct {
	Part
	data []byte
}

// takeApart takes a file apart without parsing it, which costs a hundredth of
// that. A line that begins with three hyphens separates documents wherever YAML
// lets it stand (YAML 1.2, section 9.1.2); where it must not, inside quotes or
// brackets, neither the part before it nor the whole is valid. A file that may be
// refused as a whole, for its size, is a single part.
func takeApart(data []byte) []unparsed {
	if len(data) > MaxFileSize || entries(data) > MaxEntries {
		return []unparsed{{Part{Sum: sha256.Sum256(data)}, data}}
	}
	var parts []unparsed
	above := 0
	for len(data) > 0 {
		end := nextSeparator(data)
		parts = append(parts, unparsed{Part{Sum: sha256.Sum256(data[:end]), Above: above}, data[:end]})
		above += bytes.Count(data[:end], []byte("\n"))
		data = data[end:]
	}
	return parts
}

// nextSeparator is where the first line after the first begins that separates
// documents, or the end.
func nextSeparator(data []byte) int {
	for from := 0; ; {
		i := bytes.Index(data[from:], []byte("\n---"))
		if i < 0 {
			return len(data)
		}
		from += i + len("\n---")
		if from == len(data) || bytes.IndexByte([]byte(" \t\r\n"), data[from]) >= 0 {
			return from - len("---")
		}
	}
}

func bare(parts []unparsed) []Part {
	list := make([]Part, len(parts))
	for i := range parts {
		list[i] = parts[i].Part
	}
	return list
}

// partAt finds the part that so many lines stand above, nil where there is none.
func partAt(parts []Part, above int) *Part {
	i, found := slices.BinarySearchFunc(parts, above, func(p Part, above int) int { return cmp.Compare(p.Above, above) })
	if !found || parts[i].File == nil {
		return nil
	}
	return &parts[i]
}

// lower gives the nodes of a part the lines that they have in their file.
func lower(n *yaml.Node, above int) {
	if above == 0 {
		return
	}
	n.Line += above
	for _, child := range n.Content {
		lower(child, above)
	}
}
