package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// forge answers what a workflow asks of a forge's API about the comments of one
// pull request: those of GitHub under /repos, those of GitLab under /projects.
type forge struct {
	*testing.T
	comments []comment
	asked    []string // method and path, but for GET
	tokens   map[string]bool
}

type comment struct {
	ID     int               `json:"id"`
	Body   string            `json:"body"`
	User   map[string]string `json:"user"`
	Author map[string]int    `json:"author"`
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.tokens[r.Header.Get("Authorization")+r.Header.Get("PRIVATE-TOKEN")] = true
	if r.Method != http.MethodGet {
		f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	}
	switch {
	case r.URL.Path == "/user":
		fmt.Fprint(w, `{"id": 7}`)
	case r.Method == http.MethodGet:
		json.NewEncoder(w).Encode(f.comments)
	default:
		f.write(r)
		fmt.Fprint(w, "{}")
	}
}

// write adds or replaces a comment.
func (f *forge) write(r *http.Request) {
	var sent struct{ Body string }
	if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
		f.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	for i := range f.comments {
		if strings.HasSuffix(r.URL.Path, fmt.Sprintf("/%d", f.comments[i].ID)) {
			f.comments[i].Body = sent.Body
			return
		}
	}
	f.comments = append(f.comments, comment{
		ID: 100 + len(f.comments), Body: sent.Body, User: map[string]string{"login": "github-actions[bot]"}, Author: map[string]int{"id": 7},
	})
}

// pullRequest is a bare repository with a branch, a clone as a forge checks it out,
// and a forge's API with a comment by somebody who pretends to be usher.
type pullRequest struct {
	*forge
	origin, clone, temp string
	env                 []string
}

func newPullRequest(t *testing.T) *pullRequest {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "git", "jq", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s, which the steps of the example use, is not installed", tool)
		}
	}
	p := &pullRequest{forge: &forge{T: t, tokens: map[string]bool{}}, origin: filepath.Join(t.TempDir(), "origin.git"), temp: t.TempDir()}
	p.comments = []comment{{ID: 1, Body: "<!-- usher plan -->\nforged", User: map[string]string{"login": "mallory"}, Author: map[string]int{"id": 8}}}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.clone = filepath.Join(p.temp, "work")
	p.env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1",
		"GIT_AUTHOR_NAME=Maya", "GIT_AUTHOR_EMAIL=maya@studio.example", "GIT_COMMITTER_NAME=Maya", "GIT_COMMITTER_EMAIL=maya@studio.example",
		"API="+server.URL, "TEMP="+p.temp, "WORK="+p.clone, "ORIGIN="+p.origin)
	p.build()
	p.sh(".", `git init -q --bare -b main "$ORIGIN" && git clone -q "$ORIGIN" "$WORK" 2>&1 && mkdir "$WORK/access"`)
	tree, err := os.ReadFile("../../examples/minimal/studio.yaml")
	if err != nil {
		t.Fatal(err)
	}
	p.write("access/studio.yaml", string(tree))
	p.sh(p.clone, `git add -A && git commit -q -m studio && git push -q origin HEAD:main && git checkout -q -b change`)
	return p
}

// build puts usher where the example fetches it from.
func (p *pullRequest) build() {
	p.Helper()
	self, err := os.Executable()
	if err != nil {
		p.Fatal(err)
	}
	data, err := os.ReadFile(self)
	if err != nil {
		p.Fatal(err)
	}
	built := filepath.Join(p.TempDir(), "usher") // under this name the test is usher: see TestMain
	if err := os.WriteFile(built, data, 0o755); err != nil {
		p.Fatal(err)
	}
	p.env = append(p.env, "USHER_BUILD=file://"+built, fmt.Sprintf("USHER_BUILD_SHA256=%x", sha256.Sum256(data)), "PATH="+filepath.Dir(built)+":"+os.Getenv("PATH"))
}

func (p *pullRequest) write(path, text string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.clone, path), []byte(text), 0o644); err != nil {
		p.Fatal(err)
	}
}

