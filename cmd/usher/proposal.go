package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"usher/cmd/usher/portal"
)

// proposalFlags say what becomes of what stewards propose in the portal.
type proposalFlags struct{ pullRequest string }

func (f *proposalFlags) flags(c *cobra.Command) {
	c.Flags().StringVar(&f.pullRequest, "pull-request-url", "", "`address` where the forge opens a pull request, with {branch} for the branch that somebody proposed in the portal")
}

// tree is where the portal proposes to.
func (f *proposalFlags) tree(t tree, signed bool) *portal.Tree {
	if t.repository == nil {
		return &portal.Tree{Dir: t.dir}
	}
	return &portal.Tree{Repository: t.repo, Ref: t.ref, Path: t.path, Signed: signed, PullRequest: f.pullRequest}
}

// check refuses an address that leads nowhere.
func (f *proposalFlags) check(t tree) error {
	const hint = "https://forge.example/acme/people/compare/{branch} is one"
	if f.pullRequest == "" {
		return nil
	}
	where, err := url.Parse(strings.ReplaceAll(f.pullRequest, "{branch}", "x"))
	switch {
	case t.repository == nil:
		return usage("--ref refs/heads/main reads commits", "--pull-request-url is for branches, and needs --ref")
	case err != nil || where.Scheme != "https" && where.Scheme != "http" || where.Host == "":
		return usage(hint, "--pull-request-url wants an address of the web, and %q is none", f.pullRequest)
	case !strings.Contains(f.pullRequest, "{branch}"):
		return usage(hint, "--pull-request-url does not say where the branch stands: {branch} is missing")
	}
	return nil
}
