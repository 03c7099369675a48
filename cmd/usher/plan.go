package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"sync"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/state"
)

// planFlags are the flags of plan.
type planFlags struct {
	from                  treeFlags
	who                   authorityFlags
	server                serverFlags
	output, out           string
	detailed, adopt, full bool
	noCache               bool
}

func (a *app) planCommand() *cobra.Command {
	var f planFlags
	c := &cobra.Command{
		Use: "plan [DIR]", Short: "what would change, who would be written to, what would be held",
		Long: `Compares the manifests below DIR, or those of --ref, with what is true and shows the whole
difference. It writes nothing; without a state it compares with nothing at all.

--base compares two commits instead, and asks no state: what a pull request would
change is the difference from where it parted from its base. The plan then says of
each change what right it takes, and whether the commits have it: usher help git.

--server asks a watching usher, which plans on its own state with its own limits and
writes nothing: usher help api.

--out writes the plan to a file, for "usher apply DIR --plan FILE" to carry out
this plan or none. --detailed-exitcode ends with 0 when there is nothing to do,
2 when there are changes, 4 when they would be held.`,
		Example: "  usher plan examples/acme\n  usher plan examples/acme -o markdown > comment.md\n  usher plan --ref refs/heads/main --out plan.json\n  usher plan --base refs/remotes/origin/main -o markdown\n  usher plan manifests --server https://usher.acme.example --token-file token",
		Args:    f.from.args,
		RunE:    func(c *cobra.Command, args []string) error { return a.plan(c, args, f) },
	}
	f.from.flags(c)
	f.from.baseFlag(c, "two commits are compared, and no state")
	f.who.flags(c)
	f.server.flags(c)
	outputFlag(c, &f.output, render.PlanFormats)
	c.Flags().StringVar(&f.out, "out", "", "also write the plan to `FILE`, for apply --plan")
	c.Flags().BoolVar(&f.detailed, "detailed-exitcode", false, "end with 2 when there are changes, 4 when they would be held")
	adoptFlag(c, &f.adopt)
	fullFlag(c, &f.full)
	noCacheFlag(c, &f.noCache)
	return c
}

func noCacheFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "no-cache", false, "read and compare everything, even where nothing seems to have changed")
}

func adoptFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "adopt", false, "new people have accounts elsewhere: active from the start, and not written to")
}

func fullFlag(c *cobra.Command, to *bool) {
	c.Flags().BoolVar(to, "full", false, "list everything, however long")
}

func (a *app) plan(c *cobra.Command, args []string, f planFlags) error {
	format, err := render.PlanFormats.Parse(f.output)
	if err != nil {
		return err
	}
	t, err := f.from.tree(c.Context(), args)
	if err != nil {
		return err
	}
	plan, err := a.planOf(c, t, f)
	if err != nil {
		return err
	}
	if f.out != "" {
		if err := writePlan(f.out, plan); err != nil {
			return err
		}
	}
	o := a.stdoutOptions(f.full)
	o.Top = t.top()
	o.Command = "usher plan " + t.words() + a.flags() + f.server.words() + " --full"
	if err := render.Plan(a.stdout, plan, format, o); err != nil {
		return err
	}
	if f.detailed {
		return detailed(plan)
	}
	return nil
}

// planOf compares the tree with the state, that of a server, or with --base.
func (a *app) planOf(c *cobra.Command, t tree, f planFlags) (*reconciler.Plan, error) {
	switch {
	case f.server.url != "":
		return a.planAt(c, t, f)
	case c.Flags().Changed("token-file"):
		return nil, usage("--server URL names it", "--token-file is what opens a server, and none is named")
	case t.base != "":
		return a.proposed(c, t, f)
	}
	return a.planned(c, t, f)
}

// planned compares the tree with the state.
func (a *app) planned(c *cobra.Command, t tree, f planFlags) (*reconciler.Plan, error) {
	db, err := a.read(c.Context())
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return a.planWith(db, c, t, f, (*reconciler.Controller).Plan)
}

// proposed compares the tree with the base that it parted from, and opens no state.
func (a *app) proposed(c *cobra.Command, t tree, f planFlags) (*reconciler.Plan, error) {
	switch {
	case f.out != "":
		return nil, usage("-o json prints it; what is merged is planned anew on the state", "--out is for plans that apply can carry out, and one with --base is made without a state")
	case f.who.trust != "":
		return nil, usage("leave out --trust", "with --base, signatures count from the base on, so --trust means nothing")
	}
	return a.planWith(nil, c, t, f, func(control *reconciler.Controller, ctx context.Context) (*reconciler.Plan, error) {
		return control.Propose(ctx, t.base)
	})
}

// planWith wires a controller and has it make a plan.
func (a *app) planWith(db *state.DB, c *cobra.Command, t tree, f planFlags, plan func(*reconciler.Controller, context.Context) (*reconciler.Plan, error)) (*reconciler.Plan, error) {
	control, err := a.controllerOf(db, t, 0)
	if err == nil {
		err = f.who.judge(c, control)
	}
	if err != nil {
		return nil, err
	}
	control.Adopt = f.adopt
	if db != nil && !f.noCache {
		a.remembering(control, db, t, 0)
	}
	p, err := plan(control, c.Context())
	if err != nil {
		return nil, invalid(c.Context(), control, t.top(), err)
	}
	return p, nil
}

// detailed is what --detailed-exitcode ends with.
func detailed(p *reconciler.Plan) error {
	switch {
	case len(p.Held) > 0 && !p.Approved:
		return saidError{errHeld}
	case !p.Empty():
		return saidError{errChanges}
	}
	return nil
}

// writePlan keeps a plan for review, whole or not at all, for the owner alone:
// it holds names and addresses. It replaces a file and nothing else: a rename
// would put a file in the place of a device or a pipe, for whoever may.
func writePlan(file string, p *reconciler.Plan) error {
	var b bytes.Buffer
	if err := render.PlanJSON(&b, p); err != nil {
		return err
	}
	if info, err := os.Lstat(file); err == nil && !info.Mode().IsRegular() {
		return usage("name a file, new or to be replaced; -o json prints the plan to standard output",
			"writing the plan: %s is not an ordinary file", file)
	}
	if err := renameio.WriteFile(file, b.Bytes(), 0o600); err != nil {
		return fmt.Errorf("writing the plan: %w", err)
	}
	return nil
}

// reviewed is what apply --plan believes of a plan's file: which plan it was,
// and on which revision. Its changes are worked out anew.
type reviewed struct {
	Format int    `json:"format"`
	ID     string `json:"id"`
	Basis  int64  `json:"basis"`
}

var planID = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)
})

func readPlan(file string) (reviewed, error) {
	var r reviewed
	data, err := os.ReadFile(file)
	if err != nil {
		return r, fmt.Errorf("reading the reviewed plan: %w", err)
	}
	if err := json.Unmarshal(data, &r); err != nil {
		return r, fmt.Errorf("reading the reviewed plan: %s is not a plan as usher plan --out writes it: %w", file, err)
	}
	if r.Format != 1 || !planID().MatchString(r.ID) {
		return r, fmt.Errorf("reading the reviewed plan: %s is not a plan of format 1 as usher plan --out writes it", file)
	}
	return r, nil
}
