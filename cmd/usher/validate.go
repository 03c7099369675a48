package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/spec"
)

func (a *app) validateCommand() *cobra.Command {
	var output string
	var from treeFlags
	c := &cobra.Command{
		Use: "validate [DIR]", Short: "every error of the manifests, at once",
		Long: `Reads the manifests below DIR or of --ref, and those of --private where it is
given, and shows every error there is with its file, line and column. Needs no
state.
Ends with 0 when there is none, with 3 when the manifests are invalid.

-o json, github (annotations of a workflow) and sarif (2.1.0) are for machines;
their files are named from the top of the repository. With --base, what is wrong
in files that a pull request changed comes first.`,
		Example: "  usher validate examples/acme\n  usher validate --ref refs/heads/main --path access\n  usher validate --base refs/remotes/origin/main -o github\n  usher validate examples/acme -o sarif > usher.sarif",
		Args:    from.args,
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.ErrorFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.validate(c, from, args, format)
		},
	}
	from.flags(c)
	from.baseFlag(c, "errors in what it changes come first")
	outputFlag(c, &output, render.ErrorFormats)
	return c
}

func (a *app) validate(c *cobra.Command, from treeFlags, args []string, format render.Format) error {
	t, err := from.tree(c.Context(), args)
	if err != nil {
		return err
	}
	control, err := a.controllerOf(nil, t, 0)
	if err != nil {
		return err
	}
	m, roster, err := control.Check(c.Context())
	err = invalid(c.Context(), control, t.top(), err)
	var found invalidError
	switch {
	case errors.As(err, &found):
		if found.Errors, err = changedFirst(c.Context(), control, t, m, found.Errors); err != nil {
			return err
		}
		if err := render.Errors(a.stdout, found.Errors, found.tree, format, a.stdoutOptions(false)); err != nil {
			return err
		}
		return saidError{found.Errors}
	case err != nil:
		return err
	case format == render.Text:
		a.say("%s is valid: %s.", t.describe(m.Snapshot), inventory(roster))
		return nil
	}
	return render.Errors(a.stdout, nil, render.Tree{}, format, render.Options{})
}

// changedFirst puts errors in the files first that were changed since --base: forges
// show so many annotations and no more.
func changedFirst(ctx context.Context, control *reconciler.Controller, t tree, m *reconciler.Manifests, errs spec.Errors) (spec.Errors, error) {
	if t.base == "" {
		return errs, nil
	}
	files, err := control.Changed(ctx, t.base, m)
	if err != nil {
		return nil, err
	}
	sorted := slices.Clone(errs)
	slices.SortStableFunc(sorted, func(a, b *spec.Error) int {
		_, inA := slices.BinarySearch(files, a.File)
		_, inB := slices.BinarySearch(files, b.File)
		switch {
		case inA == inB:
			return 0
		case inA:
			return -1
		}
		return 1
	})
	return sorted, nil
}

// inventory counts what a tree declares.
func inventory(r *spec.Roster) string {
	return fmt.Sprintf("%s, %s, %s, %s",
		render.Count(len(r.Users), "person", "people"), render.Count(len(r.Contracts), "contract", "contracts"),
		render.Count(len(r.Products), "product", "products"), render.Count(len(r.Teams), "team", "teams"))
}

// outputFlag adds -o with the formats there are; the first is the default.
func outputFlag(c *cobra.Command, to *string, formats render.Formats) {
	c.Flags().StringVarP(to, "output", "o", string(formats[0]), "`format`: "+formats.String())
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = string(f)
	}
	c.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
}
