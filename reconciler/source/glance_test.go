package source_test

import (
	"context"
	"testing"

	"usher/reconciler"
)

// A glance knows the commit that was read, from the very place it was read from,
// and nothing else.
func TestGlance(t *testing.T) {
	c := newClone(t)
	c.write("access/a.yaml", "a")
	c.commit("one")
	was := c.snapshot("access").Snapshot
	if was.Folder != "access" {
		t.Errorf("the folder is %q", was.Folder)
	}
	glance := func(below string, was reconciler.Snapshot) bool {
		return c.source(below).Glance(context.Background(), was)
	}
	if !glance("access", was) || !glance("/access/", was) {
		t.Error("what was read is not known again")
	}
	for name, other := range map[string]func(s *reconciler.Snapshot){
		"of another commit":     func(s *reconciler.Snapshot) { s.Commit = s.Commit[1:] + "0" },
		"of no commit":          func(s *reconciler.Snapshot) { s.Commit = "" },
		"of another ref":        func(s *reconciler.Snapshot) { s.Ref = "refs/heads/other" },
		"of another folder":     func(s *reconciler.Snapshot) { s.Folder = "" },
		"of another repository": func(s *reconciler.Snapshot) { s.Path += "2" },
		"of a plain folder":     func(s *reconciler.Snapshot) { s.Source = "dir" },
	} {
		is := was
		if other(&is); glance("access", is) {
			t.Errorf("a reading %s is taken for this one", name)
		}
	}
	c.commit("two, with nothing in it")
	if glance("access", was) {
		t.Error("a new commit is not noticed")
	}
	c.git("branch", "-m", "gone")
	if glance("access", was) {
		t.Error("that the ref is gone is not noticed")
	}
}
