package spec

import (
	"crypto/sha256"
	"maps"
	"math"
	"slices"
)

// Draft is an edit of a registered tree: the files that differ, and who is
// concerned. It is resolved like a small tree of its own, by [Resolve], in which
// stand the documents that came, the documents of everybody concerned, and of
// contracts, products and teams as much as those refer to. Nobody outside of it
// can be affected: who clashes with somebody concerned is concerned too.
//
// The steps are Edit and Delete for each file, Concerned, Include, Resolve; each
// reports whether it could be sure. Where one could not, the tree has errors or
// the edit is an unusual one, and the whole tree has to be resolved.
type Draft struct {
	register *Register
	edited   map[string]editedFile    // by path; without documents: gone
	came     []*File                  // documents that are new, or stand elsewhere
	gone     map[declaration]bool     // what documents declared that are no longer there
	news     map[declaration]bool     // what those declare that came
	teams    map[string]*teamManifest // of those, by name
	rolls    map[string]*roll         // of those, by name
	same     []*File                  // documents of people concerned that stand as they were
	shifts   shifts                   // of the files edited
	moved    things                   // what is the same and stands at other lines

	known    []User // see Include
	memberOf map[string][]string
	wanted   *Roster
}

// editedFile is what a file is by an edit; zero: gone.
type editedFile struct {
	sum       [sha256.Size]byte
	documents []registeredDocument
}

// Draft begins an edit of the tree registered.
func (r *Register) Draft() *Draft {
	return &Draft{
		register: r, edited: map[string]editedFile{}, shifts: shifts{}, moved: newThings(),
		gone: map[declaration]bool{}, news: map[declaration]bool{}, teams: map[string]*teamManifest{}, rolls: map[string]*roll{},
	}
}

// Edit reads a file that is new or differs. A document that has the same bytes as
// one before is that one, wherever in the file it stands now.
func (d *Draft) Edit(path string, sum [sha256.Size]byte, data []byte) bool {
	was := d.register.documents(path)
	parts := takeApart(data)
	now := editedFile{sum: sum, documents: make([]registeredDocument, len(parts))}
	same, stays := sameDocuments(was, parts)
	for i, p := range parts {
		if at := same[i]; at >= 0 {
			now.documents[i] = registeredDocument{p.Sum, p.Above, was[at].declares}
			d.keep(path, was, at, parts, i)
			continue
		}
		f, errs := parse(path, p.Above, p.data, sharedKinds)
		if len(errs) > 0 {
			return false
		}
		now.documents[i] = registeredDocument{p.Sum, p.Above, f.declares()}
		d.came = append(d.came, f)
		note(d.news, now.documents[i])
		for i := range f.teams {
			d.teams[f.teams[i].Metadata.Name.Value] = &f.teams[i]
		}
	}
	for i := range was {
		if !stays[i] {
			note(d.gone, was[i])
		}
	}
	d.edited[path] = now
	return true
}

// sameDocuments finds for each part the document before that has its bytes, -1 where
// there is none, and tells which of those are found.
func sameDocuments(was []registeredDocument, parts []unparsed) (same []int, stays []bool) {
	same, stays = make([]int, len(parts)), make([]bool, len(was))
	pair := func(part, document int) { same[part], stays[document] = document, true }
	first, last := 0, 0 // how many are the same from the beginning, and from the end
	for least := min(len(was), len(parts)); first < least && was[first].sum == parts[first].Sum; first++ {
		pair(first, first)
	}
	for least := min(len(was), len(parts)) - first; last < least && was[len(was)-1-last].sum == parts[len(parts)-1-last].Sum; last++ {
		pair(len(parts)-1-last, len(was)-1-last)
	}
	left := make(map[[sha256.Size]byte]int, len(was)-first-last)
	for i := first; i < len(was)-last; i++ {
		left[was[i].sum] = i
	}
	for i := first; i < len(parts)-last; i++ {
		at, found := left[parts[i].Sum]
		if !found {
			same[i] = -1
			continue
		}
		delete(left, parts[i].Sum)
		pair(i, at)
	}
	return same, stays
}

// keep notes that a document is as it was, and where it stands now. One that ended its
// file, and does so now, goes on to the end, wherever that comes to be.
func (d *Draft) keep(path string, was []registeredDocument, at int, parts []unparsed, i int) {
	run := LineRun{First: int32(was[at].above) + 1, Count: Endless, By: int32(parts[i].Above - was[at].above)}
	switch {
	case at+1 < len(was):
		run.Count = int32(was[at+1].above - was[at].above)
	case i+1 < len(parts):
		run.Count = int32(parts[i+1].Above - parts[i].Above)
	}
	d.shifts.move(path, run)
	if run.By != 0 {
		d.moved.lower(d.register.things, was[at].declares, run.By)
	}
}

