package reconciler

import (
	"slices"

	"usher/spec"
)

// teams compares the teams as declared. What they give their members shows
// person by person, as access.
func (d *differ) teams() {
	name := func(t *spec.Team) string { return t.Name }
	both(d.True.Roster.Teams, d.Wanted.Teams, name, func(from, to *spec.Team) {
		a, b := orZero(from), orZero(to)
		var f fields
		f.elements("members", d.currentNames(a.Members), b.Members)
		f.elements("teams", a.Teams, b.Teams)
		f.elements("access", teamAccess(a), teamAccess(b))
		t := orOther(to, from)
		if action := toward(from, to); action != Alter || len(f) > 0 {
			d.add(Change{Action: action, Kind: KindTeam, Subject: t.Name, Fields: f, Because: []spec.Origin{t.Origin}, roll: d.roll(a.Members, b.Members)})
		} else if !slices.Equal(teamLines(from), teamLines(to)) {
			d.moved(KindTeam, t.Name)
		}
	})
}

// roll is who comes to a team and who goes. A member under another name stays.
type roll struct {
	joined []string // names as wanted
	left   []string // account ids of those who keep their accounts
	lost   []string // the same with those who are removed
}

// roll compares the members of a team, known by their names as true and as wanted.
func (d *differ) roll(from, to []string) *roll {
	r := &roll{}
	themselves := func(name string) bool {
		return !d.removed[name] && d.wantAs[name] == "" && d.formerly[name] == ""
	}
	both(from, to, itself, func(was, is *string) {
		if was != nil && is != nil && themselves(*was) {
			return
		}
		if was != nil && (d.removed[*was] || !hasName(to, d.nowNamed(*was))) {
			id := d.account(*was).ID
			r.lost = append(r.lost, id)
			if !d.removed[*was] {
				r.left = append(r.left, id)
			}
		}
		if is != nil && !hasName(from, d.truthNamed(*is)) {
			r.joined = append(r.joined, *is)
		}
	})
	return r
}

// truthNamed is the name that a person wanted under one name is true by; "" for who
// is new.
func (d *differ) truthNamed(name string) string {
	if was, ok := d.formerly[name]; ok {
		return was
	}
	if _, another := d.wantAs[name]; another || d.removed[name] {
		return ""
	}
	return name
}

func hasName(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}

// teamLines lists where a team and what it gives are declared.
func teamLines(t *spec.Team) []spec.Origin {
	lines := []spec.Origin{t.Origin}
	for i := range t.Access {
		lines = append(lines, t.Access[i].Because...)
	}
	return lines
}

// teamAccess writes what a team gives, one element a grant, sorted.
func teamAccess(t *spec.Team) []string {
	var list []string
	for i := range t.Access {
		g := &t.Access[i]
		text := g.Product + " under " + g.Contract
		if g.Span != spec.AllTime {
			text += " " + g.Span.String()
		}
		if g.Reason != "" {
			text += " (" + g.Reason + ")"
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
