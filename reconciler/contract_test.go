package reconciler_test

import (
	"testing"

	"usher/reconciler"
	"usher/spec"
)

// DOMAIN.md rows 1 to 4: roles, and who is told of them.
func TestRoles(t *testing.T) {
	contractOf := func(manager string, rest ...string) func(w *world) {
		return func(w *world) {
			lines := append([]string{"contractManager: " + manager}, rest...)
			lines = append(lines, "products: [{name: cad, seats: 10}, {name: cloud}]", "supportEmail: help@acme.example")
			w.tree["firm.yaml"] = contract("design", lines...) + product("cad") + product("cloud")
		}
	}
	runSteps(t, []step{
		{
			name: "row 3: without coordinators the manager is one", edit: contractOf("ada"),
			changes: []string{
				"assign role ada design softwareCoordinator", "unassign role grace design softwareCoordinator",
			},
			mail: []string{
				"roles to ada@acme.example -softwareCoordinator of design for Grace Lee",
				"role to grace@acme.example =cad -softwareCoordinator of design",
			},
		}, {
			name:   "row 3: naming another coordinator takes nothing from the manager",
			before: func(w *world) { contractOf("ada")(w); w.apply() }, edit: contractOf("ada", "softwareCoordinators: [bo]"),
			changes: []string{
				"unassign role ada design softwareCoordinator", "assign role bo design softwareCoordinator",
			},
			mail: []string{
				"roles to ada@acme.example +softwareCoordinator of design for Bo Lee",
				"role to bo@acme.example =cad +softwareCoordinator of design",
			},
		}, {
			name: "row 2: a handover has one manager before and one after",
			edit: contractOf("bo", "softwareCoordinators: [grace]"),
			changes: []string{
				"unassign role ada design contractManager", "assign role bo design contractManager",
			},
			mail: []string{
				"role to ada@acme.example -contractManager of design",
				"role to bo@acme.example =cad +contractManager of design",
				"roles to bo@acme.example -contractManager of design for Ada Lee",
			},
		}, {
			name: "row 2: manager and coordinator change places", edit: contractOf("grace", "softwareCoordinators: [ada]"),
			changes: []string{
				"unassign role ada design contractManager", "assign role ada design softwareCoordinator",
				"assign role grace design contractManager", "unassign role grace design softwareCoordinator",
			},
			mail: []string{
				"role to ada@acme.example -contractManager of design +softwareCoordinator of design",
				"role to grace@acme.example =cad +contractManager of design",
				"roles to grace@acme.example -contractManager of design for Ada Lee +softwareCoordinator of design for Ada Lee",
			},
		}, {
			name: "row 2: a manager who leaves hands over in the same revision",
			edit: func(w *world) {
				contractOf("grace")(w)
				w.remove("people.yaml", user("ada"))
			},
			changes: []string{
				"remove user ada", "unassign role ada design contractManager", "assign role grace design contractManager",
			},
			mail: []string{
				"removed to ada@acme.example",
				"role to grace@acme.example =cad +contractManager of design",
				"roles to grace@acme.example -contractManager of design for Ada Lee",
			},
		}, {
			name: "a coordinator who leaves: the manager is told too",
			edit: func(w *world) {
				contractOf("ada")(w)
				w.remove("people.yaml", user("grace", "access: [cad]"))
			},
			changes: []string{
				"assign role ada design softwareCoordinator", "remove user grace",
				"unassign role grace design softwareCoordinator", "revoke access grace cad design",
			},
			mail: []string{
				"roles to ada@acme.example -softwareCoordinator of design for Grace Lee",
				"removed to grace@acme.example -cad",
			},
		}, {
			name: "role and access are one message",
			edit: func(w *world) {
				contractOf("ada", "softwareCoordinators: [bo]")(w)
				w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cloud]"))
			},
			changes: []string{
				"assign role bo design softwareCoordinator", "revoke access bo cad design", "grant access bo cloud design",
				"unassign role grace design softwareCoordinator",
			},
			mail: []string{
				"roles to ada@acme.example +softwareCoordinator of design for Bo Lee -softwareCoordinator of design for Grace Lee",
				"access to bo@acme.example +cloud -cad =cloud +softwareCoordinator of design",
				"role to grace@acme.example =cad -softwareCoordinator of design",
			},
		}, {
			name: "seats, credits and support alone are told to nobody",
			edit: func(w *world) {
				w.edit("firm.yaml", "seats: 10", "seats: 12")
				w.edit("firm.yaml", "supportEmail: help@", "cloudCredits: {pool: 100, expires: 2027-06-30}\n  supportEmail: support@")
			},
			changes: []string{"change contract design seats of cad:10>12 cloudCredits.pool:>100 cloudCredits.expires:>2027-06-30" +
				" supportEmail:help@acme.example>support@acme.example"},
		}, {
			name: "a contract withdrawn with all its roles", start: twoContracts(),
			edit: func(w *world) { delete(w.tree, "build.yaml") },
			changes: []string{
				"remove contract build seats of cad:5>", "unassign role grace build contractManager", "unassign role grace build softwareCoordinator",
			},
			mail: []string{"role to grace@acme.example =cad -contractManager of build -softwareCoordinator of build"},
		},
	})
}

// twoContracts is a firm where grace manages a contract of her own.
func twoContracts() tree {
	f := firm()
	f["build.yaml"] = contract("build", "contractManager: grace", "products: [{name: cad, seats: 5}]")
	f["people.yaml"] = user("ada") + user("grace", "access: [{product: cad, contract: design}]") + user("bo", "access: [{product: cad, contract: design}]")
	return f
}

// The audit and history show exactly one manager at every revision, a handover
// included (DOMAIN.md row 2).
func TestNeverTwoManagers(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	for _, names := range [][2]string{{"ada", "bo"}, {"bo", "grace"}, {"grace", "ada"}} {
		w.edit("firm.yaml", "contractManager: "+names[0], "contractManager: "+names[1])
		number := w.force().Applied.Number
		truth, err := w.db.TruthAt(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		if got := truth.Roster.Contract("design").Manager; got != names[1] {
			t.Errorf("revision %d: the manager is %q, want %q", number, got, names[1])
		}
		w.settled()
	}
}

// A comparison of two trees needs no state: every change shows, with its message.
func TestDiffWithoutState(t *testing.T) {
	a := newWorld(t, firm())
	b := newWorld(t, firm())
	b.edit("people.yaml", user("bo", "access: [cad]"), who("robert", "bo@acme.example", "Bo", "Lee", "access: [cloud]"))
	b.add("people.yaml", user("cy", "suspended: true"))
	p := compare(t, a.wanted(), b.wanted())
	want := []string{
		"add user cy firstName:>Cy lastName:>Lee suspended:>true", "rename user robert name:bo>robert",
		"revoke access robert cad design", "grant access robert cloud design",
	}
	equal(t, want, changes(p))
	equal(t, []string{"access to bo@acme.example +cloud -cad =cloud"}, notices(p))
	if p := compare(t, b.wanted(), b.wanted()); !p.Empty() {
		t.Errorf("a tree against itself: %v", changes(p))
	}
}

func compare(t *testing.T, from, to *spec.Roster) *reconciler.Plan {
	t.Helper()
	p, errs := reconciler.Diff(betweenTrees(from, to))
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return p
}
