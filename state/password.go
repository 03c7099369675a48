package state

import (
	"cmp"
	"context"
	"crypto/hmac"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ResetLife is how long a reset code works.
const ResetLife = time.Hour

// ErrClosed: an invitation or a reset code no longer opens: used, replaced by a
// newer one, too old, or the account is not to be signed in to.
var ErrClosed = errors.New("it no longer opens")

// Credential is what somebody who signs in is measured by.
type Credential struct {
	Account Account // as it is now; Removed for a tombstone
	Hash    string  // of a password of their own (PHC); empty: they have none
}

// Credential returns what belongs to a folded address, which spec.FoldEmail gives:
// the account that signs in with it, else the one removed last that did;
// [ErrNotFound] where there never was one. It asks the same of the database in each
// case, so that how long it takes tells nothing.
func (db *DB) Credential(ctx context.Context, emailKey string) (Credential, error) {
	const last = `SELECT ` + personColumns + `, r.at FROM person p
		JOIN revision r ON r.number = p.until
		JOIN account a ON a.id = p.account
		LEFT JOIN invitation i ON i.account = p.account AND i.until IS NULL
		WHERE p.email_key = ? AND p.until IS NOT NULL
		AND NOT EXISTS (SELECT 1 FROM person n WHERE n.account = p.account AND n.since >= p.until)
		ORDER BY p.until DESC LIMIT 1`
	var removed int64
	is, errIs := scanPerson(db.reader.QueryRowContext(ctx, peopleInForce+" AND p.email_key = ?", emailKey).Scan)
	row := db.reader.QueryRowContext(ctx, last, emailKey)
	was, errWas := scanPerson(func(to ...any) error { return row.Scan(append(to, &removed)...) })
	var c Credential
	switch now := db.now(); {
	case errIs == nil:
		c.Account = is.account(now)
	case errors.Is(errIs, sql.ErrNoRows) && errWas == nil:
		c.Account = was.account(now)
		c.Account.Removed, c.Account.Status = moment(removed), Removed
	}
	hash := db.reader.QueryRowContext(ctx, "SELECT hash FROM password WHERE account = ?", c.Account.ID)
	err := unless(hash.Scan(&c.Hash), sql.ErrNoRows)
	if c.Account.ID == "" {
		err = cmp.Or(unless(errIs, sql.ErrNoRows), errWas)
	}
	if err != nil {
		return Credential{}, fmt.Errorf("reading who signs in: %w", fault(err))
	}
	return c, nil
}

// Given returns the number of the account's invitation that a given password came
// with, whether it still opens or not; 0 for none.
func (db *DB) Given(ctx context.Context, account, password string) (int, error) {
	key, err := db.instanceKey(ctx)
	if err != nil {
		return 0, err
	}
	sum := keyed(key, "given password hash", typed(password))
	found := 0
	_, err = collect(ctx, db.reader, "SELECT issue, secret_hash FROM invitation WHERE account = ?", []any{account}, func(scan scanner) (none struct{}, err error) {
		var issue int
		var hash []byte
		if err = scan(&issue, &hash); err == nil && hmac.Equal(hash, sum) {
			found = issue
		}
		return none, err
	})
	if err != nil {
		return 0, fmt.Errorf("reading invitations: %w", err)
	}
	return found, nil
}

// typed writes a given password or a reset code, as somebody typed it, in its one
// form. Letters that crockford lacks are read as the digits they are taken for.
func typed(code string) string {
	code = strings.Map(func(r rune) rune {
		switch r {
		case '-', '–', ' ', '\t', '\u00a0':
			return -1
		case 'O':
			return '0'
		case 'I', 'L':
			return '1'
		}
		return r
	}, strings.ToUpper(code))
	if len(code) != 16 {
		return code
	}
	return hyphened(code)
}

// Activate gives an invited account its owner's own password (hash is a PHC string),
// which is what makes it active; the given password of the invitation, by its number,
// ends with that. It is audited beside the revisions: nothing that manifests ask
// changes. [ErrClosed] where the invitation no longer opens.
func (o *Owner) Activate(ctx context.Context, account string, issue int, hash string) error {
	err := o.beside(ctx, func(tx *Tx) error {
		p, err := tx.person(account)
		if errors.Is(err, ErrNotFound) {
			return ErrClosed
		}
		if err != nil {
			return err
		}
		if a := p.account(tx.Now); a.Status != Invited || a.Issue != issue {
			return ErrClosed
		}
		if _, err := tx.exec("UPDATE account SET activated = ? WHERE id = ?", millis(tx.Now), account); err != nil {
			return err
		}
		if err := tx.rehold(account, tallyOf(false, false), tallyOf(false, true)); err != nil {
			return err
		}
		conn, err := tx.conn()
		if err != nil {
			return err
		}
		if err := putPassword(ctx, conn, account, hash, tx.Now); err != nil {
			return err
		}
		return tx.record(aboutAccount+account, entry{Do: doActivate, Issue: issue})
	})
	if err != nil {
		return fmt.Errorf("activating account %s: %w", account, err)
	}
	return nil
}

// beside runs fn in a transaction that makes no revision. What it audits belongs to
// the time after the newest one.
func (o *Owner) beside(ctx context.Context, fn func(*Tx) error) error {
	var end chainEnd
	err := o.db.transact(ctx, func(conn *sql.Tx) error {
		if err := o.fence(ctx, conn); err != nil {
			return err
		}
		newest, day, err := newestRevision(ctx, conn)
		if err != nil {
			return err
		}
		tx := o.db.begin(ctx, conn, newest, day)
		defer tx.close()
		tx.Revision = newest.Number
		for _, step := range []func() error{func() error { return fn(tx) }, tx.writeHoldings, tx.writeTrail, tx.flush} {
			if err := step(); err != nil {
				return err
			}
		}
		end = chainEnd{tx.trail.seq, tx.trail.hash}
		return nil
	})
	if err != nil {
		return fault(err)
	}
	_ = o.writeHead(end) // what was written stands; a head file that lags is mended by the next
	return nil
}

// putPassword replaces the password of an account. Whatever was opened with the
// former one, or could be, ends: sessions and reset codes.
func putPassword(ctx context.Context, tx *sql.Tx, account, hash string, now time.Time) error {
	const put = `INSERT INTO password (account, hash, at) VALUES (?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET hash = excluded.hash, at = excluded.at`
	if _, err := tx.ExecContext(ctx, put, account, hash, millis(now)); err != nil {
		return err
	}
	for _, end := range endings {
		if _, err := tx.ExecContext(ctx, end, account); err != nil {
			return err
		}
	}
	return nil
}

// Password returns the hash of an account's own password (PHC), "" where it has none.
func (db *DB) Password(ctx context.Context, account string) (hash string, err error) {
	row := db.reader.QueryRowContext(ctx, "SELECT hash FROM password WHERE account = ?", account)
	if err := unless(row.Scan(&hash), sql.ErrNoRows); err != nil {
		return "", fmt.Errorf("reading a password: %w", fault(err))
	}
	return hash, nil
}

// SetPassword replaces the password of an active account (hash is a PHC string),
// signs it out everywhere, and queues the message about it, all at once. [ErrClosed]
// for an account that is not active.
func (o *Owner) SetPassword(ctx context.Context, account, hash string, compose func(revision int64, now time.Time) (Message, error)) error {
	return o.setPassword(ctx, account, hash, compose, func(*sql.Tx, time.Time) error { return nil })
}

// Reset is SetPassword for whoever has a reset code that opens; it is used up.
// [ErrClosed] where it does not open.
func (o *Owner) Reset(ctx context.Context, account, code, hash string, compose func(revision int64, now time.Time) (Message, error)) error {
	return o.setPassword(ctx, account, hash, compose, func(tx *sql.Tx, now time.Time) error {
		opens, err := o.db.opens(ctx, tx, account, code, now)
		if err == nil && !opens {
			err = ErrClosed
		}
		return err
	})
}

func (o *Owner) setPassword(ctx context.Context, account, hash string, compose func(int64, time.Time) (Message, error), check func(*sql.Tx, time.Time) error) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := check(tx, now); err != nil {
			return err
		}
		if err := mustBeActive(ctx, tx, account, now); err != nil {
			return err
		}
		if err := putPassword(ctx, tx, account, hash, now); err != nil {
			return err
		}
		return o.queueTold(ctx, tx, now, func(revision int64, now time.Time) ([]Message, error) {
			m, err := compose(revision, now)
			m.Account = account
			return []Message{m}, err
		})
	})
	if err != nil {
		return fmt.Errorf("setting the password of account %s: %w", account, err)
	}
	return nil
}

