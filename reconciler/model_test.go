package reconciler_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// dice returns a number from 0 up to and without n.
type dice func(n int) int

// model is a small organisation and, in few words, what DOMAIN.md says of it.
// It knows days as a list and access as days ticked on it, so that it shares no
// way of reckoning with what it tests.
type model struct {
	people   map[int]*someone
	gone     map[int]*someone
	steward  [2]struct{ manager, coordinator int } // coordinator -1: not named
	teams    [2]crew
	next     int
	firstDay spec.Day
}

// someone is a person, whatever they are called.
type someone struct {
	name, email, first string
	suspended          bool
	generation         int
	access             []lease

	fresh           bool // not applied yet
	active, invited bool
	record          int // generation on record
	left            time.Time
}

type lease struct {
	contract, product int
	spec.Span
}

type crew struct {
	members []int
	nested  bool // the first team has the second one within
	access  []lease
}

var (
	contractNames = []string{"build", "design"}
	productNames  = []string{"a", "b", "c"}
)

func newModel(today spec.Day) *model {
	m := &model{people: map[int]*someone{}, gone: map[int]*someone{}, firstDay: today - 20}
	for range 5 {
		m.join()
	}
	m.steward[1].manager, m.steward[1].coordinator, m.steward[0].coordinator = 1, 2, -1
	return m
}

func (m *model) join() {
	name := fmt.Sprintf("p%d", m.next)
	m.people[m.next] = &someone{name: name, email: name + "@acme.example", first: "P" + name[1:], fresh: true}
	m.next++
}

func (m *model) clone() *model {
	c := *m
	copyOf := func(from map[int]*someone) map[int]*someone {
		to := map[int]*someone{}
		for id, p := range from {
			q := *p
			q.access = slices.Clone(p.access)
			to[id] = &q
		}
		return to
	}
	c.people, c.gone = copyOf(m.people), copyOf(m.gone)
	for i := range c.teams {
		c.teams[i].members, c.teams[i].access = slices.Clone(m.teams[i].members), slices.Clone(m.teams[i].access)
	}
	return &c
}

// pick returns one of those who fit, -1 where nobody does.
func (m *model) pick(d dice, fits func(*someone) bool) int {
	var ids []int
	for _, id := range slices.Sorted(maps.Keys(m.people)) {
		if fits(m.people[id]) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return -1
	}
	return ids[d(len(ids))]
}

func anybody(*someone) bool   { return true }
func present(p *someone) bool { return !p.suspended }

func (m *model) manages(id int) bool {
	return m.steward[0].manager == id || m.steward[1].manager == id
}

// edit does one thing to the organisation, which was as before when edits began.
func (m *model) edit(d dice, before *model, today spec.Day) {
	id := m.pick(d, anybody)
	p := m.people[id]
	switch d(15) {
	case 0:
		m.join()
	case 1:
		m.leave(id)
	case 2:
		m.comeBack(d, before)
	case 3:
		p.name = fmt.Sprintf("r%d", m.next)
		m.next++
	case 4:
		p.name, p.email = fmt.Sprintf("n%d", m.next), fmt.Sprintf("n%d@acme.example", m.next)
		m.next++
	case 5:
		p.email = fmt.Sprintf("e%d@acme.example", m.next)
		m.next++
	case 6:
		p.suspended = !p.suspended && !m.manages(id)
	case 7:
		p.access = toggle(p.access, m.lease(d, today))
	case 8:
		p.access = nil
	case 9:
		t := &m.teams[d(2)]
		t.members = toggle(t.members, id)
	case 10:
		t := &m.teams[d(2)]
		t.access = toggle(t.access, m.lease(d, today))
	case 11:
		m.teams[0].nested = !m.teams[0].nested
	case 12:
		m.steward[d(2)].manager = m.pick(d, present)
	case 13:
		m.steward[d(2)].coordinator = []int{id, -1}[d(2)]
	case 14:
		if other := m.people[m.pick(d, anybody)]; d(2) == 0 && !p.fresh && !other.fresh {
			p.email, other.email = other.email, p.email
		} else {
			p.generation = max(1, p.record) + d(2)
		}
	}
}

func toggle[T any](list []T, one T) []T {
	same := func(other T) bool { return fmt.Sprint(one) == fmt.Sprint(other) }
	if slices.ContainsFunc(list, same) {
		return slices.DeleteFunc(list, same)
	}
	return append(list, one)
}

// lease makes access: without end, or for some days around today.
func (m *model) lease(d dice, today spec.Day) lease {
	l := lease{contract: d(2), product: d(3), Span: spec.AllTime}
	if d(2) == 0 {
		l.From = today - 8 + spec.Day(d(14))
	}
	if d(2) == 0 {
		l.Until = max(l.From, today-8) + spec.Day(d(14))
	}
	return l
}