// try runs a script as forges do: bash, which stops at the first error.
func (p *pullRequest) try(dir, script string, env ...string) (string, error) {
	cmd := exec.Command("bash", "-eo", "pipefail", "-c", script)
	cmd.Dir, cmd.Env = dir, append(slices.Clone(p.env), env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (p *pullRequest) sh(dir, script string, env ...string) string {
	p.Helper()
	out, err := p.try(dir, script, env...)
	if err != nil {
		p.Fatalf("%s: %v\n%s", script, err, out)
	}
	return out
}

// push commits a change and pushes the branch.
func (p *pullRequest) push(text string) {
	p.Helper()
	p.write("access/noor.yaml", text)
	p.sh(p.clone, `git add -A && git commit -q -m noor && git push -q origin HEAD:change`)
}

const noor = `apiVersion: usher/v1
kind: User
metadata: {name: noor}
spec: {email: noor@studio.example, firstName: Noor, lastName: van Dijk}
`

// newest is the body of the comment that usher wrote, of which there is one.
func (p *pullRequest) newest() string {
	p.Helper()
	if len(p.comments) != 2 || p.comments[0].Body != "<!-- usher plan -->\nforged" {
		p.Fatalf("comments: %+v, want the other person's as it was, and ours", p.comments)
	}
	return p.comments[1].Body
}

// workflow is what of a workflow of GitHub is looked at.
type workflow struct {
	On          map[string]any
	Permissions map[string]string
	Jobs        map[string]struct {
		Permissions map[string]string
		Env         map[string]string
		Steps       []struct {
			Name, Uses, Run string
			With            map[string]string
			Env             map[string]string
		}
	}
}

func githubWorkflow(t *testing.T) (w workflow) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, "github-actions/usher.yml")), &w); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestGitHubWorkflowIsSafe: what a pull request brings is never read with more than
// the right to read, and nothing of it becomes part of a script.
func TestGitHubWorkflowIsSafe(t *testing.T) {
	w := githubWorkflow(t)
	if _, ok := w.On["pull_request"]; !ok || len(w.On) != 1 || w.Permissions == nil || len(w.Permissions) > 0 {
		t.Errorf("runs on %v with %v, want pull_request alone and no permissions", w.On, w.Permissions)
	}
	want := map[string]string{"plan": "map[contents:read]", "comment": "map[pull-requests:write]"}
	pinned := regexp.MustCompile(`^actions/[a-z-]+@[0-9a-f]{40}$`)
	for name, job := range w.Jobs {
		if got := fmt.Sprint(job.Permissions); got != want[name] {
			t.Errorf("job %s may %s, want %s", name, got, want[name])
		}
		for _, step := range job.Steps {
			if step.Uses != "" && !pinned.MatchString(step.Uses) {
				t.Errorf("job %s: %s is not pinned to a commit", name, step.Uses)
			}
			if strings.Contains(step.Run, "${{") {
				t.Errorf("job %s: the script of %q has an expression in it", name, step.Name)
			}
			if checkout := strings.HasPrefix(step.Uses, "actions/checkout@"); checkout && (name != "plan" || step.With["persist-credentials"] != "false") {
				t.Errorf("job %s checks out with credentials at hand", name)
			}
		}
	}
}

// runGitHub runs the scripts of the workflow on the clone as the forge would check
// it out: the merge of both branches.
func (p *pullRequest) runGitHub() (string, error) {
	p.Helper()
	p.sh(p.clone, `git checkout -q -B merge origin/main && git merge -q --no-ff -m merge origin/change && git checkout -q --detach`)
	w := githubWorkflow(p.T)
	summary := filepath.Join(p.temp, "summary.md")
	env := []string{
		"RUNNER_TEMP=" + p.temp, "GITHUB_WORKSPACE=" + p.clone, "GITHUB_STEP_SUMMARY=" + summary, "USHER_PATH=access",
		"GITHUB_API_URL=" + p.get("API"), "GITHUB_REPOSITORY=acme/access", "GITHUB_TOKEN=secret", "NUMBER=12",
		"URL=" + p.get("USHER_BUILD"), "SHA256=" + p.get("USHER_BUILD_SHA256"),
	}
	var out strings.Builder
	var failed error
	for _, job := range []string{"plan", "comment"} {
		for _, step := range w.Jobs[job].Steps {
			if step.Run == "" {
				continue
			}
			said, err := p.try(p.clone, step.Run, env...)
			out.WriteString(said)
			if err != nil {
				failed = fmt.Errorf("%s: %w", step.Name, err)
			}
		}
	}
	return out.String(), failed
}