func mustBeActive(ctx context.Context, tx *sql.Tx, account string, now time.Time) error {
	p, err := scanPerson(tx.QueryRowContext(ctx, peopleInForce+" AND p.account = ?", account).Scan)
	if errors.Is(err, sql.ErrNoRows) || err == nil && p.account(now).Status != Active {
		return ErrClosed
	}
	return err
}

// OfferReset makes an active account's next reset code and queues the message with
// it; the code before it is dead from this moment, and its message cancelled if it is
// still in the outbox. compose is told the code's number as a message's Issue wants
// it. [ErrClosed] for an account that is not active, [ErrTooMany] past the quota.
func (o *Owner) OfferReset(ctx context.Context, q Quota, compose func(issue int, revision int64, now time.Time) (Message, error)) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := mustBeActive(ctx, tx, q.Account, now); err != nil {
			return err
		}
		if err := q.left(ctx, tx, now); err != nil {
			return err
		}
		number, err := o.issueReset(ctx, tx, q.Account, now)
		if err != nil {
			return err
		}
		return o.queueTold(ctx, tx, now, func(revision int64, now time.Time) ([]Message, error) {
			m, err := compose(-number, revision, now)
			m.Kind, m.Account, m.Issue = q.Kind, q.Account, -number
			return []Message{m}, err
		})
	})
	if err != nil {
		return fmt.Errorf("offering a reset to account %s: %w", q.Account, err)
	}
	return nil
}