// leave takes somebody out, and hands over what they managed.
func (m *model) leave(id int) {
	heir := -1
	for _, other := range slices.Sorted(maps.Keys(m.people)) {
		if other != id && !m.people[other].suspended {
			heir = other
			break
		}
	}
	if heir < 0 {
		return
	}
	m.gone[id] = m.people[id]
	delete(m.people, id)
	for i := range m.steward {
		if m.steward[i].manager == id {
			m.steward[i].manager = heir
		}
		if m.steward[i].coordinator == id {
			m.steward[i].coordinator = -1
		}
		m.teams[i].members = slices.DeleteFunc(m.teams[i].members, func(member int) bool { return member == id })
	}
}

// comeBack brings somebody back, unless another has the address meanwhile, or had
// it before these edits: that would read as a rename of the other.
func (m *model) comeBack(d dice, before *model) {
	ids := slices.Sorted(maps.Keys(m.gone))
	if len(ids) == 0 {
		return
	}
	id := ids[d(len(ids))]
	theirs := func(p *someone) bool { return p.email == m.gone[id].email && p != before.people[id] }
	if m.pick(d, theirs) < 0 && before.pick(d, theirs) < 0 {
		m.people[id] = m.gone[id]
		m.people[id].fresh = true
		delete(m.gone, id)
	}
}

// tree writes the manifests, in any order and spread over any files. before is
// the organisation as applied.
func (m *model) tree(d dice, before *model) tree {
	var docs []string
	for _, id := range slices.Sorted(maps.Keys(m.people)) {
		docs = append(docs, m.person(d, id, before))
	}
	for i := range m.teams {
		docs = append(docs, m.team(d, i))
	}
	for i, name := range contractNames {
		lines := []string{"contractManager: " + m.people[m.steward[i].manager].name, "products: [{name: a}, {name: b}, {name: c}]"}
		if c := m.steward[i].coordinator; c >= 0 {
			lines = append(lines, "softwareCoordinators: ["+m.people[c].name+"]")
		}
		docs = append(docs, contract(name, lines...))
	}
	for _, name := range productNames {
		docs = append(docs, product(name))
	}
	return scatter(d, docs)
}

func scatter(d dice, docs []string) tree {
	files := tree{}
	for _, doc := range shuffled(d, docs) {
		files[[]string{"x.yaml", "y/z.yml", "w.yaml"}[d(3)]] += doc
	}
	return files
}

func shuffled[T any](d dice, list []T) []T {
	list = slices.Clone(list)
	for i := len(list) - 1; i > 0; i-- {
		j := d(i + 1)
		list[i], list[j] = list[j], list[i]
	}
	return list
}

func (m *model) person(d dice, id int, before *model) string {
	p := m.people[id]
	rest := []string{"access: [" + leases(d, p.access) + "]"}
	if p.suspended {
		rest = append(rest, "suspended: true")
	}
	if p.generation > 0 {
		rest = append(rest, fmt.Sprintf("invitation: {generation: %d}", p.generation))
	}
	if was := before.people[id]; was != nil && was.name != p.name && was.email != p.email {
		rest = append(rest, "previously: ["+was.name+"]")
	}
	return who(p.name, p.email, p.first, "Lee", rest...)
}

func leases(d dice, list []lease) string {
	var items []string
	for _, l := range shuffled(d, list) {
		text := fmt.Sprintf("{product: %s, contract: %s", productNames[l.product], contractNames[l.contract])
		if l.From != spec.Always {
			text += ", from: " + l.From.String()
		}
		if l.Until != spec.Forever {
			text += ", until: " + l.Until.String()
		}
		items = append(items, text+"}")
	}
	return strings.Join(items, ", ")
}

func (m *model) team(d dice, i int) string {
	t := &m.teams[i]
	var names []string
	for _, id := range shuffled(d, t.members) {
		names = append(names, m.people[id].name)
	}
	lines := []string{"members: [" + strings.Join(names, ", ") + "]", "access: [" + leases(d, t.access) + "]"}
	if t.nested {
		lines = append(lines, "teams: [team1]")
	}
	return team(fmt.Sprintf("team%d", i), lines...)
}

// horizon is how many days the model looks at, from firstDay on; one more stands
// for the far future.
const horizon = 500

// days ticks the days on which somebody may use a product under a contract.
func (m *model) days(id, contract, product int) (ticked [horizon + 1]bool) {
	all := slices.Clone(m.people[id].access)
	for i, t := range m.teams {
		within := slices.Contains(t.members, id) || i == 0 && t.nested && slices.Contains(m.teams[1].members, id)
		if within {
			all = append(all, t.access...)
		}
	}
	for _, l := range all {
		if l.contract != contract || l.product != product {
			continue
		}
		for i := range ticked {
			day := m.firstDay + spec.Day(i)
			if i == horizon {
				day = m.firstDay + 100_000
			}
			ticked[i] = ticked[i] || l.From <= day && day <= l.Until
		}
	}
	return ticked
}

