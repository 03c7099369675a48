package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"

	"usher/spec"
)

// Tx is one revision in the making. Its methods record what they do in the audit
// themselves. What ends something comes before what begins something: a name, an
// address, a role or a span of access is free only once its row has ended.
// Inserts are gathered and written many rows at a time. After an error the
// transaction is lost; fn returns it.
type Tx struct {
	Now      time.Time // UTC, in milliseconds; never before the newest revision's time
	Revision int64

	ctx         context.Context
	db          *DB
	sql         *sql.Tx // see conn
	inserts     *inserts
	statements  map[string]*sql.Stmt
	people      map[string]*person // what persons are to be; written at the end, but for newcomers
	newcomers   []*person          // of those, who have an account since a moment ago: see writeNewcomers
	wrote       bool               // newcomers, before the end
	related     map[string]bool    // accounts whose idleness is to be looked at: see relate
	holdings    holdings
	roles       []roleRow // to be assigned; written at the end
	lines       movedLines
	stewards    bool // roles or contracts changed: see checkStewards
	trail       trail
	text        canonicalText
	calendarDay spec.Day
	messages    int
	ids         *ulid.MonotonicEntropy // of accounts; nil: none was made
	lastMessage int64                  // highest id of the outbox; 0: not asked yet
	kept        map[patternID]bool     // patterns that are stored
	rows        struct{ account, invitation, access, member, person, word, role, audit, personal, outbox batch }
}

// Update runs fn in one transaction that makes one revision: a row for the
// revision itself, fn's rows, their audit, the messages. on is the number of the
// newest revision that the caller decided by (Truth.Newest.Number); when another
// one is the newest, the error is [ErrMoved], when another owner has come
// [ErrFenced]. After
// an error or a panic of fn nothing has happened.
func (o *Owner) Update(ctx context.Context, cause Cause, on int64, fn func(*Tx) error) (Revision, error) {
	return o.revise(ctx, cause, func(tx *Tx, newest Revision) error {
		if newest.Number != on {
			return ErrMoved
		}
		return fn(tx)
	})
}

// revise is Update on whatever revision is the newest.
func (o *Owner) revise(ctx context.Context, cause Cause, fn func(*Tx, Revision) error) (Revision, error) {
	var made Revision
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
		if err := fn(tx, newest); err != nil {
			return err
		}
		made, err = tx.finish(cause)
		end = chainEnd{tx.trail.seq, tx.trail.hash}
		return err
	})
	if err != nil {
		return Revision{}, fmt.Errorf("writing a revision: %w", fault(err))
	}
	_ = o.writeHead(end) // the revision stands; a head file that lags is mended by the next
	return made, nil
}

func (db *DB) begin(ctx context.Context, conn *sql.Tx, newest Revision, day spec.Day) *Tx {
	now := db.now()
	if now.Before(newest.At) {
		now = newest.At // a clock that was put back never reorders history
	}
	tx := &Tx{
		Now: now, Revision: newest.Number + 1, calendarDay: day,
		ctx: ctx, db: db, sql: conn, inserts: newInserts(ctx, conn),
		statements: map[string]*sql.Stmt{}, people: map[string]*person{}, related: map[string]bool{},
		holdings: holdings{changes: map[heldKey]tally{}},
	}
	tx.trail.start()
	tx.prepareBatches()
	return tx
}

// close ends what is under way and lets go of the prepared statements.
func (tx *Tx) close() {
	tx.inserts.close()
	for _, s := range tx.statements {
		s.Close()
	}
}

// finish writes everything gathered, and last the revision with its closing
// audit row, which is what makes a revision complete.
func (tx *Tx) finish(cause Cause) (Revision, error) {
	for _, step := range []func() error{tx.writeEverybody, tx.writeRoles, tx.flush, tx.checkStewards, tx.writeIdle, tx.writeHoldings, tx.writeLines, tx.writeTrail} {
		if err := step(); err != nil {
			return Revision{}, err
		}
	}
	r := Revision{Number: tx.Revision, At: tx.Now, Cause: cause, Changes: tx.trail.changes, Messages: tx.messages}
	if err := tx.putRevision(r); err != nil {
		return Revision{}, err
	}
	return r, tx.flush()
}

// SetCalendarDay records that the calendar was followed up to and including the day.
func (tx *Tx) SetCalendarDay(day spec.Day) error {
	tx.calendarDay = day
	return nil
}

// conn is the transaction, with every INSERT handed over carried out.
func (tx *Tx) conn() (*sql.Tx, error) { return tx.sql, tx.inserts.wait() }

// statement prepares a query once a transaction; it sees what was inserted.
func (tx *Tx) statement(query string) (*sql.Stmt, error) {
	conn, err := tx.conn()
	if err != nil {
		return nil, err
	}
	if s := tx.statements[query]; s != nil {
		return s, nil
	}
	s, err := conn.PrepareContext(tx.ctx, query)
	if err != nil {
		return nil, err
	}
	tx.statements[query] = s
	return s, nil
}

// exec runs a query and returns how many rows it touched.
func (tx *Tx) exec(query string, args ...any) (int64, error) {
	s, err := tx.statement(query)
	if err != nil {
		return 0, err
	}
	result, err := s.ExecContext(tx.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads one row.
func (tx *Tx) get(query string, args []any, to ...any) error {
	s, err := tx.statement(query)
	if err != nil {
		return err
	}
	return s.QueryRowContext(tx.ctx, args...).Scan(to...)
}

// list reads one column of text.
func (tx *Tx) list(query string, args ...any) ([]string, error) {
	s, err := tx.statement(query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(tx.ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// end runs an update that ends exactly one row in force. Where the row may still
// be among those gathered, they are written first; asking the table before that
// keeps a run of changes from writing its rows one by one.
func (tx *Tx) end(gathered *batch, query string, args ...any) error {
	n, err := tx.exec(query, args...)
	if err == nil && n == 0 && gathered.rows() > 0 {
		if err := tx.flush(); err != nil {
			return err
		}
		n, err = tx.exec(query, args...)
	}
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// unless returns nil for the one error that is expected.
func unless(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
