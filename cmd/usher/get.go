package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

// query is what get was asked for.
type query struct {
	name   string // one of the kind; empty: all
	at     string // TIME or REVISION; empty: now
	all    bool
	filter render.AccessFilter
}

// kind is one of the things that get lists. Its list may be narrowed to one by
// the cell in the first column.
type kind struct {
	name string
	past bool // can be asked for at a revision of the past
	list func(ctx context.Context, a *app, db *state.DB, q query) (render.List, error)
}

var kinds = []kind{
	{"users", true, listUsers},
	{"teams", true, listTruth(func(t *state.Truth, _ spec.Day, _ query) render.List { return render.Teams(t) })},
	{"products", true, listTruth(func(t *state.Truth, today spec.Day, _ query) render.List { return render.Products(t, today) })},
	{"contracts", true, listTruth(func(t *state.Truth, today spec.Day, _ query) render.List { return render.Contracts(t, today) })},
	{"access", true, listTruth(func(t *state.Truth, _ spec.Day, q query) render.List { return render.Access(t, q.name, q.filter) })},
	{"invitations", true, listTruth(func(t *state.Truth, _ spec.Day, _ query) render.List { return render.Invitations(t) })},
	{"mail", false, listMail},
	{"revisions", false, listRevisions},
	{"holds", false, listHolds},
}

func kindNames() []string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.name
	}
	return names
}

// findKind takes the singular too: user, revision, …
func findKind(word string) (kind, error) {
	for _, k := range kinds {
		if word == k.name || word+"s" == k.name {
			return k, nil
		}
	}
	return kind{}, usage(didYouMean(word, kindNames()), "there is no kind %q", word)
}

const getLong = `Lists what there is: users, teams, products, contracts, access, invitations,
mail, revisions or holds; one of them alone where NAME follows (for access and
invitations the user, for mail and revisions the number).

--at shows users, teams, products, contracts, access and invitations as they were:
at a revision ("7"), at a time ("2026-11-22T10:15:00Z"), or at the end of a day
("2026-11-22", UTC).

-o json gives {"format":1,"items":[…]}, and yaml the same. The items:
  users        id, name, email, firstName, lastName, status, roles, access
  teams        name, members, teams, access
  products     name, title, type, contracts, used, downloads
  contracts    name, contractManager, softwareCoordinators, products (name, seats,
               used; seats null: unlimited), cloudCredits, supportEmail
  access       user, email, contract, product, from, until, reason, via, because
  invitations  user, email, status, generation, issue, invited, expires
  mail         id, messageId, kind, to, subject, state, attempts, lastError,
               revision, createdAt, sentAt
  revisions    number, at, cause, source, path, commit, digest, plan, approved,
               by, changes, messages
  holds        plan, at, basis, digest, state, held, approvedAt, approvedBy`

func (a *app) getCommand() *cobra.Command {
	var q query
	var output string
	c := &cobra.Command{
		Use: "get KIND [NAME]", Short: "lists: users, access, contracts, mail, revisions, …", Long: getLong,
		Example:   "  usher get users\n  usher get access --product revit -o csv\n  usher get users --at 2026-11-22",
		Args:      wants(1, 2, "KIND, one of "+strings.Join(kindNames(), ", ")+", and perhaps a NAME"),
		ValidArgs: kindNames(),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) > 1 {
				q.name = args[1]
			}
			return a.get(c.Context(), args[0], q, output)
		},
	}
	outputFlag(c, &output, render.ListFormats)
	c.Flags().StringVar(&q.at, "at", "", "as it was at a `time or revision`")
	c.Flags().BoolVar(&q.all, "all", false, "removed users and holds of the past too")
	c.Flags().StringVar(&q.filter.Contract, "contract", "", "access under this `contract` only")
	c.Flags().StringVar(&q.filter.Product, "product", "", "access to this `product` only")
	return c
}

func (a *app) get(ctx context.Context, word string, q query, output string) error {
	k, err := findKind(word)
	if err != nil {
		return err
	}
	format, err := render.ListFormats.Parse(output)
	if err != nil {
		return err
	}
	if err := k.check(q); err != nil {
		return err
	}
	return a.reading(ctx, func(db *state.DB) error {
		list, err := k.list(ctx, a, db, q)
		if err != nil {
			return err
		}
		if q.name != "" {
			if list, err = only(list, k.name, q.name); err != nil {
				return err
			}
		}
		return list.Write(a.stdout, format, a.stdoutOptions(false))
	})
}

