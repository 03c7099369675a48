package state

import (
	"context"
	"database/sql"
	"fmt"
	"time"
)

// Quota is how many messages of a kind may be made about one account within a
// while: what a person asks for by a click must not fill somebody's mailbox.
type Quota struct {
	Account string // id
	Kind    string
	Most    int
	Within  time.Duration
}

// Send queues one message outside of any revision; its kind and account are the
// quota's. compose is given the newest revision's number and the moment. When the
// quota is used up nothing is queued and the error is [ErrTooMany].
func (o *Owner) Send(ctx context.Context, q Quota, compose func(revision int64, now time.Time) (Message, error)) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := q.left(ctx, tx, now); err != nil {
			return err
		}
		return o.queueTold(ctx, tx, now, func(revision int64, now time.Time) ([]Message, error) {
			m, err := compose(revision, now)
			m.Kind, m.Account = q.Kind, q.Account
			return []Message{m}, err
		})
	})
	if err != nil {
		return fmt.Errorf("queueing a %s message: %w", q.Kind, err)
	}
	return nil
}

// left fails with ErrTooMany where the quota is used up.
func (q Quota) left(ctx context.Context, tx *sql.Tx, now time.Time) error {
	var made int
	const count = "SELECT COUNT(*) FROM outbox WHERE account = ? AND kind = ? AND created > ?"
	row := tx.QueryRowContext(ctx, count, q.Account, q.Kind, millis(now.Add(-q.Within)))
	if err := row.Scan(&made); err != nil {
		return err
	}
	if made >= q.Most {
		return ErrTooMany
	}
	return nil
}
