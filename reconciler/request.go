package reconciler

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// Kinds of requests: what a command leaves behind when another usher holds the
// lock, for that one to perform.
const (
	RequestApprove    = "approve"      // argument: plan id, or "clock"
	RequestApproveFor = "approve-for"  // argument: plan id, a blank, and the id of a contract manager's account
	RequestResend     = "resend"       // argument: user
	RequestRetry      = "mail-retry"   // argument: message ids, separated by commas
	RequestRelease    = "mail-release" // likewise
	RequestReconcile  = "reconcile"    // look at the manifests now
	RequestSuspend    = "suspend"      // apply no manifests until resumed
	RequestResume     = "resume"
	RequestCredits    = "credits" // argument: number of an import of usage that waits
	RequestForget     = "forget"  // argument: ids of removed accounts, separated by commas
)

// ApproveClock is what stands for the clock where a plan's id could.
const ApproveClock = "clock"

// performRequests does what people asked for while the lock was held elsewhere.
// A request that cannot be done is answered with the reason; it does not stop
// the others. It returns how many there were.
func (c *Controller) performRequests(ctx context.Context, owner *state.Owner) (int, error) {
	requests, err := c.DB.Requests(ctx, true)
	if err != nil {
		return 0, err
	}
	for _, r := range requests {
		result := ""
		if err := c.perform(ctx, owner, r); err != nil {
			result = err.Error()
		}
		if err := owner.Answer(ctx, r.ID, result); err != nil {
			return 0, err
		}
	}
	return len(requests), nil
}

func (c *Controller) perform(ctx context.Context, owner *state.Owner, r state.Request) error {
	switch r.Kind {
	case RequestReconcile:
		return nil // that there was a request makes the loop look
	case RequestSuspend:
		return owner.Suspend(ctx, r.By)
	case RequestResume:
		return owner.Suspend(ctx, "")
	case RequestApprove:
		if r.Argument == ApproveClock {
			return c.approveClock()
		}
		return Approve(ctx, c.DB, owner, r.Argument, r.By)
	case RequestApproveFor:
		planID, account, _ := strings.Cut(r.Argument, " ")
		return ApproveFor(ctx, c.DB, owner, planID, account)
	case RequestResend:
		return c.Resend(ctx, owner, r.Argument, r.By)
	case RequestRetry, RequestRelease:
		var ids []int64
		for _, s := range strings.Split(r.Argument, ",") {
			id, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return fmt.Errorf("%q is not the number of a message", s)
			}
			ids = append(ids, id)
		}
		_, err := owner.Requeue(ctx, ids...)
		return err
	case RequestCredits:
		return c.performCredits(ctx, owner, r.Argument)
	case RequestForget:
		return c.forget(ctx, owner, strings.Split(r.Argument, ","), r.By)
	}
	return fmt.Errorf("this usher does not know requests of kind %q", r.Kind)
}

// forget erases who somebody was, beside the state first: what is kept there is nobody's
// to find again once the state knows no name for it.
func (c *Controller) forget(ctx context.Context, owner *state.Owner, accounts []string, by string) error {
	c.memory.kept = false
	if err := c.Recollection.Drop(); err != nil {
		return err
	}
	_, err := owner.Forget(ctx, accounts, by)
	return err
}

func (c *Controller) approveClock() error {
	if c.Clock == nil {
		return errors.New("only a watching controller doubts the clock, and none is")
	}
	c.Clock.Approve()
	return nil
}

// Resend sends a person's invitation again, with a new given password; the old
// one is dead from then on (DOMAIN.md row 17).
func (c *Controller) Resend(ctx context.Context, owner *state.Owner, name, by string) error {
	truth, err := c.DB.Truth(ctx)
	if err != nil {
		return err
	}
	return owner.Resend(ctx, name, by, func(a state.Account, u *spec.User, revision int64, now time.Time) (state.Message, error) {
		d := &differ{Comparison: Comparison{Wanted: truth.Roster, True: truth}, today: spec.DayOf(now)}
		n := Notice{Kind: NoticeInvitation, To: u.Email, Person: personOf(u), Again: true, account: a.ID, name: u.Name}
		d.accessLines(&n, pair{was: u, is: u}, nil)
		if n.Subject, err = c.Compose.Subject(&n); err != nil {
			return state.Message{}, err
		}
		return c.message(&n, a.ID, Stamp{Revision: revision, Time: now, Expires: a.Expires}, a.Issue)
	})
}