// check refuses flags that the kind would ignore.
func (k kind) check(q query) error {
	switch {
	case q.at != "" && !k.past:
		return usage("", "--at is for what was true: %s has no past of its own", k.name)
	case q.all && k.name != "users" && k.name != "holds":
		return usage("", "--all is for users and holds")
	case q.all && q.at != "":
		return usage("", "--all and --at do not go together")
	case q.filter != (render.AccessFilter{}) && k.name != "access":
		return usage("", "--contract and --product narrow access alone")
	}
	return nil
}

// reading runs fn on a state that is there.
func (a *app) reading(ctx context.Context, fn func(*state.DB) error) error {
	db, err := a.read(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := existing(db, a.settings.State); err != nil {
		return err
	}
	return fn(db)
}

// only narrows a list to what has the name in its first column.
func only(l render.List, kind, name string) (render.List, error) {
	var at []int
	var names []string
	for i, row := range l.Rows {
		names = append(names, row[0])
		if row[0] == name {
			at = append(at, i)
		}
	}
	if len(at) == 0 && kind != "access" {
		return l, unknown(kind, name, names)
	}
	return l.Keep(at), nil
}

// unknown is ErrNotFound with the nearest name there is.
func unknown(kind, name string, names []string) error {
	err := fmt.Errorf("%s %s: %w", strings.TrimSuffix(kind, "s"), name, state.ErrNotFound)
	if best := spec.Nearest(name, names); best != "" {
		return hintError{err, "did you mean " + best + "?"}
	}
	return hintError{err, "usher get " + kind + " lists what there is"}
}

// truth reads what was true at q.at, and the day that was.
func (a *app) truth(ctx context.Context, db *state.DB, at string) (*state.Truth, spec.Day, error) {
	if at == "" {
		t, err := db.Truth(ctx)
		return t, spec.DayOf(a.now()), err
	}
	revision, when, err := parseAt(at)
	if err != nil {
		return nil, 0, err
	}
	if !when.IsZero() {
		if revision, err = db.RevisionAt(ctx, when); err != nil {
			return nil, 0, err
		}
	}
	t, err := db.TruthAt(ctx, revision)
	if err != nil {
		return nil, 0, hintError{err, "usher history lists the revisions"}
	}
	if when.IsZero() {
		when = t.Newest.At
	}
	return t, spec.DayOf(when), nil
}

// parseAt reads a revision's number, a day (which stands for its end), or a time.
func parseAt(text string) (revision int64, when time.Time, err error) {
	if revision, err = strconv.ParseInt(text, 10, 64); err == nil {
		return revision, when, nil
	}
	if day, err := spec.ParseDay(text); err == nil {
		return 0, (day + 1).Start().Add(-time.Millisecond), nil
	}
	if when, err = time.Parse(time.RFC3339, text); err == nil {
		return 0, when, nil
	}
	return 0, when, usage("write 7, 2026-11-22 or 2026-11-22T10:15:00Z", "--at %q is neither a revision nor a time", text)
}

func listTruth(list func(*state.Truth, spec.Day, query) render.List) func(context.Context, *app, *state.DB, query) (render.List, error) {
	return func(ctx context.Context, a *app, db *state.DB, q query) (render.List, error) {
		t, today, err := a.truth(ctx, db, q.at)
		if err != nil {
			return render.List{}, err
		}
		return list(t, today, q), nil
	}
}

func listUsers(ctx context.Context, a *app, db *state.DB, q query) (render.List, error) {
	t, _, err := a.truth(ctx, db, q.at)
	if err != nil {
		return render.List{}, err
	}
	var removed []state.Account
	if q.all {
		if removed, err = db.RemovedAccounts(ctx); err != nil {
			return render.List{}, err
		}
	}
	return render.Users(t, removed), nil
}

func listMail(ctx context.Context, _ *app, db *state.DB, _ query) (render.List, error) {
	messages, err := db.Messages(ctx, state.MessageQuery{})
	return render.Messages(messages), err
}

func listRevisions(ctx context.Context, _ *app, db *state.DB, _ query) (render.List, error) {
	revisions, err := db.Revisions(ctx, 0)
	return render.Revisions(revisions), err
}

func listHolds(ctx context.Context, _ *app, db *state.DB, q query) (render.List, error) {
	holds, err := db.Holds(ctx, q.all)
	return render.Holds(holds), err
}

func (a *app) historyCommand() *cobra.Command {
	var output string
	var limit int
	c := &cobra.Command{
		Use: "history", Short: "applied revisions: when, by whom, why, how much",
		Long:    "Lists the applied revisions, newest first: when, what brought each about, who ran\nit, how many changes and messages, and where the manifests were.",
		Example: "  usher history\n  usher history --limit 5 -o json",
		Args:    wants(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := render.ListFormats.Parse(output)
			if err != nil {
				return err
			}
			if limit < 0 {
				return usage("", "--limit %d is less than nothing", limit)
			}
			return a.reading(c.Context(), func(db *state.DB) error {
				revisions, err := db.Revisions(c.Context(), limit)
				if err != nil {
					return err
				}
				return render.Revisions(revisions).Write(a.stdout, format, a.stdoutOptions(false))
			})
		},
	}
	outputFlag(c, &output, render.ListFormats)
	c.Flags().IntVar(&limit, "limit", 0, "the newest `N` only; 0: all")
	return c
}

func (a *app) describeCommand() *cobra.Command {
	var output string
	one := &cobra.Command{
		Use: "user NAME", Short: "everything about one person",
		Long:    "Shows a person's status, roles and access with the manifest line behind each\ngrant, the messages about them, and their history. NAME is the name in the\nmanifests or the e-mail address; a removed person is found too.",
		Example: "  usher describe user ada\n  usher describe user ada@acme.example -o json",
		Args:    wants(1, 1, "NAME, of a user"),
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.DescribeFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(db *state.DB) error {
				d, err := a.dossier(c.Context(), db, args[0])
				if err != nil {
					return err
				}
				return render.Describe(a.stdout, d, format, a.stdoutOptions(true))
			})
		},
	}
	outputFlag(one, &output, render.DescribeFormats)
	return group("describe", "everything about one person", "  usher describe user ada", one)
}

