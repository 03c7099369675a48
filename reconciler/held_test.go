package reconciler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
)

// twoOffices has ada for the contract design, olu for plant, and ten people each.
func twoOffices() tree {
	files := tree{
		"firm.yaml": contract("design", "contractManager: ada", "softwareCoordinators: [grace]", "products: [{name: cad, seats: 20}]") +
			contract("plant", "contractManager: olu", "products: [{name: pipes, seats: 20}]") + product("cad") + product("pipes"),
		"people.yaml": user("ada") + user("grace") + user("olu") + user("new"),
	}
	for i := range 10 {
		files[fmt.Sprintf("d%d.yaml", i)] = user(fmt.Sprintf("d%d", i), "access: [cad]")
		files[fmt.Sprintf("p%d.yaml", i)] = user(fmt.Sprintf("p%d", i), "access: [pipes]")
	}
	return files
}

// A steward sees of a held plan what concerns their contracts or nobody's in
// particular, and it takes the manager of every contract concerned to let it through.
func TestHeldPlanShowsToEachTheirPart(t *testing.T) {
	w := newWorld(t, twoOffices())
	w.apply()
	for i := range 5 {
		delete(w.tree, fmt.Sprintf("d%d.yaml", i))
	}
	w.edit("p0.yaml", "access: [pipes]", "access: []")
	w.edit("people.yaml", user("new"), user("newer"))
	plan := w.held()
	held := reconciler.NewHeldPlan(w.truth(), plan)
	for _, test := range []struct {
		who       string
		contracts []string
		manages   bool
		want      []string // whom changes are about
		others    [2]int   // changes and rules
		seats     string
	}{
		{"ada", []string{"design"}, true, []string{"d0", "d1", "d2", "d3", "d4", "new", "newer"}, [2]int{1, 0}, "cad"},
		{"olu", []string{"plant"}, true, []string{"new", "newer", "p0"}, [2]int{10, 0}, "pipes"},
		{"both", []string{"design", "plant"}, true, []string{"d0", "d1", "d2", "d3", "d4", "new", "newer", "p0"}, [2]int{0, 0}, "cad pipes"},
	} {
		view := held.For(test.contracts, test.manages)
		var subjects, seats []string
		for _, c := range view.Plan.Changes {
			subjects = append(subjects, c.Subject)
			if view.Plan.People[c.Subject] == "" {
				t.Errorf("%s is shown %s without a full name", test.who, c.Subject)
			}
		}
		for _, s := range view.Plan.Seats {
			seats = append(seats, s.Product)
		}
		slices.Sort(subjects)
		if diff := cmp.Diff(test.want, slices.Compact(subjects)); diff != "" {
			t.Errorf("%s is shown (-want +got):\n%s", test.who, diff)
		}
		if got := [2]int{view.OtherChanges, view.OtherRules}; got != test.others {
			t.Errorf("%s: %v other changes and rules, want %v; held by %v", test.who, got, test.others, rules(plan))
		}
		if got := strings.Join(seats, " "); got != test.seats {
			t.Errorf("%s is shown the seats of %q, want %q", test.who, got, test.seats)
		}
		if len(view.Plan.People) != len(test.want) || len(view.Plan.Mail)+len(view.Plan.Notes) != 0 {
			t.Errorf("%s is shown more than the changes: %v", test.who, view.Plan.People)
		}
		if diff := cmp.Diff([]string{"design", "plant"}, view.AnswerableFor); diff != "" {
			t.Errorf("%s: who answers (-want +got):\n%s", test.who, diff)
		}
	}
	if len(held.Plan.Mail) == 0 || len(held.Plan.Changes) != len(plan.Changes) {
		t.Error("a view changed the plan itself")
	}
}

// A contract that is yet to be has nobody who could answer for it: that is any
// contract manager's (DOMAIN.md, "Authority").
func TestHeldPlanForANewContract(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	w.tree["field.yaml"] = contract("field", "contractManager: bo", "products: [{name: maps}]") + product("maps")
	held := reconciler.NewHeldPlan(w.truth(), w.held())
	manager, coordinator := held.For([]string{"design"}, true), held.For([]string{"design"}, false)
	if len(manager.AnswerableFor) != 0 {
		t.Errorf("answerable for %v, want nobody in particular", manager.AnswerableFor)
	}
	if got, want := len(manager.Plan.Held), 1; got != want {
		t.Errorf("a manager is told of %d rules, want %d", got, want)
	}
	if got, want := coordinator.OtherRules, 1; got != want {
		t.Errorf("a coordinator is not told of %d rules, want %d", got, want)
	}
}

// The loop says what waits, as long as it does.
func TestLoopKeepsTheHeldPlan(t *testing.T) {
	w := watch(t, firm(), soon)
	if got := w.loop.Held(); got != nil {
		t.Errorf("before: held %v, want nothing", got)
	}
	w.shelf.change(func() {
		w.shelf.tree["firm.yaml"] = strings.Replace(w.shelf.tree["firm.yaml"], "contractManager: ada", "contractManager: bo", 1)
	})
	w.becomes(reconciler.Held, true)
	held := w.loop.Held()
	if held == nil || held.Plan.ID != w.loop.Status().HeldPlan {
		t.Fatalf("held %v, want the plan of the status", held)
	}
	w.shelf.put("broken.yaml", "kind: Nothing\n")
	w.becomes(reconciler.Valid, false)
	if w.loop.Held() != held {
		t.Error("manifests with errors took the held plan's place")
	}
	w.shelf.change(func() { delete(w.shelf.tree, "broken.yaml") })
	w.becomes(reconciler.Valid, true)
	if answer, _ := w.asks(reconciler.RequestApprove, held.Plan.ID); answer != "" {
		t.Fatalf("approving: %s", answer)
	}
	w.until("nothing held", func() bool { return w.loop.Held() == nil })
}
