package reconciler_test

import (
	"strings"
	"testing"

	"usher/spec"
)

// DOMAIN.md row 18 and "Access, time, seats". Today is 2026-11-22.
func TestAccess(t *testing.T) {
	bo := user("bo", "access: [cad]")
	give := func(access string) func(w *world) {
		return func(w *world) { w.edit("people.yaml", bo, user("bo", "access: ["+access+"]")) }
	}
	had := func(access string) tree {
		f := firm()
		f["people.yaml"] = strings.Replace(f["people.yaml"], bo, user("bo", "access: ["+access+"]"), 1)
		return f
	}
	to := func(from, to string) func(w *world) {
		return func(w *world) { w.edit("people.yaml", "["+from+"]", "["+to+"]") }
	}
	const (
		spent  = "{product: cloud, from: 2026-01-01, until: 2026-03-31}"
		soon   = "{product: cloud, from: 2026-12-01, until: 2027-01-31}"
		halves = "{product: cloud, until: 2026-12-31}, {product: cloud, from: 2027-03-01}"
	)
	runSteps(t, []step{
		{
			name: "added and removed are one message", edit: give("cloud"),
			changes: []string{"revoke access bo cad design", "grant access bo cloud design"},
			mail:    []string{"access to bo@acme.example +cloud -cad =cloud"},
		}, {
			name: "the same written another way is nothing", edit: give("{product: cad, contract: design}"),
		}, {
			name: "from a later day", edit: give("cad, " + soon),
			changes: []string{"grant access bo cloud design from:>2026-12-01 until:>2027-01-31"},
			mail:    []string{"access to bo@acme.example +cloud from 2026-12-01 until 2027-01-31 =cad =cloud from 2026-12-01 until 2027-01-31"},
		}, {
			name: "ending one day is a change", edit: give("{product: cad, until: 2027-01-31}"),
			changes: []string{"change access bo cad design until:>2027-01-31"},
			mail:    []string{"access to bo@acme.example ~cad until 2027-01-31 =cad until 2027-01-31"},
		}, {
			name: "ending yesterday is a loss", edit: give("{product: cad, until: 2026-11-21}"),
			changes: []string{"change access bo cad design until:>2026-11-21"},
			mail:    []string{"access to bo@acme.example -cad"},
		}, {
			name: "ending today still is a change", edit: give("{product: cad, until: 2026-11-22}"),
			changes: []string{"change access bo cad design until:>2026-11-22"},
			mail:    []string{"access to bo@acme.example ~cad until 2026-11-22 =cad until 2026-11-22"},
		}, {
			name: "what is past is told to nobody: added", edit: give("cad, " + spent),
			changes: []string{"grant access bo cloud design from:>2026-01-01 until:>2026-03-31"},
		}, {
			name: "what is past is told to nobody: removed", start: had("cad, " + spent), edit: to("cad, "+spent, "cad"),
			changes: []string{"revoke access bo cloud design from:2026-01-01> until:2026-03-31>"},
		}, {
			name: "what is past is told to nobody: the day it began", edit: give("{product: cad, from: 2026-02-01}"),
			changes: []string{"change access bo cad design from:>2026-02-01"},
		}, {
			name: "what was past and is given again is gained", start: had(spent), edit: to(spent, soon),
			changes: []string{"change access bo cloud design from:2026-01-01>2026-12-01 until:2026-03-31>2027-01-31"},
			mail:    []string{"access to bo@acme.example +cloud from 2026-12-01 until 2027-01-31 =cloud from 2026-12-01 until 2027-01-31"},
		}, {
			name: "a reason alone is told to nobody", edit: give("{product: cad, reason: CAD-1}"),
			changes: []string{"change access bo cad design reason:>CAD-1"},
		}, {
			name: "a gap in the days", start: had("cloud"), edit: to("cloud", halves),
			changes: []string{
				"change access bo cloud design until:>2026-12-31", "grant access bo cloud design from:>2027-03-01",
			},
			mail: []string{"access to bo@acme.example +cloud from 2027-03-01 ~cloud until 2026-12-31 =cloud until 2026-12-31 =cloud from 2027-03-01"},
		}, {
			name: "a gap that closes takes nothing away", start: had(halves), edit: to(halves, "cloud"),
			changes: []string{
				"change access bo cloud design until:2026-12-31>", "revoke access bo cloud design from:2027-03-01>",
			},
			mail: []string{"access to bo@acme.example ~cloud =cloud"},
		}, {
			name: "own access and a team's are a union: the second gives nothing new",
			edit: func(w *world) { w.tree["teams.yaml"] = team("core", "members: [bo]", "access: [cad]") },
			changes: []string{
				"add team core members:>bo access:>cad under design",
			},
		}, {
			name:    "and losing one of the two takes nothing",
			before:  func(w *world) { w.tree["teams.yaml"] = team("core", "members: [bo]", "access: [cad]"); w.apply() },
			edit:    func(w *world) { delete(w.tree, "teams.yaml") },
			changes: []string{"remove team core members:bo> access:cad under design>"},
		}, {
			name: "days of a team and one's own merge",
			edit: func(w *world) {
				give("{product: cad, until: 2026-12-31}")(w)
				w.tree["teams.yaml"] = team("core", "members: [bo]", "access: [{product: cad, from: 2027-01-01}]")
			},
			changes: []string{"add team core members:>bo access:>cad under design from 2027-01-01"},
		}, {
			name: "a team within a team gives what both do",
			edit: func(w *world) {
				w.tree["teams.yaml"] = team("inner", "members: [ada]", "access: [cad]") + team("outer", "teams: [inner]", "access: [cloud]")
			},
			changes: []string{
				"add team inner members:>ada access:>cad under design", "add team outer teams:>inner access:>cloud under design",
				"grant access ada cad design", "grant access ada cloud design",
			},
			mail: []string{"access to ada@acme.example +cad +cloud =cad =cloud"},
		}, {
			name: "moving to another contract is a change, not a loss", start: twoContracts(),
			edit: func(w *world) {
				w.edit("people.yaml", user("bo", "access: [{product: cad, contract: design}]"), user("bo", "access: [{product: cad, contract: build}]"))
			},
			changes: []string{"change access bo cad build contract:design>build"},
			mail:    []string{"access to bo@acme.example ~cad =cad"},
		}, {
			name: "a product of another title is told to nobody",
			edit: func(w *world) {
				w.edit("firm.yaml", "metadata: {name: cad}\n", "metadata: {name: cad}\nspec: {title: AutoCAD 2027}\n")
			},
			changes: []string{"change product cad title:cad>AutoCAD 2027"},
		},
	})
}

