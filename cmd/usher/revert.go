package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
	"usher/spec/edit"
	"usher/state"
)

// revertFlags are the flags of revert.
type revertFlags struct {
	from   treeFlags
	branch string
	write  writeFlags
}

func (a *app) revertCommand() *cobra.Command {
	var f revertFlags
	c := &cobra.Command{
		Use: "revert REVISION --ref REF", Short: "propose, on a branch, what an earlier revision said",
		Long: `Makes the manifests ask again for exactly what was true at REVISION, a number of
"usher history": all that came after it goes, all that has gone since comes back.
The edits become one commit on a new branch that grows from --ref; comments
written since stay where what they are about stays. The branch, the ref's own
work tree and the state are otherwise left alone: the plan shows what would
happen once the branch is merged.

It wants the commit of that revision in the repository. What a folder held, usher
does not keep: see usher help git.`,
		Example: "  usher revert 7 --ref refs/heads/main\n  usher revert 7 --repo /srv/acme.git --ref refs/heads/main --path access --branch undo-the-purge",
		Args:    wants(1, 1, "REVISION, a number of usher history"),
		RunE:    func(c *cobra.Command, args []string) error { return a.revert(c.Context(), args[0], f) },
	}
	c.Flags().StringVar(&f.from.ref, "ref", "", "the full `name` of the ref that is applied, such as refs/heads/main")
	c.Flags().StringVar(&f.from.repo, "repo", ".", "the git `repository` of --ref, bare or with a work tree")
	c.Flags().StringVar(&f.from.path, "path", "", "the `folder` of the commits that is applied")
	c.Flags().StringVar(&f.branch, "branch", "", "`name` of the new branch (default revert/revision-REVISION)")
	f.write.bind(c.Flags())
	return c
}

func (a *app) revert(ctx context.Context, text string, f revertFlags) error {
	number, err := strconv.ParseInt(text, 10, 64)
	if err != nil || number < 1 {
		return usage("usher history lists the revisions", "%q is not the number of a revision", text)
	}
	if f.from.ref == "" {
		return usage("name the branch that is applied: --ref refs/heads/main; a folder is brought back from where you keep its past",
			"usher revert works on commits, and wants --ref")
	}
	if err := checkRef(f.from.ref); err != nil {
		return err
	}
	if f.branch == "" {
		f.branch = fmt.Sprintf("revert/revision-%d", number)
	}
	t, err := f.from.tree(ctx, nil)
	if err != nil {
		return err
	}
	return a.reading(ctx, func(db *state.DB) error {
		r := &reversal{app: a, db: db, tree: t, number: number}
		if err := r.read(ctx); err != nil {
			return err
		}
		if err := r.restore(); err != nil {
			return err
		}
		return r.propose(ctx, f)
	})
}

// reversal is one revert under way.
type reversal struct {
	*app
	db        *state.DB
	tree      tree
	number    int64
	then, now *state.Truth
	tip       *reconciler.Manifests // what the edits are made against
	past      *reconciler.Manifests // what the revision was made from
	restored  map[string][]byte
}

// read reads what was true, what is, and the manifests of both.
func (r *reversal) read(ctx context.Context) (err error) {
	if r.then, err = r.db.TruthAt(ctx, r.number); err != nil {
		return hintError{err, "usher history lists the revisions"}
	}
	if r.now, err = r.db.Truth(ctx); err != nil {
		return err
	}
	for _, account := range r.then.Accounts {
		if account.Forgotten() {
			return usage("git revert, or git checkout of single files, goes back without them",
				"somebody of revision %d was forgotten since, and would be known again", r.number)
		}
	}
	applied := r.then.Applied
	if applied.Commit == "" {
		return usage("bring the folder back from where you keep its past, then: usher plan "+applied.Path+r.flags(),
			"revision %d was made from the folder %s, and usher does not keep what folders held", r.number, applied.Path)
	}
	ref := source.NewRef(r.tree.repository, r.tree.ref, r.tree.path)
	if r.tip, err = ref.Snapshot(ctx); err != nil {
		return err
	}
	if r.past, err = ref.At(ctx, applied.Commit); err != nil {
		return hintError{fmt.Errorf("reading what revision %d was made from: %w", r.number, err),
			"--repo names the repository that it was read from, --path the folder; git fetch brings a commit that is missing"}
	}
	return nil
}

