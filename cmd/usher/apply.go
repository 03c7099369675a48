package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/state"
	"usher/state/mail"
)

// applyFlags are the flags of apply.
type applyFlags struct {
	from     treeFlags
	who      authorityFlags
	plan     string
	mailWait time.Duration
	settle   time.Duration
	adopt    bool
	full     bool
	noCache  bool
}

func (a *app) applyCommand() *cobra.Command {
	var f applyFlags
	c := &cobra.Command{
		Use: "apply [DIR]", Short: "carry out the plan, then deliver the messages",
		Long: `Shows the same plan as "usher plan DIR", carries it out in one transaction, all
of it or none, and delivers the messages for up to --mail-wait; what is left
then waits in the state. Applied again, it changes nothing and sends nothing.

A plan that is held ends with 4, and nothing is changed: see usher help limits.
Only one usher at a time works on a state: the second ends with 5.`,
		Example: "  usher apply examples/acme\n  usher apply examples/acme --plan plan.json\n  usher apply --ref refs/heads/main --mail smtp://usher@mail.acme.example:587",
		Args:    f.from.args,
		RunE:    func(c *cobra.Command, args []string) error { return a.apply(c, args, f) },
	}
	f.from.flags(c)
	f.who.flags(c)
	c.Flags().StringVar(&f.plan, "plan", "", "carry out exactly the plan in `FILE`, or refuse")
	mailWaitFlag(c, &f.mailWait)
	c.Flags().DurationVar(&f.settle, "settle", source.DefaultSettle, "how long the folder must have stood still before it is acted on, as a `time`")
	adoptFlag(c, &f.adopt)
	fullFlag(c, &f.full)
	noCacheFlag(c, &f.noCache)
	return c
}

func (a *app) apply(c *cobra.Command, args []string, f applyFlags) error {
	ctx := c.Context()
	t, err := f.from.tree(ctx, args)
	if err != nil {
		return err
	}
	var review reviewed
	if f.plan != "" {
		if review, err = readPlan(f.plan); err != nil {
			return err
		}
	}
	transport, err := a.transport()
	if err != nil {
		return err
	}
	checked, unchanged, err := a.look(c, t, f)
	if err != nil {
		return err
	}
	if unchanged != nil {
		return a.tellOutcome(unchanged, nil, f.full)
	}
	return a.own(ctx, "usher apply", func(db *state.DB, owner *state.Owner) error {
		control, err := a.applying(c, db, t, f, checked)
		if err != nil {
			return err
		}
		bar := a.progress("applying")
		if bar != nil {
			control.Progress = bar.at
		}
		out, err := control.Apply(ctx, owner, review.ID)
		if bar != nil {
			bar.end()
		}
		told, telling := control.TellStewards(ctx, owner, out, err)
		if telling != nil {
			fmt.Fprintln(a.stderr, "usher: writing to stewards:", telling)
		}
		refused := a.tellOutcome(out, err, f.full)
		if told > 0 {
			a.say("Stewards: %s about their contracts.", render.Count(told, "more message", "more messages"))
		}
		// Also where the plan is held or refused: stewards are to hear of it now.
		undelivered := a.deliver(ctx, db, owner, transport, f.mailWait)
		if refused != nil {
			return a.applyError(ctx, control, t, review, out, refused)
		}
		if undelivered != nil {
			return undelivered
		}
		if transport == nil && out.Applied != nil && len(out.Plan.Mail) > 0 {
			a.say("Not delivered: with --mail none, messages are recorded and never sent.")
		}
		if out.Applied != nil && !out.Plan.Empty() {
			a.nextSteps(out.Plan)
		}
		return nil
	})
}

// look reads before anything is owned or written. Where there is no state, it keeps
// manifests and settings that are wrong from creating one. Where there is one, it returns
// how the apply ends if nothing is to be done at all. The controller that looked goes on
// with what it parsed, or saw.
func (a *app) look(c *cobra.Command, t tree, f applyFlags) (*reconciler.Controller, *reconciler.Outcome, error) {
	ctx := c.Context()
	if !f.noCache && f.plan == "" {
		t.ahead = a.lookAhead(ctx, t, f.settle)
	}
	db, err := a.read(ctx)
	if err != nil {
		if errors.Is(err, state.ErrOlder) {
			err = nil // owning it brings it up to date
		}
		return nil, nil, err
	}
	defer db.Close()
	if db.Exists() && (f.noCache || f.plan != "") {
		return nil, nil, nil
	}
	control, err := a.applying(c, db, t, f, nil)
	if err != nil {
		return nil, nil, err
	}
	if db.Exists() {
		unchanged, err := control.Unchanged(ctx)
		return control, unchanged, err
	}
	control.Read, _, err = control.Check(ctx)
	return control, nil, invalid(ctx, control, t.top(), err)
}

// applying is the controller that applies: the one that checked, where there is
// one, now with the state that it is to write.
func (a *app) applying(c *cobra.Command, db *state.DB, t tree, f applyFlags, checked *reconciler.Controller) (*reconciler.Controller, error) {
	control, err := checked, error(nil)
	if control == nil {
		control, err = a.controllerOf(db, t, f.settle)
	}
	if err != nil {
		return nil, err
	}
	control.DB, control.Source, control.Adopt = db, t.source(f.settle), f.adopt
	if !f.noCache {
		a.remembering(control, db, t, f.settle)
	}
	return control, f.who.judge(c, control)
}

