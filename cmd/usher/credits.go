package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

func (a *app) creditsCommand() *cobra.Command {
	return group("credits", "cloud credits: import what was used, see what is left",
		"  usher credits import usage.csv\n  usher credits list", a.creditsImportCommand(), a.creditsListCommand())
}

func (a *app) creditsImportCommand() *cobra.Command {
	return &cobra.Command{
		Use: "import FILE", Short: "record the use of cloud credits from CSV",
		Long: `Records who used how many cloud credits, from a CSV file (or - for standard input)
with the columns contract, user, day and credits: see usher help credits. All
lines are recorded or, if one is wrong, none. The same lines may come again; a
line for a contract, person and day on record replaces the amount.`,
		Example: "  usher credits import usage.csv",
		Args:    wants(1, 1, "FILE, of CSV, or - for standard input"),
		RunE:    func(c *cobra.Command, args []string) error { return a.importCredits(c.Context(), args[0]) },
	}
}

// usageFile is a file of usage that was read and found right.
type usageFile struct {
	name  string // without folders
	text  []byte
	lines []spec.Usage
}

func (a *app) importCredits(ctx context.Context, path string) error {
	u, errs, err := a.readUsage(path)
	if err != nil {
		return err
	}
	if errs == nil {
		err := a.reading(ctx, func(db *state.DB) error { return db.CheckCredits(ctx, u.lines) })
		if err != nil && !errors.As(err, &errs) {
			return err
		}
	}
	if errs != nil {
		return a.refuseUsage(u, errs)
	}
	db, err := a.write(ctx, "usher credits import")
	if err != nil {
		return err
	}
	defer db.Close()
	done, err := a.importOrAsk(ctx, db, u)
	if err != nil || done.DoneAt.IsZero() {
		return err
	}
	a.say("Imported %s of %s: %d new, %d changed, %d the same.", render.Count(len(u.lines), "line", "lines"), u.name, done.Added, done.Changed, done.Same)
	return a.sayOver(ctx, db, u.lines)
}

// readUsage reads and checks the file; errs is what is wrong with its lines.
func (a *app) readUsage(path string) (u usageFile, errs spec.Errors, err error) {
	u.name = filepath.Base(path)
	from := a.stdin
	if path == "-" {
		u.name = "standard-input"
	} else {
		file, err := os.Open(path)
		if err != nil {
			return u, nil, fmt.Errorf("reading usage of credits: %w", err)
		}
		defer file.Close()
		from = file
	}
	// One byte more than there may be, so that a file too large shows.
	if u.text, err = io.ReadAll(io.LimitReader(from, spec.MaxUsageFile+1)); err != nil {
		return u, nil, fmt.Errorf("reading usage of credits: %w", err)
	}
	u.lines, errs = spec.ParseUsage(u.name, u.text, spec.DayOf(a.now()))
	return u, errs, nil
}

// excerpts is up to how many errors the lines they are about are shown.
const excerpts = 100

// wrongUsage is a file of usage with errors. It is no spec.Errors, because no
// manifest is invalid: the exit code is another.
type wrongUsage struct{ errs spec.Errors }

func (e wrongUsage) Error() string { return e.errs.Error() }

func (a *app) refuseUsage(u usageFile, errs spec.Errors) error {
	tree := render.Tree{Files: map[string][]byte{}}
	if len(errs) <= excerpts {
		tree.Files[u.name] = u.text
	}
	if err := render.Errors(a.stderr, errs, tree, render.Text, a.stderrOptions()); err != nil {
		return err
	}
	fmt.Fprintln(a.stderr, "Nothing is imported.")
	return saidError{wrongUsage{errs}}
}

// importOrAsk imports the usage, or, where another usher holds the state, leaves it
// for that one to import. An import that still waits is returned without DoneAt.
func (a *app) importOrAsk(ctx context.Context, db *state.DB, u usageFile) (state.CreditImport, error) {
	owner, err := db.Own(ctx)
	if err == nil {
		defer owner.Close()
		return owner.ImportCredits(ctx, state.CreditImport{File: u.name, By: operator()}, u.lines)
	}
	if !errors.Is(err, state.ErrBusy) {
		return state.CreditImport{}, err
	}
	id, request, leaving := db.LeaveCredits(ctx, reconciler.RequestCredits, u.name, string(u.text), operator())
	if leaving != nil {
		return state.CreditImport{}, leaving
	}
	if err := a.await(ctx, db, request, err); err != nil {
		return state.CreditImport{}, err
	}
	return db.CreditImport(ctx, id)
}