// issueReset writes the next reset code of an account and returns its number. Numbers
// follow the clock, so that none comes again in a database that was restored from a
// backup: the same number is the same code.
func (o *Owner) issueReset(ctx context.Context, tx *sql.Tx, account string, now time.Time) (number int, err error) {
	const last = "SELECT COALESCE(MAX(number), 0) FROM password_reset WHERE account = ?"
	if err := tx.QueryRowContext(ctx, last, account).Scan(&number); err != nil {
		return 0, err
	}
	number = max(number+1, int(now.Unix()))
	const put = `INSERT INTO password_reset (account, number, hash, expires) VALUES (?, ?, ?, ?)
		ON CONFLICT (account) DO UPDATE SET number = excluded.number, hash = excluded.hash, expires = excluded.expires`
	sum := resetHash(o.db.key, resetCode(o.db.key, account, number))
	if _, err := tx.ExecContext(ctx, put, account, number, sum, millis(now.Add(ResetLife))); err != nil {
		return 0, err
	}
	_, err = tx.ExecContext(ctx, "UPDATE outbox SET state = ? WHERE account = ? AND issue < 0 AND state IN (?, ?, ?, ?)",
		MessageCancelled, account, MessageQueued, MessageSending, MessageHeld, MessageFailed)
	return number, err
}

// ResetOpens reports whether a reset code of an account opens now.
func (db *DB) ResetOpens(ctx context.Context, account, code string) (bool, error) {
	opens, err := db.opens(ctx, db.reader, account, code, db.now())
	if err != nil {
		return false, fmt.Errorf("reading a reset code: %w", fault(err))
	}
	return opens, nil
}

func (db *DB) opens(ctx context.Context, q querier, account, code string, now time.Time) (bool, error) {
	key, err := db.instanceKey(ctx)
	if err != nil {
		return false, err
	}
	sum := resetHash(key, typed(code)) // before it is known whether there is one to compare with
	var hash []byte
	var expires int64
	err = q.QueryRowContext(ctx, "SELECT hash, expires FROM password_reset WHERE account = ?", account).Scan(&hash, &expires)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil && hmac.Equal(hash, sum) && now.Before(moment(expires)), err
}

// resetCode derives the code of a reset, as givenPassword does that of an invitation:
// it rests nowhere.
func resetCode(key []byte, account string, number int) string {
	return shown(keyed(key, "reset code", account, strconv.Itoa(number)))
}

func resetHash(key []byte, code string) []byte { return keyed(key, "reset code hash", code) }
