package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"usher/spec"
)

// Status is where an account stands in its life (DOMAIN.md, "The account's life").
type Status string

// The statuses of an account.
const (
	Invited   Status = "invited"   // has an invitation that still opens
	Active    Status = "active"    // has a password of its own, or was adopted
	Expired   Status = "expired"   // the invitation's last day has passed (DOMAIN.md row 17)
	Suspended Status = "suspended" // keeps the account, has no access
	Removed   Status = "removed"   // a tombstone
)

// Account is one account and its life. Times are UTC, in milliseconds; a zero
// time has not come to pass.
type Account struct {
	ID         string // opaque, never reused: "u" and a ULID in lower case
	Name       string
	Email      string
	EmailKey   string
	FirstName  string
	LastName   string
	Status     Status    // at Options.Now, or at the end of the revision asked for
	Generation int       // the last declared invitation.generation; 0: never declared
	Issue      int       // number of the invitation on record; 0: none
	Created    time.Time // when the account came to be
	Invited    time.Time // when the invitation on record was issued
	Expires    time.Time // the moment from which it no longer opens
	Activated  time.Time
	Removed    time.Time
}

// Forgotten reports whether who it belonged to is erased: see [Owner.Forget].
func (a *Account) Forgotten() bool { return a.Name == a.ID }

// statusAt works out the status. An account that was never activated and has no
// invitation that opens is expired: somebody has to invite again.
func (a *Account) statusAt(now time.Time, suspended bool) Status {
	switch {
	case !a.Removed.IsZero():
		return Removed
	case suspended:
		return Suspended
	case !a.Activated.IsZero():
		return Active
	case now.Before(a.Expires):
		return Invited
	default:
		return Expired
	}
}

// newAccountID makes an id, a ULID. Within a transaction each is a random step above
// the last: what is made together stands together wherever rows are kept by account,
// so that a first apply fills each page of an index once. With ids in no order it
// visits nearly every page of eight indexes again for every run of rows.
func (tx *Tx) newAccountID() (string, error) {
	if tx.ids == nil {
		tx.ids = ulid.Monotonic(tx.db.options.Rand, 0)
	}
	id, err := ulid.New(ulid.Timestamp(tx.Now), tx.ids)
	if err != nil {
		return "", fmt.Errorf("making an account id: %w", err)
	}
	return "u" + strings.ToLower(id.String()), nil
}

// AddAccount makes an account for the user, and its first invitation. One that is
// active is taken over as it is and gets none; nor does one that is suspended,
// which is invited when that ends.
func (tx *Tx) AddAccount(u *spec.User, active bool) (Account, error) {
	if err := tx.writeNewcomers(newcomersAtOnce); err != nil {
		return Account{}, err
	}
	id, err := tx.newAccountID()
	if err != nil {
		return Account{}, err
	}
	p := personFor(id, u)
	p.created, p.begins = tx.Now, true
	if active {
		p.activated = tx.Now
	}
	err = tx.insert(&tx.rows.account, id, millis(p.created), millis(p.activated))
	if err != nil {
		return Account{}, fmt.Errorf("adding account %s: %w", u.Name, err)
	}
	tx.people[id] = p
	tx.newcomers = append(tx.newcomers, p)
	err = tx.record(aboutAccount+id, entry{
		Do: doAdd, Active: active, Suspended: p.suspended, Generation: p.generation,
		personal: &personal{Person: &p.identity, Because: origins(u.Origin)},
	})
	if err != nil || active || u.Suspended {
		return p.account(tx.Now), err
	}
	if err := tx.issue(p, 1); err != nil {
		return Account{}, fmt.Errorf("inviting %s: %w", u.Name, err)
	}
	return p.account(tx.Now), nil
}

// ReviveAccount brings back the account of somebody removed a while ago: the
// same id, and with it the password. Its invitation stays dead; one that was
// never activated needs [Tx.Invite]. An account that is in force is an error.
func (tx *Tx) ReviveAccount(id string, u *spec.User) (Account, error) {
	switch _, err := tx.person(id); {
	case err == nil:
		return Account{}, fmt.Errorf("bringing back account %s: it is not removed", id)
	case !errors.Is(err, ErrNotFound):
		return Account{}, err
	}
	p := personFor(id, u)
	var created, activated int64
	var generation int
	const past = `SELECT a.created, a.activated, p.generation FROM account a JOIN person p ON p.account = a.id
		WHERE a.id = ? ORDER BY p.since DESC LIMIT 1`
	err := tx.get(past, []any{id}, &created, &activated, &generation)
	if err != nil {
		return Account{}, fmt.Errorf("bringing back account %s: %w", id, fault(err))
	}
	p.created, p.activated, p.begins = moment(created), moment(activated), true
	p.generation = max(p.generation, generation)
	tx.people[id] = p
	return p.account(tx.Now), tx.record(aboutAccount+id, entry{
		Do: doReturn, Suspended: p.suspended, Generation: p.generation,
		personal: &personal{Person: &p.identity, Because: origins(u.Origin)},
	})
}

