package source_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// A line comes from the commit that wrote it, signed by whose key that was, however
// much happened around it since.
func TestBlame(t *testing.T) {
	s := newStudio(t)
	s.write("access/a.yaml", "one\ntwo\n")
	first := s.signed("ada", "first")
	s.write("access/a.yaml", "zero\none\n2\n")
	second := s.signed("grace", "second")
	s.git("config", "diff.shout.textconv", "tr a-z A-Z && touch "+filepath.Join(s.dir, "ran"))
	s.write(".git/info/attributes", "*.yaml diff=shout\n")
	last := s.signed("", "third")
	ref := s.source("access")
	for line, want := range map[int32]struct{ commit, subject string }{1: {second, "second"}, 2: {first, "first"}, 3: {second, "second"}} {
		commit, signer, err := ref.Blame(context.Background(), last, "a.yaml", line)
		if err != nil || commit.ID != want.commit || commit.Subject != want.subject || signer.Problem != "" || signer.Fingerprint == "" {
			t.Errorf("line %d: %s %q signed %+v, %v; want %s %q", line, commit.ID, commit.Subject, signer, err, want.commit, want.subject)
		}
	}
	if _, _, err := ref.Blame(context.Background(), last, "b.yaml", 1); err == nil || !strings.Contains(err.Error(), "b.yaml:1") {
		t.Errorf("no such file: %v", err)
	}
	if ran, _ := filepath.Glob(filepath.Join(s.dir, "ran")); ran != nil {
		t.Error("a command of the repository's configuration ran")
	}
}
