package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"usher/spec"
	"usher/spec/edit"
)

func (a *app) editCommand() *cobra.Command {
	return group("edit", "change manifests in place",
		"  usher edit access manifests ada --grant revit@acme-design --until 2027-03-31",
		a.editAccessCommand())
}

// editAccessFlags are the flags of edit access.
type editAccessFlags struct {
	access        accessFlags
	write         writeFlags
	grant, revoke seats
}

func (a *app) editAccessCommand() *cobra.Command {
	var f editAccessFlags
	c := &cobra.Command{
		Use: "access DIR USER", Short: "give and take products in a person's own manifest",
		Long: `Changes the access list of one person's own manifest and nothing else in the
file: comments, order and style stay. What they have by a team or a list is not
theirs alone; the error says where it comes from.

--grant never takes away: to give fewer days than before, --revoke the product in
the same command. Nothing is applied: usher plan DIR shows what would happen.`,
		Example: "  usher edit access manifests ada --grant autocad,revit@acme-design\n  usher edit access manifests ada --revoke autocad --grant autocad --until 2027-03-31",
		Args:    wants(2, 2, "DIR and USER, the person's name or e-mail"),
		RunE:    func(c *cobra.Command, args []string) error { return a.editAccess(c.Context(), args[0], args[1], f) },
	}
	c.Flags().Var(&f.grant, "grant", "`PRODUCT[@CONTRACT]` to give, more than once or with commas between")
	c.Flags().Var(&f.revoke, "revoke", "`PRODUCT[@CONTRACT]` to take away, before anything is given")
	f.access.bind(c.Flags())
	f.write.bind(c.Flags())
	return c
}

func (a *app) editAccess(ctx context.Context, dir, user string, f editAccessFlags) error {
	if len(f.grant)+len(f.revoke) == 0 {
		return usage("--grant PRODUCT or --revoke PRODUCT", "nothing is asked")
	}
	grant, err := f.access.of(f.grant)
	if err != nil {
		return err
	}
	return a.edit(ctx, dir, f.write, func(t *edit.Tree) error {
		roster, err := t.Check()
		if err != nil {
			return err
		}
		name, err := declared(roster, user)
		if err != nil {
			return err
		}
		if err := t.EditAccess(name, f.revoke, grant); err != nil {
			return err
		}
		if roster, err = t.Check(); err == nil {
			a.stillThere(roster.User(name), f.revoke)
		}
		return err
	})
}

// declared is the name of the person meant by a name, or by an address in any
// case.
func declared(roster *spec.Roster, user string) (string, error) {
	folded := spec.FoldEmail(user)
	var names []string
	for i := range roster.Users {
		u := &roster.Users[i]
		if u.Name == user || u.EmailKey == folded {
			return u.Name, nil
		}
		names = append(names, u.Name)
	}
	hint := ""
	if near := spec.Nearest(user, names); near != "" {
		hint = "did you mean " + near + "?"
	}
	return "", usage(hint, "there is no user %q", user)
}

// stillThere tells of access that was revoked and that teams give all the same.
func (a *app) stillThere(u *spec.User, revoked seats) {
	for _, s := range revoked {
		for _, g := range u.Access {
			if g.Product != s.Product || s.Contract != "" && g.Contract != s.Contract {
				continue
			}
			for _, o := range g.Because {
				if o.Via != "" {
					fmt.Fprintf(a.stderr, "note: %s keeps %s by %s, at %s\n", u.Name, seatName(g.Product, g.Contract), o.Via, o)
				}
			}
		}
	}
}

// writeFlags are shared by all commands that write manifests.
type writeFlags struct{ print bool }

func (f *writeFlags) bind(set *pflag.FlagSet) {
	set.BoolVarP(&f.print, "print", "n", false, "show what would be written, and write nothing")
}

// edit reads a tree, changes it, and writes what changed if the tree is valid
// with it. A tree that is not valid to begin with is not touched.
func (a *app) edit(ctx context.Context, dir string, f writeFlags, change func(*edit.Tree) error) error {
	control, err := a.controller(nil, dir, 0)
	if err != nil {
		return err
	}
	manifests, err := control.Source.Snapshot(ctx)
	if err != nil {
		return invalid(ctx, control, dir, err)
	}
	files := make(map[string][]byte, len(manifests.Files))
	for _, file := range manifests.Files {
		files[file.Path] = file.Data
	}
	tree, err := edit.Open(files, spec.DayOf(a.time()))
	if err != nil {
		return invalid(ctx, control, dir, err)
	}
	if err := change(tree); err != nil {
		return hinted(err)
	}
	if _, err := tree.Check(); err != nil {
		return hinted(err)
	}
	return a.writeChanges(dir, tree.Changes(), f)
}

// hinted gives the hint of an edit that failed its own line.
func hinted(err error) error {
	var failed *edit.Error
	var refused *edit.RefusedError
	switch {
	case errors.As(err, &failed):
		return hintError{err, failed.Hint}
	case errors.As(err, &refused):
		return hintError{err, refused.Hint()}
	}
	return err
}

// writeChanges shows what changed and writes it.
func (a *app) writeChanges(dir string, changes []edit.Change, f writeFlags) error {
	if len(changes) == 0 {
		a.say("Nothing to write: %s says so already.", dir)
		return nil
	}
	for _, c := range changes {
		if !f.print {
			if err := writeManifest(dir, c); err != nil {
				return err
			}
		}
		fmt.Fprint(a.stdout, unified(dir, c))
	}
	if f.print {
		a.say("\nNothing was written.")
		return nil
	}
	a.say("\nWritten. What would happen: usher plan %s%s", dir, a.flags())
	return nil
}

// unified is a change as diff -u shows it.
func unified(dir string, c edit.Change) string {
	name := path.Join(filepath.ToSlash(dir), c.Path)
	before := name
	if c.Before == nil {
		before = "/dev/null"
	}
	_, text, _ := strings.Cut(string(diff.Diff(before, c.Before, name, c.After)), "\n") // its first line is a command's
	return text
}

// errMeanwhile means that somebody else wrote a manifest since it was read.
var errMeanwhile = errors.New("changed while it was edited; try again")

// writeManifest writes one file, whole or not at all, inside the directory only.
// It keeps the file's mode, and follows a symbolic link in its place.
func writeManifest(dir string, c edit.Change) error {
	real, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	defer root.Close()
	name := filepath.FromSlash(c.Path)
	if target, err := filepath.EvalSymlinks(filepath.Join(real, name)); err == nil {
		if name, err = filepath.Rel(real, target); err != nil {
			return fmt.Errorf("writing %s: %w", c.Path, err)
		}
	}
	if err := unchanged(root, name, c); err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	if err := renameio.WriteFile(name, c.After, 0o644, renameio.WithRoot(root)); err != nil {
		return fmt.Errorf("writing %s: %w", c.Path, err)
	}
	return nil
}

// unchanged refuses to write over what was not read.
func unchanged(root *os.Root, name string, c edit.Change) error {
	now, err := root.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Before == nil:
		return nil
	case err != nil:
		return err
	case c.Before == nil || !bytes.Equal(now, c.Before):
		return errMeanwhile
	}
	return nil
}
