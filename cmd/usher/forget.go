package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

func (a *app) forgetCommand() *cobra.Command {
	return &cobra.Command{
		Use: "forget NAME", Short: "erase who somebody was who has been removed",
		Long: `Erases the names, the addresses and the keys of somebody who has been removed, the
reasons of their access, and the text of every message to them or about them. It
cannot be undone. What happened stays on record under an id that tells nobody
anything, and the audit verifies as before.

NAME is the last name in the manifests, the last e-mail address, or the id of an
account, as usher get users --all shows them. What is erased is gone from the
database, and from nothing else: usher help state says where else a name may be.`,
		Example: "  usher forget ada",
		Args:    wants(1, 1, "NAME, whom to forget"),
		RunE:    func(c *cobra.Command, args []string) error { return a.forget(c.Context(), args[0]) },
	}
}

func (a *app) forget(ctx context.Context, name string) error {
	var ids []string
	err := a.reading(ctx, func(db *state.DB) (err error) {
		ids, err = removedAs(ctx, db, name)
		return err
	})
	if err != nil {
		return err
	}
	asked, err := a.orAsk(ctx, "usher forget", reconciler.RequestForget, strings.Join(ids, ","), func(db *state.DB, owner *state.Owner) error {
		kept := recollection(db)
		if err := kept.Drop(); err != nil {
			return err
		}
		messages, err := owner.Forget(ctx, ids, operator())
		if err == nil {
			a.say("Forgot who %s was, and erased the text of %s.", strings.Join(ids, ", "), render.Count(messages, "message", "messages"))
		}
		return err
	})
	if asked || !errors.Is(err, state.ErrMentioned) {
		return err
	}
	return hintError{err, "let what waits be sent, settle what is held, and then ask again: usher get mail, usher get holds"}
}

// removedAs returns the ids of the accounts that somebody had and who has been removed.
func removedAs(ctx context.Context, db *state.DB, name string) ([]string, error) {
	removed, err := db.RemovedAccounts(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, r := range removed {
		if r.Name == name || r.EmailKey == spec.FoldEmail(name) || r.ID == name {
			ids = append(ids, r.ID)
		}
	}
	if len(ids) > 0 {
		return ids, nil
	}
	there, err := db.Person(ctx, name)
	if errors.Is(err, state.ErrNotFound) {
		there, err = db.PersonAt(ctx, name)
	}
	switch {
	case err == nil:
		return nil, hintError{fmt.Errorf("user %s: %w", there.Name, state.ErrPresent), "take " + there.Name + " out of the manifests first, and apply them"}
	case !errors.Is(err, state.ErrNotFound):
		return nil, err
	}
	// Whose name is like it is not offered: this cannot be undone.
	return nil, hintError{fmt.Errorf("removed user %s: %w", name, state.ErrNotFound), "usher get users --all shows who was removed"}
}
