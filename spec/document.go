package spec

import (
	"bytes"

	"gopkg.in/yaml.v3"
)

// Document is a part of a file, from one line that separates documents to the
// next. What its bytes say depends on no other part of the file.
type Document struct {
	Above int // lines of the file before it
	Data  []byte
}

// Documents takes a file apart without parsing it, which costs a hundredth of
// that. A line that begins with three hyphens separates documents wherever YAML
// lets it stand (YAML 1.2, section 9.1.2); where it must not, inside quotes or
// brackets, neither the part before it nor the whole is valid. A file that may be
// refused as a whole, for its size, is a single part.
func Documents(data []byte) []Document {
	if len(data) > MaxFileSize || entries(data) > MaxEntries {
		return []Document{{Data: data}}
	}
	var parts []Document
	line := 0
	for len(data) > 0 {
		end := nextSeparator(data)
		parts = append(parts, Document{Above: line, Data: data[:end]})
		line += bytes.Count(data[:end], []byte("\n"))
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

// ParseDocument reads one part of a file as [Parse] does the whole. Lines are
// those of the file.
func ParseDocument(path string, d Document) (*File, Errors) {
	return parse(path, d.Above, d.Data, sharedKinds)
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
