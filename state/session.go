package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"usher/spec"
)

// Session is a browser that somebody signed in with.
type Session struct {
	Account string // id
	Body    []byte // what the browser's session holds; the state does not read it
	Expires time.Time

	// Password is the hash (PHC) of the account's own password that opened it; empty
	// for a given one. It is compared as the session begins, and not kept with it.
	Password string
}

// SessionIdle is how long a session lasts without a request.
const SessionIdle = time.Hour

// sightings is how exactly it is known when a session was last used. Noting each
// request would make reading a page wait for whoever is writing.
const sightings = time.Minute

// Session returns the session kept under a hashed token; [ErrNotFound] where
// there is none, or it has expired or was idle for too long.
func (db *DB) Session(ctx context.Context, token string) (Session, error) {
	var s Session
	var seen, expires int64
	row := db.reader.QueryRowContext(ctx, "SELECT account, body, seen, expires FROM session WHERE token = ?", token)
	if err := row.Scan(&s.Account, &s.Body, &seen, &expires); err != nil {
		return Session{}, fmt.Errorf("reading a session: %w", fault(err))
	}
	s.Expires = moment(expires)
	now := db.now()
	if !now.Before(s.Expires) || now.Sub(moment(seen)) >= SessionIdle {
		return Session{}, fmt.Errorf("reading a session: %w", ErrNotFound)
	}
	if now.Sub(moment(seen)) >= sightings {
		db.see(ctx, token, now)
	}
	return s, nil
}

// see notes when a session was used. It gives up soon where somebody is writing
// for long: the next request tries again.
func (db *DB) see(ctx context.Context, token string, now time.Time) {
	ctx, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
	defer cancel()
	_ = db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE session SET seen = ? WHERE token = ?", millis(now), token)
		return err
	})
}

// AddSession begins a session under a hashed token. It refuses an account that may
// not sign in, or whose password is another by now, with [ErrNotFound], so that none
// begins beside the revision that removes or suspends somebody, or the change of the
// password that ends all there are.
func (db *DB) AddSession(ctx context.Context, token string, s Session) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		var suspended bool
		var hash string
		const opener = `SELECT p.suspended, COALESCE(w.hash, '') FROM person p
			LEFT JOIN password w ON w.account = p.account WHERE p.account = ? AND p.until IS NULL`
		if err := tx.QueryRowContext(ctx, opener, s.Account).Scan(&suspended, &hash); err != nil {
			return err
		}
		if suspended || hash != s.Password {
			return ErrNotFound
		}
		now := millis(db.now())
		if _, err := tx.ExecContext(ctx, "DELETE FROM session WHERE expires <= ?", now); err != nil {
			return err
		}
		const add = "INSERT INTO session (token, account, body, seen, expires) VALUES (?, ?, ?, ?, ?)"
		_, err := tx.ExecContext(ctx, add, token, s.Account, string(s.Body), now, millis(s.Expires))
		return err
	})
	if err != nil {
		return fmt.Errorf("beginning a session: %w", fault(err))
	}
	return nil
}

// UpdateSession changes what a session holds. One that has ended meanwhile stays
// ended, and that is no error.
func (db *DB) UpdateSession(ctx context.Context, token string, body []byte) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE session SET body = ? WHERE token = ?", string(body), token)
		return err
	})
	if err != nil {
		return fmt.Errorf("keeping a session: %w", fault(err))
	}
	return nil
}

// EndSession ends one session; one that is not there is no error.
func (db *DB) EndSession(ctx context.Context, token string) error {
	return db.endSessions(ctx, "token = ?", token)
}

// EndSessions ends every session of an account: sign out everywhere.
func (db *DB) EndSessions(ctx context.Context, account string) error {
	return db.endSessions(ctx, "account = ?", account)
}

func (db *DB) endSessions(ctx context.Context, condition, value string) error {
	err := db.transact(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM session WHERE "+condition, value)
		return err
	})
	if err != nil {
		return fmt.Errorf("ending sessions: %w", fault(err))
	}
	return nil
}

// endSessions signs an account out in the revision that takes its access
// (DOMAIN.md, "The account's life").
func (tx *Tx) endSessions(id string) error {
	for _, end := range endings {
		if _, err := tx.exec(end, id); err != nil {
			return err
		}
	}
	return nil
}

// endings end what an account was opened with, or could be. The row of a reset stays:
// its number must not come again, for the same number is the same code.
var endings = []string{
	"DELETE FROM session WHERE account = ?",
	"UPDATE password_reset SET expires = 0 WHERE account = ?",
}

// signOutAll ends every session and reset code: those of a backup may have ended since
// it was made.
func signOutAll(ctx context.Context, tx *sql.Tx) error {
	for _, end := range []string{"DELETE FROM session", "UPDATE password_reset SET expires = 0"} {
		if _, err := tx.ExecContext(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// Post is a role that somebody holds under a contract.
type Post struct {
	Contract string
	Role     spec.Role
}

// Known returns the account of an id as it is now, with the roles it holds sorted
// by contract. [ErrNotFound] for an id that was removed or never was.
func (db *DB) Known(ctx context.Context, id string) (Account, []Post, error) {
	p, err := scanPerson(db.reader.QueryRowContext(ctx, peopleInForce+" AND p.account = ?", id).Scan)
	if err != nil {
		return Account{}, nil, fmt.Errorf("reading account %s: %w", id, fault(err))
	}
	const held = "SELECT contract, role FROM role WHERE account = ? AND until IS NULL ORDER BY contract, role"
	posts, err := collect(ctx, db.reader, held, []any{id}, func(scan scanner) (p Post, err error) {
		err = scan(&p.Contract, &p.Role)
		return p, err
	})
	if err != nil {
		return Account{}, nil, fmt.Errorf("reading the roles of account %s: %w", id, err)
	}
	return p.account(db.now()), posts, nil
}