// Delete notes that a registered file is there no more.
func (d *Draft) Delete(path string) {
	for _, document := range d.register.documents(path) {
		note(d.gone, document)
	}
	d.edited[path] = editedFile{}
	d.shifts[path] = &Shift{File: path}
}

// Shifts are where lines of the files edited stand now, of those in which any moved
// and of those that are gone.
func (d *Draft) Shifts() []Shift {
	var all []Shift
	for _, path := range slices.Sorted(maps.Keys(d.shifts)) {
		if s := d.shifts[path]; len(s.Runs) == 0 || !s.still() {
			all = append(all, *s)
		}
	}
	return all
}

func note(in map[declaration]bool, document registeredDocument) {
	for _, name := range document.declares {
		in[name] = true
	}
}

// Include reads the documents of those who are concerned and whom the edit leaves
// as they stand. known is who all the concerned are now, by what is true; data
// returns a file of the tree.
func (d *Draft) Include(known []User, data func(path string) []byte) bool {
	for _, s := range d.shifts {
		s.join()
	}
	d.known = make([]User, len(known))
	want := map[string]map[string]bool{} // path -> names
	lines := map[string][]int{}
	for i := range known {
		d.known[i] = d.shifts.user(known[i])
		u := &d.known[i]
		if d.gone[declaration{declaresUser, u.Name}] {
			continue
		}
		file := u.Origin.File
		if want[file] == nil {
			want[file] = map[string]bool{}
		}
		want[file][u.Name] = true
		lines[file] = append(lines[file], int(u.Origin.Line))
	}
	for path, names := range want {
		if !d.include(path, data(path), names, lines[path]) {
			return false
		}
	}
	return true
}

// include reads the documents of a file that begin before or on some lines, and
// keeps the people of those names. Each must be there.
func (d *Draft) include(path string, data []byte, names map[string]bool, lines []int) bool {
	slices.Sort(lines)
	parts := takeApart(data)
	found := 0
	for i, p := range parts {
		end := math.MaxInt
		if i+1 < len(parts) {
			end = parts[i+1].Above
		}
		if len(lines) == 0 || lines[0] > end {
			continue
		}
		for len(lines) > 0 && lines[0] <= end {
			lines = lines[1:]
		}
		f, errs := parse(path, p.Above, p.data, sharedKinds)
		if len(errs) > 0 {
			return false
		}
		only := &File{Path: path}
		for u := range f.people {
			if names[u.name()] {
				only.users = append(only.users, *u)
			}
		}
		found += len(only.users)
		d.same = append(d.same, only)
	}
	return found == len(names)
}

// Resolve resolves the draft as of a day. memberOf are the teams of those who are
// concerned, by what is true, direct ones only. It returns what is wanted and what was
// so far, by the tree registered, both without everybody and every team that the edit
// does not concern. What was is declared where the same lines stand now.
func (d *Draft) Resolve(memberOf map[string][]string, today Day) (wanted, was *Roster, ok bool) {
	d.memberOf = memberOf
	present := map[string]bool{}
	for i := range d.known {
		present[d.known[i].Name] = true
	}
	for n := range d.news {
		if n.kind == declaresUser {
			present[n.name] = true
		}
	}
	files := slices.Concat(d.same, d.things(present))
	for _, f := range d.came {
		excerpt, ok := d.excerpt(f, present)
		if !ok {
			return nil, nil, false
		}
		files = append(files, excerpt)
	}
	roster, errs := Resolve(files, today)
	if len(errs) > 0 {
		return nil, nil, false
	}
	d.complete(roster)
	d.wanted = roster
	return roster, d.was(), d.seated(today)
}

// excerpt is a file that came, its teams without the members who are not concerned:
// those were members before.
func (d *Draft) excerpt(f *File, present map[string]bool) (*File, bool) {
	g := *f
	g.teams = slices.Clone(f.teams)
	for i := range g.teams {
		roll, once := d.roll(&g.teams[i])
		if !once || slices.ContainsFunc(roll.joined, func(name string) bool { return !present[name] }) {
			return nil, false
		}
		var concerned []text
		for name := range present {
			if hasName(roll.members, name) {
				concerned = append(concerned, text{Value: name})
			}
		}
		g.teams[i].Spec.Members = concerned
	}
	return &g, true
}

