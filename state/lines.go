package state

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"

	"usher/spec"
)

// lineRun is a run of lines of a file: rows record them from one number on, and they
// stand now from another one on.
type lineRun struct{ recorded, count, now int32 }

// lineMap is where the lines of a file stand now that rows in force record, sorted by
// what is recorded. No line is recorded twice. The map of a file whose lines never
// moved is nil: they stand where they are recorded.
//
// Lines that come between others are recorded with numbers that no file has lines for.
// So a row keeps its number, wherever its line goes.
type lineMap []lineRun

// unmoved is the map of a file before any line of it moved.
var unmoved = lineMap{{1, spec.Endless, 1}}

// find returns where a recorded line stands now; false where there is no such line any
// more.
func (m lineMap) find(recorded int32) (int32, bool) {
	i, found := slices.BinarySearchFunc(m, recorded, func(r lineRun, line int32) int { return cmp.Compare(r.recorded, line) })
	if !found {
		i--
	}
	if i < 0 || recorded >= m[i].recorded+m[i].count {
		return 0, false
	}
	return m[i].now + recorded - m[i].recorded, true
}

// now is where a recorded line stands.
func (m lineMap) now(recorded int32) int32 {
	if line, found := m.find(recorded); found {
		return line
	}
	return recorded
}

// recorded is the number by which a line is recorded that stands there now, if it has one.
func (m lineMap) recorded(now int32) (int32, bool) {
	if m == nil {
		return now, true
	}
	for _, r := range m {
		if now >= r.now && now < r.now+r.count {
			return r.recorded + now - r.now, true
		}
	}
	return 0, false
}

// room adds numbers for the lines around one that has none.
func (m lineMap) room(now int32) (lineMap, error) {
	first, after, free := int32(1), int32(spec.Endless)+now, int32(1)
	for _, r := range m {
		if r.now > now {
			after = min(after, r.now)
		} else {
			first = max(first, r.now+r.count)
		}
		free = r.recorded + r.count
	}
	if free > math.MaxInt32-(after-first) {
		return m, fmt.Errorf("%w: a file was edited so often that its lines have no numbers left", ErrDamaged)
	}
	return append(slices.Clone(m), lineRun{free, after - first, first}), nil
}

// moved is the map after runs of lines moved. What is left at lines where others
// stand now is of nobody any more.
func (m lineMap) moved(runs []spec.LineRun) lineMap {
	if m == nil {
		m = unmoved
	}
	taken := takenBy(runs)
	var is lineMap
	for _, r := range m {
		for _, piece := range r.split(runs) {
			if piece.by != 0 || piece.stays {
				piece.now += piece.by
				is = append(is, piece.lineRun)
				continue
			}
			is = append(is, piece.without(taken)...)
		}
	}
	return is.joined()
}

// movedPiece is a part of a run all of which moves alike.
type movedPiece struct {
	lineRun
	by    int32
	stays bool // it is in a run of lines that are the same
}

// split cuts a run where others begin and end.
func (r lineRun) split(runs []spec.LineRun) []movedPiece {
	var pieces []movedPiece
	cut := func(to int32, by int32, stays bool) {
		if n := to - r.now; n > 0 {
			pieces = append(pieces, movedPiece{lineRun{r.recorded, n, r.now}, by, stays})
			r = lineRun{r.recorded + n, r.count - n, r.now + n}
		}
	}
	end := r.now + r.count
	for _, run := range runs {
		cut(min(run.First, end), 0, false)
		cut(min(run.First+run.Count, end), run.By, true)
	}
	cut(end, 0, false)
	return pieces
}

// takenBy are the lines at which runs stand now, sorted.
func takenBy(runs []spec.LineRun) []spec.LineRun {
	taken := slices.Clone(runs)
	for i := range taken {
		taken[i].First += taken[i].By
	}
	slices.SortFunc(taken, func(a, b spec.LineRun) int { return cmp.Compare(a.First, b.First) })
	return taken
}

// without is what is left of a run where other lines stand.
func (r lineRun) without(taken []spec.LineRun) []lineRun {
	var left []lineRun
	for _, t := range taken {
		if n := min(t.First-r.now, r.count); n > 0 {
			left = append(left, lineRun{r.recorded, n, r.now})
		}
		if n := min(t.First+t.Count-r.now, r.count); n > 0 {
			r = lineRun{r.recorded + n, r.count - n, r.now + n}
		}
	}
	if r.count > 0 {
		left = append(left, r)
	}
	return left
}

// joined sorts a map and makes one run of those that go on alike; nil where nothing
// stands elsewhere than where it is recorded.
func (m lineMap) joined() lineMap {
	slices.SortFunc(m, func(a, b lineRun) int { return cmp.Compare(a.recorded, b.recorded) })
	joined := m[:0]
	for _, r := range m {
		if n := len(joined) - 1; n >= 0 && joined[n].recorded+joined[n].count == r.recorded && joined[n].now+joined[n].count == r.now {
			joined[n].count += r.count
			continue
		}
		joined = append(joined, r)
	}
	if slices.Equal(joined, unmoved) {
		return nil
	}
	return joined
}

func (m lineMap) encode() (string, error) {
	numbers := make([]int32, 0, 3*len(m))
	for _, r := range m {
		numbers = append(numbers, r.recorded, r.count, r.now)
	}
	return encode(numbers)
}

func decodeLines(text string) (lineMap, error) {
	var numbers []int32
	if err := decode(text, &numbers); err != nil {
		return nil, err
	}
	m := lineMap{}
	for n := range slices.Chunk(numbers, 3) {
		if len(n) < 3 {
			return nil, fmt.Errorf("%w: where lines of a file stand cannot be read", ErrDamaged)
		}
		m = append(m, lineRun{n[0], n[1], n[2]})
	}
	return m, nil
}

// current has origins as they are recorded say where the lines stand now. They are
// gone through twice, and all of rows in force.
func current(ctx context.Context, q querier, origins iter.Seq[*spec.Origin]) error {
	files := map[string]bool{}
	for o := range origins {
		if files[o.File] = true; len(files) > many {
			break
		}
	}
	maps, err := lineMapsOf(ctx, q, files)
	if err != nil || len(maps) == 0 {
		return err
	}
	for o := range origins {
		o.Line = maps[o.File].now(o.Line)
	}
	return nil
}

// lineMapsOf reads the maps of files, or all there are where many files are asked for.
func lineMapsOf(ctx context.Context, q querier, files map[string]bool) (map[string]lineMap, error) {
	found := map[string]lineMap{}
	read := func(in string, args []any) error {
		_, err := collect(ctx, q, "SELECT file, runs FROM moved_lines"+in, args, func(scan scanner) (none struct{}, err error) {
			var file, runs string
			if err = scan(&file, &runs); err == nil {
				found[file], err = decodeLines(runs)
			}
			return none, err
		})
		return err
	}
	var err error
	if len(files) > many {
		err = read("", nil)
	} else {
		err = eachMany(slices.Sorted(maps.Keys(files)), func(in string, args []any) error { return read(" WHERE file"+in, args) })
	}
	if err != nil {
		return nil, fmt.Errorf("reading where lines stand: %w", err)
	}
	return found, nil
}

// every yields each origin of some lists.
func every(lists [][]spec.Origin) iter.Seq[*spec.Origin] {
	return func(yield func(*spec.Origin) bool) {
		for _, list := range lists {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		}
	}
}
