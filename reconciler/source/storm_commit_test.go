package source_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
	"usher/state"
)

// Two branches are checked out in turn, each time as a new commit that is pushed
// over the other with force, and what nothing reaches any more is pruned, while
// plans are made from commits: every plan is that of one branch or the other,
// whole. A reading that misses what was pruned under it is refused, and no plan at
// all. It is 6 flips of 400 files, or as many as USHER_TEST_CHECKOUTS says of 2,000.
// A reader that trusts names of files in the moving ref reads meanwhile, to show
// that there is something to survive.
func TestCommitStorm(t *testing.T) {
	flips, files := 6, 400
	if n, err := strconv.Atoi(os.Getenv("USHER_TEST_CHECKOUTS")); err == nil {
		flips, files = n, stormFiles
	}
	s := newCommitStorm(t, files)
	stop, stopped := make(chan struct{}), make(chan *planReader)
	readers := []*planReader{s.reader(s.work, "HEAD"), s.reader(s.bare, "refs/heads/main")}
	for _, r := range readers {
		go func() { r.run(stop); stopped <- r }()
	}
	careless := make(chan [2]int)
	go func() { careless <- s.carelessReader(stop) }()
	for i := range flips {
		s.flip(i)
	}
	close(stop)
	mixed := <-careless
	for range readers {
		r := <-stopped
		t.Logf("%s of %s, %d flips: %d plans of one branch and %d of the other, %d wrong; %d readings refused %v",
			r.ref, filepath.Base(r.repo), flips, r.plans["one"], r.plans["two"], len(r.wrong), r.refused, r.reasons)
		if len(r.wrong) > 0 || r.plans["one"] == 0 || r.plans["two"] == 0 {
			t.Errorf("wrong plans: %v; want none, and plans of both branches", r.wrong)
		}
	}
	t.Logf("a reader by name saw %d trees of which %d were mixed", mixed[1], mixed[0])
	if mixed[0] == 0 && flips >= 100 { // a few flips may miss its readings
		t.Error("even a reader by name saw only whole trees: this was no storm")
	}
}

// commitStorm is a repository with a work tree, a bare one that it pushes to, and
// a state to which branch one was applied.
type commitStorm struct {
	*testing.T
	work, bare string
	db         *state.DB
	ids        map[string]string // plan id -> branch
}

// newCommitStorm makes branches of so many files. A quarter of them is on one
// branch only, and another quarter differs.
func newCommitStorm(t *testing.T, files int) *commitStorm {
	s := &commitStorm{T: t, work: filepath.Join(t.TempDir(), "work"), bare: filepath.Join(t.TempDir(), "bare.git"), ids: map[string]string{}}
	command(t, ".", "git", "init", "-q", "-b", "main", s.work)
	command(t, s.work, "git", "commit", "-q", "--allow-empty", "-m", "nothing")
	for _, branch := range []string{"one", "two"} {
		command(t, s.work, "git", "checkout", "-q", "-b", branch, "main")
		put(t, filepath.Join(s.work, "firm.yaml"), manifest("Contract", "design", "contractManager: boss", "products: [{name: cad}]")+
			"---\napiVersion: usher/v1\nkind: Product\nmetadata: {name: cad}\n---\n"+
			manifest("User", "boss", "email: boss@acme.example", "firstName: The", "lastName: Boss"))
		for i := range files {
			name, first := fmt.Sprintf("u%d", i), "Same"
			switch i % 4 {
			case 0:
				name = fmt.Sprintf("only-%s-%d", branch, i)
			case 1:
				first = branch
			}
			put(t, filepath.Join(s.work, fmt.Sprintf("d%d/%s.yaml", i%20, name)),
				manifest("User", name, "email: "+name+"@acme.example", "firstName: "+first, "lastName: Lee", "access: [cad]"))
		}
		command(t, s.work, "git", "add", ".")
		command(t, s.work, "git", "commit", "-qm", branch)
	}
	command(t, s.work, "git", "checkout", "-q", "one")
	command(t, ".", "git", "init", "-q", "--bare", "-b", "main", s.bare)
	command(t, s.bare, "git", "config", "receive.autoGC", "false")
	s.push("one", "the beginning")
	s.apply()
	return s
}

// push pushes a new commit with the tree of a branch over what main is.
func (s *commitStorm) push(branch, message string) {
	command(s.T, s.work, "sh", "-c", `git push -q -f "$2" "$(git commit-tree "$0^{tree}" -m "$1"):refs/heads/main"`, branch, message, s.bare)
}