// complete puts back what resolving did without: the members of teams who are not
// concerned, and the roles of contracts that stand as they were. Teams that stand
// as they were are left out.
func (d *Draft) complete(roster *Roster) {
	roster.Teams = slices.DeleteFunc(roster.Teams, func(t Team) bool { return !d.news[declaration{declaresTeam, t.Name}] })
	for i := range roster.Teams {
		roster.Teams[i].Members = d.rolls[roster.Teams[i].Name].members
	}
	for i := range roster.Contracts {
		if name := roster.Contracts[i].Name; !d.news[declaration{declaresContract, name}] {
			roster.Contracts[i] = *d.contract(name).resolved
		}
	}
}

// was is what the registered tree resolved to, as far as it is compared.
func (d *Draft) was() *Roster {
	was := &Roster{Users: d.known}
	for _, name := range slices.Sorted(maps.Keys(d.register.products)) {
		was.Products = append(was.Products, *d.product(name).resolved)
	}
	for _, name := range slices.Sorted(maps.Keys(d.register.contracts)) {
		was.Contracts = append(was.Contracts, *d.contract(name).resolved)
	}
	for _, name := range d.names(d.gone, declaresTeam) {
		was.Teams = append(was.Teams, *d.team(name).resolved)
	}
	return was
}

// names lists declarations of a kind, sorted.
func (d *Draft) names(of map[declaration]bool, kind declaredKind) []string {
	var list []string
	for n := range of {
		if n.kind == kind {
			list = append(list, n.name)
		}
	}
	slices.Sort(list)
	return list
}

// seated reports whether no offer is over its seats, from a day on, whose use or
// whose number of seats the edit changes.
func (d *Draft) seated(today Day) bool {
	became := d.register.census.Seats.Replaced(d.known, d.wanted.Users)
	for i := range d.wanted.Contracts {
		c := &d.wanted.Contracts[i]
		for _, o := range c.Offers {
			seat := Seat{c.Name, o.Product}
			use, differs := became[seat]
			if !differs {
				use = d.register.census.Seats[seat]
			}
			if !differs && !d.news[declaration{declaresContract, c.Name}] || o.Seats == Unlimited {
				continue
			}
			if _, _, over := use.Over(today, o.Seats); over {
				return false
			}
		}
	}
	return true
}

// Keep makes the register that of the edited tree, once what the draft resolved to
// is true.
func (d *Draft) Keep() {
	r := d.register
	members := d.membersGained()
	r.strike(d.gone, d.known)
	maps.Copy(r.products, d.moved.products)
	maps.Copy(r.contracts, d.moved.contracts)
	maps.Copy(r.teams, d.moved.teams)
	for _, f := range d.came {
		r.enter(f, d.wanted)
	}
	for path, f := range d.edited {
		if f.documents == nil && f.sum == ([sha256.Size]byte{}) {
			delete(r.files, path)
			continue
		}
		r.files[path] = registeredFile{f.sum, packDocuments(f.documents)}
	}
	r.census.Replace(d.known, d.wanted.Users, members)
}

// membersGained is by how many people more are members of any team.
func (d *Draft) membersGained() int {
	stays := func(team string) bool { return !d.gone[declaration{declaresTeam, team}] }
	gained := 0
	for i := range d.wanted.Users {
		name := d.wanted.Users[i].Name
		member := func(t Team) bool { return hasName(t.Members, name) }
		if slices.ContainsFunc(d.wanted.Teams, member) || slices.ContainsFunc(d.memberOf[name], stays) {
			gained++
		}
	}
	for i := range d.known {
		if len(d.memberOf[d.known[i].Name]) > 0 {
			gained--
		}
	}
	return gained
}

// Beside completes the roster of a draft of many, or with nil that of the tree they
// are drafts of, by every team that any of them touches: as far as one draft leaves
// it as it stands, its roster is without it.
func (r *Register) Beside(roster *Roster, of *Draft, drafts []*Draft) *Roster {
	teams := map[string]*Team{}
	for _, d := range drafts {
		for _, names := range [][]string{d.names(d.gone, declaresTeam), d.names(d.news, declaresTeam)} {
			for _, name := range names {
				teams[name] = r.teams[name].resolved
			}
		}
	}
	if of != nil {
		for _, name := range of.names(of.gone, declaresTeam) {
			delete(teams, name)
		}
		for i := range roster.Teams {
			teams[roster.Teams[i].Name] = &roster.Teams[i]
		}
	}
	complete := *roster
	complete.Teams = nil
	for _, name := range slices.Sorted(maps.Keys(teams)) {
		if team := teams[name]; team != nil {
			complete.Teams = append(complete.Teams, *team)
		}
	}
	return &complete
}
