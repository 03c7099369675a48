package mail

import (
	"context"
	"time"

	"usher/state"
)

// Courier delivers for as long as it runs, beside whatever fills the outbox. A
// server that takes nothing, or answers slowly, delays nobody but the messages.
type Courier struct {
	Outbox    Outbox
	Transport Transport
	Options   Options
	Look      time.Duration       // how often the outbox is looked into without a reason; 0: every 5 s
	Report    func(Result, error) // called after each round that did anything; nil: nobody listens
	Wake      <-chan struct{}     // look at once
}

const (
	longestPause = 15 * time.Minute // how long at most a server is left alone that takes nothing from us
	lastWord     = 10 * time.Second // what is on its way when the courier is told to stop may take so long
)

// Run delivers until ctx ends; what is on its way then is finished first.
func (c *Courier) Run(ctx context.Context) {
	look := c.Look
	if look == 0 {
		look = 5 * time.Second
	}
	outbox := &answers{Outbox: c.Outbox}
	wait, refused := time.Duration(0), 0
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-c.Wake:
			timer.Stop()
		case <-timer.C:
		}
		result, err := Drain(ctx, outbox, unhurried{c.Transport}, c.Options)
		if wait = look; result.Paused != "" || err != nil {
			refused++
			wait = min(time.Minute<<min(refused-1, 10), longestPause)
		} else {
			refused = 0
		}
		if c.Report != nil && ctx.Err() == nil && (err != nil || result != Result{}) {
			c.Report(result, err)
		}
	}
}

// unhurried lets a message that was begun come to its end.
type unhurried struct{ Transport }

// Deliver goes on for a moment after ctx has ended.
func (u unhurried) Deliver(ctx context.Context, m state.Message, data []byte) error {
	lasting, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-time.After(lastWord):
			cancel()
		case <-lasting.Done():
		}
	})
	defer stop()
	return u.Transport.Deliver(lasting, m, data)
}