// flip checks the other branch out and pushes it over the one before; every third
// time both repositories forget what nothing reaches.
func (s *commitStorm) flip(i int) {
	branch := []string{"two", "one"}[i%2]
	command(s.T, s.work, "git", "checkout", "-q", branch)
	s.push(branch, fmt.Sprint("flip ", i))
	if i%3 == 2 {
		command(s.T, s.bare, "git", "gc", "-q", "--prune=now")
		command(s.T, s.work, "git", "gc", "-q", "--prune=now")
	}
}

func (s *commitStorm) controller(repo, ref string) *reconciler.Controller {
	r, err := source.OpenRepository(context.Background(), repo)
	must(s.T, err)
	return &reconciler.Controller{
		DB: s.db, Source: source.NewRef(r, ref, ""), Compose: silent{}, Now: time.Now, By: "tester", From: "usher@acme.example",
		Limits: reconciler.Limits{Mail: 10 * stormFiles},
	}
}

// apply applies branch one, and notes which plan leads to which branch.
func (s *commitStorm) apply() {
	ctx := context.Background()
	db, err := state.Open(ctx, "sqlite:"+filepath.Join(s.TempDir(), "usher.db"), state.Options{Command: "test"})
	must(s.T, err)
	s.Cleanup(func() { db.Close() })
	s.db = db
	owner, err := db.Own(ctx)
	must(s.T, err)
	defer owner.Close()
	_, err = s.controller(s.bare, "refs/heads/main").Apply(ctx, owner, "")
	must(s.T, err)
	for _, branch := range []string{"one", "two"} {
		plan, err := s.controller(s.work, "refs/heads/"+branch).Plan(ctx)
		must(s.T, err)
		s.ids[plan.ID] = branch
	}
	if len(s.ids) != 2 {
		s.Fatal("the branches make one and the same plan")
	}
}

// planReader plans from one ref, again and again.
type planReader struct {
	*commitStorm
	repo, ref string
	plans     map[string]int // by branch
	wrong     []string
	refused   int
	reasons   map[string]int
}

func (s *commitStorm) reader(repo, ref string) *planReader {
	return &planReader{commitStorm: s, repo: repo, ref: ref, plans: map[string]int{}, reasons: map[string]int{}}
}

// run plans until it is stopped: in turn with what an earlier reading left, as a
// daemon does, and with nothing known, as a command does.
func (r *planReader) run(stop <-chan struct{}) {
	kept := r.controller(r.repo, r.ref)
	for i := 0; ; i++ {
		select {
		case <-stop:
			return
		case <-time.After(100 * time.Millisecond): // the storm needs room as well
		}
		c := kept
		if i%2 == 1 {
			c = r.controller(r.repo, r.ref)
		}
		plan, err := c.Plan(context.Background())
		var invalid spec.Errors
		switch {
		case errors.As(err, &invalid):
			r.wrong = append(r.wrong, invalid.Error())
		case err != nil:
			r.refused++
			r.reasons[reason(err)]++
		case r.ids[plan.ID] == "":
			r.wrong = append(r.wrong, fmt.Sprintf("%s of commit %s: %+v", plan.ID, plan.Revision.Commit, plan.Summary))
		default:
			r.plans[r.ids[plan.ID]]++
		}
	}
}

// reason is an error without the ids in it.
func reason(err error) string {
	words := strings.Fields(err.Error())
	for i, word := range words {
		if len(word) >= 40 {
			words[i] = "…"
		}
	}
	return strings.Join(words, " ")
}

// silent composes nothing anybody reads.
type silent struct{}

func (silent) Subject(*reconciler.Notice) (string, error) { return "news", nil }
func (silent) Compose(*reconciler.Notice, reconciler.Stamp) ([]byte, error) {
	return []byte("news"), nil
}
func (silent) Pattern(reconciler.NoticeKind) *state.Pattern { return nil }

// carelessReader asks for each file by its name in the ref, whatever that is at
// the moment, and counts the trees that were not of one branch, and all.
func (s *commitStorm) carelessReader(stop <-chan struct{}) (counts [2]int) {
	for {
		select {
		case <-stop:
			return counts
		case <-time.After(100 * time.Millisecond):
		}
		list := exec.Command("git", "ls-tree", "-r", "--name-only", "refs/heads/main")
		list.Dir = s.bare
		names, err := list.Output()
		if err != nil {
			continue
		}
		read := exec.Command("git", "cat-file", "--batch")
		read.Dir = s.bare
		read.Stdin = strings.NewReader("refs/heads/main:" + strings.ReplaceAll(strings.TrimSpace(string(names)), "\n", "\nrefs/heads/main:") + "\n")
		text, _ := read.Output()
		counts[1]++
		one, two := bytes.Contains(text, []byte("firstName: one")), bytes.Contains(text, []byte("firstName: two"))
		if one == two || bytes.Contains(text, []byte(" missing\n")) {
			counts[0]++
		}
	}
}
