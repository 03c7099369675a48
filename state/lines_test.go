package state

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/spec"
)

// page is a file of documents, the rows that say where each of their lines is declared,
// and the map that these are recorded by.
type page struct {
	documents []*document
	lines     lineMap
}

// document is a document of so many lines, and the number that each is recorded with;
// 0: no row is declared there.
type document struct{ recorded []int32 }

// first is the line at which a document begins.
func (p *page) first(at int) int32 {
	line := int32(1)
	for _, d := range p.documents[:at] {
		line += int32(len(d.recorded))
	}
	return line
}

// edit makes documents of others. Those that are the same have their lines moved; of
// the others each line is declared anew, but for those that say what was said there.
func (p *page) edit(t *rapid.T, documents []*document) {
	was := page{documents: slices.Clone(p.documents)}
	p.documents = documents
	var runs []spec.LineRun
	for at, d := range was.documents {
		if now := slices.Index(documents, d); now >= 0 {
			first, count := was.first(at), int32(len(d.recorded))
			if at == len(was.documents)-1 && now == len(documents)-1 {
				count = spec.Endless
			}
			runs = append(runs, spec.LineRun{First: first, Count: count, By: p.first(now) - first})
		}
	}
	before := p.lines
	p.lines = p.lines.moved(runs)
	for at, d := range documents {
		if slices.Contains(was.documents, d) {
			continue
		}
		for i := range d.recorded {
			line := p.first(at) + int32(i)
			if d.recorded[i] == 0 || before.now(d.recorded[i]) != line {
				d.recorded[i] = p.record(t, line)
			}
		}
	}
}

// record finds the number for a line, and makes one where there is none.
func (p *page) record(t *rapid.T, line int32) int32 {
	number, found := p.lines.recorded(line)
	if !found {
		var err error
		if p.lines, err = p.lines.room(line); err != nil {
			t.Fatal(err)
		}
		if number, found = p.lines.recorded(line); !found {
			t.Fatalf("line %d has no number in %v", line, p.lines)
		}
	}
	return number
}

// TestLinesStandWhereTheyAreDeclared: whatever documents come, go, change and change
// places, each row says the line at which it is declared, and the map stays about as
// long as the file has documents. Now and then it is stored in between.
func TestLinesStandWhereTheyAreDeclared(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &page{}
		n := func(limit int) int { return rapid.IntRange(0, limit-1).Draw(t, "n") }
		anew := func() *document { return &document{make([]int32, 1+n(4))} }
		p.edit(t, []*document{anew(), anew(), anew()})
		most := 0 // runs, for as many documents as there ever were
		for range rapid.IntRange(1, 30).Draw(t, "edits") {
			next := slices.Clone(p.documents)
			for range 1 + n(2) {
				switch at := n(len(next) + 1); {
				case n(3) == 0 || len(next) == 0:
					next = slices.Insert(next, at, anew())
				case at == len(next):
				case n(3) == 0:
					next = slices.Delete(next, at, at+1)
				case n(2) == 0: // longer or shorter, and some of its lines as they were
					changed := anew()
					copy(changed.recorded, next[at].recorded)
					next[at] = changed
				default:
					other := n(len(next))
					next[at], next[other] = next[other], next[at]
				}
			}
			p.edit(t, next)
			for at, d := range p.documents {
				for i, recorded := range d.recorded {
					if got, want := p.lines.now(recorded), p.first(at)+int32(i); got != want {
						t.Fatalf("line %d, recorded as %d, is said to stand at %d by %v", want, recorded, got, p.lines)
					}
				}
			}
			text, err := p.lines.encode()
			if err != nil {
				t.Fatal(err)
			}
			if p.lines, err = decodeLines(text); err != nil {
				t.Fatal(err)
			}
			if len(p.lines) == 0 {
				p.lines = nil
			}
			if most = max(most, 4*len(p.documents)+8); len(p.lines) > most {
				t.Fatalf("%d documents take %d runs: %v", len(p.documents), len(p.lines), p.lines)
			}
		}
	})
}

// A map is no longer than what was edited, and gone once all is where it was.
func TestMovedLines(t *testing.T) {
	const end = spec.Endless
	tests := map[string]struct {
		was  lineMap
		runs [][3]int32 // first, count, by
		want lineMap
	}{
		"lines come":         {nil, [][3]int32{{1, 10, 0}, {11, end, 8}}, lineMap{{1, 10, 1}, {11, end - 10, 19}}},
		"lines go":           {nil, [][3]int32{{1, 10, 0}, {19, end, -8}}, lineMap{{1, 10, 1}, {19, end - 18, 11}}},
		"lines come and go":  {lineMap{{1, 10, 1}, {11, end - 10, 19}}, [][3]int32{{1, 10, 0}, {19, end, -8}}, nil},
		"one is edited":      {nil, [][3]int32{{1, 10, 0}, {19, end, 1}}, lineMap{{1, 18, 1}, {19, end - 18, 20}}},
		"two change places":  {nil, [][3]int32{{1, 3, 5}, {4, 5, -3}}, lineMap{{1, 3, 6}, {4, 5, 1}, {9, end - 8, 9}}},
		"two change back":    {lineMap{{1, 3, 6}, {4, 5, 1}, {9, end - 8, 9}}, [][3]int32{{1, 5, 3}, {6, 3, -5}}, nil},
		"numbers are unused": {lineMap{{1, 4, 1}, {5, end - 4, 8}, {end + 1, 3, 5}}, [][3]int32{{1, 4, 0}, {8, end, -3}}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var runs []spec.LineRun
			for _, r := range test.runs {
				runs = append(runs, spec.LineRun{First: r[0], Count: r[1], By: r[2]})
			}
			got := test.was.moved(runs)
			if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(lineRun{})); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
