package mail

import (
	"context"
	"time"
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

// Longest a courier leaves a server alone that takes nothing from us.
const longestPause = 15 * time.Minute

// Run delivers until ctx ends; what is on its way then is finished first.
func (c *Courier) Run(ctx context.Context) {
	look := c.Look
	if look == 0 {
		look = 5 * time.Second
	}
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
		result, err := Drain(ctx, c.Outbox, c.Transport, c.Options)
		if wait = look; result.Paused != "" || err != nil {
			refused++
			wait = min(time.Minute<<min(refused-1, 10), longestPause)
		} else {
			refused = 0
		}
		if c.Report != nil && ctx.Err() == nil {
			c.Report(result, err)
		}
	}
}
