package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

func (a *app) tokenCommand() *cobra.Command {
	return group("token", "tokens of the API: create, list, revoke",
		"  usher token create ci --scope plan\n  usher token list\n  usher token revoke ci",
		a.tokenCreateCommand(), a.tokenListCommand(), a.tokenRevokeCommand())
}

// noEnd is how --expires says that a token does not expire.
const noEnd = "never"

func (a *app) tokenCreateCommand() *cobra.Command {
	var scopes, expires string
	c := &cobra.Command{
		Use: "create NAME", Short: "make a token for a program",
		Long: `Makes a token that lets a program use the API of a watching usher: see usher help
api. The token is printed to standard output, alone and this once; only a hash of
it is kept. Give it no scope that the program does not need:
  ` + strings.Join(scopeNames(), "\n  "),
		Example: "  usher token create ci --scope plan\n  usher token create gate --scope read:access --expires 365d",
		Args:    wants(1, 1, "NAME, what the token is called"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.createToken(c.Context(), args[0], scopes, expires)
		},
	}
	c.Flags().StringVar(&scopes, "scope", "", "what the token is `for`; several are separated by commas")
	c.Flags().StringVar(&expires, "expires", "90d", "`time` after which it opens nothing, such as 90d or 12h, or never")
	return c
}

func scopeNames() []string {
	names := make([]string, len(state.Scopes))
	for i, s := range state.Scopes {
		names[i] = string(s)
	}
	return names
}

func (a *app) createToken(ctx context.Context, name, scopes, expires string) error {
	t := state.Token{Name: name, By: operator()}
	var err error
	if t.Scopes, err = readScopes(scopes); err != nil {
		return err
	}
	if t.Expires, err = expiry(expires, a.now()); err != nil {
		return err
	}
	return a.beside(ctx, "usher token create", func(db *state.DB) error {
		token, made, err := db.CreateToken(ctx, t)
		if errors.Is(err, state.ErrTokenName) {
			return hintError{err, "usher token list shows the names in use"}
		}
		if err != nil {
			return err
		}
		a.say("%s", token)
		fmt.Fprintf(a.stderr, "This is the token %s, for %s, %s. It is not shown again: keep it as you would a password.\n",
			made.Name, render.Scopes(made.Scopes), until(made.Expires))
		return nil
	})
}

func readScopes(list string) ([]state.Scope, error) {
	if list == "" {
		return nil, usage("one or more of "+strings.Join(scopeNames(), ", "), "--scope says what the token is for")
	}
	words := strings.Split(list, ",")
	scopes, err := state.ParseScopes(words)
	if err != nil {
		unknown := slices.IndexFunc(words, func(word string) bool { return !slices.Contains(scopeNames(), word) })
		return nil, hintError{err, didYouMean(words[unknown], scopeNames())}
	}
	return scopes, nil
}

// expiry reads --expires: the moment from which a token opens nothing, zero for never.
func expiry(text string, now time.Time) (time.Time, error) {
	if text == noEnd {
		return time.Time{}, nil
	}
	d, err := parseTime(text)
	if err != nil || d <= 0 {
		return time.Time{}, usage("", "--expires %q is not a time such as 90d or 12h, nor never", text)
	}
	return now.Add(d), nil
}

// until says how long a token works.
func until(t time.Time) string {
	if t.IsZero() {
		return "without end"
	}
	return "until " + t.UTC().Format("2006-01-02 15:04 UTC")
}

// beside opens a state that is there for what takes one short transaction and no
// lock, so that it works whether or not another usher holds it.
func (a *app) beside(ctx context.Context, command string, fn func(*state.DB) error) error {
	if err := a.reading(ctx, func(*state.DB) error { return nil }); err != nil {
		return err
	}
	db, err := a.write(ctx, command)
	if err != nil {
		return err
	}
	defer db.Close()
	return fn(db)
}

func (a *app) tokenListCommand() *cobra.Command {
	var output string
	var all bool
	c := &cobra.Command{
		Use: "list", Short: "the tokens, what each is for and when it was used last",
		Long:    "Lists the tokens by name, each with how it begins, what it is for, who made it,\nwhen it expires and when it was used last.",
		Example: "  usher token list\n  usher token list --all -o json",
		Args:    wants(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			format, err := render.ListFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.reading(c.Context(), func(db *state.DB) error {
				tokens, err := db.Tokens(c.Context(), all)
				if err != nil {
					return err
				}
				return render.Tokens(tokens, a.now()).Write(a.stdout, format, a.stdoutOptions(false))
			})
		},
	}
	outputFlag(c, &output, render.ListFormats)
	c.Flags().BoolVar(&all, "all", false, "revoked ones too")
	return c
}

func (a *app) tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke NAME", Short: "end a token at once",
		Long:    "Ends the token of that name: from this moment on it opens nothing, also at a\nusher that is watching. Its name is free again.",
		Example: "  usher token revoke ci",
		Args:    wants(1, 1, "NAME, of a token"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.revokeToken(c.Context(), args[0])
		},
	}
}

func (a *app) revokeToken(ctx context.Context, name string) error {
	return a.beside(ctx, "usher token revoke", func(db *state.DB) error {
		err := db.RevokeToken(ctx, name, operator())
		if errors.Is(err, state.ErrNotFound) {
			return a.unknownToken(ctx, db, name)
		}
		if err == nil {
			a.say("Revoked %s: it opens nothing any more.", name)
		}
		return err
	})
}

func (a *app) unknownToken(ctx context.Context, db *state.DB, name string) error {
	tokens, err := db.Tokens(ctx, false)
	if err != nil {
		return err
	}
	names := make([]string, len(tokens))
	for i, t := range tokens {
		names[i] = t.Name
	}
	err = fmt.Errorf("token %s: %w", name, state.ErrNotFound)
	if best := spec.Nearest(name, names); best != "" {
		return hintError{err, "did you mean " + best + "?"}
	}
	return hintError{err, "usher token list shows those that work"}
}
