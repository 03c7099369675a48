package mail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"usher/state"
)

// When a message is tried again (RELIABILITY.md, "Mail").
const (
	firstRetry  = time.Minute
	lastRetry   = 4 * time.Hour
	unsureRetry = 10 * time.Minute
	lifetime    = 5 * 24 * time.Hour // from the message's creation; then it has failed
)

// batch is how many messages are taken from the outbox at once.
const batch = 100

// Outbox is what Drain needs of the state; each call is a short transaction of
// its own, so nothing is locked while a server is talked to.
type Outbox interface {
	// Due gives what is queued and due, and marks it as being sent.
	Due(ctx context.Context, limit int) ([]state.Message, error)
	// Fill is the message with its given password.
	Fill(m state.Message) ([]byte, error)
	Sent(ctx context.Context, id int64) error
	// Retry counts the attempt and queues the message for next.
	Retry(ctx context.Context, id int64, next time.Time, reason string) error
	Failed(ctx context.Context, id int64, reason string) error
	// Requeue queues again what Due gave and nobody tried; no attempt is counted.
	Requeue(ctx context.Context, ids ...int64) (int, error)
}

// Box is the outbox of a database that is owned.
func Box(owner *state.Owner, db *state.DB) Outbox { return box{owner, db} }

type box struct {
	*state.Owner
	db *state.DB
}

func (b box) Fill(m state.Message) ([]byte, error) { return b.db.Fill(m) }

// Options are what Drain takes from outside.
type Options struct {
	Now  func() time.Time // time.Now where nil
	Rand *rand.Rand       // for the jitter; a seeded one of its own where nil
}

// Result is how a drain went.
type Result struct {
	Sent, Retried, Failed int
	Waiting               int    // taken and given back untried, because the drain paused or ended
	Paused                string // why the server takes nothing from us; empty: it does
}

// Drain delivers what is due until nothing is, the transport pauses, or ctx
// ends; neither of these is an error. An error is the outbox's own.
func Drain(ctx context.Context, box Outbox, t Transport, o Options) (Result, error) {
	d := newDrain(box, t, o)
	for ctx.Err() == nil && d.result.Paused == "" {
		due, err := box.Due(ctx, batch)
		if err != nil {
			if ctx.Err() != nil {
				break
			}
			return d.result, fmt.Errorf("taking messages from the outbox: %w", err)
		}
		if len(due) == 0 {
			break
		}
		if err := d.deliver(ctx, due); err != nil {
			return d.result, err
		}
	}
	return d.result, nil
}

// drain is one run over the outbox.
type drain struct {
	box       Outbox
	transport Transport
	now       func() time.Time
	rand      *rand.Rand
	result    Result
}

func newDrain(box Outbox, t Transport, o Options) *drain {
	d := &drain{box: box, transport: t, now: o.Now, rand: o.Rand}
	if d.now == nil {
		d.now = time.Now
	}
	if d.rand == nil {
		d.rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return d
}

// deliver tries the messages one by one. Those it does not come to, because ctx
// ended or the server paused, are given back.
func (d *drain) deliver(ctx context.Context, due []state.Message) error {
	for i, m := range due {
		if ctx.Err() != nil || d.result.Paused != "" {
			return d.release(ctx, due[i:])
		}
		if err := d.one(ctx, m); err != nil {
			return errors.Join(err, d.release(ctx, due[i+1:]))
		}
	}
	return nil
}

// one tries one message and records what came of it, even when ctx has ended
// meanwhile: what was sent must be known as sent.
func (d *drain) one(ctx context.Context, m state.Message) error {
	data, err := d.box.Fill(m)
	if err != nil {
		return d.unfilled(ctx, m, err)
	}
	err = d.transport.Deliver(ctx, m, data)
	record := context.WithoutCancel(ctx)
	if err == nil {
		d.result.Sent++
		return recorded(m, d.box.Sent(record, m.ID))
	}
	if interrupted(ctx, err) {
		return d.release(record, []state.Message{m})
	}
	return recorded(m, d.failed(record, m, err))
}

// unfilled gives up a message without a place for its given password, so that
// the others need not wait behind it. Without the key no message is at fault.
func (d *drain) unfilled(ctx context.Context, m state.Message, err error) error {
	if errors.Is(err, state.ErrDamaged) {
		err = fmt.Errorf("filling the given password into message %d: %w", m.ID, err)
		return errors.Join(err, d.release(ctx, []state.Message{m}))
	}
	d.result.Failed++
	return recorded(m, d.box.Failed(context.WithoutCancel(ctx), m.ID, err.Error()))
}

// interrupted reports whether it was our own ending that kept the message from
// being tried to the end, before it could have arrived.
func interrupted(ctx context.Context, err error) bool {
	failure, ok := errors.AsType[*Failure](err)
	return ctx.Err() != nil && ok && failure.Class == Again && code(failure) == 0
}

// failed records a failed attempt according to its class.
func (d *drain) failed(ctx context.Context, m state.Message, err error) error {
	class := Again
	if failure, ok := errors.AsType[*Failure](err); ok {
		class = failure.Class
	}
	switch {
	case class == Paused:
		d.result.Paused = err.Error()
		return d.release(ctx, []state.Message{m})
	case class == Refused:
		d.result.Failed++
		return d.box.Failed(ctx, m.ID, err.Error())
	case d.now().Sub(m.CreatedAt) >= lifetime:
		d.result.Failed++
		return d.box.Failed(ctx, m.ID, "given up after five days: "+err.Error())
	default:
		d.result.Retried++
		return d.box.Retry(ctx, m.ID, d.now().Add(d.pause(class, m.Attempts)), err.Error())
	}
}

// pause is how long to wait before the next attempt, after so many before this one.
func (d *drain) pause(class Class, attempts int) time.Duration {
	if class == Unsure {
		return unsureRetry
	}
	wait := lastRetry
	if attempts < 8 { // a minute doubled eight times is past four hours
		wait = firstRetry << attempts
	}
	return time.Duration(float64(wait) * (0.8 + 0.4*d.rand.Float64()))
}

// release gives messages back to the queue untried, even when ctx has ended.
func (d *drain) release(ctx context.Context, ms []state.Message) error {
	ids := make([]int64, len(ms))
	for i, m := range ms {
		ids[i] = m.ID
	}
	d.result.Waiting += len(ids)
	if _, err := d.box.Requeue(context.WithoutCancel(ctx), ids...); err != nil {
		return fmt.Errorf("giving messages back to the outbox: %w", err)
	}
	return nil
}

func recorded(m state.Message, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("recording how message %d went: %w", m.ID, err)
}
