package edit

import (
	"bytes"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// splice replaces the bytes [from, to) of a file.
type splice struct {
	from, to int
	with     string
}

// apply returns the file with the splices made. They must not overlap.
func (s *text) apply(splices ...splice) []byte {
	slices.SortFunc(splices, func(a, b splice) int { return a.from - b.from })
	var out bytes.Buffer
	at := 0
	for _, p := range splices {
		out.Write(s.data[at:p.from])
		out.WriteString(p.with)
		at = p.to
	}
	out.Write(s.data[at:])
	return out.Bytes()
}

// entry is one item of a sequence, its dash included, or one pair of a mapping:
// the bytes [start, end).
type entry struct{ start, end int }

// entries returns the entries of a collection in order.
func (s *text) entries(n *yaml.Node) []entry {
	var all []entry
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			all = append(all, entry{s.keyStart(n.Content[i]), s.end(n.Content[i+1])})
		}
	case s.braced(n):
		for _, item := range n.Content {
			all = append(all, entry{s.start(item), s.end(item)})
		}
	default:
		at := s.start(n)
		for _, item := range n.Content {
			e := entry{at, s.end(item)}
			all = append(all, e)
			at = s.skip(e.end)
		}
	}
	return all
}

// keyStart is where a pair begins: at its key, or at the question mark before it.
func (s *text) keyStart(key *yaml.Node) int {
	at := s.start(key)
	begin, _ := s.lineOf(at)
	before := bytes.TrimRight(s.data[begin:at], " ")
	if bytes.HasSuffix(before, []byte("?")) {
		return begin + len(before) - 1
	}
	return at
}

// blank reports whether there is nothing but white space.
func blank(b []byte) bool { return len(bytes.TrimSpace(b)) == 0 }

// aside reports whether what follows on a line is nothing of the document:
// white space, a comment and, within brackets, one comma.
func aside(b []byte) bool {
	b = bytes.TrimSpace(b)
	b = bytes.TrimSpace(bytes.TrimPrefix(b, []byte(",")))
	return len(b) == 0 || b[0] == '#'
}

// alone reports whether an entry shares its lines with nothing but comments.
func (s *text) alone(e entry) bool {
	begin, _ := s.lineOf(e.start)
	_, end := s.lineOf(e.end)
	return blank(s.data[begin:e.start]) && aside(s.data[e.end:end])
}

// remove takes out one entry of a collection that has others.
func (s *text) remove(n *yaml.Node, i int) splice {
	all := s.entries(n)
	e := all[i]
	switch {
	case s.braced(n) && i > 0 && i+1 == len(all) && bytes.IndexByte(s.data[all[i-1].end:e.start], '#') < 0:
		return splice{from: all[i-1].end, to: e.end}
	case s.alone(e):
		return s.removeLines(e)
	case i+1 < len(all):
		return splice{from: e.start, to: all[i+1].start}
	default:
		return splice{from: all[i-1].end, to: e.end}
	}
}

// removeLines takes out the lines of an entry. The last line of a file that does
// not end in a line end leaves none behind.
func (s *text) removeLines(e entry) splice {
	from, _ := s.lineOf(e.start)
	to := s.nextLine(e.end)
	if to == len(s.data) && to > 0 && s.data[to-1] != '\n' {
		from = len(bytes.TrimSuffix(bytes.TrimSuffix(s.data[:from], []byte("\n")), []byte("\r")))
	}
	return splice{from: from, to: to}
}

// insert adds an entry at the end of a collection. Lines of the entry after its
// first are indented with it; it must have one line only within brackets.
func (s *text) insert(n *yaml.Node, content string) []splice {
	if !s.braced(n) {
		return []splice{s.insertLines(n, content)}
	}
	all := s.entries(n)
	if len(all) == 0 {
		at := s.start(n) + 1
		return []splice{{at, at, content}}
	}
	last := all[len(all)-1]
	if !s.alone(last) {
		return []splice{{last.end, last.end, ", " + content}}
	}
	_, lineEnd := s.lineOf(last.end)
	indent := s.lineEnd() + strings.Repeat(" ", s.indent(last.start))
	if bytes.HasPrefix(bytes.TrimSpace(s.data[last.end:lineEnd]), []byte(",")) {
		return []splice{{lineEnd, lineEnd, indent + content + ","}}
	}
	if next := s.skip(last.end); s.data[next] == ',' {
		return []splice{{next + 1, next + 1, " " + content}}
	}
	if lineEnd == last.end {
		return []splice{{lineEnd, lineEnd, "," + indent + content}}
	}
	return []splice{{last.end, last.end, ","}, {lineEnd, lineEnd, indent + content}}
}

// insertLines adds an entry below the last of a collection in block style. The
// items of a sequence keep the distance of the first from its dash.
func (s *text) insertLines(n *yaml.Node, content string) splice {
	all := s.entries(n)
	first, last := all[0], all[len(all)-1]
	lead := ""
	if n.Kind == yaml.SequenceNode {
		lead = "- "
		if item := s.start(n.Content[0]); blank(s.data[first.start+1:item]) && !bytes.Contains(s.data[first.start:item], []byte("\n")) {
			lead = "-" + string(s.data[first.start+1:item])
		}
	}
	indent := s.lineEnd() + strings.Repeat(" ", s.indent(first.start))
	body := strings.ReplaceAll(lead+content, "\n", indent+strings.Repeat(" ", len(lead)))
	_, at := s.lineOf(last.end)
	return splice{at, at, indent + body}
}

// child returns the value of a mapping's key, and at which pair; nil and -1
// where there is none.
func child(n *yaml.Node, key string) (value *yaml.Node, at int) {
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1], i / 2
		}
	}
	return nil, -1
}