// dossier gathers everything about the person of that name or address.
func (a *app) dossier(ctx context.Context, db *state.DB, name string) (render.Dossier, error) {
	t, err := db.Truth(ctx)
	if err != nil {
		return render.Dossier{}, err
	}
	d := render.Dossier{Roster: t.Roster, Today: spec.DayOf(a.now())}
	if d.Account, err = findAccount(ctx, db, t, name); err != nil {
		return d, err
	}
	if d.Account.Status != state.Removed {
		d.User = t.Roster.User(d.Account.Name)
	}
	if d.Messages, err = db.Messages(ctx, state.MessageQuery{Account: d.Account.ID}); err != nil {
		return d, err
	}
	slices.Reverse(d.Messages)
	if d.Signers, err = signers(ctx, db); err != nil {
		return d, err
	}
	d.History, err = db.History(ctx, d.Account.ID)
	return d, err
}

// signers is who signed the commit of each revision that has one.
func signers(ctx context.Context, db *state.DB) (map[int64]string, error) {
	all, err := db.Revisions(ctx, 0)
	if err != nil {
		return nil, err
	}
	of := map[int64]string{}
	for _, r := range all {
		if r.Signer != "" {
			of[r.Number] = r.Signer
		}
	}
	return of, nil
}

// findAccount looks a person up by name, then by address, then among the removed.
func findAccount(ctx context.Context, db *state.DB, t *state.Truth, name string) (state.Account, error) {
	if a, ok := t.Accounts[name]; ok {
		return a, nil
	}
	key := spec.FoldEmail(name)
	names := make([]string, len(t.Roster.Users))
	for i, u := range t.Roster.Users {
		if u.EmailKey == key {
			return t.Accounts[u.Name], nil
		}
		names[i] = u.Name
	}
	removed, err := db.RemovedAccounts(ctx)
	if err != nil {
		return state.Account{}, err
	}
	for _, a := range removed {
		if a.Name == name || a.EmailKey == key {
			return a, nil
		}
	}
	return state.Account{}, unknown("users", name, names)
}
