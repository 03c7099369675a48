package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/state"
)

// treeFlags say where manifests come from when it is not a folder.
type treeFlags struct {
	repo, ref, path string
	base            string // what a proposal is compared with; only where a command has --base
}

func (f *treeFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.ref, "ref", "", "read commits, not DIR: the full `name` of a ref, such as refs/heads/main")
	c.Flags().StringVar(&f.repo, "repo", ".", "the git `repository` of --ref, bare or with a work tree")
	c.Flags().StringVar(&f.path, "path", "", "read only this `folder` of the commits of --ref")
}

// parents ends the name of a commit that is meant by who comes after it: HEAD~1.
var parents = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`([~^][0-9]{0,4})+$`)
})

// baseFlag adds --base, with what comparing is for.
func (f *treeFlags) baseFlag(c *cobra.Command, purpose string) {
	c.Flags().StringVar(&f.base, "base", "", "`ref` or commit that a pull request goes into: "+purpose+"; --ref is HEAD then, unless given")
}

// args checks that a command got either a folder or a ref.
func (f *treeFlags) args(c *cobra.Command, args []string) error {
	if f.base != "" {
		if name := parents().ReplaceAllString(f.base, ""); !isRef(name) && !isRef("refs/heads/"+name) {
			return usage("such as origin/main, HEAD~1, or the id that git rev-parse shows", "--base wants a branch, a tag or the id of a commit, and %q can be none", f.base)
		}
		if f.ref == "" {
			f.ref = "HEAD"
		}
	}
	if f.ref == "" {
		for _, name := range []string{"repo", "path"} {
			if c.Flags().Changed(name) {
				return usage("--ref refs/heads/main reads what that branch holds", "--%s is for commits, and needs --ref", name)
			}
		}
		return wants(1, 1, "DIR, the folder of manifests, or --ref")(c, args)
	}
	if len(args) > 0 {
		return usage("--path names a folder in the commit", "%s reads either a folder or --ref: %q is too much", c.CommandPath(), args[0])
	}
	return checkRef(f.ref)
}