// accessDiffers reports whether somebody may use anything on other days, from
// today on, than before.
func accessDiffers(before, after *model, id int, today spec.Day) bool {
	from := int(today - before.firstDay)
	for c := range contractNames {
		for p := range productNames {
			was, is := before.days(id, c, p), after.days(id, c, p)
			if !slices.Equal(was[from:], is[from:]) {
				return true
			}
		}
	}
	return false
}

// byCalendar reports whether anything of somebody's begins or ends by its days
// after one day and up to another, other than what does both.
func (m *model) byCalendar(id int, since, today spec.Day) bool {
	if m.people[id].suspended {
		return false
	}
	for c := range contractNames {
		for p := range productNames {
			ticked := m.days(id, c, p)
			for i := 0; i < horizon; {
				if !ticked[i] {
					i++
					continue
				}
				first := i
				for i < horizon && ticked[i] {
					i++
				}
				began := first > 0 && within(m.firstDay+spec.Day(first), since+1, today)
				ended := i < horizon && within(m.firstDay+spec.Day(i-1), since, today-1)
				if began != ended {
					return true
				}
			}
		}
	}
	return false
}

func within(day, from, until spec.Day) bool { return from <= day && day <= until }

// coordinator is who coordinates a contract: by default its manager.
func (m *model) coordinator(contract int) int {
	if c := m.steward[contract].coordinator; c >= 0 {
		return c
	}
	return m.steward[contract].manager
}

// roleNews says who hears of their own roles, and which managers of others'.
func roleNews(before, after *model, adopted func(id int) bool) (own, told map[int]bool) {
	own, told = map[int]bool{}, map[int]bool{}
	for c := range contractNames {
		manager := after.steward[c].manager
		tell := func(id int, assigned bool) {
			if assigned && adopted(id) {
				return
			}
			own[id] = after.people[id] != nil
			if id != manager {
				told[manager] = true
			}
		}
		if was := before.steward[c].manager; was != manager {
			tell(was, false)
			tell(manager, true)
		}
		if was, is := before.coordinator(c), after.coordinator(c); was != is {
			for _, role := range []struct {
				id       int
				assigned bool
			}{{was, false}, {is, true}} {
				if role.id != manager {
					tell(role.id, role.assigned)
				}
			}
		}
	}
	return own, told
}

// apply says which messages an apply sends, sorted, as "kind to address", and
// leaves what becomes of everybody's account in after.
func apply(before, after *model, now time.Time, adopt bool) []string {
	today := spec.DayOf(now)
	returns := func(id int) bool {
		past, is := before.gone[id], after.people[id]
		return past != nil && past.name == is.name && past.email == is.email && now.Sub(past.left) < state.ReturnWindow
	}
	own, told := roleNews(before, after, func(id int) bool { return adopt && before.people[id] == nil && after.people[id] != nil && !returns(id) })
	var sent []string
	send := func(kind, to string) { sent = append(sent, kind+" to "+to) }
	for id, was := range before.people {
		if after.people[id] == nil {
			send("removed", was.email)
			*after.gone[id] = *was
			after.gone[id].left, after.gone[id].invited = now, false
		}
	}
	for id := range after.gone { // who came and went within one edit was never there
		if past := before.gone[id]; past != nil {
			*after.gone[id] = *past
		} else if before.people[id] == nil {
			delete(after.gone, id)
		}
	}
	for id, is := range after.people {
		was := before.people[id]
		if was == nil {
			is.arrive(send, returns(id), adopt)
			continue
		}
		news := own[id] || accessDiffers(before, after, id, today)
		is.stay(was, send, accessDiffers(before, after, id, today), news)
	}
	for id := range told {
		send("roles", after.people[id].email)
	}
	slices.Sort(sent)
	return sent
}

// arrive is the first or a new beginning of an account.
func (p *someone) arrive(send func(kind, to string), returns, adopt bool) {
	p.invited, p.fresh = false, false
	switch {
	case returns:
		p.record = max(p.record, p.generation)
	default:
		p.active, p.record = adopt, p.generation
	}
	switch {
	case p.suspended || adopt && !returns:
	case p.active:
		send("returned", p.email)
	default:
		p.invite(send)
	}
}

func (p *someone) invite(send func(kind, to string)) {
	send("invitation", p.email)
	p.invited, p.record = true, max(p.record, p.generation)
}

// stay is what somebody hears who was there before.
func (p *someone) stay(was *someone, send func(kind, to string), access, news bool) {
	moved := p.email != was.email
	if moved && p.active {
		send("email-old", was.email)
	}
	switch {
	case p.suspended && !was.suspended:
		send("suspended", p.email)
		p.invited = p.invited && !moved
	case p.suspended:
		if moved && p.active {
			send("email", p.email)
		}
		p.invited = p.invited && !moved
	case !p.active && (moved || was.suspended && !p.invited || p.generation > max(1, p.record)):
		p.invite(send)
	case was.suspended:
		send("restored", p.email)
	case moved:
		send("email", p.email)
	case access:
		send("access", p.email)
	case news:
		send("role", p.email)
	}
}
