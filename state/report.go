package state

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"usher/spec"
)

// Head is where the history stands.
type Head struct {
	Newest      Revision // the last revision of any cause; zero before the first
	Applied     Revision // the last from manifests
	Seal        string   // hash of the audit row that closed it, hexadecimal: it stands for all that had happened by then; "" before the first
	CalendarDay spec.Day // the last day up to which the calendar was followed
	Chain       string   // hash of the last audit row, hexadecimal: it stands for all that happened; "" before the first
}

// Head reads where the history stands, without reading what is true.
func (db *DB) Head(ctx context.Context) (Head, error) {
	var h Head
	var err error
	if h.Newest, h.CalendarDay, err = newestRevision(ctx, db.reader); err == nil {
		h.Applied, err = appliedRevision(ctx, db.reader, h.Newest)
	}
	if err == nil {
		h.Seal, err = sealOf(ctx, db.reader, h.Applied.Number)
	}
	if err == nil {
		var hash []byte
		err = unless(db.reader.QueryRowContext(ctx, "SELECT hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&hash), sql.ErrNoRows)
		h.Chain = hex.EncodeToString(hash)
	}
	if err != nil {
		return Head{}, fmt.Errorf("reading where the history stands: %w", fault(err))
	}
	return h, nil
}

// Report records what the controller says of itself; the last one counts.
func (o *Owner) Report(ctx context.Context, body []byte) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		const put = "INSERT INTO report (one, at, body) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at, body = excluded.body"
		_, err := tx.ExecContext(ctx, put, millis(now), string(body))
		return err
	})
	if err != nil {
		return fmt.Errorf("reporting: %w", err)
	}
	return nil
}

// Report returns what a controller last said of itself, and when; nothing and a
// zero time where none has watched yet.
func (db *DB) Report(ctx context.Context) (body []byte, at time.Time, err error) {
	var text string
	var said int64
	err = db.reader.QueryRowContext(ctx, "SELECT at, body FROM report WHERE one = 1").Scan(&said, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("reading the controller's report: %w", fault(err))
	}
	return []byte(text), moment(said), nil
}

const suspendedMeta = "suspended by"

// Suspend records that manifests are not to be applied until resumed, or with an
// empty name that they are again. It outlives the controller.
func (o *Owner) Suspend(ctx context.Context, by string) error {
	err := o.write(ctx, func(tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM meta WHERE name = ?", suspendedMeta)
		if err == nil && by != "" {
			_, err = tx.ExecContext(ctx, "INSERT INTO meta (name, value) VALUES (?, ?)", suspendedMeta, by)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("suspending: %w", err)
	}
	return nil
}

// SuspendedBy returns who suspended the controller, "" where nobody did.
func (db *DB) SuspendedBy(ctx context.Context) (string, error) {
	var by string
	err := db.reader.QueryRowContext(ctx, "SELECT value FROM meta WHERE name = ?", suspendedMeta).Scan(&by)
	if err = unless(err, sql.ErrNoRows); err != nil {
		return "", fmt.Errorf("reading whether the controller is suspended: %w", fault(err))
	}
	return by, nil
}

// Tell queues messages about a topic, unless the same news of it was told less
// than again ago. It reports whether they were queued. Messages get their
// revision, the newest, and the moment they are queued.
func (o *Owner) Tell(ctx context.Context, topic, news string, again time.Duration, compose func(revision int64, now time.Time) ([]Message, error)) (bool, error) {
	told := false
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		var before string
		var at int64
		err := tx.QueryRowContext(ctx, "SELECT news, at FROM told WHERE topic = ?", topic).Scan(&before, &at)
		switch {
		case err != nil && !errors.Is(err, sql.ErrNoRows):
			return err
		case err == nil && before == news && (again == 0 || now.Before(moment(at).Add(again))):
			return nil
		}
		told = true
		const put = "INSERT INTO told (topic, news, at) VALUES (?, ?, ?) ON CONFLICT (topic) DO UPDATE SET news = excluded.news, at = excluded.at"
		if _, err := tx.ExecContext(ctx, put, topic, news, millis(now)); err != nil {
			return err
		}
		return o.queueTold(ctx, tx, now, compose)
	})
	if err != nil {
		return false, fmt.Errorf("telling of %s: %w", topic, err)
	}
	return told, nil
}

// Told is what was last told of a topic, and when.
type Told struct {
	News string
	At   time.Time
}

// Told returns what was told of every topic and not forgotten since, by topic.
func (db *DB) Told(ctx context.Context) (map[string]Told, error) {
	topics := map[string]Told{}
	_, err := collect(ctx, db.reader, "SELECT topic, news, at FROM told", nil, func(scan scanner) (none struct{}, err error) {
		var topic, news string
		var at int64
		err = scan(&topic, &news, &at)
		topics[topic] = Told{news, moment(at)}
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what was told: %w", err)
	}
	return topics, nil
}

// Untell forgets what was told of a topic: when it comes up again it is news.
func (o *Owner) Untell(ctx context.Context, topic string) error {
	err := o.write(ctx, func(tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM told WHERE topic = ?", topic)
		return err
	})
	if err != nil {
		return fmt.Errorf("forgetting what was told of %s: %w", topic, err)
	}
	return nil
}

func (o *Owner) queueTold(ctx context.Context, conn *sql.Tx, now time.Time, compose func(int64, time.Time) ([]Message, error)) error {
	newest, day, err := newestRevision(ctx, conn)
	if err != nil {
		return err
	}
	messages, err := compose(newest.Number, now)
	if err != nil {
		return err
	}
	tx := o.db.begin(ctx, conn, newest, day)
	defer tx.close()
	tx.Now, tx.Revision = now, newest.Number
	for _, m := range messages {
		if _, err := tx.Queue(m); err != nil {
			return err
		}
	}
	return tx.flush()
}

// OutboxCounts is how many messages stand in each state.
type OutboxCounts struct {
	Queued, Sending, Failed, Held int
	Oldest                        time.Time // when the oldest that still waits was made; zero: none waits
	Next                          time.Time // when the next is tried; zero: none waits
}

// Outbox counts the messages that are not done with.
func (db *DB) Outbox(ctx context.Context) (OutboxCounts, error) {
	var c OutboxCounts
	const waiting = `SELECT state, COUNT(*), MIN(created), MIN(next) FROM outbox
		WHERE state IN ('queued', 'sending', 'failed', 'held') GROUP BY state`
	rows, err := db.reader.QueryContext(ctx, waiting)
	if err != nil {
		return c, fmt.Errorf("counting messages: %w", fault(err))
	}
	defer rows.Close()
	for rows.Next() {
		var state MessageState
		var n int
		var created, next int64
		if err := rows.Scan(&state, &n, &created, &next); err != nil {
			return c, fmt.Errorf("counting messages: %w", fault(err))
		}
		c.add(state, n, moment(created), moment(next))
	}
	return c, fault(rows.Err())
}

func (c *OutboxCounts) add(state MessageState, n int, created, next time.Time) {
	switch state {
	case MessageFailed:
		c.Failed = n
		return
	case MessageHeld:
		c.Held = n
		return
	case MessageSending:
		c.Sending = n
	case MessageQueued:
		c.Queued = n
		c.Next = next
	}
	if c.Oldest.IsZero() || created.Before(c.Oldest) {
		c.Oldest = created
	}
}