// own runs fn as the one writer of the state.
func (a *app) own(ctx context.Context, command string, fn func(*state.DB, *state.Owner) error) error {
	db, err := a.write(ctx, command)
	if err != nil {
		return err
	}
	defer db.Close()
	owner, err := db.Own(ctx)
	if err != nil {
		return err
	}
	defer owner.Close()
	return fn(db, owner)
}

// tellOutcome shows the plan and what was done; a plan that was refused because
// it is not the one reviewed is not shown.
func (a *app) tellOutcome(out *reconciler.Outcome, err error, full bool) error {
	if out == nil || out.Plan == nil || err != nil && !as[*reconciler.HeldError](err) {
		return err
	}
	if out.Calendar != nil {
		a.say("The calendar: what was due by today was done; recorded as revision %d, %s.\n",
			out.Calendar.Number, render.Count(out.Calendar.Messages, "message", "messages"))
	}
	if err := render.Plan(a.stdout, out.Plan, render.Text, a.stdoutOptions(full)); err != nil {
		return err
	}
	if err == nil && out.Applied != nil {
		a.say("%s", render.Applied(out.Plan, out.Applied))
	}
	return err
}

func (a *app) applyError(ctx context.Context, c *reconciler.Controller, t tree, review reviewed, out *reconciler.Outcome, err error) error {
	switch {
	case errors.Is(err, reconciler.ErrStale) && out != nil && out.Plan.Basis != review.Basis:
		return hintError{err, fmt.Sprintf("it was made on revision %d, and revision %d has been applied since", review.Basis, out.Plan.Basis)}
	case errors.Is(err, reconciler.ErrStale):
		return hintError{err, "usher plan " + t.words() + " --out FILE makes a new one"}
	}
	return invalid(ctx, c, t.top(), err)
}

// deliver empties the outbox for up to the given time and says how that went.
func (a *app) deliver(ctx context.Context, db *state.DB, owner *state.Owner, t mail.Transport, wait time.Duration) error {
	if t == nil {
		return nil
	}
	waiting, err := db.Outbox(ctx)
	if err != nil || waiting.Queued == 0 {
		return err
	}
	t = a.withProgress(t, waiting.Queued)
	defer t.Close()
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	options, err := a.settings.delivery(a.now)
	if err != nil {
		return err
	}
	result, err := mail.Drain(limited, mail.Box(owner, db), t, options)
	if err != nil {
		return fmt.Errorf("delivering messages: %w", err)
	}
	return a.tellDelivery(ctx, db, t, result)
}

// tellDelivery says what went where, and what did not.
func (a *app) tellDelivery(ctx context.Context, db *state.DB, t mail.Transport, r mail.Result) error {
	a.say("Delivered: %s to %s.", render.Count(r.Sent, "message", "messages"), t)
	waiting, err := db.Outbox(ctx)
	if err != nil {
		return err
	}
	if n := waiting.Queued; n > 0 {
		fmt.Fprintf(a.stderr, "usher: %s still to be delivered\n", render.Count(n, "message", "messages"))
		reason, err := why(ctx, db, r)
		if err != nil {
			return err
		}
		if reason != "" {
			fmt.Fprintln(a.stderr, "  because: "+reason)
		}
		fmt.Fprintln(a.stderr, "  hint: usher mail send tries what is due; usher get mail shows each")
	}
	if r.Failed > 0 {
		fmt.Fprintf(a.stderr, "usher: %s could not be delivered and will not be tried again\n", render.Count(r.Failed, "message", "messages"))
		fmt.Fprintln(a.stderr, "  hint: usher mail list --only failed shows why")
	}
	return nil
}

// triedFirst is how many messages are looked at for a reason that they wait.
const triedFirst = 1000

// why is the reason that messages wait: the pause, or the first one's error.
func why(ctx context.Context, db *state.DB, r mail.Result) (string, error) {
	if r.Paused != "" {
		return r.Paused, nil
	}
	waiting, err := db.Messages(ctx, state.MessageQuery{State: state.MessageQueued, Limit: triedFirst})
	if err != nil {
		return "", err
	}
	for _, m := range waiting {
		if m.LastError != "" {
			return m.LastError, nil
		}
	}
	return "", nil
}

// nextSteps says where to look now.
func (a *app) nextSteps(p *reconciler.Plan) {
	steps := [][2]string{
		{"usher get mail", "the messages and where each one stands"},
		{"usher get users", "who there is, with status, roles and access"},
	}
	for _, c := range p.Changes {
		if c.Kind == reconciler.KindUser && c.Action != reconciler.Remove {
			steps = append(steps, [2]string{"usher describe user " + c.Subject, "everything about one person"})
			break
		}
	}
	widest := 36
	for _, s := range steps {
		widest = max(widest, len(s[0]+a.flags()))
	}
	a.say("\nNext:")
	for _, s := range steps {
		a.say("  %-*s %s", widest, s[0]+a.flags(), s[1])
	}
}
