package mail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"usher/state"
)

// one tries one message, and says what came of it, even when ctx has ended
// meanwhile.
func (d *drain) one(ctx context.Context, m state.Message) {
	data, err := d.box.Fill(m)
	if err != nil {
		d.unfilled(ctx, m, err)
		return
	}
	err = d.transport.Deliver(ctx, m, data)
	switch {
	case err == nil:
		d.sent(m)
	case interrupted(ctx, err):
		d.untried(m)
	default:
		d.failed(context.WithoutCancel(ctx), m, err)
	}
}

// sent leaves a message to be recorded as sent.
func (d *drain) sent(m state.Message) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.accepted = append(d.accepted, m.ID)
	d.owed++
	d.lanes.done(m.To)
	d.toSend.Signal()
	if len(d.accepted) == 1 || d.enough() {
		d.toRecord.Signal()
	}
}

// untried puts a message back where it was.
func (d *drain) untried(m state.Message) { d.change(func() { d.lanes.putBack(m) }) }

// unfilled gives up a message without a place for its given password, so that
// the others need not wait behind it. Without the key no message is at fault.
func (d *drain) unfilled(ctx context.Context, m state.Message, err error) {
	if !errors.Is(err, state.ErrDamaged) {
		d.refused(context.WithoutCancel(ctx), m, err.Error())
		return
	}
	d.change(func() {
		d.err = errors.Join(d.err, fmt.Errorf("filling the given password into message %d: %w", m.ID, err))
		d.lanes.putBack(m)
	})
}

// interrupted reports whether it was our own ending that kept the message from
// being tried to the end, before it could have arrived.
func interrupted(ctx context.Context, err error) bool {
	failure, ok := errors.AsType[*Failure](err)
	return ctx.Err() != nil && ok && failure.Class == Again && code(failure) == 0
}

// failed does with a message whose attempt failed what the class of its failure says.
func (d *drain) failed(ctx context.Context, m state.Message, err error) {
	class := Again
	if failure, ok := errors.AsType[*Failure](err); ok {
		class = failure.Class
	}
	switch {
	case class == Paused:
		d.change(func() {
			d.result.Paused = err.Error()
			d.lanes.putBack(m)
		})
	case class == Refused:
		d.refused(ctx, m, err.Error())
	case d.now().Sub(m.CreatedAt) >= lifetime:
		d.refused(ctx, m, "given up after five days: "+err.Error())
	default:
		d.answered(m, &d.result.Retried, d.box.Retry(ctx, m.ID, d.now().Add(d.pause(class, m.Attempts)), err.Error()))
	}
}

// refused gives a message up.
func (d *drain) refused(ctx context.Context, m state.Message, reason string) {
	d.answered(m, &d.result.Failed, d.box.Failed(ctx, m.ID, reason))
}

// answered counts a message about which the outbox was told; err is its answer.
func (d *drain) answered(m state.Message, count *int, err error) {
	d.change(func() {
		*count++
		d.err = errors.Join(d.err, recorded([]int64{m.ID}, err))
		d.open--
		d.lanes.done(m.To)
	})
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
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Duration(float64(wait) * (0.8 + 0.4*d.rand.Float64()))
}

func recorded(ids []int64, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("recording how message %s went: %w", strings.Trim(fmt.Sprint(ids), "[]"), err)
}