// Where access comes from is kept up to date without any change (DOMAIN.md row 18:
// nothing is sent for a moved file).
func TestWhereAccessComesFrom(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	messages := len(w.mailed(1))
	because := func() []spec.Origin { return w.truth().Roster.User("bo").Access[0].Because }

	w.edit("people.yaml", user("bo", "access: [cad]"), user("bo"))
	w.tree["teams.yaml"] = team("core", "members: [bo]", "access: [cad]")
	w.apply()
	equal(t, []spec.Origin{{File: "teams.yaml", Line: 6, Column: 12, Via: "team core"}}, because())

	w.tree["crew/teams.yaml"] = w.tree["teams.yaml"]
	delete(w.tree, "teams.yaml")
	out := w.apply()
	if !out.Plan.Empty() || out.Applied.Changes != 0 {
		t.Errorf("a moved file: %v, %d changes audited", changes(out.Plan), out.Applied.Changes)
	}
	equal(t, "crew/teams.yaml", because()[0].File)
	for number := int64(2); number <= out.Applied.Number; number++ {
		if got := w.mailed(number); len(got) > 0 {
			t.Errorf("revision %d sent %q; the first sent %d", number, got, messages)
		}
	}
	w.settled()
}

// The order a team's access is written in says nothing, and each grant keeps a line
// of its own, even where two of one length change places.
func TestTeamAccessChangesPlaces(t *testing.T) {
	written := func(access ...string) string {
		return team("core", "members: [bo]", "access: ["+strings.Join(access, ", ")+"]")
	}
	w := newWorld(t, firm())
	w.edit("firm.yaml", "{name: cloud}]", "{name: cloud}, {name: cam}]")
	w.add("firm.yaml", product("cam"))
	w.tree["teams.yaml"] = written("cad", "cam", "cloud")
	w.apply()
	w.tree["teams.yaml"] = written("cam", "cad", "cloud")
	out := w.apply()
	if !out.Plan.Empty() || out.Applied == nil || out.Applied.Changes != 0 {
		t.Errorf("access in another order: %v, applied %+v", changes(out.Plan), out.Applied)
	}
	w.settled()
}

// DOMAIN.md rows 9 and 12: from a list to a manifest of one's own nothing changes.
func TestFromListToUser(t *testing.T) {
	f := firm()
	f["list.yaml"] = "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: interns}\nspec:\n" +
		"  users: \"cy@acme.example, Cy, Lee; di@acme.example, Di, Lee;\"\n  access: [cloud]\n"
	w := newWorld(t, f)
	w.apply()
	w.edit("list.yaml", " di@acme.example, Di, Lee;", "")
	w.add("people.yaml", "apiVersion: usher/v1\nkind: User\nspec: {email: di@acme.example, firstName: Di, lastName: Lee, access: [cloud]}\n")
	out := w.apply()
	if !out.Plan.Empty() {
		t.Errorf("the plan is not empty: %v", changes(out.Plan))
	}
	equal(t, "people.yaml", w.truth().Roster.User("di@acme.example").Access[0].Because[0].File)
	w.settled()
}
