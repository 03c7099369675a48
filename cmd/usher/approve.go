package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/state"
)

func (a *app) approveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "approve PLAN-ID|clock", Short: "let a held plan through, once",
		Long: `Lets exactly the plan with this id through: within 24 hours, once, and only as
long as manifests and state ask for the same. Eight digits of the id are enough.
Read the plan first; "usher get holds" shows what is on record as held, and which
of the contract managers concerned have approved it on the account site. They let
it through together; this command does so at once, whoever of them has.

With the word clock it confirms to the watching usher that a clock that jumped is
right: until then nothing ends by the calendar.`,
		Example: "  usher approve sha256:3f9c2a71\n  usher apply examples/acme",
		Args:    wants(1, 1, "PLAN-ID, as usher get holds shows it, or clock"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.approve(c.Context(), args[0])
		},
	}
}

func (a *app) approve(ctx context.Context, prefix string) error {
	if prefix == reconciler.ApproveClock {
		return a.approveClock(ctx)
	}
	var hold state.Hold
	err := a.reading(ctx, func(db *state.DB) (err error) {
		holds, err := db.Holds(ctx, false)
		if err == nil {
			hold, err = findHold(holds, prefix)
		}
		return err
	})
	if err != nil {
		return err
	}
	asked, err := a.orAsk(ctx, "usher approve", reconciler.RequestApprove, hold.PlanID, func(db *state.DB, owner *state.Owner) error {
		return reconciler.Approve(ctx, db, owner, hold.PlanID, operator())
	})
	if err != nil {
		return err
	}
	if !asked {
		a.say("Approved %s: for this plan alone, once, within 24 hours. usher apply DIR carries it out.", render.ShortID(hold.PlanID))
	}
	if lacking := hold.Lacking(); len(hold.Approvals) > 0 && len(lacking) > 0 {
		a.say("The contract manager of %s had not approved it.", strings.Join(lacking, ", of "))
	}
	return nil
}

// approveClock lets the watching usher believe a clock that jumped.
func (a *app) approveClock(ctx context.Context) error {
	_, err := a.orAsk(ctx, "usher approve", reconciler.RequestApprove, reconciler.ApproveClock, func(*state.DB, *state.Owner) error {
		return hintError{errors.New("no usher watches this state, so none doubts the clock"), "usher status says when one does"}
	})
	return err
}

// leastDigits is how much of a plan's id a person must type.
const leastDigits = 8

// findHold finds the one open hold whose id begins so.
func findHold(holds []state.Hold, prefix string) (state.Hold, error) {
	digits := strings.ToLower(strings.TrimPrefix(prefix, "sha256:"))
	if len(digits) < leastDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		return state.Hold{}, usage("usher get holds shows the ids", "%q is not the id of a plan: give %d or more of its hexadecimal digits", prefix, leastDigits)
	}
	var found []state.Hold
	for _, h := range holds {
		if strings.HasPrefix(h.PlanID, "sha256:"+digits) {
			found = append(found, h)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return state.Hold{}, hintError{fmt.Errorf("plan %s: %w", prefix, state.ErrNotFound), "only a plan that usher apply held can be approved; usher get holds shows what is held now"}
	}
	return state.Hold{}, usage("give more of its digits", "%q begins the ids of several plans", prefix)
}

// orAsk does what fn does; where another usher holds the state, it leaves a
// request for that one to perform, says so, and reports that it asked.
func (a *app) orAsk(ctx context.Context, command, kind, argument string, fn func(*state.DB, *state.Owner) error) (asked bool, err error) {
	db, err := a.write(ctx, command)
	if err != nil {
		return false, err
	}
	defer db.Close()
	owner, err := db.Own(ctx)
	if errors.Is(err, state.ErrBusy) {
		return true, a.ask(ctx, db, kind, argument, err)
	}
	if err != nil {
		return false, err
	}
	defer owner.Close()
	return false, fn(db, owner)
}

// answerTime is how long a request waits for the usher that holds the state to
// perform it: one that watches does so within a second.
const answerTime = 3 * time.Second

// ask leaves a request for whoever holds the state, and says what came of it.
func (a *app) ask(ctx context.Context, db *state.DB, kind, argument string, why error) error {
	id, err := db.Ask(ctx, kind, argument, operator())
	if err != nil {
		return err
	}
	return a.await(ctx, db, id, why)
}

// await waits a while for a request to be performed, and says what came of it.
func (a *app) await(ctx context.Context, db *state.DB, id int64, why error) error {
	holder := "another usher"
	var busy *state.BusyError
	if errors.As(why, &busy) && busy.Command != "" {
		holder = fmt.Sprintf("%s (pid %d on %s)", busy.Command, busy.PID, busy.Host)
	}
	switch result, done, err := answer(ctx, db, id); {
	case err != nil:
		return err
	case done && result != "":
		return fmt.Errorf("%s could not do it: %s", holder, result)
	case done:
		a.say("Done by %s.", holder)
	default:
		a.say("Left as request %d: %s holds the state; it, or the next apply, will do it.", id, holder)
	}
	return nil
}

// answer waits a while for a request to be answered.
func answer(ctx context.Context, db *state.DB, id int64) (result string, done bool, err error) {
	limited, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	for {
		r, err := db.Request(ctx, id)
		if err != nil {
			return "", false, err
		}
		if !r.DoneAt.IsZero() {
			return r.Result, true, nil
		}
		select {
		case <-limited.Done():
			return "", false, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
