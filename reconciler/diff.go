package reconciler

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// Comparison is what Diff looks at.
type Comparison struct {
	Wanted *spec.Roster
	True   *state.Truth // to compare two trees without a state: a Truth of nothing but a Roster
	Census *spec.Census // of all who are true, where both rosters are of some people alone; nil: they are of all
	Now    time.Time
	Adopt  bool // people who are added have accounts elsewhere: active at once, and not written to
}

// Diff returns the whole difference between what is wanted and what is true:
// every change with its reason and every message, sorted. It is a pure function
// of its argument. Seats, subjects and what would hold the plan are filled in by
// [Controller]. The errors are those that only the past can tell, such as an
// invitation generation below the one on record.
func Diff(c Comparison) (*Plan, spec.Errors) {
	d := &differ{Comparison: c, today: spec.DayOf(c.Now), plan: &Plan{Format: 1, Basis: c.True.Basis, Adopt: c.Adopt, wanted: c.Wanted, census: c.Census}}
	d.match()
	d.plan.accountOf = d.accountOf
	d.contracts()
	d.products()
	d.teams()
	d.people()
	d.stewards()
	d.seats()
	sortChanges(d.plan.Changes)
	slices.SortStableFunc(d.plan.Mail, func(a, b Mail) int { return strings.Compare(a.name, b.name) })
	d.plan.People = d.fullNames()
	d.plan.summarise()
	d.plan.identify()
	return d.plan, d.errs.Sort()
}

// differ is a comparison under way.
type differ struct {
	Comparison
	today spec.Day
	plan  *Plan

	wantAs   map[string]string        // name as true -> name as wanted, of people renamed
	formerly map[string]string        // the inverse
	removed  map[string]bool          // names as true of people who go
	returned map[string]state.Account // name as wanted -> the account that comes back
	roles    map[string][]RoleLine    // name -> what they are told of their own roles
	told     map[string][]RoleLine    // contract manager -> what they are told of others' roles
	errs     spec.Errors
}

// fullNames are those of the people whom sorted changes are about: as wanted, else as true.
func (d *differ) fullNames() map[string]string {
	names := map[string]string{}
	last := ""
	for i := range d.plan.Changes {
		c := &d.plan.Changes[i]
		if rank[c.Kind] < rank[KindUser] || c.Subject == last {
			continue
		}
		last = c.Subject
		if u := orOther(d.Wanted.User(last), d.True.Roster.User(last)); u != nil {
			names[last] = u.FullName()
		}
	}
	return names
}

func (d *differ) add(c Change) { d.plan.Changes = append(d.plan.Changes, c) }

// thing is a contract, a product or a team.
type thing struct {
	kind Kind
	name string
}

// moved notes that only the place of a declaration differs: that is no change,
// and what is on record is corrected with the next revision.
func (d *differ) moved(kind Kind, name string) {
	d.plan.moved = append(d.plan.moved, thing{kind, name})
}

func (d *differ) note(at spec.Origin, message string) {
	d.plan.Notes = append(d.plan.Notes, Note{Message: message, File: at.File, Line: at.Line, Column: at.Column})
}

// nowNamed is the name that a person who was true under one name is wanted by.
func (d *differ) nowNamed(name string) string {
	if now, ok := d.wantAs[name]; ok {
		return now
	}
	return name
}

// account returns the account of a person true under that name.
func (d *differ) account(name string) state.Account { return d.True.Accounts[name] }

// rank is the place of a kind in a plan; people come last, with what is theirs.
var rank = map[Kind]int{KindContract: 0, KindProduct: 1, KindTeam: 2, KindUser: 3, KindRole: 4, KindAccess: 5}

// sortChanges puts a plan's changes in their one order: contracts, products,
// teams, then person by person.
func sortChanges(changes []Change) {
	group := func(c *Change) int { return min(rank[c.Kind], rank[KindUser]) }
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(group(&a), group(&b)),
			strings.Compare(a.Subject, b.Subject),
			cmp.Compare(rank[a.Kind], rank[b.Kind]),
			strings.Compare(a.Contract, b.Contract),
			strings.Compare(a.Product, b.Product),
			strings.Compare(string(a.Role), string(b.Role)),
			cmp.Compare(a.day(), b.day()),
			strings.Compare(string(a.Action), string(b.Action)),
		)
	})
}

// day orders changes of one person's access to one product.
func (c *Change) day() spec.Day {
	switch {
	case c.is != nil:
		return c.is.From
	case c.was != nil:
		return c.was.From
	}
	return spec.Always
}

// fields lists the values that differ between two records.
type fields []Field

func (f *fields) value(name, from, to string) {
	if from != to {
		*f = append(*f, Field{name, from, to})
	}
}

// elements lists what goes from and what comes to a list, one field an element,
// in the order of their names. Both lists are sorted.
func (f *fields) elements(name string, from, to []string) {
	both(from, to, itself, func(was, is *string) {
		if was == nil || is == nil {
			*f = append(*f, Field{name, *orZero(was), *orZero(is)})
		}
	})
}

func itself(s *string) string { return *s }

// both walks two slices sorted by name and calls fn for each name, with nil for
// the side that lacks it.
func both[T any](from, to []T, name func(*T) string, fn func(from, to *T)) {
	abreast(from, to, func(a, b *T) int { return strings.Compare(name(a), name(b)) }, fn)
}

// abreast is both for slices sorted by something else than a name.
func abreast[T any](from, to []T, compare func(a, b *T) int, fn func(from, to *T)) {
	for i, j := 0, 0; i < len(from) || j < len(to); {
		order := 0
		switch {
		case i == len(from):
			order = 1
		case j == len(to):
			order = -1
		default:
			order = compare(&from[i], &to[j])
		}
		switch {
		case order < 0:
			fn(&from[i], nil)
			i++
		case order > 0:
			fn(nil, &to[j])
			j++
		default:
			fn(&from[i], &to[j])
			i, j = i+1, j+1
		}
	}
}

// toward says what happens to a record that is absent on one side, or differs.
func toward[T any](from, to *T) Action {
	switch {
	case from == nil:
		return Add
	case to == nil:
		return Remove
	}
	return Alter
}

// orZero returns the record, or one of zero values, so that both sides of a
// difference can be read alike.
func orZero[T any](p *T) *T {
	if p == nil {
		return new(T)
	}
	return p
}
