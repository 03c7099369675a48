package mail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"usher/state"
)

// When a message is tried again (RELIABILITY.md, "Mail").
const (
	firstRetry  = time.Minute
	lastRetry   = 4 * time.Hour
	unsureRetry = 10 * time.Minute
	lifetime    = 5 * 24 * time.Hour // from the message's creation; then it has failed
)

// unrecorded is how many messages at most were sent and not yet recorded as sent,
// beside those on their way: what a crash has sent twice.
const unrecorded = 16

// batch is how many messages are taken from the outbox at once.
const batch = 100

// Outbox is what Drain needs of the state; each call is a short transaction of
// its own, so nothing is locked while a server is talked to.
type Outbox interface {
	// Due gives what is queued and due, and marks it as being sent.
	Due(ctx context.Context, limit int) ([]state.Message, error)
	// Fill is the message with its given password.
	Fill(m state.Message) ([]byte, error)
	Sent(ctx context.Context, ids ...int64) error
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
	Now    func() time.Time // time.Now where nil
	Rand   *rand.Rand       // for the jitter; a seeded one of its own where nil
	AtOnce int              // messages on their way at the same time; 0: one
	Rate   *rate.Limiter    // how many a second; nil: no limit
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
	transport Transport
	now       func() time.Time
	atOnce    int
	rate      *rate.Limiter

	mu     sync.Mutex // of all that follows; the outbox is asked one thing at a time
	box    Outbox
	rand   *rand.Rand
	result Result
	err    error // the outbox's own; nothing more is begun
}

func newDrain(box Outbox, t Transport, o Options) *drain {
	d := &drain{box: box, transport: t, now: o.Now, rand: o.Rand, atOnce: max(1, o.AtOnce), rate: o.Rate}
	if d.now == nil {
		d.now = time.Now
	}
	if d.rand == nil {
		d.rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return d
}

// deliver tries the messages, several at once, but those to one address one after
// the other. Those it does not come to, because ctx ended or the server paused, are
// given back.
func (d *drain) deliver(ctx context.Context, due []state.Message) error {
	lanes := lanesOf(due)
	next := make(chan []state.Message, len(lanes))
	for _, lane := range lanes {
		next <- lane
	}
	close(next)
	accepted := make(chan int64, unrecorded)
	var senders, recorder sync.WaitGroup
	recorder.Go(func() { d.recordSent(ctx, accepted) })
	for range min(d.atOnce, len(lanes)) {
		senders.Go(func() {
			for lane := range next {
				d.lane(ctx, lane, accepted)
			}
		})
	}
	senders.Wait()
	close(accepted)
	recorder.Wait()
	return d.err
}

// lanesOf parts messages by address, in their order.
func lanesOf(due []state.Message) [][]state.Message {
	var lanes [][]state.Message
	at := map[string]int{}
	for _, m := range due {
		i, known := at[m.To]
		if !known {
			i = len(lanes)
			at[m.To] = i
			lanes = append(lanes, nil)
		}
		lanes[i] = append(lanes[i], m)
	}
	return lanes
}

// lane tries messages one by one.
func (d *drain) lane(ctx context.Context, lane []state.Message, accepted chan<- int64) {
	for i, m := range lane {
		if !d.goesOn(ctx) || d.rate != nil && d.rate.Wait(ctx) != nil {
			d.release(ctx, lane[i:])
			return
		}
		if d.one(ctx, m) {
			accepted <- m.ID
		}
	}
}

func (d *drain) goesOn(ctx context.Context) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return ctx.Err() == nil && d.result.Paused == "" && d.err == nil
}

// recordSent records what was accepted while the next messages are sent: all that
// came meanwhile in one transaction. What a crash keeps from being recorded is sent
// once more, as the same message.
func (d *drain) recordSent(ctx context.Context, accepted <-chan int64) {
	for id := range accepted {
		ids := []int64{id}
		for waiting := len(accepted); waiting > 0; waiting-- {
			ids = append(ids, <-accepted)
		}
		d.record(func(box Outbox) error {
			d.result.Sent += len(ids)
			return recorded(ids, box.Sent(context.WithoutCancel(ctx), ids...))
		})
	}
}

// record tells the outbox something, and keeps its first errors.
func (d *drain) record(tell func(Outbox) error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := tell(d.box); err != nil {
		d.err = errors.Join(d.err, err)
	}
}

// one tries one message and records what came of it, even when ctx has ended
// meanwhile, unless it was sent: that is reported, for it to be recorded.
func (d *drain) one(ctx context.Context, m state.Message) (sent bool) {
	data, err := d.box.Fill(m)
	if err != nil {
		d.unfilled(ctx, m, err)
		return false
	}
	err = d.transport.Deliver(ctx, m, data)
	switch {
	case err == nil:
		return true
	case interrupted(ctx, err):
		d.release(ctx, []state.Message{m})
	default:
		d.failed(context.WithoutCancel(ctx), m, err)
	}
	return false
}

// unfilled gives up a message without a place for its given password, so that
// the others need not wait behind it. Without the key no message is at fault.
func (d *drain) unfilled(ctx context.Context, m state.Message, err error) {
	if errors.Is(err, state.ErrDamaged) {
		d.record(func(Outbox) error { return fmt.Errorf("filling the given password into message %d: %w", m.ID, err) })
		d.release(ctx, []state.Message{m})
		return
	}
	d.record(func(box Outbox) error {
		d.result.Failed++
		return recorded([]int64{m.ID}, box.Failed(context.WithoutCancel(ctx), m.ID, err.Error()))
	})
}

// interrupted reports whether it was our own ending that kept the message from
// being tried to the end, before it could have arrived.
func interrupted(ctx context.Context, err error) bool {
	failure, ok := errors.AsType[*Failure](err)
	return ctx.Err() != nil && ok && failure.Class == Again && code(failure) == 0
}

// failed records a failed attempt according to its class.
func (d *drain) failed(ctx context.Context, m state.Message, err error) {
	class := Again
	if failure, ok := errors.AsType[*Failure](err); ok {
		class = failure.Class
	}
	if class == Paused {
		d.record(func(Outbox) error {
			d.result.Paused = err.Error()
			return nil
		})
		d.release(ctx, []state.Message{m})
		return
	}
	d.record(func(box Outbox) error { return recorded([]int64{m.ID}, d.conclude(ctx, box, m, class, err)) })
}

// conclude gives a message up, or queues it for another attempt.
func (d *drain) conclude(ctx context.Context, box Outbox, m state.Message, class Class, err error) error {
	switch {
	case class == Refused:
		d.result.Failed++
		return box.Failed(ctx, m.ID, err.Error())
	case d.now().Sub(m.CreatedAt) >= lifetime:
		d.result.Failed++
		return box.Failed(ctx, m.ID, "given up after five days: "+err.Error())
	default:
		d.result.Retried++
		return box.Retry(ctx, m.ID, d.now().Add(d.pause(class, m.Attempts)), err.Error())
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
func (d *drain) release(ctx context.Context, ms []state.Message) {
	ids := make([]int64, len(ms))
	for i, m := range ms {
		ids[i] = m.ID
	}
	d.record(func(box Outbox) error {
		d.result.Waiting += len(ids)
		if _, err := box.Requeue(context.WithoutCancel(ctx), ids...); err != nil {
			return fmt.Errorf("giving messages back to the outbox: %w", err)
		}
		return nil
	})
}

func recorded(ids []int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("recording how message %s went: %w", strings.Trim(fmt.Sprint(ids), "[]"), err)
}