// refName is the full name of a ref as git-check-ref-format(1) allows it, as far
// as anything else would mean something to git.
var refName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(HEAD|refs(/[^/.\s~^:?*\[\\\x00-\x20\x7f][^/\s~^:?*\[\\\x00-\x20\x7f]*)+)$`)
})

func checkRef(ref string) error {
	switch {
	case isRef(ref):
		return nil
	case isRef("refs/heads/" + ref):
		return usage(fmt.Sprintf("the full name of the branch %s is refs/heads/%s", ref, ref), "--ref wants the full name of a ref, and %q could be several", ref)
	}
	return usage("refs/heads/main is the name of a branch, refs/tags/v1 of a tag", "--ref wants the full name of a ref, and %q is none", ref)
}

func isRef(name string) bool {
	return refName().MatchString(name) && !strings.Contains(name, "..") && !strings.Contains(name, "@{") && !strings.HasSuffix(name, ".lock")
}

// tree is the manifests that a command was pointed at.
type tree struct {
	treeFlags
	dir        string             // "" with --ref
	repository *source.Repository // nil without --ref
	ahead      reconciler.Source  // is being looked at already; nil: nothing is
}

// tree opens what the flags or the one argument name.
func (f treeFlags) tree(ctx context.Context, args []string) (tree, error) {
	t := tree{treeFlags: f}
	if f.ref == "" {
		t.dir = args[0]
		return t, nil
	}
	var err error
	if t.repository, err = source.OpenRepository(ctx, f.repo); err != nil {
		return t, hintError{err, "--repo names a git repository"}
	}
	return t, t.nameBase(ctx)
}

// nameBase gives the base its full name. Unlike --ref, which decides what is
// applied for months, it may be named in short, as in a shell by hand.
func (t *tree) nameBase(ctx context.Context) error {
	name := parents().ReplaceAllString(t.base, "")
	if name == "" || isRef(name) || commitID().MatchString(name) {
		return nil
	}
	full, err := t.repository.FullName(ctx, name)
	if err != nil {
		return hintError{fmt.Errorf("--base: %w", err), "git branch --all and git tag list what there is; refs/remotes/origin/main is a full name"}
	}
	t.base = full + strings.TrimPrefix(t.base, name)
	return nil
}

// source reads the tree.
func (t tree) source(settle time.Duration) reconciler.Source {
	if t.repository == nil {
		return source.Dir(t.dir, source.Options{Settle: settle})
	}
	return source.NewRef(t.repository, t.ref, t.path)
}

// watch tells of changes to the tree.
func (t tree) watch(log *slog.Logger) *source.Watcher {
	if t.repository == nil {
		return source.Watch(t.dir, log)
	}
	return source.WatchRef(t.repository, t.ref, log)
}

// top is what the paths of errors are below: the folder as seen from the top of its
// repository, which is where forges look for the lines that annotations name.
func (t tree) top() string {
	if t.repository == nil {
		return belowRepository(t.dir)
	}
	return strings.TrimPrefix(path.Clean("/"+filepath.ToSlash(t.path)), "/")
}

// belowRepository is a folder as seen from the top of the work tree that it lies in;
// as given where it lies in none.
func belowRepository(dir string) string {
	whole, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	for top := whole; ; top = filepath.Dir(top) {
		if _, err := os.Lstat(filepath.Join(top, ".git")); err == nil {
			if below, err := filepath.Rel(top, whole); err == nil {
				return below
			}
		}
		if top == filepath.Dir(top) {
			return dir
		}
	}
}

// words is what a command is given to read the same again.
func (t tree) words() string {
	if t.repository == nil {
		return t.dir
	}
	words := "--ref " + t.ref
	if t.base != "" {
		words = "--base " + t.base + " " + words
	}
	if t.repo != "." {
		words = "--repo " + t.repo + " " + words
	}
	if t.path != "" {
		words += " --path " + t.path
	}
	return words
}

// describe names what was read, for people.
func (t tree) describe(s reconciler.Snapshot) string {
	if t.repository == nil {
		return t.dir
	}
	return t.ref + " at " + s.Commit
}

// controllerOf wires a controller that reads the tree.
func (a *app) controllerOf(db *state.DB, t tree, settle time.Duration) (*reconciler.Controller, error) {
	c, err := a.controller(db, "", settle)
	if err == nil {
		c.Source = t.source(settle)
	}
	return c, err
}

// The files beside the state that let an apply see by a glance that nothing is left
// to do. They are caches: without them everything is read and compared.
const (
	indexSuffix = ".index" // what the folder looked like
	seenSuffix  = ".seen"  // as of when nothing was left to do

	registerSuffix = ".register" // what the manifests applied last declare
)

// remembering lets a controller that writes use those files.
func (a *app) remembering(c *reconciler.Controller, db *state.DB, t tree, settle time.Duration) {
	c.Recollection = recollection(db)
	if t.repository == nil {
		c.Source = cmp.Or(t.ahead, source.Dir(t.dir, source.Options{Settle: settle, Index: db.Beside(indexSuffix)}))
	}
}

// lookAhead begins to look at a folder while the state is opened; commits are not
// looked at before the state says which are new.
func (a *app) lookAhead(ctx context.Context, t tree, settle time.Duration) reconciler.Source {
	if t.repository != nil {
		return nil
	}
	s := source.Dir(t.dir, source.Options{Settle: settle, Index: state.Beside(a.settings.State, indexSuffix)})
	source.LookAhead(ctx, s)
	return s
}

// recollection names those files.
func recollection(db *state.DB) reconciler.Recollection {
	return reconciler.Recollection{File: db.Beside(seenSuffix), Register: db.Beside(registerSuffix), Index: db.Beside(indexSuffix), Build: build()}
}

// build tells this program from any other that was compiled: by its file, because
// not every build has a version.
func build() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %d %d", version(), info.Size(), info.ModTime().UnixNano())
}
