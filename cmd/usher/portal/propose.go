package portal

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
