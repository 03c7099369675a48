package reconciler

import (
	"context"
	"fmt"
	"time"

	"usher/state"
)

// At most this many reset codes are sent to one person within the time.
const (
	resetMost   = 3
	resetWithin = time.Hour
)

// OfferReset sends an active account's owner a code with which they may choose a new
// password. It may be called beside whatever else the controller does. Who asks too
// often gets a state.ErrTooMany; an account that is not active is a state.ErrClosed.
func (c *Controller) OfferReset(ctx context.Context, owner *state.Owner, a state.Account) error {
	quota := state.Quota{Account: a.ID, Kind: string(NoticeReset), Most: resetMost, Within: resetWithin}
	return owner.OfferReset(ctx, quota, func(issue int, revision int64, now time.Time) (state.Message, error) {
		id := fmt.Sprintf("%s.%s.%d@%s", NoticeReset, a.ID, -issue, c.host())
		stamp := Stamp{Revision: revision, Time: now, MessageID: id, Expires: now.Add(state.ResetLife)}
		return c.passwordMessage(ctx, NoticeReset, a, stamp, issue)
	})
}

// Reset gives an account another password (hash is a PHC string) by a reset code, and
// tells its owner. Where the code does not open the error is a state.ErrClosed.
func (c *Controller) Reset(ctx context.Context, owner *state.Owner, a state.Account, code, hash string) error {
	return owner.Reset(ctx, a.ID, code, hash, c.passwordChanged(ctx, a))
}

// SetPassword gives an active account another password (hash is a PHC string), and
// tells its owner.
func (c *Controller) SetPassword(ctx context.Context, owner *state.Owner, a state.Account, hash string) error {
	return owner.SetPassword(ctx, a.ID, hash, c.passwordChanged(ctx, a))
}

func (c *Controller) passwordChanged(ctx context.Context, a state.Account) func(int64, time.Time) (state.Message, error) {
	return func(revision int64, now time.Time) (state.Message, error) {
		id := fmt.Sprintf("%s.%s.%d@%s", NoticePassword, a.ID, now.UnixMilli(), c.host())
		return c.passwordMessage(ctx, NoticePassword, a, Stamp{Revision: revision, Time: now, MessageID: id}, 0)
	}
}

func (c *Controller) passwordMessage(ctx context.Context, kind NoticeKind, a state.Account, stamp Stamp, issue int) (state.Message, error) {
	support, err := c.DB.SupportEmails(ctx, a.ID)
	if err != nil {
		return state.Message{}, err
	}
	n := Notice{
		Kind: kind, To: a.Email, Support: support, account: a.ID, name: a.Name,
		Person: Person{Name: a.Name, Email: a.Email, FirstName: a.FirstName, LastName: a.LastName},
	}
	if n.Subject, err = c.Compose.Subject(&n); err != nil {
		return state.Message{}, err
	}
	return c.message(&n, a.ID, stamp, issue)
}
