package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
	"usher/state"
)

// whyFlags are the flags of why.
type whyFlags struct{ repo, path, output string }

func (a *app) whyCommand() *cobra.Command {
	var f whyFlags
	c := &cobra.Command{
		Use: "why USER PRODUCT", Short: "what stands behind one person's access to one product",
		Long: `Shows the whole chain: each manifest line that asks for the access, the commit
that wrote the line and who signed it, the revision that gave the access, and the
message about it with its delivery. Manifests from a folder have no commits. USER
is a name in the manifests or an e-mail address.`,
		Example: "  usher why ada autocad\n  usher why ada autocad --repo /srv/acme.git --path access",
		Args:    wants(2, 2, "USER and PRODUCT"),
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.WhyFormats.Parse(f.output)
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(db *state.DB) error { return a.why(c.Context(), db, args[0], args[1], f, format) })
		},
	}
	c.Flags().StringVar(&f.repo, "repo", "", "the git `repository`, where it is not where the last revision read it")
	c.Flags().StringVar(&f.path, "path", "", "the `folder` of the commits that was read")
	outputFlag(c, &f.output, render.WhyFormats)
	return c
}

func (a *app) why(ctx context.Context, db *state.DB, user, product string, f whyFlags, format render.Format) error {
	t, err := db.Truth(ctx)
	if err != nil {
		return err
	}
	account, err := findAccount(ctx, db, t, user)
	if err != nil {
		return err
	}
	w := &reasons{db: db, truth: t, account: account}
	if err := w.open(ctx, f); err != nil {
		return err
	}
	var chains []render.Chain
	if u := t.Roster.User(account.Name); u != nil && account.Status != state.Removed {
		for _, g := range u.Access {
			if g.Product != product {
				continue
			}
			chain, err := w.chain(ctx, g)
			if err != nil {
				return err
			}
			chains = append(chains, chain)
		}
	}
	if len(chains) == 0 {
		return hintError{fmt.Errorf("%s has no access to %s", account.Name, product), "usher describe user " + account.Name + " shows what they have, and had"}
	}
	return render.Why(a.stdout, chains, format)
}

// reasons finds what stands behind access.
type reasons struct {
	db      *state.DB
	truth   *state.Truth
	account state.Account
	commits *source.Ref // nil: the manifests came from a folder
}

// open opens the repository that the manifests came from.
func (w *reasons) open(ctx context.Context, f whyFlags) error {
	applied := w.truth.Applied
	if applied.Commit == "" {
		return nil
	}
	if f.repo == "" {
		f.repo = applied.Path
	}
	r, err := source.OpenRepository(ctx, f.repo)
	if err != nil {
		return hintError{err, "--repo names the repository that the manifests came from"}
	}
	w.commits = source.NewRef(r, applied.Commit, f.path)
	return nil
}

func (w *reasons) chain(ctx context.Context, g spec.Grant) (render.Chain, error) {
	c := render.Chain{User: w.account.Name, Grant: g}
	for _, at := range g.Because {
		line, err := w.line(ctx, at)
		if err != nil {
			return c, hintError{err, "--path names the folder of the commits that was read"}
		}
		c.Lines = append(c.Lines, line)
	}
	history, err := w.db.History(ctx, w.account.ID)
	if err != nil {
		return c, err
	}
	var given int64
	for _, e := range history {
		if e.Kind == "access" && e.Product == g.Product && e.Contract == g.Contract && e.Action != "revoke" {
			given = e.Revision
		}
	}
	if c.Revision, err = w.db.Revision(ctx, given); err != nil {
		return c, err
	}
	c.Messages, err = w.db.Messages(ctx, state.MessageQuery{Account: w.account.ID, Revision: given})
	return c, err
}

func (w *reasons) line(ctx context.Context, at spec.Origin) (render.ChainLine, error) {
	line := render.ChainLine{Origin: at}
	if w.commits == nil {
		return line, nil
	}
	commit, signer, err := w.commits.Blame(ctx, w.truth.Applied.Commit, at.File, at.Line)
	if err != nil {
		return line, err
	}
	line.Commit, line.Signer, line.Name = &commit, signer, w.owner(signer)
	return line, nil
}

// owner is the user whose key it is now, "" where it is nobody's.
func (w *reasons) owner(s reconciler.Signer) string {
	for _, u := range w.truth.Roster.Users {
		for _, text := range u.SigningKeys {
			if k, err := spec.ParseSigningKey(text); err == nil && k.Key == s.Key {
				return u.Name
			}
		}
	}
	return ""
}
