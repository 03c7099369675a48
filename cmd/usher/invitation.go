package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/state"
	"usher/state/mail"
)

func (a *app) invitationCommand() *cobra.Command {
	var wait time.Duration
	resend := &cobra.Command{
		Use: "resend USER", Short: "send an invitation again",
		Long: `Sends a person's invitation again, with a new given password and new days; the
earlier one is dead from that moment. USER is the name in the manifests or the
e-mail address. The same can be asked for in the manifest, where it is reviewed:
raise invitation.generation.`,
		Example: "  usher invitation resend ada",
		Args:    wants(1, 1, "USER, whom to invite again"),
		RunE:    func(c *cobra.Command, args []string) error { return a.resend(c.Context(), args[0], wait) },
	}
	mailWaitFlag(resend, &wait)
	return group("invitation", "invitations of people who have not signed in yet", "  usher invitation resend ada", resend)
}

func mailWaitFlag(c *cobra.Command, to *time.Duration) {
	c.Flags().DurationVar(to, "mail-wait", 30*time.Second, "deliver messages for up to this `time`")
}

func (a *app) resend(ctx context.Context, name string, wait time.Duration) error {
	transport, err := a.transport()
	if err != nil {
		return err
	}
	account, err := a.inviteable(ctx, name)
	if err != nil {
		return err
	}
	_, err = a.orAsk(ctx, "usher invitation resend", reconciler.RequestResend, account.Name, func(db *state.DB, owner *state.Owner) error {
		return a.resendNow(ctx, db, owner, transport, account, wait)
	})
	return err
}

// inviteable finds the person and refuses early what could not be done.
func (a *app) inviteable(ctx context.Context, name string) (account state.Account, err error) {
	err = a.reading(ctx, func(db *state.DB) error {
		t, err := db.Truth(ctx)
		if err != nil {
			return err
		}
		account, err = findAccount(ctx, db, t, name)
		return err
	})
	if err == nil && account.Status != state.Invited && account.Status != state.Expired {
		err = usage("usher describe user "+account.Name+" shows where the account stands", "%s is %s and has no invitation to send again", account.Name, account.Status)
	}
	return account, err
}

func (a *app) resendNow(ctx context.Context, db *state.DB, owner *state.Owner, t mail.Transport, account state.Account, wait time.Duration) error {
	control, err := a.controller(db, "", 0)
	if err != nil {
		return err
	}
	if err := control.Resend(ctx, owner, account.Name, operator()); err != nil {
		return err
	}
	again, err := db.Account(ctx, account.Name)
	if err != nil {
		return err
	}
	a.say("Invited %s again, at %s; it opens until %s. The earlier invitation no longer works.",
		again.Name, again.Email, again.Expires.UTC().Format(time.RFC3339))
	return a.deliver(ctx, db, owner, t, wait)
}
