package spec

import "slices"

// roll is who is in a team that came, beside who was in it.
type roll struct {
	members      []string // sorted
	joined, left []string // sorted
}

// roll reads that of a manifest that came; false where somebody is named twice.
func (d *Draft) roll(m *teamManifest) (*roll, bool) {
	name := m.Metadata.Name.Value
	if r := d.rolls[name]; r != nil {
		return r, true
	}
	r := &roll{members: make([]string, len(m.Spec.Members))}
	for i := range m.Spec.Members {
		r.members[i] = m.Spec.Members[i].Value
	}
	slices.Sort(r.members)
	if len(slices.Compact(r.members)) < len(m.Spec.Members) {
		return nil, false
	}
	var was []string
	if before := d.team(name).resolved; before != nil {
		was = before.Members
	}
	r.joined, r.left = apart(was, r.members)
	d.rolls[name] = r
	return r, true
}

// apart returns what only the second of two sorted lists has, and what only the first.
func apart(was, is []string) (joined, left []string) {
	for len(was) > 0 || len(is) > 0 {
		switch {
		case len(was) == 0 || len(is) > 0 && is[0] < was[0]:
			joined, is = append(joined, is[0]), is[1:]
		case len(is) == 0 || was[0] < is[0]:
			left, was = append(left, was[0]), was[1:]
		default:
			was, is = was[1:], is[1:]
		}
	}
	return joined, left
}

func hasName(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}

// sameButMembers reports whether two manifests of a team, in one file, give the same
// through the same teams. Where what they give is written on other lines, it has these
// stand there.
func (d *Draft) sameButMembers(path string, was, is *teamManifest) bool {
	same := slices.EqualFunc(was.Spec.Access, is.Spec.Access, func(a, b accessItem) bool { return a.unplaced() == b.unplaced() }) &&
		slices.EqualFunc(was.Spec.Teams, is.Spec.Teams, func(a, b text) bool { return a.Value == b.Value })
	if !same {
		return false
	}
	at := map[int32]int32{}
	for i, item := range was.Spec.Access {
		now := is.Spec.Access[i].Line
		if line, known := at[item.Line]; known && line != now {
			return false
		}
		at[item.Line] = now
	}
	for line, now := range at {
		d.shifts.move(path, LineRun{First: line, Count: 1, By: now - line})
	}
	return true
}

// unplaced is the entry without the lines on which it is written.
func (a accessItem) unplaced() accessItem {
	for _, line := range []*int32{&a.Line, &a.Product.Line, &a.Contract.Line, &a.From.Line, &a.Until.Line, &a.Reason.Line} {
		*line = min(*line, 1) // 0: it is not written at all
	}
	return a
}
