package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"usher/spec"
	"usher/spec/edit"
)

func (a *app) addCommand() *cobra.Command {
	return group("add", "write the manifest of a person, or of a list of them",
		"  usher add user manifests bo@acme.example Bo Ek --access autocad\n  usher add list manifests --name interns-2027 pasted.txt",
		a.addUserCommand(), a.addListCommand())
}

// addFlags are the flags of add.
type addFlags struct {
	access accessFlags
	write  writeFlags
	give   seats
	name   string
	file   string
}

func (f *addFlags) bind(set *pflag.FlagSet) {
	set.Var(&f.give, "access", "`PRODUCT[@CONTRACT]` to give, more than once or with commas between")
	set.StringVar(&f.file, "file", "", "`FILE` below DIR to write to, at its end if it exists (default NAME.yaml, where most people are declared)")
	f.access.bind(set)
	f.write.bind(set)
}

func (a *app) addUserCommand() *cobra.Command {
	var f addFlags
	c := &cobra.Command{
		Use: "user DIR EMAIL FIRST LAST", Short: "declare a person",
		Long: `Writes the manifest of one person, checks the whole tree with it, and shows what
was written. E-mail, first and last name are all required; without --access the
person has an account and nothing to use with it.

Nothing is applied: usher plan DIR shows what would happen.`,
		Example: "  usher add user manifests bo@acme.example Bo Ek\n  usher add user manifests bo@acme.example Bo Ek --access revit@acme-design --until 2027-03-31 --reason CAD-1234",
		Args:    wants(4, 4, "DIR EMAIL FIRST LAST (quote a name that has spaces)"),
		RunE: func(c *cobra.Command, args []string) error {
			return a.edit(c.Context(), args[0], f.write, func(t *edit.Tree) error {
				access, err := f.access.of(f.give)
				if err != nil {
					return err
				}
				_, err = t.AddUser(f.file, edit.User{Name: f.name, Email: args[1], FirstName: args[2], LastName: args[3], Access: access})
				return err
			})
		},
	}
	c.Flags().StringVar(&f.name, "name", "", "`NAME` that other manifests call the person by (default the e-mail, folded)")
	f.bind(c.Flags())
	return c
}

func (a *app) addListCommand() *cobra.Command {
	var f addFlags
	c := &cobra.Command{
		Use: "list DIR --name NAME [FILE]", Short: "declare up to fifty people, as pasted",
		Long: `Writes a UserList from FILE, or from standard input: at most fifty entries,
separated by semicolons, each "email, First, Last", "First, Last, email" or
"First Last email". --access is given to each of them.

Nothing is applied: usher plan DIR shows what would happen.`,
		Example: "  usher add list manifests --name interns-2027 --access autocad --until 2027-09-30 < pasted.txt",
		Args:    wants(1, 2, "DIR, and the file of the list unless it comes by standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			if f.name == "" {
				return usage("--name interns-2027, for example", "a list needs a name: --name")
			}
			pasted, err := a.pasted(args[1:])
			if err != nil {
				return err
			}
			return a.edit(c.Context(), args[0], f.write, func(t *edit.Tree) error {
				access, err := f.access.of(f.give)
				if err != nil {
					return err
				}
				_, err = t.AddUserList(f.file, edit.UserList{Name: f.name, Users: pasted, Access: access})
				return err
			})
		},
	}
	c.Flags().StringVar(&f.name, "name", "", "`NAME` of the list")
	f.bind(c.Flags())
	return c
}

// pasted reads the list from the file named, or from standard input.
func (a *app) pasted(files []string) (string, error) {
	in := a.stdin
	if len(files) > 0 {
		file, err := os.Open(files[0])
		if err != nil {
			return "", fmt.Errorf("reading the list: %w", err)
		}
		defer file.Close()
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, spec.MaxFileSize+1))
	if err != nil {
		return "", fmt.Errorf("reading the list: %w", err)
	}
	if len(data) > spec.MaxFileSize {
		return "", usage("fifty people are a few kilobytes", "the list has more than %d bytes", spec.MaxFileSize)
	}
	return string(data), nil
}

// accessFlags are the days and the reason of what is given.
type accessFlags struct{ from, until, reason string }

// bind adds the flags. --from takes the place of the setting of that name, the
// sender of messages, which commands that edit manifests have no use for.
func (f *accessFlags) bind(set *pflag.FlagSet) {
	set.StringVar(&f.from, "from", "", "first `DAY` of the access, such as 2027-01-11 (default at once)")
	set.StringVar(&f.until, "until", "", "last `DAY` of the access (default without end)")
	set.StringVar(&f.reason, "reason", "", "`TEXT` that stands in the person's message")
}

// of is the access that the flags give to these products.
func (f *accessFlags) of(give seats) ([]edit.Access, error) {
	span, err := f.span()
	if err != nil {
		return nil, err
	}
	if len(give) == 0 && (f.reason != "" || span != spec.AllTime) {
		return nil, usage("name what they are for", "--from, --until and --reason say nothing without a product")
	}
	var access []edit.Access
	for _, s := range give {
		access = append(access, edit.Access{Product: s.Product, Contract: s.Contract, Span: span, Reason: f.reason})
	}
	return access, nil
}

func (f *accessFlags) span() (spec.Span, error) {
	span := spec.AllTime
	for _, d := range []struct {
		flag, text string
		day        *spec.Day
	}{{"from", f.from, &span.From}, {"until", f.until, &span.Until}} {
		if d.text == "" {
			continue
		}
		day, err := spec.ParseDay(d.text)
		if err != nil {
			return span, fmt.Errorf("reading --%s: %w", d.flag, err)
		}
		*d.day = day
	}
	return span, nil
}

// seats is a flag that names products, each with its contract where that must be
// said. Naming one twice is naming it once, so the flag may be set again to what
// it was.
type seats []spec.Seat

// Set adds what is named.
func (s *seats) Set(text string) error {
	for _, word := range strings.Split(text, ",") {
		product, contract, named := strings.Cut(strings.TrimSpace(word), "@")
		if product == "" || named && contract == "" {
			return fmt.Errorf("%q is not a PRODUCT or a PRODUCT@CONTRACT", word)
		}
		if seat := (spec.Seat{Contract: contract, Product: product}); !slices.Contains(*s, seat) {
			*s = append(*s, seat)
		}
	}
	return nil
}

// String is what Set reads.
func (s *seats) String() string {
	words := make([]string, len(*s))
	for i, seat := range *s {
		words[i] = seatName(seat.Product, seat.Contract)
	}
	return strings.Join(words, ",")
}

// Type is what help calls the value.
func (s *seats) Type() string { return "product" }

func seatName(product, contract string) string {
	if contract == "" {
		return product
	}
	return product + "@" + contract
}
