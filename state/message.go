package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MessageState is where a message of the outbox stands.
type MessageState string

// The states of a message.
const (
	MessageQueued     MessageState = "queued"
	MessageSending    MessageState = "sending"    // handed to the transport, no answer yet
	MessageSent       MessageState = "sent"       // accepted
	MessageFailed     MessageState = "failed"     // given up
	MessageHeld       MessageState = "held"       // waits for a person
	MessageCancelled  MessageState = "cancelled"  // an invitation that was superseded, or whose account is gone
	MessageSuppressed MessageState = "suppressed" // recorded with mail switched off; never sent
)

// Message is one message of the outbox. Message-ID, date, recipient and bytes
// are fixed when it is queued, so that a copy sent again is the same message.
type Message struct {
	ID        int64
	MessageID string // without angle brackets, unique
	Kind      string
	To        string
	Subject   string
	Account   string // id of the account it is about; empty: none
	Revision  int64
	State     MessageState
	Attempts  int // deliveries that ended in an answer
	LastError string
	CreatedAt time.Time
	SentAt    time.Time
	NextAt    time.Time // not tried before
	Issue     int       // over 0: Body holds the placeholder of this invitation's given password; under 0: of the reset code of that number
	Body      []byte    // RFC 5322 bytes, CRLF; only filled by DB.Message and Owner.Due
	Packed    *Packed   // for Queue, in the place of Body: the body as it is stored; nil: Body is
}

// MessageQuery narrows a list of messages; zero values do not narrow.
type MessageQuery struct {
	State    MessageState
	Account  string // id
	Revision int64
	Limit    int
}

const messageColumns = "id, message_id, kind, recipient, subject, account, issue, revision, state, attempts, last_error, created, sent, next"

// Queue puts a message into the outbox and returns its id. MessageID, Kind, To,
// Subject, Account, Issue and Body are the caller's and never change again. The
// state is queued, or suppressed if the message says so.
func (tx *Tx) Queue(m Message) (int64, error) {
	if m.State != MessageSuppressed {
		m.State = MessageQueued
	}
	if tx.lastMessage == 0 {
		if err := tx.get("SELECT COALESCE(MAX(id), 0) FROM outbox", nil, &tx.lastMessage); err != nil {
			return 0, fmt.Errorf("queueing a message: %w", err)
		}
	}
	tx.lastMessage++
	tx.messages++
	now := millis(tx.Now)
	body, err := tx.stored(m)
	if err != nil {
		return 0, fmt.Errorf("queueing a message: %w", err)
	}
	err = tx.insert(&tx.rows.outbox, tx.lastMessage, m.MessageID, m.Kind, m.To, m.Subject, m.Account, m.Issue,
		tx.Revision, m.State, 0, "", now, 0, now, body)
	if err != nil {
		return 0, fmt.Errorf("queueing a message: %w", err)
	}
	return tx.lastMessage, nil
}

// stored returns the bytes that stand for the message's body.
func (tx *Tx) stored(m Message) ([]byte, error) {
	switch {
	case m.Packed != nil:
		return m.Packed.bytes, m.Packed.pattern.keep(tx)
	case len(m.Body) == 0:
		return []byte{}, nil
	case isPacked(m.Body):
		return nil, errors.New("a message does not begin with a control character (RFC 5322)")
	}
	return m.Body, nil
}

func scanMessage(scan scanner) (m Message, err error) {
	var created, sent, next int64
	err = scan(&m.ID, &m.MessageID, &m.Kind, &m.To, &m.Subject, &m.Account, &m.Issue, &m.Revision,
		&m.State, &m.Attempts, &m.LastError, &created, &sent, &next)
	m.CreatedAt, m.SentAt, m.NextAt = moment(created), moment(sent), moment(next)
	return m, err
}

func scanMessageBody(scan scanner) (m Message, err error) {
	var body []byte
	m, err = scanMessage(func(to ...any) error { return scan(append(to, &body)...) })
	m.Body = body
	return m, err
}

// Messages lists messages, oldest first, without their bodies.
func (db *DB) Messages(ctx context.Context, q MessageQuery) ([]Message, error) {
	query, args := q.sql()
	messages, err := collect(ctx, db.reader, limited(query, q.Limit), args, scanMessage)
	if err != nil {
		return nil, fmt.Errorf("reading messages: %w", err)
	}
	return messages, nil
}

// messagesOpen are the states of the index outbox_open. SQLite takes that index
// only for a query that says so in the same words.
const messagesOpen = "state IN ('queued', 'sending', 'failed', 'held')"

func (q MessageQuery) sql() (query string, args []any) {
	conditions := []string{"1 = 1"}
	narrow := func(condition string, value any) {
		conditions, args = append(conditions, condition), append(args, value)
	}
	switch q.State {
	case "":
	case MessageQueued, MessageSending, MessageFailed, MessageHeld:
		narrow("state = ? AND "+messagesOpen, q.State)
	default:
		narrow("state = ?", q.State)
	}
	if q.Account != "" {
		narrow("account = ?", q.Account)
	}
	if q.Revision != 0 {
		narrow("revision = ?", q.Revision)
	}
	return "SELECT " + messageColumns + " FROM outbox WHERE " + strings.Join(conditions, " AND ") + " ORDER BY id", args
}

// Message returns one message with its body; [ErrNotFound].
func (db *DB) Message(ctx context.Context, id int64) (Message, error) {
	row := db.reader.QueryRowContext(ctx, "SELECT "+messageColumns+", body FROM outbox WHERE id = ?", id)
	m, err := scanMessageBody(row.Scan)
	if err == nil {
		m.Body, err = db.patterns.unpack(ctx, db.reader, m.Body)
	}
	if err != nil {
		return Message{}, fmt.Errorf("reading message %d: %w", id, fault(err))
	}
	return m, nil
}

