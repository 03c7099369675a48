package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/state"
)

// silent is how long a controller may be late with a look, after each of which it
// reports, before it counts as gone.
const silent = 3 * time.Minute

func (a *app) statusCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "status", Short: "what the watching usher says of itself",
		Long: `Shows whether a usher watches, whether what the manifests ask is true and if not
why, which revision is applied, what was tried last, and what waits. It reads
what the watching usher last wrote into the state.`,
		Example: "  usher status\n  usher status -o json",
		Args:    wants(0, 0, "nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := render.StatusFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.status(c.Context(), format)
		},
	}
	outputFlag(c, &output, render.StatusFormats)
	return c
}

func (a *app) status(ctx context.Context, format render.Format) error {
	return a.reading(ctx, func(db *state.DB) error {
		body, at, err := db.Report(ctx)
		if err != nil {
			return err
		}
		if body == nil {
			return hintError{errors.New("no usher has watched this state yet"), "usher watch DIR does; usher history shows what was applied"}
		}
		var s reconciler.Status
		if err := json.Unmarshal(body, &s); err != nil {
			return fmt.Errorf("reading the report: %w", err)
		}
		counts, err := db.Outbox(ctx)
		if err != nil {
			return err
		}
		holds, err := db.Holds(ctx, false)
		if err != nil {
			return err
		}
		s.Mail = reconciler.MailStatusOf(counts) // as it is now: messages are delivered beside the looks
		s.Answers(holds)
		return render.Status(a.stdout, s, at, !s.Stopped && a.now().Sub(s.Next) < silent, format, a.stdoutOptions(false))
	})
}

func (a *app) reconcileCommand() *cobra.Command {
	return a.requestCommand("reconcile", reconciler.RequestReconcile, "look at the manifests now",
		"Has the watching usher look at the manifests now, whatever it waits for.", func(context.Context, *state.Owner) error {
			return hintError{errors.New("no usher watches this state"), "usher apply DIR applies the manifests once"}
		})
}

func (a *app) suspendCommand() *cobra.Command {
	return a.requestCommand("suspend", reconciler.RequestSuspend, "apply no manifests until resumed",
		"Has usher watch apply no manifests until usher resume, also after a restart. The\ncalendar is followed and messages are delivered all the same.", func(ctx context.Context, owner *state.Owner) error {
			return owner.Suspend(ctx, operator())
		})
}

func (a *app) resumeCommand() *cobra.Command {
	return a.requestCommand("resume", reconciler.RequestResume, "apply manifests again",
		"Has usher watch go on after usher suspend.", func(ctx context.Context, owner *state.Owner) error {
			return owner.Suspend(ctx, "")
		})
}

// requestCommand is a command that the watching usher performs; do is what
// happens where none watches.
func (a *app) requestCommand(name, kind, short, long string, do func(context.Context, *state.Owner) error) *cobra.Command {
	return &cobra.Command{
		Use: name, Short: short, Long: long, Example: "  usher " + name,
		Args: wants(0, 0, "nothing"),
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			if err := a.reading(ctx, func(*state.DB) error { return nil }); err != nil {
				return err
			}
			asked, err := a.orAsk(ctx, "usher "+name, kind, "", func(_ *state.DB, owner *state.Owner) error { return do(ctx, owner) })
			if err == nil && !asked {
				a.say("Done: %s.", short)
			}
			return err
		},
	}
}
