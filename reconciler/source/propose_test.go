package source_test

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler/source"
)

func proposal(files map[string][]byte) source.Proposal {
	return source.Proposal{
		Base: "main", Branch: "access/ada", Files: files, Message: "Ada gets AutoCAD\n\nReason: CAD-7",
		Author: source.Person{Name: "三浦 Grace", Email: "grace@acme.example"}, Committer: source.Person{Name: "usher", Email: "usher@acme.example"},
		At: time.Date(2026, 11, 22, 12, 30, 0, 0, time.FixedZone("", 3600)),
	}
}

func (c *clone) propose(p source.Proposal) (string, error) {
	return source.Propose(context.Background(), c.dir, p)
}

// tree lists a commit's files as "mode path: content".
func (c *clone) tree(commit string) map[string]string {
	c.Helper()
	files := map[string]string{}
	for line := range strings.Lines(c.git("ls-tree", "-r", commit)) {
		head, path, _ := strings.Cut(strings.TrimSpace(line), "\t")
		files[path] = strings.Fields(head)[0] + " " + c.git("cat-file", "blob", commit+":"+path)
	}
	return files
}

// office is a repository with files of several modes and depths.
func office(t *testing.T, options ...string) *clone {
	c := newClone(t, options...)
	c.write("people/a.yaml", "a")
	c.write("people/b.yaml", "b")
	c.write("people/far/c.yaml", "c")
	c.write("people.yaml", "beside the folder in a tree's order")
	c.write("run.yaml", "#!x")
	c.write("old/only.yaml", "gone with its folder")
	if err := os.Chmod(filepath.Join(c.dir, "run.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run.yaml", filepath.Join(c.dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	c.commit("all")
	return c
}

// A proposal is one commit on one new branch, in repositories of either format,
// bare or not; nothing else of the repository is touched, and git finds no fault.
func TestProposalIsOneCommitOnANewBranch(t *testing.T) {
	for _, format := range []string{"sha1", "sha256"} {
		for _, bare := range []bool{false, true} {
			name := format
			if bare {
				name += " bare"
			}
			t.Run(name, func(t *testing.T) {
				c := office(t, "--object-format="+format)
				if bare {
					work := c
					c = &clone{t, t.TempDir()}
					c.git("clone", "-q", "--bare", work.dir, ".")
				} else {
					c.write("people/a.yaml", "somebody is at work here")
					c.write("staged.yaml", "and has staged this")
					c.git("add", "staged.yaml")
				}
				base := c.git("rev-parse", "main")
				before := surroundings(c)
				want := c.tree("main")
				id, err := c.propose(proposal(map[string][]byte{
					"people/a.yaml":       []byte("A\r\n"),
					"people/b.yaml":       nil,
					"run.yaml":            []byte("#!y"),
					"old/only.yaml":       nil,
					"new/and/deep/d.yaml": []byte("d"),
				}))
				if err != nil {
					t.Fatal(err)
				}
				want["people/a.yaml"], want["run.yaml"], want["new/and/deep/d.yaml"] = "100644 A", "100755 #!y", "100644 d"
				delete(want, "people/b.yaml")
				delete(want, "old/only.yaml")
				if diff := cmp.Diff(want, c.tree("access/ada")); diff != "" {
					t.Errorf("files (-want +got):\n%s", diff)
				}
				if left := c.git("ls-tree", "access/ada", "old"); left != "" {
					t.Errorf("a folder without files is left: %s", left)
				}
				got := c.git("show", "-s", "--format=%H|%P|%an <%ae> %aI|%cn <%ce> %cI|%B", "access/ada")
				head := id + "|" + base + "|三浦 Grace <grace@acme.example> 2026-11-22T11:30:00+00:00|usher <usher@acme.example> 2026-11-22T11:30:00+00:00|Ada gets AutoCAD\n\nReason: CAD-7"
				if got != head {
					t.Errorf("the commit is\n%s\nwant\n%s", got, head)
				}
				if size := c.git("cat-file", "-s", "access/ada:people/a.yaml"); size != "3" {
					t.Errorf("A\\r\\n has %s bytes in the commit, want 3", size)
				}
				if diff := cmp.Diff(before, surroundings(c)); diff != "" {
					t.Errorf("besides the branch, something changed (-before +after):\n%s", diff)
				}
				if said := c.git("fsck", "--strict", "--no-dangling"); said != "" {
					t.Errorf("git fsck: %s", said)
				}
			})
		}
	}
}

// surroundings is all that a proposal may not touch.
func surroundings(c *clone) map[string]string {
	all := map[string]string{"main": c.git("rev-parse", "main"), "HEAD": c.git("symbolic-ref", "HEAD")}
	if c.git("rev-parse", "--is-bare-repository") == "false" {
		index, _ := os.ReadFile(filepath.Join(c.dir, ".git", "index"))
		work, _ := os.ReadFile(filepath.Join(c.dir, "people", "a.yaml"))
		all["index"], all["work"] = string(index), string(work)
		all["status"] = c.git("--no-optional-locks", "status", "--porcelain")
	}
	return all
}

// What a repository is configured to do at commits, it does not do for ours, and
// no hook runs.
func TestProposalHeedsNoConfiguration(t *testing.T) {
	c := office(t)
	ran := filepath.Join(t.TempDir(), "ran")
	for _, hook := range []string{"reference-transaction", "pre-commit", "post-commit", "post-index-change", "commit-msg"} {
		c.write(".git/hooks/"+hook, "#!/bin/sh\necho "+hook+" >>"+ran+"\nexit 1\n")
		if err := os.Chmod(filepath.Join(c.dir, ".git/hooks", hook), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	c.git("config", "commit.gpgSign", "true")
	c.git("config", "core.autocrlf", "true")
	c.git("config", "i18n.commitEncoding", "latin1")
	c.write(".git/info/attributes", "*.yaml text eol=lf filter=nonsense\n")
	t.Setenv("GIT_AUTHOR_NAME", "mallory")
	t.Setenv("GIT_INDEX_FILE", filepath.Join(c.dir, ".git", "index"))
	id, err := c.propose(proposal(map[string][]byte{"people/a.yaml": []byte("one\r\n")}))
	if err != nil {
		t.Fatal(err)
	}
	text := c.git("cat-file", "commit", id)
	if !strings.Contains(text, "author 三浦 Grace <") || strings.Contains(text, "encoding") || strings.Contains(text, "gpgsig") {
		t.Errorf("the commit is\n%s", text)
	}
	if size := c.git("cat-file", "-s", id+":people/a.yaml"); size != "5" {
		t.Errorf("the file has %s bytes, want 5", size)
	}
	if said, err := os.ReadFile(ran); err == nil {
		t.Errorf("hooks ran: %s", said)
	}
}

func TestRefusedProposals(t *testing.T) {
	file := map[string][]byte{"people/a.yaml": []byte("A")}
	with := func(change func(p *source.Proposal)) source.Proposal {
		p := proposal(maps.Clone(file))
		change(&p)
		return p
	}
	files := func(path string, content []byte) source.Proposal {
		return with(func(p *source.Proposal) { p.Files[path] = content })
	}
	branch := func(name string) source.Proposal { return with(func(p *source.Proposal) { p.Branch = name }) }
	for name, tt := range map[string]struct {
		proposal source.Proposal
		want     string
	}{
		"nothing changes":        {proposal(map[string][]byte{"people/a.yaml": []byte("a")}), source.ErrNothingChanges.Error()},
		"no files":               {proposal(nil), source.ErrNothingChanges.Error()},
		"branch exists":          {branch("main"), source.ErrBranchExists.Error()},
		"full name exists":       {branch("refs/heads/main"), source.ErrBranchExists.Error()},
		"branch below a branch":  {branch("main/x"), "'refs/heads/main' exists"},
		"branch of a work tree":  {branch("waiting"), "a work tree is on that branch"},
		"branch like an option":  {branch("-d"), "not a name for a branch"},
		"branch HEAD":            {branch("HEAD"), "not a name for a branch"},
		"branch with a blank":    {branch("a b"), "not a name for a branch"},
		"branch with NUL":        {branch("a\x00b"), "not a name for a branch"},
		"branch without a name":  {branch(""), "not a name for a branch"},
		"branch of two lines":    {branch("a\nb"), "not a name for a branch"},
		"no such base":           {with(func(p *source.Proposal) { p.Base = "nowhere" }), "there is no commit nowhere to grow from"},
		"base like an option":    {with(func(p *source.Proposal) { p.Base = "--all" }), "there is no commit --all to grow from"},
		"base of two lines":      {with(func(p *source.Proposal) { p.Base = "main\nmain" }), "not the name of an object"},
		"name with a header":     {with(func(p *source.Proposal) { p.Author.Name = "x <y> 0 +0000\nparent 1" }), "cannot stand in the head of a commit"},
		"address with an angle":  {with(func(p *source.Proposal) { p.Committer.Email = "a>b" }), "cannot stand in the head of a commit"},
		"name with NUL":          {with(func(p *source.Proposal) { p.Author.Name = "x\x00" }), "cannot stand in the head of a commit"},
		"no name":                {with(func(p *source.Proposal) { p.Author.Name = " " }), "needs the name and the e-mail address"},
		"no message":             {with(func(p *source.Proposal) { p.Message = "\n" }), "is not a message"},
		"message with NUL":       {with(func(p *source.Proposal) { p.Message = "a\x00b" }), "is not a message"},
		"path above":             {files("../x.yaml", []byte("x")), "not the path of a file"},
		"path from the root":     {files("/x.yaml", []byte("x")), "not the path of a file"},
		"git's own":              {files("a/.GIT/config", []byte("x")), "not the path of a file"},
		"no path":                {files("", []byte("x")), "not the path of a file"},
		"a folder as a file":     {files("people", []byte("x")), "people: there is a folder"},
		"a file as a folder":     {files("run.yaml/x.yaml", []byte("x")), "run.yaml is not a folder"},
		"a link":                 {files("link.yaml", []byte("x")), "link.yaml: there is a folder, a link"},
		"to remove what is not":  {files("people/far/z.yaml", nil), "people/far/z.yaml: there is no such file to remove"},
		"to remove out of there": {files("nowhere/z.yaml", nil), "nowhere/z.yaml: there is no such file to remove"},
	} {
		t.Run(name, func(t *testing.T) {
			c := office(t)
			c.git("worktree", "add", "-q", "--detach", filepath.Join(t.TempDir(), "w"))
			c.git("symbolic-ref", "HEAD", "refs/heads/waiting")
			before := c.git("for-each-ref")
			if id, err := c.propose(tt.proposal); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("commit %q, error %v, want %q", id, err, tt.want)
			}
			if after := c.git("for-each-ref"); after != before {
				t.Errorf("refs were\n%s\nand are\n%s", before, after)
			}
		})
	}
}

// Of two that propose the same branch at once, one is told that it exists, and
// the branch is the other's.
func TestProposalsOfOneBranchAtOnce(t *testing.T) {
	c := office(t)
	type made struct {
		id  string
		err error
	}
	results := make(chan made)
	const rivals = 6
	for i := range rivals {
		go func() {
			id, err := c.propose(proposal(map[string][]byte{"people/a.yaml": []byte(strings.Repeat("x", i+1))}))
			results <- made{id, err}
		}()
	}
	var winner string
	lost := 0
	for range rivals {
		switch m := <-results; {
		case m.err == nil && winner == "":
			winner = m.id
		case errors.Is(m.err, source.ErrBranchExists):
			lost++
		default:
			t.Errorf("commit %q, error %v", m.id, m.err)
		}
	}
	if at := c.git("rev-parse", "access/ada"); winner != at || lost != rivals-1 {
		t.Errorf("the winner's commit is %s and the branch at %s; %d of %d were told that it exists", winner, at, lost, rivals-1)
	}
}