// restore works out the files as they are to be, and makes sure that they ask for
// what was true.
func (r *reversal) restore() error {
	past := contentsOf(r.past)
	opened, err := edit.Open(past, r.today())
	if err != nil {
		return fmt.Errorf("reading what revision %d was made from: %w", r.number, err)
	}
	if err := r.asked(opened); err != nil {
		return hintError{fmt.Errorf("commit %.12s, which revision %d was made from, does not ask for what was true then: %w", r.past.Commit, r.number, err),
			"--path names the folder of the commits that is applied"}
	}
	r.restored = past // where no edit will do, the files as they were
	if tree, err := edit.Open(contentsOf(r.tip), r.today()); err == nil {
		switch {
		case r.asked(tree) == nil:
			r.restored = contentsOf(r.tip)
			return nil
		case tree.Restore(past) == nil && r.asked(tree) == nil:
			opened, r.restored = tree, contentsOf(r.tip)
		}
	}
	if err := r.carryOver(opened); err != nil {
		return err
	}
	for _, c := range opened.Changes() {
		if r.restored[c.Path] = c.After; c.After == nil {
			delete(r.restored, c.Path)
		}
	}
	return nil
}

func (r *reversal) today() spec.Day { return spec.DayOf(r.time()) }

func contentsOf(m *reconciler.Manifests) map[string][]byte {
	files := make(map[string][]byte, len(m.Files))
	for _, f := range m.Files {
		files[f.Path] = f.Data
	}
	return files
}

// asked reports, as an error, what a tree asks for that was not true, or the
// other way round, but for invitations issued since.
func (r *reversal) asked(tree *edit.Tree) error {
	roster, err := tree.Check()
	if err != nil {
		return err
	}
	apart, errs := reconciler.Diff(reconciler.Comparison{Wanted: roster, True: r.then, Now: r.then.Newest.At})
	if len(errs) > 0 {
		return errs
	}
	changes := slices.DeleteFunc(apart.Changes, func(c reconciler.Change) bool { return c.Action == reconciler.Resend })
	if len(changes) == 0 {
		return nil
	}
	first := changes[0]
	return fmt.Errorf("%s, first: %s %s %s", render.Count(len(changes), "difference", "differences"), first.Action, first.Kind, first.Subject)
}

// carryOver keeps what does not go back. Generations of invitations only rise,
// and whoever had another name and another address since is told by the earlier
// name that they are the same person.
func (r *reversal) carryOver(tree *edit.Tree) error {
	roster, err := tree.Check()
	if err != nil {
		return err
	}
	issued := map[string]int{}
	for _, gone := range r.now.Gone {
		issued[gone.Name] = max(issued[gone.Name], gone.Generation)
	}
	current := map[string]state.Account{} // by id
	for _, account := range r.now.Accounts {
		issued[account.Name] = max(issued[account.Name], account.Generation)
		current[account.ID] = account
	}
	for i := range roster.Users {
		u := &roster.Users[i]
		if n := issued[u.Name]; 0 < u.Generation && u.Generation < n {
			if err := tree.Set("User", u.Name, "spec.invitation.generation", edit.Number(int64(n))); err != nil {
				return hinted(err)
			}
		}
		is := current[r.then.Accounts[u.Name].ID]
		if is.ID == "" || is.Name == u.Name || is.EmailKey == u.EmailKey || roster.User(is.Name) != nil {
			continue
		}
		err := tree.SetNames("User", u.Name, "spec.previously", append(u.Previously, is.Name))
		if err != nil && !errors.Is(err, edit.ErrElsewhere) { // a list has no place for it: the plan shows who goes and who comes
			return hinted(err)
		}
	}
	return nil
}