// get is a variable of the environment.
func (p *pullRequest) get(name string) string {
	for _, v := range slices.Backward(p.env) {
		if value, ok := strings.CutPrefix(v, name+"="); ok {
			return value
		}
	}
	return ""
}

func TestGitHubWorkflowComments(t *testing.T) {
	p := newPullRequest(t)
	p.push(noor)
	out, err := p.runGitHub()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	first := p.newest()
	for _, want := range []string{"### usher: 1 person comes; 1 message; held\n", "| + | Noor van Dijk `noor` | an account |", "noor: not signed"} {
		if !strings.Contains(first, want) {
			t.Errorf("the comment lacks %q:\n%s", want, first)
		}
	}
	if !strings.Contains(out, "::notice file=access/noor.yaml,line=1,title=usher::add user noor\n") {
		t.Errorf("no annotation beside the line:\n%s", out)
	}

	// The next push replaces the comment, also where the manifests are not valid.
	p.sh(p.clone, "git checkout -q change")
	p.push(strings.Replace(noor, "firstName", "frstName", 1))
	out, err = p.runGitHub()
	if err == nil || !strings.HasPrefix(err.Error(), "Plan: ") || !strings.Contains(out, "::error file=access/noor.yaml,line=4,") {
		t.Errorf("manifests that are not valid: %v\n%s", err, out)
	}
	second := p.newest()
	if !strings.Contains(second, "### usher: there is no plan") || !strings.Contains(second, `    noor.yaml:4:36: User noor: unknown field "frstName"`) {
		t.Errorf("the comment does not say what is wrong:\n%s", second)
	}
	if want := []string{"POST /repos/acme/access/issues/12/comments", "PATCH /repos/acme/access/issues/comments/101"}; !slices.Equal(p.asked, want) {
		t.Errorf("asked for %q, want %q", p.asked, want)
	}
	if len(p.tokens) != 1 || !p.tokens["Bearer secret"] {
		t.Errorf("tokens %v", p.tokens)
	}
}

// pipeline is what of a pipeline of GitLab is looked at.
type pipeline struct {
	BeforeScript []string `yaml:"before_script"`
	Script       []string
	Extends      string
	Image        string
	Variables    map[string]string
}

func TestGitLabPipelineComments(t *testing.T) {
	var jobs map[string]pipeline
	if err := yaml.Unmarshal([]byte(read(t, "gitlab-ci/usher.gitlab-ci.yml")), &jobs); err != nil {
		t.Fatal(err)
	}
	if jobs["usher-note"].Variables["GIT_STRATEGY"] != "none" || jobs["usher-plan"].Variables["GIT_DEPTH"] != "0" || strings.HasSuffix(jobs[".usher"].Image, "latest") {
		t.Errorf("the jobs are not what their comments say: %+v", jobs)
	}
	p := newPullRequest(t)
	p.push(noor)
	run := func() (string, error) {
		p.sh(p.clone, "git checkout -q --detach origin/change")
		var all strings.Builder
		var failed error
		for _, job := range []string{"usher-plan", "usher-note"} {
			out, err := p.try(p.clone, strings.Join(jobs[job].Script, "\n"),
				"CI_MERGE_REQUEST_TARGET_BRANCH_NAME=main", "USHER_PATH=access", "USHER_NOTE_TOKEN=secret",
				"CI_API_V4_URL="+p.get("API"), "CI_PROJECT_ID=3", "CI_MERGE_REQUEST_IID=12")
			all.WriteString(out)
			if err != nil {
				failed = fmt.Errorf("%s: %w", job, err)
			}
		}
		return all.String(), failed
	}
	if out, err := run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if first := p.newest(); !strings.Contains(first, "### usher: 1 person comes; 1 message; held\n") {
		t.Errorf("the note is\n%s", first)
	}
	p.sh(p.clone, "git checkout -q change")
	p.push(strings.Replace(noor, "firstName", "frstName", 1))
	if out, err := run(); err == nil || !strings.Contains(out, "noor.yaml:4:36:") {
		t.Errorf("manifests that are not valid: %v\n%s", err, out)
	}
	if second := p.newest(); !strings.Contains(second, `unknown field "frstName"`) {
		t.Errorf("the note is\n%s", second)
	}
	if want := []string{"POST /projects/3/merge_requests/12/notes", "PUT /projects/3/merge_requests/12/notes/101"}; !slices.Equal(p.asked, want) {
		t.Errorf("asked for %q, want %q", p.asked, want)
	}
}

