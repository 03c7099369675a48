package portal

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
	"usher/spec/edit"
)

// Tree says where manifests come from, for proposals: a folder, or the commits of
// a repository.
type Tree struct {
	Dir        string // as given; empty where commits count
	Repository string // path of the git repository
	Ref        string // full name of the ref that is applied
	Path       string // folder of the commits below which manifests are; empty: all of it
	Signed     bool   // commits count by who signed them

	// PullRequest is the address where a forge opens a pull request for a branch,
	// with {branch} in it; empty: there is none.
	PullRequest string
}

// source reads the manifests anew; what it has read goes with it.
func (t *Tree) source(ctx context.Context) (reconciler.Source, error) {
	if t.Repository == "" {
		return source.Dir(t.Dir, source.Options{}), nil
	}
	repository, err := source.OpenRepository(ctx, t.Repository)
	if err != nil {
		return nil, err
	}
	return source.NewRef(repository, t.Ref, t.Path), nil
}

// mergeCommand merges a proposal. Where signatures count, the trailer has the one
// who signs the merge answer for the commit as well (DOMAIN.md, "Authority").
func (t *Tree) mergeCommand(branch, commit string) string {
	if !t.Signed {
		return "git merge --no-ff " + branch
	}
	return "git merge --no-ff -S -m 'Merge " + branch + "' \\\n  -m 'Usher-Authorises: " + commit + "' " + branch
}

// branch is what the ref is called among people.
func (t *Tree) branch() string {
	return strings.TrimPrefix(strings.TrimPrefix(t.Ref, "refs/heads/"), "refs/remotes/")
}

const (
	proposalsPath  = "/proposals/"
	proposalPrefix = "usher/" // of every branch that the portal makes; it shows no other
)

// draft is an edit of the manifests that nobody has committed.
type draft struct {
	read    *reconciler.Manifests // as they are
	changes []edit.Change
}

var errInvalidTree = refusal{http.StatusConflict, "The manifests have errors just now",
	"Nothing can be added to them before they are mended: usher validate lists the errors. What was applied last stays in force."}

var errNoTree = refusal{http.StatusNotImplemented, "Nothing can be proposed here",
	"This portal was not told where the manifests are. Change them where they are kept."}

