package reconciler

import (
	"maps"
	"slices"

	"usher/spec"
)

// side is one parent of a merge, in comparison with the merge.
type side struct {
	*standpoint
	differs facts // from the side to the merge
}

// merge judges a step with several parents. Each fact should be as the side has
// it that changed it last; what is otherwise the merge itself changed. Where both
// sides changed it, either value will do that somebody answers for.
func (t *trial) merge(p *standpoint, signers []int) {
	p.records = map[factKey]record{}
	sides := make([]side, len(p.grounds))
	concerned := map[factKey]string{} // with what each is in the merge
	for i, g := range p.grounds {
		sides[i] = side{g, differingFacts(g.roster, p.roster)}
		for k, r := range g.records {
			if _, differs := concerned[k]; !differs {
				concerned[k] = r.value
			}
		}
	}
	for _, s := range sides {
		for k, f := range s.differs {
			concerned[k] = f.to
		}
	}
	from := map[factKey]int{} // which side a fact comes from
	for k, value := range concerned {
		heads, origins := t.heads(sides, k, value)
		i := slices.IndexFunc(heads, func(r record) bool { return r.value == value && (r.fine() || len(heads) == 1) })
		if i < 0 {
			i = slices.IndexFunc(heads, func(r record) bool { return r.value == value })
		}
		applied := i >= 0 && heads[i].tag < 0 && sides[origins[i]].current
		if i < 0 || !applied && !answered(heads, i) {
			t.change(p, signers, k, fact{heads[0].value, value}, heads)
			continue
		}
		r := heads[i]
		for _, other := range heads {
			if other.settled != r.settled {
				r.settled = r.good
			}
		}
		if r.tag >= 0 {
			p.records[k], from[k] = r, origins[i]
		}
	}
	t.deprive(p, sides, from)
}

// answered reports whether the value that a merge chose needs nobody to answer
// for the choice: it is the only one, somebody answers for it already, or it is
// right on all sides.
func answered(heads []record, i int) bool {
	if len(heads) == 1 || !heads[i].fine() || len(heads[i].vouchers) > 0 {
		return true
	}
	return !slices.ContainsFunc(heads, func(r record) bool { return r.good != heads[i].value })
}

// heads are the newest records that the sides of a merge have of a fact, and
// which sides they are of.
func (t *trial) heads(sides []side, k factKey, value string) (heads []record, origins []int) {
	all := make([]record, len(sides))
	for i, s := range sides {
		all[i] = s.record(k, value)
		if f, differs := s.differs[k]; differs {
			all[i] = s.record(k, f.from)
		}
	}
	for i := range all {
		superseded := slices.ContainsFunc(seq(len(all)), func(j int) bool { return i != j && t.supersedes(sides[j], all[j], sides[i], all[i]) })
		if !superseded {
			heads, origins = append(heads, all[i]), append(origins, i)
		}
	}
	if len(heads) == 0 { // each knows of the other: take them all
		return all, seq(len(all))
	}
	return heads, origins
}

func seq(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// supersedes reports whether what side a has of a fact came after what b has.
func (t *trial) supersedes(a side, ra record, b side, rb record) bool {
	switch {
	case ra.tag < 0 && rb.tag < 0:
		return a.current && !b.current
	case rb.tag < 0:
		return !(b.current && !a.current && ra.first != rb.value) // else it changed before what is applied, too
	case ra.tag < 0:
		return false
	}
	return ra.tag != rb.tag && a.past.has(rb.tag)
}

// deprive refuses what one side of a merge did by a power that another side took
// away since they parted. Where there is such a thing, nothing else of that side
// counts that needs a power the other side does not know.
func (t *trial) deprive(p *standpoint, sides []side, from map[factKey]int) {
	type pairing struct{ i, j int }
	denied := map[pairing]map[factKey]*blame{}
	taken := map[pairing]bool{}
	for k, i := range from {
		r := p.records[k]
		if !r.fine() || len(r.vouchers) == 0 {
			continue
		}
		for j := range sides {
			if i == j || sides[j].past.has(r.tag) {
				continue
			}
			pair := pairing{i, j}
			b := t.deniedBy(p, sides, k, r, sides[j].accepted)
			if b == nil {
				continue
			}
			if denied[pair] == nil {
				denied[pair] = map[factKey]*blame{}
			}
			denied[pair][k] = b
			taken[pair] = taken[pair] || t.hadWhenParted(sides[i], sides[j], k, r)
		}
	}
	// In the order of the sides, since more than one may have a reason to refuse.
	for i := range sides {
		for j := range sides {
			pair := pairing{i, j}
			if !taken[pair] {
				continue
			}
			for k, b := range denied[pair] {
				r := p.records[k]
				r.good, r.vouchers, r.denied, r.blame = r.first, nil, true, *b
				p.records[k] = r
			}
		}
	}
}

// deniedBy says why those who answer for a fact may not change it by the rosters
// that another side of a merge accepted; nil: they may.
func (t *trial) deniedBy(p *standpoint, sides []side, k factKey, r record, by []acceptance) *blame {
	before := make([]*spec.Roster, len(sides))
	for i := range sides {
		before[i] = sides[i].roster
	}
	for _, a := range by {
		need := sight{accepted: a.roster, before: before, after: p.roster}.needs(k)
		for _, voucher := range r.vouchers {
			if b := t.lacks(voucher, need, a.roster); b != nil {
				return b
			}
		}
	}
	return nil
}

// hadWhenParted reports whether those who answer for a fact might change it when
// the sides parted, or by what is applied.
func (t *trial) hadWhenParted(a, b side, k factKey, r record) bool {
	known := []acceptance{{-1, t.Base}}
	for i := range slices.Backward(t.points) {
		if a.past.has(i) && b.past.has(i) && t.points[i].roster != nil {
			known = append(known, t.points[i].accepted...)
			break
		}
	}
	return slices.ContainsFunc(known, func(at acceptance) bool {
		need := sight{accepted: at.roster, before: []*spec.Roster{a.roster}, after: a.roster}.needs(k)
		return !slices.ContainsFunc(r.vouchers, func(v int) bool { return t.lacks(v, need, at.roster) != nil })
	})
}

// pending lists the facts that nobody answers for who may, sorted.
func (p *standpoint) pending() []factKey {
	var list []factKey
	for k := range maps.Keys(p.records) {
		if r := p.records[k]; !r.fine() {
			list = append(list, k)
		}
	}
	slices.SortFunc(list, compareFactKeys)
	return list
}
