package mail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
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
const unrecorded = 64

// gathering is how long what was sent may wait for more to be recorded with it: a
// transaction costs as much as several messages.
const gathering = 3 * time.Millisecond

// batch is how many messages are taken from the outbox at once.
const batch = 200

// Outbox is what Drain needs of the state; each call is a short transaction of
// its own, so nothing is locked while a server is talked to. Several goroutines call
// it at once.
type Outbox interface {
	// Due gives what is queued and due, no more than limit, and marks it as being
	// sent. Fewer than limit were all there are for now.
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
//
// Three things go on beside each other: messages are taken from the outbox before
// those at hand are gone, they are sent over as many connections as were asked for,
// and those that a server took are recorded, all that came while the last ones were
// being recorded in one transaction.
func Drain(ctx context.Context, box Outbox, t Transport, o Options) (Result, error) {
	d := newDrain(box, t, o)
	stop := context.AfterFunc(ctx, d.wake)
	defer stop()
	var senders, recorder sync.WaitGroup
	for range d.atOnce {
		senders.Go(func() { d.send(ctx) })
	}
	recorder.Go(func() { d.recordSent(ctx) })
	d.take(ctx)
	senders.Wait()
	d.change(func() { d.finished = true })
	recorder.Wait()
	d.giveBack(ctx)
	return d.result, d.err
}

// drain is one run over the outbox.
type drain struct {
	box       Outbox
	transport Transport
	now       func() time.Time
	atOnce    int
	rate      *rate.Limiter

	mu       sync.Mutex // of all that follows
	toTake   *sync.Cond // there may be reason to take messages from the outbox
	toSend   *sync.Cond // to send one
	toRecord *sync.Cond // to record some as sent
	lanes    lanes
	open     int     // messages taken from the outbox and in it still on their way
	accepted []int64 // by a server, and yet to be recorded
	owed     int     // as many, and those just being recorded
	ended    bool    // nothing more is begun
	finished bool    // nothing more is sent
	rand     *rand.Rand
	result   Result
	err      error // the outbox's own; nothing more is begun
}

func newDrain(box Outbox, t Transport, o Options) *drain {
	d := &drain{box: box, transport: t, now: o.Now, rand: o.Rand, atOnce: max(1, o.AtOnce), rate: o.Rate}
	d.toTake, d.toSend, d.toRecord = sync.NewCond(&d.mu), sync.NewCond(&d.mu), sync.NewCond(&d.mu)
	d.lanes.byAddress = map[string]*lane{}
	if d.now == nil {
		d.now = time.Now
	}
	if d.rand == nil {
		d.rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	return d
}

// change changes what the goroutines share, and has each of them look.
func (d *drain) change(fn func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	fn()
	d.toTake.Broadcast()
	d.toSend.Broadcast()
	d.toRecord.Broadcast()
}

// wake has each goroutine look, when ctx has ended.
func (d *drain) wake() { d.change(func() {}) }

// over reports whether nothing more is to be begun.
func (d *drain) over(ctx context.Context) bool {
	return d.ended || ctx.Err() != nil || d.result.Paused != "" || d.err != nil
}

// take takes messages from the outbox until it has no more.
func (d *drain) take(ctx context.Context) {
	defer d.change(func() { d.ended = true })
	for more := true; ; {
		last, wanted := d.wanted(ctx, more)
		if !wanted {
			return
		}
		due, err := d.box.Due(ctx, batch)
		if err != nil && ctx.Err() == nil {
			d.change(func() { d.err = errors.Join(d.err, fmt.Errorf("taking messages from the outbox: %w", err)) })
		}
		if err != nil || last && len(due) == 0 {
			return
		}
		more = len(due) == batch
		d.change(func() {
			d.open += len(due)
			d.lanes.add(due)
		})
	}
}

// wanted waits until messages are to be taken: while some are on their way, if
// there were more than were taken the last time and few of them are left; otherwise
// when nothing is, which last reports, since what waited behind another is due then.
func (d *drain) wanted(ctx context.Context, more bool) (last, wanted bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.over(ctx) {
		if d.open == 0 {
			return true, true
		}
		if more && d.lanes.waiting < batch {
			return false, true
		}
		d.toTake.Wait()
	}
	return false, false
}

// send sends messages one by one, until nothing more is to be begun.
func (d *drain) send(ctx context.Context) {
	for {
		m, ok := d.next(ctx)
		if !ok {
			return
		}
		if d.rate != nil && d.rate.Wait(ctx) != nil {
			d.change(func() { d.ended = true })
			d.untried(m)
			return
		}
		d.one(ctx, m)
	}
}

// next waits for a message that may be sent: none to its address is on its way, and
// not too many wait to be recorded.
func (d *drain) next(ctx context.Context) (state.Message, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for !d.over(ctx) {
		if d.owed < unrecorded {
			if m, ok := d.lanes.next(); ok {
				if d.lanes.waiting < batch {
					d.toTake.Signal()
				}
				return m, true
			}
		}
		d.toSend.Wait()
	}
	return state.Message{}, false
}

// recordSent records what was accepted while the next messages are sent: all that
// came meanwhile in one transaction. What a crash keeps from being recorded is sent
// once more, as the same message.
func (d *drain) recordSent(ctx context.Context) {
	for ids := d.gather(); len(ids) > 0; ids = d.gather() {
		err := recorded(ids, d.box.Sent(context.WithoutCancel(ctx), ids...))
		d.change(func() {
			d.err = errors.Join(d.err, err)
			d.result.Sent += len(ids)
			d.owed -= len(ids)
			d.open -= len(ids)
		})
	}
}

// gather waits for messages to record, and then a moment for more, unless none are on
// their way. None: there will be no more.
func (d *drain) gather() []int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.accepted) == 0 && !d.finished {
		d.toRecord.Wait()
	}
	late := false
	timer := time.AfterFunc(gathering, func() { d.change(func() { late = true }) })
	defer timer.Stop()
	for !late && !d.finished && !d.enough() {
		d.toRecord.Wait()
	}
	ids := d.accepted
	d.accepted = nil
	return ids
}

// enough reports whether it is time to record what was accepted.
func (d *drain) enough() bool {
	return len(d.accepted) >= unrecorded/2 || d.open == d.owed
}

// giveBack queues again what was not tried, even when ctx has ended.
func (d *drain) giveBack(ctx context.Context) {
	ids := d.lanes.left()
	if len(ids) == 0 {
		return
	}
	d.result.Waiting += len(ids)
	if _, err := d.box.Requeue(context.WithoutCancel(ctx), ids...); err != nil {
		d.err = errors.Join(d.err, fmt.Errorf("giving messages back to the outbox: %w", err))
	}
}