// hook is one hook of pre-commit.
type hook struct {
	ID, Entry, Files, Language string
	Args                       []string
	PassFilenames              *bool `yaml:"pass_filenames"`
}

// preCommitHooks are those of the example and those that this repository offers.
func preCommitHooks(t *testing.T) []hook {
	t.Helper()
	var config struct{ Repos []struct{ Hooks []hook } }
	if err := yaml.Unmarshal([]byte(read(t, "pre-commit/.pre-commit-config.yaml")), &config); err != nil {
		t.Fatal(err)
	}
	var offered []hook
	if err := yaml.Unmarshal([]byte(read(t, "../.pre-commit-hooks.yaml")), &offered); err != nil {
		t.Fatal(err)
	}
	return append(config.Repos[0].Hooks, offered...)
}

// TestCommitsAreRefused: git asks the hook, the script of the example or what
// pre-commit would run, and does not commit manifests that are not valid.
func TestCommitsAreRefused(t *testing.T) {
	scripts := map[string]string{"the script": read(t, "pre-commit/pre-commit")}
	for _, h := range preCommitHooks(t) {
		if h.PassFilenames == nil || *h.PassFilenames || !regexp.MustCompile(h.Files).MatchString("access/noor.yaml") {
			t.Errorf("hook %s (%s) is asked for single files, or not at all: %+v", h.ID, h.Language, h)
		}
		scripts["pre-commit, language "+h.Language] = "#!/bin/sh\nexec " + h.Entry + " " + strings.Join(h.Args, " ") + "\n"
	}
	for name, script := range scripts {
		t.Run(name, func(t *testing.T) {
			p := newPullRequest(t)
			p.write(".git/hooks/pre-commit", script)
			p.sh(p.clone, "chmod +x .git/hooks/pre-commit && git config usher.path access")
			p.write("access/noor.yaml", noor)
			p.sh(p.clone, "git add -A && git commit -q -m noor")
			p.write("access/noor.yaml", strings.Replace(noor, "firstName", "frstName", 1))
			out, err := p.try(p.clone, "git add -A && git commit -q -m slip")
			if err == nil || !strings.Contains(out, `noor.yaml:4:36: User noor: unknown field "frstName"`) {
				t.Errorf("a commit with a slip: %v\n%s", err, out)
			}
		})
	}
}

// TestStagedManifestsCount: the script looks at what is about to be committed, and
// leaves nothing behind.
func TestStagedManifestsCount(t *testing.T) {
	p := newPullRequest(t)
	p.write(".git/hooks/pre-commit", read(t, "pre-commit/pre-commit"))
	p.sh(p.clone, "chmod +x .git/hooks/pre-commit && mkdir "+filepath.Join(p.temp, "scratch"))
	p.write("access/noor.yaml", noor)
	p.sh(p.clone, "git add -A")
	p.write("access/noor.yaml", "not staged: {")
	var left bytes.Buffer
	io.WriteString(&left, p.sh(p.clone, "git commit -q -m noor && git status --short", "TMPDIR="+filepath.Join(p.temp, "scratch")))
	if got := left.String(); got != " M access/noor.yaml\n" && !strings.HasSuffix(got, "\n M access/noor.yaml\n") {
		t.Errorf("after the commit: %q", got)
	}
	if entries, err := os.ReadDir(filepath.Join(p.temp, "scratch")); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