// sayOver tells of each contract in the lines that more was used of than there is.
func (a *app) sayOver(ctx context.Context, db *state.DB, lines []spec.Usage) error {
	var names []string
	for _, line := range lines {
		if !slices.Contains(names, line.Contract) {
			names = append(names, line.Contract)
		}
	}
	slices.Sort(names)
	truth, err := db.Truth(ctx)
	if err != nil {
		return err
	}
	for _, name := range names {
		c := truth.Roster.Contract(name)
		totals, err := db.Credits(ctx, state.CreditQuery{Contract: name})
		switch {
		case err != nil:
			return err
		case c == nil || c.Credits == nil || len(totals) == 0 || totals[0].Used <= c.Credits.Pool:
			continue
		}
		a.say("%s: %d credits used of %d, %d over.", name, totals[0].Used, c.Credits.Pool, totals[0].Used-c.Credits.Pool)
	}
	return nil
}

// creditGroups are what usage can be listed by.
var creditGroups = []string{"contract", "user", "month"}

func (a *app) creditsListCommand() *cobra.Command {
	var output, by string
	c := &cobra.Command{
		Use: "list [CONTRACT]", Short: "pool, used and left, by contract, user or month",
		Long: `Lists the cloud credits of each contract, or of one: the pool, what was used of
it, what is left, and its last day. --by user lists who used how much, --by month
how much was used in each month.

-o json gives {"format":1,"items":[…]}, and yaml the same. The items:
  by contract  contract, pool, used, left, expires, expired
  by user      contract, user, email, id, used
  by month     contract, month, used, total, left
pool and left are null where the contract has no pool; left is below zero where
more was used.`,
		Example: "  usher credits list\n  usher credits list acme-design --by month -o csv",
		Args:    wants(0, 1, "at most a CONTRACT"),
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.ListFormats.Parse(output)
			if err != nil {
				return err
			}
			if !slices.Contains(creditGroups, by) {
				return usage(didYouMean(by, creditGroups), "credits cannot be listed by %q", by)
			}
			return a.reading(c.Context(), func(db *state.DB) error {
				list, err := a.listCredits(c.Context(), db, append(args, "")[0], by)
				if err != nil {
					return err
				}
				return list.Write(a.stdout, format, a.stdoutOptions(false))
			})
		},
	}
	outputFlag(c, &output, render.ListFormats)
	c.Flags().StringVar(&by, "by", "contract", "list by `contract, user or month`")
	return c
}

// listCredits lists credits of one contract, or of all where contract is empty.
func (a *app) listCredits(ctx context.Context, db *state.DB, contract, by string) (render.List, error) {
	truth, err := db.Truth(ctx)
	if err != nil {
		return render.List{}, err
	}
	totals, err := db.Credits(ctx, state.CreditQuery{Contract: contract, PerAccount: by == "user", PerMonth: by == "month"})
	if err != nil {
		return render.List{}, err
	}
	if contract != "" {
		if truth.Roster.Contracts, err = oneContract(truth.Roster, contract, len(totals) > 0); err != nil {
			return render.List{}, err
		}
	}
	switch by {
	case "user":
		removed, err := db.RemovedAccounts(ctx)
		return render.CreditsByUser(truth, removed, totals), err
	case "month":
		return render.CreditsByMonth(truth, totals), nil
	}
	return render.Credits(truth, totals, spec.DayOf(a.now())), nil
}

// oneContract is the contract of that name alone. One that has ended is none, and
// found only where it has use on record.
func oneContract(r *spec.Roster, name string, used bool) ([]spec.Contract, error) {
	if c := r.Contract(name); c != nil {
		return []spec.Contract{*c}, nil
	}
	if used {
		return nil, nil
	}
	names := make([]string, len(r.Contracts))
	for i, c := range r.Contracts {
		names[i] = c.Name
	}
	return nil, unknown("contracts", name, names)
}
