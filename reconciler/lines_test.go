package reconciler_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/spec"
)

// lines lists where everything of a roster is declared.
func lines(r *spec.Roster) []string {
	var all []string
	note := func(what string, origins ...spec.Origin) { all = append(all, fmt.Sprint(what, " ", origins)) }
	for i := range r.Users {
		u := &r.Users[i]
		note(u.Name, u.Origin)
		for _, g := range u.Access {
			note(u.Name+" has "+g.Product, g.Because...)
		}
	}
	for i := range r.Teams {
		t := &r.Teams[i]
		note(t.Name, t.Origin)
		for _, g := range t.Access {
			note(t.Name+" gives "+g.Product, g.Because...)
		}
	}
	for i := range r.Products {
		note(r.Products[i].Name, r.Products[i].Origin)
	}
	for i := range r.Contracts {
		c := &r.Contracts[i]
		note(c.Name, c.Origin)
		for _, o := range c.Offers {
			note(c.Name+" offers "+o.Product, o.Origin)
		}
	}
	return all
}

// sameLines compares the lines that the state has with those of the manifests.
func (w *world) sameLines(c *reconciler.Controller) {
	w.Helper()
	_, roster, err := c.Check(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	if diff := cmp.Diff(lines(roster), lines(w.truth().Roster)); diff != "" {
		w.Fatalf("lines (-manifests +state):\n%s", diff)
	}
}

// sameAsNew compares the lines that the state has with those of a state to which the
// manifests were applied from the start.
func (w *world) sameAsNew(dir string) {
	w.Helper()
	anew := openWorld(w.tester, dir, w.tree)
	anew.now = w.now
	anew.apply()
	if diff := cmp.Diff(lines(anew.truth().Roster), lines(w.truth().Roster)); diff != "" {
		w.Fatalf("lines (-applied anew +edited):\n%s", diff)
	}
}

// One grant comes from several documents of a file. As these change places, so do its
// lines.
func TestLinesChangePlaces(t *testing.T) {
	people, crew := user("ada")+user("grace")+user("bo", "access: [cad]"), team("crew", "members: [bo]", "access: [cad]")
	w := newWorld(t, firm())
	w.tree["people.yaml"] = people + crew
	w.apply()
	w.tree["people.yaml"] = crew + people
	was := w.ctl.Excerpts()
	w.sameAsWhole()
	if w.ctl.Excerpts() == was {
		t.Error("everybody was compared")
	}
}

// What is revoked is said to come from the lines that gave it, wherever these stand by
// the edit that takes it away.
func TestARevocationNamesWhereItWasGiven(t *testing.T) {
	crew := func(members ...string) string {
		lines := []string{"members:"}
		for _, m := range members {
			lines = append(lines, "  - "+m)
		}
		return team("crew", append(lines, "access: [cad]")...)
	}
	w := newWorld(t, firm())
	people := user("ada") + user("grace") + user("bo") + user("cy")
	w.tree["people.yaml"] = people
	w.tree["teams.yaml"] = "# the crew\n---\n" + crew("bo", "cy")
	w.apply()
	for _, edited := range []string{"# the crew\n---\n" + crew("cy"), "# the crew,\n# and who\n# is in it\n---\n" + crew("bo")} {
		w.tree["teams.yaml"] = edited
		was := w.ctl.Excerpts()
		w.sameAsWhole()
		if w.ctl.Excerpts() == was {
			t.Error("everybody was compared")
		}
		w.tree["teams.yaml"] = "# the crew\n---\n" + crew("bo", "cy")
		w.sameAsWhole()
	}
}
