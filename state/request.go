package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Request is what a command leaves for the controller that holds the lock.
type Request struct {
	ID       int64
	Kind     string // approve, resend, mail-retry, mail-release
	Argument string
	By       string
	At       time.Time
	DoneAt   time.Time // zero: open
	Result   string    // empty once done well, else what went wrong
}

// Ask leaves a request, without the lock, in one short transaction, and returns
// its id. The controller that holds the lock performs it; its answer appears in
// Requests.
func (db *DB) Ask(ctx context.Context, kind, argument, by string) (int64, error) {
	var id int64
	err := db.transact(ctx, func(tx *sql.Tx) (err error) {
		id, err = ask(ctx, tx, Request{Kind: kind, Argument: argument, By: by, At: db.now()})
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("leaving a request: %w", fault(err))
	}
	return id, nil
}

func ask(ctx context.Context, tx *sql.Tx, r Request) (id int64, err error) {
	const put = "INSERT INTO request (kind, argument, actor, at, done, result) VALUES (?, ?, ?, ?, 0, '') RETURNING id"
	err = tx.QueryRowContext(ctx, put, r.Kind, r.Argument, r.By, millis(r.At)).Scan(&id)
	return id, err
}

const requestColumns = "SELECT id, kind, argument, actor, at, done, result FROM request"

// Requests returns the requests, oldest first; only those without an answer
// with open. Those answered longer ago than RequestMemory may be gone.
func (db *DB) Requests(ctx context.Context, open bool) ([]Request, error) {
	query := requestColumns + " ORDER BY id"
	if open {
		query = requestColumns + " WHERE done = 0 ORDER BY id"
	}
	requests, err := collect(ctx, db.reader, query, nil, scanRequest)
	if err != nil {
		return nil, fmt.Errorf("reading requests: %w", err)
	}
	return requests, nil
}

// Request returns one request; [ErrNotFound] where there is none.
func (db *DB) Request(ctx context.Context, id int64) (Request, error) {
	r, err := scanRequest(db.reader.QueryRowContext(ctx, requestColumns+" WHERE id = ?", id).Scan)
	if err != nil {
		return Request{}, fmt.Errorf("reading request %d: %w", id, fault(noRows(err)))
	}
	return r, nil
}

func scanRequest(scan scanner) (r Request, err error) {
	var at, done int64
	err = scan(&r.ID, &r.Kind, &r.Argument, &r.By, &at, &done, &r.Result)
	r.At, r.DoneAt = moment(at), moment(done)
	return r, err
}

// RequestMemory is how long an answered request is kept for whoever asks what
// became of it.
const RequestMemory = 30 * 24 * time.Hour

// Answer records that a request is done: well, with an empty result, or what
// went wrong. [ErrNotFound] for one that is not open.
func (o *Owner) Answer(ctx context.Context, id int64, result string) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		var done int64
		row := tx.QueryRowContext(ctx, "UPDATE request SET done = ?, result = ? WHERE id = ? AND done = 0 RETURNING id", millis(now), result, id)
		if err := noRows(row.Scan(&done)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "DELETE FROM request WHERE done > 0 AND done < ?", millis(now.Add(-RequestMemory)))
		return err
	})
	if err != nil {
		return fmt.Errorf("answering request %d: %w", id, err)
	}
	return nil
}
