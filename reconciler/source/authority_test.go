package source_test

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/reconciler/source"
)

// The matrix of actor, change and shape is tried on steps alone, with the package
// reconciler; here a part of it is, on what git makes of each shape.
func TestAuthorityOfRealCommits(t *testing.T) {
	seats := func(s *studio) { s.edit("design.yaml", "seats: 10", "seats: 20") }
	names := func(s *studio) { s.edit("bo.yaml", "lastName: Lee", "lastName: Ek") }
	email := func(s *studio) { s.edit("ada.yaml", "ada@acme", "grace.too@acme") }
	start := func(s *studio) string { return s.signed("", "start") }
	seatsRefused := "change contract design: contract manager of design"
	for _, c := range []struct {
		name  string
		build func(s *studio) (applied string)
		want  []string
	}{
		{"commits of who may", func(s *studio) string {
			applied := start(s)
			seats(s)
			s.signed("ada", "seats")
			names(s)
			s.signed("grace", "names")
			return applied
		}, nil},
		{"a commit of who may not", func(s *studio) string {
			applied := start(s)
			seats(s)
			s.signed("grace", "seats")
			return applied
		}, []string{"seats: " + seatsRefused}},
		{"whoever is named as the author", func(s *studio) string {
			applied := start(s)
			email(s)
			s.signed("grace", "address", "--author=Ada <ada@acme.example>")
			return applied
		}, []string{"address: change user ada: contract manager of design"}},
		{"unsigned", func(s *studio) string {
			applied := start(s)
			names(s)
			s.signed("", "names")
			return applied
		}, []string{"names: change user bo: software coordinator of design"}},
		{"merge", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			seats(s)
			s.signed("grace", "seats")
			s.git("checkout", "-q", "main")
			names(s)
			s.signed("grace", "names")
			s.run("ada", "merge", "-q", "--no-ff", "-m", "merge", "side")
			return applied
		}, []string{"seats: " + seatsRefused}},
		{"merge that authorises", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			seats(s)
			id := s.signed("grace", "seats")
			s.git("checkout", "-q", "main")
			s.run("ada", "merge", "-q", "--no-ff", "-m", "merge\n\nUsher-Authorises: "+id, "side")
			return applied
		}, nil},
		{"merge that changes more", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			names(s)
			s.signed("grace", "names")
			s.git("checkout", "-q", "main")
			s.run("grace", "merge", "-q", "--no-ff", "--no-commit", "side")
			seats(s)
			s.signed("grace", "merge")
			return applied
		}, []string{"merge: " + seatsRefused}},
		{"squash", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			seats(s)
			s.signed("grace", "seats")
			s.git("checkout", "-q", "main")
			s.git("merge", "-q", "--squash", "side")
			s.signed("ada", "squashed")
			return applied
		}, nil},
		{"rebase keeps no signature", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			seats(s)
			s.signed("ada", "seats")
			s.git("checkout", "-q", "main")
			names(s)
			s.signed("grace", "names")
			s.git("checkout", "-q", "side")
			s.run("", "rebase", "-q", "main")
			s.git("checkout", "-q", "main")
			s.git("merge", "-q", "--ff-only", "side")
			return applied
		}, []string{"seats: " + seatsRefused}},
		{"rebase by who may", func(s *studio) string {
			applied := start(s)
			s.git("checkout", "-q", "-b", "side")
			seats(s)
			s.signed("grace", "seats")
			s.git("checkout", "-q", "main")
			names(s)
			s.signed("grace", "names")
			s.git("checkout", "-q", "side")
			s.run("ada", "rebase", "-q", "main")
			s.git("checkout", "-q", "main")
			s.git("merge", "-q", "--ff-only", "side")
			return applied
		}, nil},
		{"force push that leaves out what is applied", func(s *studio) string {
			before := start(s)
			seats(s)
			applied := s.signed("ada", "seats")
			s.git("reset", "-q", "--hard", before)
			names(s)
			s.signed("grace", "names")
			return applied
		}, []string{"names: " + seatsRefused}},
		{"force push by who may", func(s *studio) string {
			before := start(s)
			seats(s)
			applied := s.signed("ada", "seats")
			s.git("reset", "-q", "--hard", before)
			names(s)
			s.signed("ada", "names")
			return applied
		}, nil},
		{"revert of a bad commit", func(s *studio) string {
			applied := start(s)
			seats(s)
			s.signed("grace", "seats")
			s.run("bo", "revert", "--no-edit", "HEAD")
			names(s)
			s.signed("grace", "names")
			return applied
		}, nil},
		{"a key that was taken away", func(s *studio) string {
			applied := start(s)
			s.write("grace.yaml", s.person("grace-new", "ed25519"))
			s.edit("grace.yaml", "grace-new", "grace")
			s.signed("ada", "another key")
			names(s)
			s.signed("grace", "names")
			return applied
		}, []string{"names: change user bo: software coordinator of design"}},
		{"a key that has expired, and a commit dated back", func(s *studio) string {
			s.edit("grace.yaml", "signingKeys: ['", "signingKeys: ['valid-before=\"20200101\" ")
			applied := start(s)
			names(s)
			s.when = time.Date(2019, 6, 1, 0, 0, 0, 0, time.UTC)
			s.signed("grace", "names")
			return applied
		}, []string{"names: change user bo: software coordinator of design"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStudio(t)
			applied := c.build(s)
			accepted, refusals := s.judge(applied, "refs/heads/main")
			if diff := cmp.Diff(c.want, words(refusals)); diff != "" || accepted != (c.want == nil) {
				t.Errorf("accepted %v (-want +got):\n%s", accepted, diff)
			}
		})
	}
}