// draft reads the manifests and edits them. What the edit may not do is an
// *edit.Error or an *edit.RefusedError.
func (s *site) draft(ctx context.Context, change func(*edit.Tree) error) (*draft, error) {
	if s.Tree == nil || s.Plan == nil {
		return nil, errNoTree
	}
	done, err := s.turn(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	from, err := s.Tree.source(ctx)
	if err != nil {
		return nil, err
	}
	m, err := from.Snapshot(ctx)
	if err != nil {
		return nil, treeError(err)
	}
	files := make(map[string][]byte, len(m.Files))
	for _, f := range m.Files {
		files[f.Path] = f.Data
	}
	tree, err := edit.Open(files, spec.DayOf(s.Now()))
	if err != nil {
		return nil, treeError(err)
	}
	if err := change(tree); err != nil {
		return nil, err
	}
	if _, err := tree.Check(); err != nil {
		return nil, err
	}
	return &draft{m, tree.Changes()}, nil
}

// turn waits until nobody else reads a whole tree: that takes memory for each.
func (s *site) turn(ctx context.Context) (done func(), err error) {
	select {
	case s.planning <- struct{}{}:
		return func() { <-s.planning }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for a turn to read the manifests: %w", ctx.Err())
	}
}

func treeError(err error) error {
	if errors.As(err, new(spec.Errors)) {
		return errInvalidTree
	}
	return err
}

// wanted is the manifests as the draft has them.
func (d *draft) wanted() *reconciler.Manifests {
	changed := map[string]edit.Change{}
	for _, c := range d.changes {
		changed[c.Path] = c
	}
	m := &reconciler.Manifests{Snapshot: reconciler.Snapshot{Source: "dir"}}
	for _, f := range d.read.Files {
		if _, ok := changed[f.Path]; !ok {
			m.Files = append(m.Files, f)
		}
	}
	for _, c := range d.changes {
		if c.After != nil {
			m.Files = append(m.Files, reconciler.ManifestFile{Path: c.Path, Data: c.After, Sum: reconciler.SumOf(c.After)})
		}
	}
	slices.SortFunc(m.Files, func(a, b reconciler.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
	return m
}

// proposed is what a draft is called, and whom it concerns.
type proposed struct {
	subject, slug string
	contracts     []string // sorted; none: nobody's in particular
}

// concerns names, in the last lines of a commit, the contracts that a proposal
// concerns: who may see it besides its author is said by them.
const concerns = "Usher-Contracts:"

// propose shows a draft: as a commit on a branch of its own, where manifests come
// from commits, else as lines to copy. It never changes what is wanted.
func (s *site) propose(w http.ResponseWriter, r *http.Request, d *draft, p proposed) {
	if s.Tree.Repository == "" {
		s.showProposal(w, r, d, proposalPage{Subject: p.subject, Dir: s.Tree.Dir})
		return
	}
	branch := proposalPrefix + slugOf(p.slug) + "-" + strings.ToLower(rand.Text()[:8])
	if err := s.commit(r, d, branch, p); err != nil {
		s.fail(w, r, err)
		return
	}
	s.lead(w, r, proposalsPath+branch)
}

// commit makes the branch. Its author is whoever is signed in; usher commits it,
// and signs nothing.
func (s *site) commit(r *http.Request, d *draft, branch string, p proposed) error {
	who := viewerOf(r)
	files := map[string][]byte{}
	for _, c := range d.changes {
		files[path.Join(s.Tree.Path, c.Path)] = c.After
	}
	_, err := source.Propose(r.Context(), s.Tree.Repository, source.Proposal{
		Base: d.read.Commit, Branch: branch, Files: files, At: s.Now(),
		Author:    source.Person{Name: plainName(who.FullName()), Email: who.Email()},
		Committer: s.committer(),
		Message: p.subject + "\n\nProposed in the account portal by " + who.Name() + ".\n\n" +
			strings.TrimSpace(concerns+" "+strings.Join(p.contracts, ", ")) + "\n",
	})
	return err
}

func (s *site) committer() source.Person {
	address, err := mail.ParseAddress(cmp.Or(s.From, notice.DefaultFrom))
	if err != nil {
		return source.Person{Name: "usher", Email: "usher@localhost"}
	}
	return source.Person{Name: "usher", Email: address.Address}
}

// plainName leaves out of a name what cannot stand in the head of a commit.
func plainName(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '<' || r == '>' || unicode.IsControl(r) {
			return -1
		}
		return r
	}, name)
}

// slugOf makes part of a branch's name of a text.
func slugOf(text string) string {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	slug := strings.Join(words, "-")
	return strings.Trim(slug[:min(len(slug), 40)], "-")
}

// proposalPage is a proposal with what it would do.
type proposalPage struct {
	Subject     string
	Dir         string // where nothing was committed: the folder to write to
	Branch      string
	Onto        string // the branch it is for
	Commit      string
	Author      string
	Signed      bool   // it counts once somebody who may make the change signs for it
	PullRequest string // where the forge opens one
	Merge       string // the command that does so by hand
	Stale       bool   // others have changed the branch it is for since
	Conflict    bool   // in the same files
	Merged      bool
	Files       []fileDiff
	Plan        string // as usher plan prints it
	Others      int    // changes left out of it: those that concern contracts of others
	Held        bool
	Wrong       []string // why the manifests would not be valid, with what they are merged with now
}

// proposalName is a branch of the portal's own.
var proposalName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^usher/[a-z0-9]+(-[a-z0-9]+)*$`)
})

var errNoProposal = refusal{http.StatusNotFound, "There is no such proposal",
	"Its branch is gone: it was merged and deleted, or given up. The list of users shows what is so now."}

// proposal shows a branch that the portal made.
func (s *site) proposal(w http.ResponseWriter, r *http.Request) {
	branch := r.PathValue("branch")
	if s.Tree == nil || s.Plan == nil || s.Tree.Repository == "" || !proposalName().MatchString(branch) {
		s.fail(w, r, errNoProposal)
		return
	}
	d, p, err := s.committed(r, branch)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.showProposal(w, r, d, p)
}

// committed reads a proposal back from its branch. To whoever may not see it there is
// none.
func (s *site) committed(r *http.Request, branch string) (*draft, proposalPage, error) {
	ctx, p := r.Context(), proposalPage{Branch: branch, Onto: s.Tree.branch(), Signed: s.Tree.Signed}
	repository, err := source.OpenRepository(ctx, s.Tree.Repository)
	if err != nil {
		return nil, p, err
	}
	ref := source.NewRef(repository, s.Tree.Ref, s.Tree.Path)
	commit, err := ref.Commit(ctx, "refs/heads/"+branch)
	if err != nil || len(commit.Parents) != 1 || !viewerOf(r).sees(commit) {
		return nil, p, errNoProposal
	}
	p.Subject, p.Commit, p.Author = commit.Subject, commit.ID, commit.Author.String()
	if s.Tree.PullRequest != "" {
		p.PullRequest = strings.ReplaceAll(s.Tree.PullRequest, "{branch}", url.PathEscape(branch))
	}
	p.Merge = s.Tree.mergeCommand(branch, commit.ID)
	tip, err := ref.Commit(ctx, s.Tree.Ref)
	if err != nil {
		return nil, p, err
	}
	if p.Merged, err = ref.Descends(ctx, commit.ID, tip.ID); err != nil {
		return nil, p, err
	}
	p.Stale = !p.Merged && tip.ID != commit.Parents[0]
	before, err := ref.At(ctx, commit.Parents[0])
	if err != nil {
		return nil, p, treeError(err)
	}
	after, err := ref.At(ctx, commit.ID)
	if err != nil {
		return nil, p, treeError(err)
	}
	d := &draft{before, changesBetween(before, after)}
	if p.Stale {
		if d.read, err = ref.At(ctx, tip.ID); err != nil {
			return nil, p, treeError(err)
		}
		p.Conflict = d.conflicts()
	}
	return d, p, nil
}

// sees reports whether somebody may see a proposal: its author, and the stewards of
// every contract that it says it concerns. One that says nothing is its author's.
func (v viewer) sees(proposal reconciler.Commit) bool {
	if spec.FoldEmail(proposal.Author.Email) == v.account.EmailKey {
		return true
	}
	lines := strings.Split(strings.TrimSpace(proposal.Message), "\n")
	names, said := strings.CutPrefix(lines[len(lines)-1], concerns)
	return said && !slices.ContainsFunc(strings.FieldsFunc(names, func(r rune) bool { return r == ',' || r == ' ' }), func(contract string) bool {
		return !allowed(v, stewardOf, contract)
	})
}

// conflicts reports whether one of the files is no longer what the change began
// from: what becomes of it is for a merge to say.
func (d *draft) conflicts() bool {
	now := map[string][]byte{}
	for _, f := range d.read.Files {
		now[f.Path] = f.Data
	}
	return slices.ContainsFunc(d.changes, func(c edit.Change) bool {
		data, there := now[c.Path]
		return !sameFile(c, data, there)
	})
}

// changesBetween lists the files in which two readings of a tree differ.
func changesBetween(before, after *reconciler.Manifests) []edit.Change {
	changed := map[string]edit.Change{}
	for _, f := range before.Files {
		changed[f.Path] = edit.Change{Path: f.Path, Before: f.Data}
	}
	var list []edit.Change
	for _, f := range after.Files {
		c := changed[f.Path]
		delete(changed, f.Path)
		if string(c.Before) != string(f.Data) {
			list = append(list, edit.Change{Path: f.Path, Before: c.Before, After: f.Data})
		}
	}
	for _, c := range changed {
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b edit.Change) int { return strings.Compare(a.Path, b.Path) })
	return list
}

// showProposal fills in what the draft changes and what that would do (DOMAIN.md
// row 15).
func (s *site) showProposal(w http.ResponseWriter, r *http.Request, d *draft, p proposalPage) {
	for _, c := range d.changes {
		p.Files = append(p.Files, diffOf(c))
	}
	if !p.Merged && !p.Conflict {
		if err := s.preview(r, d, &p); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	title := "Proposed"
	if p.Branch == "" {
		title = "To write to the manifests"
	}
	s.render(w, r, "proposal", title, p)
}

// preview fills in the plan, in the words that usher plan has for it, as far as it is
// for the viewer to see: what the manifests ask for beside the proposal is in it, too.
func (s *site) preview(r *http.Request, d *draft, p *proposalPage) error {
	ctx := r.Context()
	done, err := s.turn(ctx)
	if err != nil {
		return err
	}
	defer done()
	plan, err := s.Plan(ctx, d.wanted())
	var errs spec.Errors
	switch {
	case reconciler.IsPrivate(err):
		p.Wrong = []string{errPrivate.Title}
		return nil
	case errors.As(err, &errs):
		for _, e := range errs {
			p.Wrong = append(p.Wrong, e.Error())
		}
		return nil
	case err != nil:
		return fmt.Errorf("planning a proposal: %w", err)
	}
	truth, err := s.DB.Truth(ctx)
	if err != nil {
		return fmt.Errorf("planning a proposal: %w", err)
	}
	whole := reconciler.NewHeldPlan(truth, plan)
	view := whole.For(viewerOf(r).contracts(stewardOf), may(r, managerOf, ""))
	view.Plan.Mail = whole.Mail(view)
	var text strings.Builder
	if err := render.Plan(&text, view.Plan, render.Text, render.Options{}); err != nil {
		return fmt.Errorf("writing the plan of a proposal: %w", err)
	}
	p.Plan, p.Others, p.Held = text.String(), view.OtherChanges, len(plan.Held) > 0
	return nil
}
