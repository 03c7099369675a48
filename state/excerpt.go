package state

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"usher/spec"
)

// Who says of whom an excerpt is: everybody who is meant by any of these.
type Who struct {
	Names    []string
	Emails   []string    // folded: see spec.FoldEmail
	Accounts []string    // ids
	Begins   []spec.Span // whose access begins on one of these days
	Ends     []spec.Span // whose access has one of these days as its last
	Expires  []spec.Span // whose invitation has one of these days as its last
	Gone     bool        // Truth.Gone as well, unless Names are given and all of them are there
	Sealed   bool        // Excerpt.Seal as well
}

// Excerpt is what is true of some people, read at one revision. It costs what
// reading of them costs, however many others there are.
type Excerpt struct {
	Truth                        // Roster holds the people asked for and nothing else
	Seal     string              // see Head; only where asked for
	MemberOf map[string][]string // name -> the teams that the person is a member of, directly; sorted
}

// Excerpt reads what is true now of some people. Who is not there is left out.
func (db *DB) Excerpt(ctx context.Context, who Who) (*Excerpt, error) {
	e, err := db.excerpt(ctx, who)
	if err != nil {
		return nil, fmt.Errorf("reading what is true of some: %w", fault(err))
	}
	return e, nil
}

func (db *DB) excerpt(ctx context.Context, who Who) (*Excerpt, error) {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	e := &Excerpt{Truth: Truth{Roster: &spec.Roster{}, Accounts: map[string]Account{}}, MemberOf: map[string][]string{}}
	if e.Newest, e.CalendarDay, err = newestRevision(ctx, tx); err != nil {
		return nil, err
	}
	if e.Applied, err = appliedRevision(ctx, tx, e.Newest); err != nil {
		return nil, err
	}
	e.Basis = e.Applied.Number
	if err := e.people(ctx, tx, who, db); err != nil {
		return nil, err
	}
	if who.Gone && !e.all(who.Names) {
		if e.Gone, err = gone(ctx, tx, e.Newest.Number, db.now().Add(-ReturnWindow)); err != nil {
			return nil, err
		}
	}
	if who.Sealed {
		if e.Seal, err = sealOf(ctx, tx, e.Applied.Number); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// all reports whether some are asked for by name, and all of them are there.
func (e *Excerpt) all(names []string) bool {
	absent := func(name string) bool { return e.Roster.User(name) == nil }
	return len(names) > 0 && !slices.ContainsFunc(names, absent)
}

// people reads the people, what they have and where they belong.
func (e *Excerpt) people(ctx context.Context, q querier, who Who, db *DB) error {
	due, err := who.due(ctx, q)
	if err != nil {
		return err
	}
	found := map[string]*person{}
	for _, by := range []struct {
		column string
		values []string
		of     func(*person) string
	}{
		{"p.name", who.Names, func(p *person) string { return p.Name }},
		{"p.email_key", who.Emails, func(p *person) string { return p.EmailKey }},
		{"p.account", slices.Concat(who.Accounts, due), func(p *person) string { return p.id }},
	} {
		known := map[string]bool{}
		for _, p := range found {
			known[by.of(p)] = true
		}
		left := slices.DeleteFunc(slices.Clone(by.values), func(v string) bool { return known[v] })
		err := eachMany(left, func(in string, args []any) error {
			some, err := peopleWhere(ctx, q, peopleInForce+" AND "+by.column+in, args)
			for _, p := range some {
				found[p.id] = p
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	names, now := map[string]string{}, db.now()
	for _, id := range sortedKeys(found) {
		p := found[id]
		names[id] = p.Name
		e.Roster.Users = append(e.Roster.Users, p.user())
		e.Accounts[p.Name] = p.account(now)
	}
	slices.SortFunc(e.Roster.Users, func(a, b spec.User) int { return strings.Compare(a.Name, b.Name) })
	return eachMany(sortedKeys(found), func(in string, ids []any) error {
		access, err := readAccess(ctx, q, grantColumns+" WHERE until IS NULL AND account"+in, ids...)
		if err != nil {
			return err
		}
		for id, grants := range access {
			e.Roster.User(names[id]).Access = grants
		}
		const teams = "SELECT account, team FROM team_member WHERE until IS NULL AND account"
		_, err = collect(ctx, q, teams+in+" ORDER BY team", ids, func(scan scanner) (none struct{}, err error) {
			var id, team string
			err = scan(&id, &team)
			e.MemberOf[names[id]] = append(e.MemberOf[names[id]], team)
			return none, err
		})
		return err
	})
}

// many is how many values one query is asked about.
const many = 500

// eachMany calls fn with a condition and its arguments for all values, so many at
// a time.
func eachMany(values []string, fn func(in string, args []any) error) error {
	for some := range slices.Chunk(values, many) {
		args := make([]any, len(some))
		for i, v := range some {
			args[i] = v
		}
		if err := fn(" IN (?"+strings.Repeat(", ?", len(some)-1)+")", args); err != nil {
			return err
		}
	}
	return nil
}

// due returns the accounts that are meant by their days, some of them more than
// once. Conditions repeat those of the indexes, which hold dated access alone.
func (who *Who) due(ctx context.Context, q querier) ([]string, error) {
	var due []string
	for _, by := range []struct {
		query string
		spans []spec.Span
		bound func(spec.Span) (from, until int64)
	}{
		{"SELECT account FROM access WHERE until IS NULL AND first_day > -2147483648 AND first_day >= ? AND first_day <= ?", who.Begins, onDays},
		{"SELECT account FROM access WHERE until IS NULL AND last_day < 2147483647 AND last_day >= ? AND last_day <= ?", who.Ends, onDays},
		{"SELECT account FROM invitation WHERE until IS NULL AND expires > ? AND expires <= ?", who.Expires, duringDays},
	} {
		for _, span := range by.spans {
			from, until := by.bound(span)
			some, err := collect(ctx, q, by.query, []any{from, until}, func(scan scanner) (id string, err error) {
				err = scan(&id)
				return id, err
			})
			if err != nil {
				return nil, err
			}
			due = append(due, some...)
		}
	}
	return due, nil
}

func onDays(s spec.Span) (from, until int64) { return int64(s.From), int64(s.Until) }

// duringDays are the moments after which, and up to which, what ends then has its
// last moment on one of the days.
func duringDays(s spec.Span) (after, until int64) {
	const day = 24 * 60 * 60 * 1000 // milliseconds
	return int64(s.From) * day, (int64(s.Until) + 1) * day
}