// due are the messages to try next: queued, their time come, and nothing older
// to the same person still on its way, so that what a mailbox gets is in order. What
// somebody asked a support desk does not wait for their own mailbox to be well. The
// first condition is that of the index outbox_waiting, in its words: without it what
// was sent in all the years is read as well.
const due = `SELECT ` + messageColumns + `, body FROM outbox o
	WHERE o.state IN ('queued', 'sending') AND o.state = 'queued' AND o.next <= ? AND (o.account = '' OR NOT EXISTS
		(SELECT 1 FROM outbox e WHERE e.account = o.account AND e.recipient = o.recipient AND e.id < o.id AND e.state IN ('queued', 'sending')))
	ORDER BY o.id`

// Due returns messages to deliver now, oldest first, with their bodies, and at
// most one per account and address; no more than limit, where it is over 0. They are marked
// as being sent: each wants an answer by Sent, Retry or Failed.
func (o *Owner) Due(ctx context.Context, limit int) ([]Message, error) {
	var messages []Message
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		messages, err = collect(ctx, tx, limited(due, limit), []any{millis(now)}, scanMessageBody)
		if err != nil {
			return err
		}
		var ids []int64
		for i := range messages {
			messages[i].State = MessageSending
			ids = append(ids, messages[i].ID)
		}
		_, err = updateMessages(ctx, tx, ids, "UPDATE outbox SET state = ? WHERE id IN", MessageSending)
		return err
	})
	if err == nil {
		err = o.unpackDue(ctx, messages)
	}
	if err != nil {
		return nil, fmt.Errorf("reading what is due: %w", err)
	}
	return messages, nil
}

// unpackDue unpacks the bodies when others may write again. Where one is damaged,
// all messages are queued as before.
func (o *Owner) unpackDue(ctx context.Context, messages []Message) error {
	for i := range messages {
		m := &messages[i]
		body, err := o.db.patterns.unpack(ctx, o.db.reader, m.Body)
		if err != nil {
			ids := make([]int64, len(messages))
			for i := range messages {
				ids[i] = messages[i].ID
			}
			_, again := o.Requeue(context.WithoutCancel(ctx), ids...)
			return errors.Join(fmt.Errorf("message %d: %w", m.ID, err), again)
		}
		m.Body = body
	}
	return nil
}

// updatedAtOnce is how many messages one UPDATE names.
const updatedAtOnce = 200

// updateMessages runs an update, which ends with the words "id IN", for the
// messages, and returns how many it changed.
func updateMessages(ctx context.Context, tx *sql.Tx, ids []int64, update string, values ...any) (count int, err error) {
	for some := range slices.Chunk(ids, updatedAtOnce) {
		args := slices.Clone(values)
		for _, id := range some {
			args = append(args, id)
		}
		marks := strings.Repeat("?, ", len(some)-1) + "?"
		result, err := tx.ExecContext(ctx, update+" ("+marks+")", args...)
		if err != nil {
			return count, err
		}
		n, err := result.RowsAffected()
		if err != nil {
			return count, err
		}
		count += int(n)
	}
	return count, nil
}

// Sent records that a server accepted the messages. It holds even for an
// invitation that was cancelled while it was on its way. [ErrNotFound] where one is
// unknown; the others are recorded all the same.
func (o *Owner) Sent(ctx context.Context, ids ...int64) error {
	known := 0
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		const update = "UPDATE outbox SET state = ?, sent = ?, last_error = '', attempts = attempts + 1 WHERE id IN"
		known, err = updateMessages(ctx, tx, ids, update, MessageSent, millis(now))
		return err
	})
	if err == nil && known < len(ids) {
		err = fmt.Errorf("%d of the messages %v: %w", len(ids)-known, ids, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("recording what was sent: %w", err)
	}
	return nil
}

// Retry queues the message again for a time to come.
func (o *Owner) Retry(ctx context.Context, id int64, next time.Time, reason string) error {
	return o.answer(ctx, id, "state = ?, next = ?, last_error = ?, attempts = attempts + 1", stillSending, func(time.Time) []any {
		return []any{MessageQueued, millis(next), reason}
	})
}

// Failed gives the message up.
func (o *Owner) Failed(ctx context.Context, id int64, reason string) error {
	return o.answer(ctx, id, "state = ?, last_error = ?, attempts = attempts + 1", stillSending, func(time.Time) []any {
		return []any{MessageFailed, reason}
	})
}

// stillSending keeps an answer from reviving a message that was cancelled
// meanwhile.
const stillSending = "state = 'sending'"

// answer records what became of a message; [ErrNotFound] for an unknown one.
func (o *Owner) answer(ctx context.Context, id int64, set, condition string, values func(now time.Time) []any) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		var known int64
		if err := tx.QueryRowContext(ctx, "SELECT id FROM outbox WHERE id = ?", id).Scan(&known); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, "UPDATE outbox SET "+set+" WHERE id = ? AND "+condition, append(values(now), id)...)
		return err
	})
	if err != nil {
		return fmt.Errorf("recording what became of message %d: %w", id, err)
	}
	return nil
}

// Requeue queues messages again, to be tried at once, and returns how many it
// was: those that failed or are held, and those that Due gave and nobody tried.
// It counts no attempt. Others are left as they are: what was sent, cancelled or
// suppressed is never sent by this.
func (o *Owner) Requeue(ctx context.Context, ids ...int64) (int, error) {
	count := 0
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		const update = "UPDATE outbox SET state = ?, next = ? WHERE state IN (?, ?, ?) AND id IN"
		count, err = updateMessages(ctx, tx, ids, update, MessageQueued, millis(now), MessageFailed, MessageHeld, MessageSending)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("queueing messages again: %w", err)
	}
	return count, nil
}
