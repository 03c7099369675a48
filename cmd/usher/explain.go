package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"usher/spec"
)

func (a *app) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use: "explain [KIND[.FIELD]]", Short: "what a field of a manifest means",
		Long: `Says what a kind of manifest, or a field of it, means, what may be written there, and
which fields it has itself. Without an argument it lists the kinds. In a path the
word spec may be left out. The same is in the JSON Schema: usher schema.`,
		Example: "  usher explain\n  usher explain user\n  usher explain user.access.until",
		Args:    wants(0, 1, "at most KIND, or KIND.FIELD"),
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return explain(a.stdout, &spec.Field{Fields: withoutFields(spec.Kinds())})
			}
			f, err := spec.Explain(args[0])
			if err != nil {
				return unexplained(err)
			}
			return explain(a.stdout, &f)
		},
	}
}

// withoutFields leaves kinds alone of what they have.
func withoutFields(kinds []spec.Field) []spec.Field {
	for i := range kinds {
		kinds[i].Fields = nil
	}
	return kinds
}

func unexplained(err error) error {
	unknown := (*spec.UnknownFieldError)(nil)
	switch {
	case !errors.As(err, &unknown):
		return err
	case unknown.Near != "":
		return hintError{err, "did you mean " + unknown.Near + "?"}
	case len(unknown.Known) == 0:
		return hintError{err, "what comes before it holds no fields"}
	}
	return hintError{err, "known there: " + strings.Join(unknown.Known, ", ")}
}

// explain writes a field, and below it all that it holds.
func explain(w io.Writer, f *spec.Field) error {
	var b strings.Builder
	if f.Path != "" {
		fmt.Fprintf(&b, "%s\n  %s\n\n", headOf(f.Path, f), f.Doc)
	}
	explainFields(&b, f.Fields, "")
	_, err := fmt.Fprintln(w, strings.TrimSpace(b.String()))
	return err
}

func explainFields(b *strings.Builder, fields []spec.Field, indent string) {
	for i := range fields {
		f := &fields[i]
		fmt.Fprintf(b, "%s%s\n%s  %s\n", indent, headOf(f.Name(), f), indent, f.Doc)
		explainFields(b, f.Fields, indent+"  ")
	}
}

// headOf is a field's name with what may be written there.
func headOf(name string, f *spec.Field) string {
	if f.Required {
		return name + "  " + f.Type + ", required"
	}
	return name + "  " + f.Type
}

func (a *app) schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use: "schema", Short: "the JSON Schema of manifests, for editors",
		Long: `Prints the JSON Schema (draft 7) of one document, whatever its kind. An editor that
knows it completes fields, shows what they mean and underlines what cannot be. It
is the laxer judge: names that nothing declares, seats and days are for usher
validate. With the YAML language server, the first line of a file may name it:

  # yaml-language-server: $schema=usher.schema.json`,
		Example: "  usher schema >usher.schema.json",
		Args:    wants(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			text, err := spec.Schema()
			if err != nil {
				return fmt.Errorf("writing the schema: %w", err)
			}
			_, err = fmt.Fprintf(a.stdout, "%s\n", text)
			return err
		},
	}
}