// Who merges on the forge is its author; the forge's key says so.
func TestMergeOnTheForge(t *testing.T) {
	for author, want := range map[string]bool{"Ada <ADA@acme.example>": true, "Grace <grace@acme.example>": false, "Eve <eve@acme.example>": false} {
		s := newStudio(t)
		keys, err := source.ParseForgeKeys([]byte(s.key("forge", "ed25519")))
		if err != nil {
			t.Fatal(err)
		}
		applied := s.signed("", "start")
		s.edit("design.yaml", "seats: 10", "seats: 20")
		s.signed("forge", "squashed (#12)", "--author="+author)
		r := s.ref()
		r.TrustForge(keys)
		base := s.steps(r, "", applied)[0].Roster
		accepted, refusals := reconciler.Authority(reconciler.Review{Base: base, Steps: s.steps(r, applied, "refs/heads/main"), Now: time.Now()})
		if accepted != want {
			t.Errorf("%s: accepted %v, want %v: %v", author, accepted, want, words(refusals))
		}
	}
}

func (s *studio) fastImport(stream string) {
	s.Helper()
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = s.dir, strings.NewReader(stream)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.Fatalf("git fast-import: %v\n%s", err, out)
	}
}

// A long history of a large tree costs what changed in it: what was parsed once is
// not parsed again.
func TestLongHistoryOfALargeTree(t *testing.T) {
	const people, commits = 1000, 150
	s := newStudio(t)
	s.signed("", "firm")
	person := func(i int, last string) string {
		text := manifest("User", fmt.Sprintf("u%d", i), fmt.Sprintf("email: u%d@acme.example", i), "firstName: U", "lastName: "+last)
		return fmt.Sprintf("M 100644 inline people/%02d/u%d.yaml\ndata %d\n%s\n", i%50, i, len(text), text)
	}
	var stream strings.Builder
	commit := func(n int) {
		from := map[bool]string{true: "from refs/heads/main^0\n"}[n == 0]
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter Ada <ada@acme.example> %d +0000\ndata 4\nedit\n%s", s.when.Unix()+int64(n)+2, from)
	}
	commit(0)
	for i := range people {
		stream.WriteString(person(i, "Lee"))
	}
	for i := range commits {
		commit(i + 1)
		stream.WriteString(person(i, "Ek"))
	}
	s.fastImport(stream.String())
	applied := s.git("rev-parse", fmt.Sprintf("refs/heads/main~%d", commits))
	r := s.ref()
	began := time.Now()
	steps := s.steps(r, applied, "refs/heads/main")
	first := time.Since(began)
	if len(steps) != commits+1 {
		t.Fatalf("%d steps", len(steps))
	}
	again := first
	for range 3 {
		began = time.Now()
		s.steps(r, applied, "refs/heads/main")
		again = min(again, time.Since(began))
	}
	t.Logf("%d commits of %d files: %v, again %v", commits, people, first, again)
	if again > first*3/4 {
		t.Errorf("the second time it took %v, the first time %v: what is known was read again", again, first)
	}
	m, err := r.At(context.Background(), "refs/heads/main")
	if err != nil || len(m.Files) != people+5 {
		t.Errorf("reading the tree afterwards: %v", err)
	}
}
