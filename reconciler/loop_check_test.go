package reconciler_test

import (
	"strings"
	"testing"

	"usher/reconciler"
)

// After edits that were compared for those alone whom they concern, everybody is
// compared; what is found then is applied, and said aloud.
func TestLoopComparesEverybodyAfterEdits(t *testing.T) {
	w := prepare(t, firm(), soon, nil)
	w.shelf.silent = "it is on a silent file system" // so that it looks by itself, and often
	w.begin()
	w.look(1)
	w.shelf.change(func() { w.shelf.tree["cy.yaml"] = user("cy") })
	w.until("cy applied", func() bool { return w.applied() == 2 })
	w.becomes(reconciler.Complete, true)

	w.meddle("UPDATE person SET first_name = 'Bob' WHERE name = 'bo'") // whom the next edit does not concern
	w.shelf.change(func() { w.shelf.tree["cy.yaml"] = user("cy", "access: [cloud]") })
	w.until("cy's access applied", func() bool { return w.applied() >= 3 })
	w.becomes(reconciler.Complete, false)
	if why := w.why(reconciler.Complete); !strings.Contains(why, "1 revision left out 1 change") {
		t.Errorf("Complete: %q", why)
	}
	w.until("bo mended", func() bool { return w.applied() == 4 })
	if u := w.truth().Roster.User("bo"); u.FirstName != "Bo" {
		t.Errorf("bo is called %s, want Bo", u.FirstName)
	}
	w.shelf.change(func() { w.shelf.tree["cy.yaml"] = user("cy") })
	w.becomes(reconciler.Complete, true)
	w.end()
	if !strings.Contains(w.log.String(), "edits were not carried out completely") {
		t.Errorf("log:\n%s", w.log)
	}
}