// RemoveAccount makes the account a tombstone. Its access, roles, memberships,
// invitation and sessions end with it, and an invitation still in the outbox is
// cancelled (DOMAIN.md, "The account's life").
func (tx *Tx) RemoveAccount(id string, because []spec.Origin) error {
	if err := tx.flush(); err != nil {
		return err
	}
	for _, end := range []func(string) error{tx.endAccess, tx.endRoles, tx.endMemberships, tx.endInvitation, tx.endSessions} {
		if err := end(id); err != nil {
			return fmt.Errorf("removing account %s: %w", id, err)
		}
	}
	if err := tx.endPerson(id); err != nil {
		return fmt.Errorf("removing account %s: %w", id, err)
	}
	return tx.record(aboutAccount+id, entry{Do: doRemove, personal: &personal{Because: because}})
}

// ChangeAccount gives the account the user's name, e-mail, first and last name,
// signing keys, suspension and generation, whatever of these differs. A
// generation that is not declared leaves the one on record. Where only the
// manifest line moved, that is corrected in place.
func (tx *Tx) ChangeAccount(id string, u *spec.User) error {
	was, err := tx.person(id)
	if err != nil {
		return fmt.Errorf("changing account %s: %w", id, err)
	}
	is := personFor(id, u)
	is.life = was.life
	if is.generation == 0 {
		is.generation = was.generation
	}
	if is.same(was) {
		return tx.movePerson(was, u.Origin)
	}
	return tx.changePerson(is, was, origins(u.Origin))
}

// changePerson replaces the row of a person and audits it. Whoever is suspended, or
// signs in with another address, is signed out.
func (tx *Tx) changePerson(is, was *person, because []spec.Origin) error {
	if err := tx.replacePerson(is, was); err != nil {
		return fmt.Errorf("changing account %s: %w", is.id, err)
	}
	if is.suspended || is.EmailKey != was.EmailKey {
		if err := tx.endSessions(is.id); err != nil {
			return fmt.Errorf("signing out account %s: %w", is.id, err)
		}
	}
	if err := tx.rehold(is.id, was.tally(), is.tally()); err != nil {
		return fmt.Errorf("counting what account %s holds: %w", is.id, err)
	}
	return tx.record(aboutAccount+is.id, entry{
		Do: doChange, Suspended: is.suspended, Generation: is.generation,
		personal: &personal{Person: &is.identity, Because: because},
	})
}

func origins(o spec.Origin) []spec.Origin {
	if o == (spec.Origin{}) {
		return nil
	}
	return []spec.Origin{o}
}

// Account returns the account of that name, [ErrNotFound] where there is none.
func (db *DB) Account(ctx context.Context, name string) (Account, error) {
	people, err := collect(ctx, db.reader, peopleInForce+" AND p.name = ?", []any{name}, scanPerson)
	switch {
	case err != nil:
		return Account{}, fmt.Errorf("reading account %s: %w", name, err)
	case len(people) == 0:
		return Account{}, fmt.Errorf("account %s: %w", name, ErrNotFound)
	}
	return people[0].account(db.now()), nil
}

// RemovedAccounts returns every tombstone, newest first.
func (db *DB) RemovedAccounts(ctx context.Context) ([]Account, error) {
	newest, _, err := newestRevision(ctx, db.reader)
	if err != nil {
		return nil, fmt.Errorf("reading removed accounts: %w", fault(err))
	}
	return gone(ctx, db.reader, newest.Number, time.Time{})
}

// gone returns the accounts removed after since, as of a revision, newest first.
func gone(ctx context.Context, q querier, revision int64, since time.Time) ([]Account, error) {
	const tombstones = `SELECT ` + personColumns + `, r.at
		FROM person p
		JOIN revision r ON r.number = p.until
		JOIN account a ON a.id = p.account
		LEFT JOIN invitation i ON i.account = p.account
			AND i.issue = (SELECT MAX(issue) FROM invitation WHERE account = p.account AND since <= ?)
		WHERE p.until <= ? AND r.at > ?
		AND NOT EXISTS (SELECT 1 FROM person n WHERE n.account = p.account AND n.since >= p.until AND n.since <= ?)
		ORDER BY p.until DESC, p.name`
	earliest := since.UnixMilli()
	accounts, err := collect(ctx, q, tombstones, []any{revision, revision, earliest, revision}, func(scan scanner) (Account, error) {
		var removed int64
		p, err := scanPerson(func(to ...any) error { return scan(append(to, &removed)...) })
		if err != nil {
			return Account{}, err
		}
		a := p.account(moment(removed))
		a.Removed, a.Status = moment(removed), Removed
		return a, nil
	})
	if err != nil {
		return nil, fmt.Errorf("reading removed accounts: %w", err)
	}
	return accounts, nil
}

// noRows turns the absence of a row into ErrNotFound.
func noRows(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	return err
}