// propose shows the plan of the restored manifests, and makes the branch.
func (r *reversal) propose(ctx context.Context, f revertFlags) error {
	changes := edit.Between(contentsOf(r.tip), r.restored)
	if len(changes) == 0 {
		r.say("Nothing to restore: %s asks for what was true at revision %d.", r.tree.describe(r.tip.Snapshot), r.number)
		return nil
	}
	if f.write.print {
		for _, c := range changes {
			fmt.Fprint(r.stdout, unified(r.tree.path, c))
		}
	}
	plan, err := r.plan(ctx)
	if err != nil {
		return err
	}
	if err := render.Plan(r.stdout, plan, render.Text, r.stdoutOptions(false)); err != nil {
		return err
	}
	if f.write.print {
		r.say("\nNo branch was made.")
		return nil
	}
	commit, err := r.commit(ctx, f.branch, changes, plan)
	if err != nil {
		return err
	}
	r.tellBranch(f.branch, commit, len(changes))
	return nil
}

// plan is what would happen once the restored manifests are on the ref, but for
// who signs them.
func (r *reversal) plan(ctx context.Context) (*reconciler.Plan, error) {
	m := &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "git", Path: r.tip.Path, Ref: r.tree.ref}}
	for _, c := range edit.Between(nil, r.restored) {
		m.Files = append(m.Files, reconciler.ManifestFile{Path: c.Path, Data: c.After, Sum: reconciler.SumOf(c.After)})
	}
	control, err := r.controller(r.db, "", 0)
	if err != nil {
		return nil, err
	}
	control.Source = inHand{m}
	plan, err := control.Plan(ctx)
	if err != nil {
		return nil, invalid(ctx, control, r.tree.top(), err)
	}
	return plan, nil
}

// inHand is manifests that are read already, as a source.
type inHand struct{ manifests *reconciler.Manifests }

func (s inHand) Snapshot(context.Context) (*reconciler.Manifests, error) { return s.manifests, nil }

func (s inHand) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

// commit makes the branch with the changed files.
func (r *reversal) commit(ctx context.Context, branch string, changes []edit.Change, plan *reconciler.Plan) (string, error) {
	who, err := source.Writer(ctx, r.tree.repo)
	if err != nil {
		return "", err
	}
	p := source.Proposal{
		Base: r.tip.Commit, Branch: branch, Files: map[string][]byte{}, Author: who, Committer: who, At: r.time(),
		Message: fmt.Sprintf("Restore revision %d\n\nThe manifests ask again for what was true at revision %d of usher,\nwhich was made from commit %s.\n\n%s",
			r.number, r.number, r.past.Commit, render.Summary(plan)),
	}
	for _, c := range changes {
		p.Files[path.Join(r.tree.path, c.Path)] = c.After
	}
	commit, err := source.Propose(ctx, r.tree.repo, p)
	if errors.Is(err, source.ErrBranchExists) {
		return "", hintError{err, "--branch names another; git branch -D " + branch + " removes this one"}
	}
	return commit, err
}

// tellBranch says what was made and what a person does next.
func (r *reversal) tellBranch(branch, commit string, files int) {
	git := "git"
	if r.tree.repo != "." {
		git += " -C " + r.tree.repo
	}
	r.say("\nBranch %s restores revision %d: %s, commit %.12s. Nothing is applied yet.", branch, r.number, render.Count(files, "file", "files"), commit)
	r.say("The commit is not signed: whoever squashes or amends it signs it, and a merge of\nit as it is counts when its signer writes Usher-Authorises: %.12s.", commit)
	r.say("\nNext:")
	show, push := git+" show "+branch, git+" push origin "+branch
	r.say("  %-*s  what it changes", len(push), show)
	r.say("  %s  to open a pull request, from a clone", push)
}
