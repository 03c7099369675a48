package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/state"
)

// errUnwell is how doctor ends where something is wrong that is not damage.
var errUnwell = errors.New("something is wrong")

func (a *app) doctorCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "doctor [DIR]", Short: "check the state, its files and the machine",
		Long: `Checks the audit chain and its replay against the tables, the database file, the
head file, who may read the files, free disk, the clock and the outbox; with the
folder of manifests also whether it can be watched. It changes nothing. It ends
with 6 where the state is damaged, with 1 where anything else is wrong.`,
		Example: "  usher doctor\n  usher doctor manifests",
		Args:    wants(0, 1, "at most DIR, the folder of manifests"),
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.StatusFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.doctor(c.Context(), args, format)
		},
	}
	outputFlag(c, &output, render.StatusFormats)
	return c
}

func (a *app) doctor(ctx context.Context, dirs []string, format render.Format) error {
	return a.reading(ctx, func(db *state.DB) error {
		findings, err := db.Examine(ctx)
		if err != nil {
			return err
		}
		for _, dir := range dirs {
			findings = append(findings, watchFinding(dir))
		}
		if err := render.Findings(a.stdout, findings, format, a.stdoutOptions(false)); err != nil {
			return err
		}
		return verdict(findings)
	})
}

func watchFinding(dir string) state.Finding {
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return state.Finding{Check: "watching", Severity: state.Warning, Message: dir + " is no folder that can be read; name the one that holds the manifests"}
	}
	if why := source.Watchable(dir); why != "" {
		return state.Finding{Check: "watching", Severity: state.Warning, Message: why + "; changes are found by looking every few seconds"}
	}
	return state.Finding{Check: "watching", Severity: state.Fine, Message: "the folder tells of changes"}
}

// verdict is what the findings come to; the list has said it all.
func verdict(findings []state.Finding) error {
	var err error
	for _, f := range findings {
		switch {
		case f.Severity != state.Failure:
		case f.Check == "audit":
			return saidError{fmt.Errorf("%w: %s", state.ErrDamaged, f.Message)}
		default:
			err = saidError{errUnwell}
		}
	}
	return err
}
