package mail

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"usher/state"
)

// answers is an outbox that forgets no answer. One that could not be recorded, as
// on a full disk, would leave its message on its way for as long as the controller
// runs, and with it all later messages to the same person. So it is kept, and
// recorded before the next messages are taken.
type answers struct {
	Outbox
	mu   sync.Mutex
	kept []func(context.Context) error
}

// record records an answer, or keeps it for later.
func (a *answers) record(ctx context.Context, answer func(context.Context) error) error {
	err := answer(ctx)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.kept = append(a.kept, answer)
	}
	return err
}

// Due records what was kept, in its order, before it gives what is due.
func (a *answers) Due(ctx context.Context, limit int) ([]state.Message, error) {
	if err := a.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("recording how earlier messages went: %w", err)
	}
	return a.Outbox.Due(ctx, limit)
}

func (a *answers) catchUp(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.kept) > 0 {
		if err := a.kept[0](ctx); err != nil && !errors.Is(err, state.ErrNotFound) {
			return err
		}
		a.kept = a.kept[1:]
	}
	return nil
}

// Sent is kept where it fails: a message is not sent twice for want of disk.
func (a *answers) Sent(ctx context.Context, ids ...int64) error {
	return a.record(ctx, func(ctx context.Context) error { return a.Outbox.Sent(ctx, ids...) })
}

// Retry is kept where it fails.
func (a *answers) Retry(ctx context.Context, id int64, next time.Time, reason string) error {
	return a.record(ctx, func(ctx context.Context) error { return a.Outbox.Retry(ctx, id, next, reason) })
}

// Failed is kept where it fails.
func (a *answers) Failed(ctx context.Context, id int64, reason string) error {
	return a.record(ctx, func(ctx context.Context) error { return a.Outbox.Failed(ctx, id, reason) })
}

// Requeue is kept where it fails; it then counts none.
func (a *answers) Requeue(ctx context.Context, ids ...int64) (n int, err error) {
	err = a.record(ctx, func(ctx context.Context) error {
		n, err = a.Outbox.Requeue(ctx, ids...)
		return err
	})
	return n, err
}
