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
			d.add(Change{Action: action, Kind: KindTeam, Subject: t.Name, Fields: f, Because: []spec.Origin{t.Origin}})
		} else if !slices.Equal(teamLines(from), teamLines(to)) {
			d.moved(KindTeam, t.Name)
		}
	})
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
