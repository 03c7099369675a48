package main

import (
	"context"

	"github.com/spf13/cobra"

	"usher/state"
)

func (a *app) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: "copy the state to a file, and verify the copy",
		Long: `Copies the state as it is at one moment, while it is in use or not, verifies the
copy, and only then gives it its name. Its key goes to FILE.key: whoever has both
can read everything, so keep them as you keep the state.`,
		Example: "  usher backup /var/backups/usher-2026-11-22.db",
		Args:    wants(1, 1, "FILE, which does not exist yet"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.reading(c.Context(), func(db *state.DB) error {
				if err := db.Backup(c.Context(), args[0]); err != nil {
					return err
				}
				a.say("Backed up to %s, with its key in %s.key; both verified.", args[0], args[0])
				return nil
			})
		},
	}
}

func (a *app) restoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore FILE", Short: "make the state what a backup holds",
		Long: `Verifies the backup and its key, keeps what is there in a backup of its own, and
makes the state what the backup holds. Messages that the backup had not sent are
held, since they may have been sent after it was made: see usher mail list, then
usher mail release.`,
		Example: "  usher restore /var/backups/usher-2026-11-22.db",
		Args:    wants(1, 1, "FILE, made by usher backup"),
		RunE:    func(c *cobra.Command, args []string) error { return a.restore(c.Context(), args[0]) },
	}
}

func (a *app) restore(ctx context.Context, file string) error {
	kept, err := state.Restore(ctx, a.settings.State, file, state.Options{Now: a.now, Command: "usher restore"})
	if err != nil {
		return err
	}
	a.say("Restored from %s.", file)
	if kept != "" {
		a.say("What was there before is in %s.", kept)
	}
	return nil
}
