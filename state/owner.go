package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// Owner is the one who may write. There is at most one at a time: it holds the
// lock file, and every transaction of its checks that the epoch is still its own.
type Owner struct {
	db    *DB
	lock  *lock
	epoch int64
}

// Own takes the lock file, PATH.lock, raises the owner epoch and returns the one
// writer. It does not wait: a *BusyError, which is an [ErrBusy], says who holds
// the lock. Messages that a former owner was sending when it ended are queued
// again: at least once, with the same bytes.
func (db *DB) Own(ctx context.Context) (*Owner, error) {
	if db.writer == nil {
		return nil, errReadOnly
	}
	who := db.holder()
	lock, err := takeLock(db.path, who)
	if err != nil {
		return nil, err
	}
	o := &Owner{db: db, lock: lock}
	err = o.raise(ctx, who)
	var end chainEnd
	if err == nil {
		end, err = lastAudit(ctx, db.reader)
	}
	if err == nil {
		err = o.writeHead(end)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("taking ownership of the state: %w", fault(err)), lock.release())
	}
	o.rewriteAfter(ctx)
	return o, nil
}

// raise makes this owner's epoch the newest.
func (o *Owner) raise(ctx context.Context, who holder) error {
	return o.db.transact(ctx, func(tx *sql.Tx) error {
		const take = `INSERT INTO owner (one, epoch, command, pid, host, since) VALUES (1, 1, ?, ?, ?, ?)
			ON CONFLICT (one) DO UPDATE SET epoch = owner.epoch + 1, command = excluded.command,
			pid = excluded.pid, host = excluded.host, since = excluded.since RETURNING epoch`
		err := tx.QueryRowContext(ctx, take, who.Command, who.PID, who.Host, millis(who.Since)).Scan(&o.epoch)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, "UPDATE outbox SET state = ? WHERE state = ? AND "+messagesOpen, MessageQueued, MessageSending)
		if err != nil {
			return err
		}
		return o.checkHead(ctx, tx)
	})
}

// Close gives the lock back. The database stays open.
func (o *Owner) Close() error { return o.lock.release() }

// write runs fn in one short transaction of the owner, outside any revision.
func (o *Owner) write(ctx context.Context, fn func(tx *sql.Tx, now time.Time) error) error {
	err := o.db.transact(ctx, func(tx *sql.Tx) error {
		if err := o.fence(ctx, tx); err != nil {
			return err
		}
		return fn(tx, o.db.now())
	})
	return fault(err)
}

// fence fails with ErrFenced when another owner has come since. It runs inside
// the transaction it guards, so a stopped process that wakes up finds out
// before it writes, not after.
func (o *Owner) fence(ctx context.Context, tx *sql.Tx) error {
	var epoch int64
	if err := tx.QueryRowContext(ctx, "SELECT epoch FROM owner WHERE one = 1").Scan(&epoch); err != nil {
		return err
	}
	if epoch != o.epoch {
		return ErrFenced
	}
	return nil
}

// transact runs fn in one transaction. An error of fn, or a panic, leaves
// nothing behind.
func (db *DB) transact(ctx context.Context, fn func(*sql.Tx) error) error {
	if db.writer == nil {
		return errReadOnly
	}
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := fn(tx); err != nil {
		return err
	}
	return tx.Commit()
}

// now is the time as the state keeps it.
func (db *DB) now() time.Time { return moment(millis(db.options.Now())) }
