package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"usher/reconciler/render"
	"usher/spec"
)

func (a *app) validateCommand() *cobra.Command {
	var output string
	c := &cobra.Command{
		Use: "validate DIR", Short: "every error of the manifests, at once",
		Long: `Reads the manifests below DIR, and those of --private where it is given, and
shows every error there is with its file, line and column. Needs no state.
Ends with 0 when there is none, with 3 when the manifests are invalid.

-o json, github (annotations of a workflow) and sarif (2.1.0) are for machines.`,
		Example: "  usher validate examples/acme\n  usher validate examples/acme -o sarif > usher.sarif",
		Args:    wants(1, 1, "DIR, the folder of manifests"),
		RunE: func(c *cobra.Command, args []string) error {
			format, err := render.ErrorFormats.Parse(output)
			if err != nil {
				return err
			}
			return a.validate(c, args[0], format)
		},
	}
	outputFlag(c, &output, render.ErrorFormats)
	return c
}

func (a *app) validate(c *cobra.Command, dir string, format render.Format) error {
	control, err := a.controller(nil, dir, 0)
	if err != nil {
		return err
	}
	_, roster, err := control.Check(c.Context())
	err = invalid(c.Context(), control, dir, err)
	var found invalidError
	switch {
	case errors.As(err, &found):
		if err := render.Errors(a.stdout, found.Errors, found.tree, format, a.stdoutOptions(false)); err != nil {
			return err
		}
		return saidError{found.Errors}
	case err != nil:
		return err
	case format == render.Text:
		a.say("%s is valid: %s.", dir, inventory(roster))
		return nil
	}
	return render.Errors(a.stdout, nil, render.Tree{}, format, render.Options{})
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
