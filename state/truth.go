package state

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"usher/spec"
)

// ReturnWindow is how long after a removal the same person may have the account
// back (DOMAIN.md, "Coming back").
const ReturnWindow = 30 * 24 * time.Hour

// Truth is what is true at one revision, in spec's words, with each account's
// life beside it.
type Truth struct {
	Basis       int64              // Applied.Number
	Applied     Revision           // the last revision from manifests (causes manifests and adopt); zero before the first
	Newest      Revision           // the last revision of any cause; zero before the first
	Roster      *spec.Roster       // sorted as a Roster guarantees; Previously is never set
	Accounts    map[string]Account // of Roster.Users, by name
	Gone        []Account          // removed less than ReturnWindow ago, newest first: may come back
	CalendarDay spec.Day           // the last day up to which the calendar was followed; spec.Always before the first
}

// Truth returns what is true now.
func (db *DB) Truth(ctx context.Context) (*Truth, error) {
	truth, err := db.snapshot(ctx, func(tx *sql.Tx) (Revision, spec.Day, time.Time, error) {
		newest, day, err := newestRevision(ctx, tx)
		return newest, day, db.now(), err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what is true: %w", fault(err))
	}
	return truth, nil
}

// TruthAt returns what was true at the end of a revision, with names and
// statuses as they were then; [ErrNotFound] for one that never was. Revision 0 is
// the empty beginning.
func (db *DB) TruthAt(ctx context.Context, revision int64) (*Truth, error) {
	truth, err := db.snapshot(ctx, func(tx *sql.Tx) (Revision, spec.Day, time.Time, error) {
		then, day, err := revisionNumbered(ctx, tx, revision)
		return then, day, then.At, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what was true at revision %d: %w", revision, fault(err))
	}
	return truth, nil
}

// snapshot reads everything in one read transaction, which sees one state
// however many revisions are written meanwhile.
func (db *DB) snapshot(ctx context.Context, which func(*sql.Tx) (Revision, spec.Day, time.Time, error)) (*Truth, error) {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	newest, day, now, err := which(tx)
	if err != nil {
		return nil, err
	}
	truth := &Truth{Newest: newest, CalendarDay: day, Roster: &spec.Roster{}, Accounts: map[string]Account{}}
	if truth.Applied, err = appliedRevision(ctx, tx, newest); err != nil {
		return nil, err
	}
	truth.Basis = truth.Applied.Number
	if truth.Gone, err = gone(ctx, tx, newest.Number, now.Add(-ReturnWindow)); err != nil {
		return nil, err
	}
	return truth, truth.fill(ctx, tx, now)
}

// fill reads the roster.
func (t *Truth) fill(ctx context.Context, q querier, now time.Time) (err error) {
	names, err := t.fillUsers(ctx, q, now)
	if err != nil {
		return err
	}
	r, revision := t.Roster, t.Newest.Number
	if r.Products, err = productsAt(ctx, q, revision); err != nil {
		return err
	}
	if r.Teams, err = teamsAt(ctx, q, revision); err != nil {
		return err
	}
	for i := range r.Teams {
		members := r.Teams[i].Members
		for j, id := range members {
			members[j] = names[id]
		}
		slices.Sort(members)
	}
	if r.Contracts, err = contractsAt(ctx, q, revision); err != nil {
		return err
	}
	return t.fillStewards(ctx, q, names)
}

// fillUsers reads the users, and returns their names by account id.
func (t *Truth) fillUsers(ctx context.Context, q querier, now time.Time) (map[string]string, error) {
	people, err := peopleOf(ctx, q, t.Newest.Number)
	if err != nil {
		return nil, err
	}
	access, err := accessAt(ctx, q, t.Newest.Number)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(people, func(a, b *person) int { return strings.Compare(a.Name, b.Name) })
	names := make(map[string]string, len(people))
	t.Roster.Users = make([]spec.User, len(people))
	for i, p := range people {
		names[p.id] = p.Name
		t.Roster.Users[i] = p.user()
		t.Roster.Users[i].Access = access[p.id]
		t.Accounts[p.Name] = p.account(now)
	}
	return names, nil
}

// fillStewards gives each contract its manager and coordinators.
func (t *Truth) fillStewards(ctx context.Context, q querier, names map[string]string) error {
	roles, err := rolesOf(ctx, q, t.Newest.Number)
	if err != nil {
		return err
	}
	for _, r := range roles {
		c := t.Roster.Contract(r.contract)
		switch {
		case c == nil:
		case r.role == spec.ContractManager:
			c.Manager = names[r.account]
		default:
			c.Coordinators = append(c.Coordinators, names[r.account])
		}
	}
	for i := range t.Roster.Contracts {
		slices.Sort(t.Roster.Contracts[i].Coordinators)
	}
	return nil
}
