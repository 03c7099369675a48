package source

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Proposal is one commit on a branch of its own, for people to review. It is not
// signed: who merges it answers for it.
type Proposal struct {
	Base      string            // the commit that the branch grows from, by any name that git has for it
	Branch    string            // short or refs/heads/…; it must not exist
	Files     map[string][]byte // path from the top of the repository, slash-separated -> new content; nil removes the file
	Author    Person
	Committer Person
	Message   string
	At        time.Time // of author and committer, to the second
}

// Person is whom a commit names.
type Person struct{ Name, Email string }

// Writer is whom git would name as the author of a commit made here by whoever
// runs this: by the environment, or by the repository's and their own
// configuration; by the system's name for them where neither says.
func Writer(ctx context.Context, repo string) (Person, error) {
	out, err := exec.CommandContext(ctx, "git", "-C", repo, "-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT").Output()
	if err == nil {
		who, err := parseIdentity(strings.TrimSpace(string(out)))
		return Person{who.Name, who.Email}, err
	}
	account, err := user.Current()
	if err != nil {
		return Person{}, fmt.Errorf("finding out whose commit it is: %w; git config user.name and user.email say so", err)
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return Person{cmp.Or(account.Name, account.Username), account.Username + "@" + host}, nil
}

// Errors of a proposal.
var (
	ErrBranchExists   = errors.New("the branch exists already")
	ErrNothingChanges = errors.New("every file is as proposed already")
)

// Propose makes a proposal's commit and branch in the repository at a path, bare
// or not, and returns the commit's id. Work trees and their indexes are left as
// they are, hooks do not run, and a file that was there keeps its mode. A branch
// that exists, or comes to exist meanwhile, is ErrBranchExists and stays what it
// is; content that the base has already is ErrNothingChanges.
func Propose(ctx context.Context, repo string, p Proposal) (commit string, err error) {
	r, err := OpenRepository(ctx, repo)
	if err != nil {
		return "", err
	}
	if commit, err = r.propose(ctx, &p); err != nil {
		return "", fmt.Errorf("making branch %s of %s: %w", p.Branch, repo, err)
	}
	return commit, nil
}

func (r *Repository) propose(ctx context.Context, p *Proposal) (string, error) {
	if err := p.check(); err != nil {
		return "", err
	}
	ref, err := r.newBranch(ctx, p.Branch)
	if err != nil {
		return "", err
	}
	base, tree, err := r.grownTree(ctx, p)
	if err != nil {
		return "", err
	}
	out, err := r.writing(ctx, p, strings.NewReader(strings.TrimRight(p.Message, "\n")+"\n"),
		"commit-tree", "--no-gpg-sign", "-p", base, tree).Output()
	if err != nil {
		return "", fmt.Errorf("making the commit: %w", gitError(err))
	}
	commit := strings.TrimSpace(string(out))
	unborn := strings.Repeat("0", len(commit))
	if _, err := r.writing(ctx, p, nil, "update-ref", "-m", "usher: proposed", ref, commit, unborn).Output(); err != nil {
		if r.hasRef(ctx, ref) {
			return "", ErrBranchExists
		}
		return "", gitError(err)
	}
	return commit, nil
}

// check refuses what git would quietly clean, or write into a header.
func (p *Proposal) check() error {
	for _, who := range []Person{p.Author, p.Committer} {
		for _, text := range []string{who.Name, who.Email} {
			if strings.TrimSpace(text) == "" {
				return fmt.Errorf("a commit needs the name and the e-mail address of its author and its committer, not %q <%s>", who.Name, who.Email)
			}
			if !utf8.ValidString(text) || strings.ContainsAny(text, "<>") || strings.ContainsFunc(text, unicode.IsControl) {
				return fmt.Errorf("%q cannot stand in the head of a commit", text)
			}
		}
	}
	if !utf8.ValidString(p.Message) || strings.ContainsRune(p.Message, 0) || strings.TrimSpace(p.Message) == "" {
		return fmt.Errorf("%q is not a message for a commit", p.Message)
	}
	return nil
}

// newBranch returns the ref of a branch that may be made: well named, not there,
// and not the one that a work tree waits for the first commit of.
func (r *Repository) newBranch(ctx context.Context, name string) (string, error) {
	short := strings.TrimPrefix(name, "refs/heads/")
	ref := "refs/heads/" + short
	if strings.HasPrefix(short, "-") || short == "HEAD" || r.at(ctx, "check-ref-format", ref).Run() != nil {
		return "", fmt.Errorf("%q is not a name for a branch (see git help check-ref-format)", name)
	}
	if r.hasRef(ctx, ref) {
		return "", ErrBranchExists
	}
	trees, err := r.at(ctx, "worktree", "list", "--porcelain", "-z").Output()
	if err != nil {
		return "", gitError(err)
	}
	if slices.Contains(strings.Split(string(trees), "\x00"), "branch "+ref) {
		return "", errors.New("a work tree is on that branch, without a commit yet; take another name")
	}
	return ref, nil
}

func (r *Repository) hasRef(ctx context.Context, ref string) bool {
	return r.at(ctx, "show-ref", "--verify", "--quiet", ref).Run() == nil
}

// writing is a git command that writes objects or refs in the name of a
// proposal's people, so that a power cut does not undo them.
func (r *Repository) writing(ctx context.Context, p *Proposal, in io.Reader, args ...string) *exec.Cmd {
	cmd := r.at(ctx, append([]string{"-c", "core.hooksPath=" + os.DevNull, "-c", "core.fsync=all", "-c", "i18n.commitEncoding=UTF-8"}, args...)...)
	when := fmt.Sprintf("@%d +0000", p.At.Unix())
	cmd.Env = append(cmd.Env,
		"GIT_AUTHOR_NAME="+p.Author.Name, "GIT_AUTHOR_EMAIL="+p.Author.Email, "GIT_AUTHOR_DATE="+when,
		"GIT_COMMITTER_NAME="+p.Committer.Name, "GIT_COMMITTER_EMAIL="+p.Committer.Email, "GIT_COMMITTER_DATE="+when)
	cmd.Stdin = in
	return cmd
}

// grownTree writes the files of a proposal, and returns the base's id and that of
// the base's tree with them.
func (r *Repository) grownTree(ctx context.Context, p *Proposal) (base, tree string, err error) {
	b, err := r.batch(ctx)
	if err != nil {
		return "", "", err
	}
	defer b.close()
	o, err := b.get(p.Base+"^{commit}", maxTreeObject)
	if errors.Is(err, errNoObject) {
		return "", "", fmt.Errorf("there is no commit %s to grow from", p.Base)
	}
	if err != nil {
		return "", "", err
	}
	commit, err := parseCommit(o)
	if err != nil {
		return "", "", err
	}
	blobs, err := r.writeBlobs(ctx, p)
	if err != nil {
		return "", "", fmt.Errorf("writing the files: %w", err)
	}
	w, err := r.treeWriter(ctx, p, b)
	if err != nil {
		return "", "", err
	}
	tree, err = w.grown(commit.Tree, "", blobs)
	if err = w.close(err); err != nil {
		return "", "", err
	}
	if tree == commit.Tree {
		return "", "", ErrNothingChanges
	}
	return o.id, tree, nil
}

// writeBlobs writes every file's content as an object, and returns the ids by
// path; "" for a file that goes.
func (r *Repository) writeBlobs(ctx context.Context, p *Proposal) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "usher-proposal-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	blobs := make(map[string]string, len(p.Files))
	var paths []string
	var list bytes.Buffer
	for path, content := range p.Files {
		if err := checkTreePath(path); err != nil {
			return nil, err
		}
		blobs[path] = ""
		if content == nil {
			continue
		}
		name := filepath.Join(dir, fmt.Sprint(len(paths)))
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return nil, err
		}
		paths = append(paths, path)
		fmt.Fprintln(&list, name)
	}
	if len(paths) == 0 {
		return blobs, nil
	}
	out, err := r.writing(ctx, p, strings.NewReader(list.String()), "hash-object", "-w", "--no-filters", "--stdin-paths").Output()
	if err != nil {
		return nil, gitError(err)
	}
	ids := strings.Fields(string(out))
	if len(ids) != len(paths) {
		return nil, fmt.Errorf("git wrote %d of %d files", len(ids), len(paths))
	}
	for i, path := range paths {
		blobs[path] = ids[i]
	}
	return blobs, nil
}

// checkTreePath refuses a path that is not one inside a tree, or is git's own.
func checkTreePath(path string) error {
	for name := range strings.SplitSeq(path, "/") {
		if name == "" || name == "." || name == ".." || strings.EqualFold(name, ".git") || strings.ContainsRune(name, 0) {
			return fmt.Errorf("%q is not the path of a file in a repository", path)
		}
	}
	return nil
}
