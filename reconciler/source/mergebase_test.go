package source_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// branches commits a random history of three branches with merges between them, each
// commit dated up to an hour before or after the one before it.
func (s *studio) branches(random *rand.Rand) []string {
	names := []string{"main", "side", "other"}
	s.run("", "commit", "-q", "--allow-empty", "-m", "root")
	for _, name := range names[1:] {
		s.git("branch", name)
	}
	for i := range 25 {
		s.git("checkout", "-q", names[random.IntN(3)])
		s.when = s.when.Add(time.Duration(random.IntN(120)-60) * time.Minute)
		if random.IntN(3) == 0 {
			s.run("", "merge", "-q", "--no-ff", "-m", "merge", names[random.IntN(3)])
		} else {
			s.run("", "commit", "-q", "--allow-empty", "-m", fmt.Sprint(i))
		}
	}
	return names
}

// What is found is a merge base as git finds them, whatever the dates say.
func TestMergeBaseIsOneOfGit(t *testing.T) {
	for seed := range uint64(2) {
		s := newStudio(t)
		s.git("add", "-A")
		names := s.branches(rand.New(rand.NewPCG(seed, 1)))
		for _, base := range names {
			for _, commit := range names {
				want := strings.Fields(s.git("merge-base", "--all", base, commit))
				got, err := s.ref().MergeBase(context.Background(), "refs/heads/"+base, "refs/heads/"+commit)
				if err != nil || !strings.Contains(strings.Join(want, " "), got.ID) || got.ID == "" {
					t.Errorf("seed %d: MergeBase(%s, %s): %q, %v; git finds %q", seed, base, commit, got.ID, err, want)
				}
			}
		}
	}
}

func TestMergeBaseOfStrangers(t *testing.T) {
	s := newStudio(t)
	first := s.signed("", "first")
	s.git("checkout", "-q", "--orphan", "other")
	second := s.signed("", "second")
	got, err := s.ref().MergeBase(context.Background(), first, second)
	if err != nil || got.ID != "" {
		t.Errorf("histories that share nothing: %q, %v", got.ID, err)
	}
	if _, err := s.ref().MergeBase(context.Background(), "refs/heads/none", second); err == nil || !strings.Contains(err.Error(), "refs/heads/none") {
		t.Errorf("a base that is not there: %v", err)
	}
}
