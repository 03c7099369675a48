package reconciler_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// who writes a person with an address and a last name of their own.
func who(name, email, first, last string, rest ...string) string {
	text := user(name, rest...)
	text = strings.Replace(text, name+"@acme.example", email, 1)
	text = strings.Replace(text, "firstName: "+strings.ToUpper(name[:1])+name[1:], "firstName: "+first, 1)
	return strings.Replace(text, "lastName: Lee", "lastName: "+last, 1)
}

// "The account's life", who is who.
func TestWhoIsWho(t *testing.T) {
	bo := user("bo", "access: [cad]")
	twins := func() tree {
		f := firm()
		f["people.yaml"] += user("cy")
		return f
	}
	runSteps(t, []step{
		{
			name: "another name for the same address is a rename",
			edit: func(w *world) {
				w.edit("people.yaml", bo, who("robert", "bo@acme.example", "Bo", "Lee", "access: [cad]"))
			},
			changes: []string{"rename user robert name:bo>robert"},
		}, {
			name: "previously renames where the address is new too", adopt: true,
			edit: func(w *world) {
				w.edit("people.yaml", bo, who("robert", "rob@acme.example", "Bo", "Lee", "previously: [bo]", "access: [cad]"))
			},
			changes: []string{"change user robert email:bo@acme.example>rob@acme.example", "rename user robert name:bo>robert"},
			mail:    []string{"email-old to bo@acme.example", "email to rob@acme.example =cad"},
		}, {
			name: "previously comes before the address", start: twins(),
			edit: func(w *world) {
				w.edit("people.yaml", bo, "")
				w.edit("people.yaml", user("cy"), who("robert", "cy@acme.example", "Bo", "Lee", "previously: [bo]"))
			},
			changes: []string{
				"remove user cy", "change user robert email:bo@acme.example>cy@acme.example",
				"rename user robert name:bo>robert", "revoke access robert cad design",
			},
			mail: []string{"removed to cy@acme.example", "invitation to cy@acme.example -cad again"},
		}, {
			name: "name and address both new are a removal and an addition, with a hint",
			edit: func(w *world) {
				w.edit("people.yaml", bo, who("robert", "rob@acme.example", "Bo", "Lee", "access: [cad]"))
			},
			changes: []string{
				"remove user bo", "revoke access bo cad design",
				"add user robert firstName:>Bo lastName:>Lee", "grant access robert cad design",
			},
			mail:  []string{"removed to bo@acme.example -cad", "invitation to rob@acme.example +cad =cad"},
			notes: 1,
		}, {
			name: "two people swap addresses", start: twins(), adopt: true,
			edit: func(w *world) {
				w.edit("people.yaml", bo, who("bo", "cy@acme.example", "Bo", "Lee", "access: [cad]"))
				w.edit("people.yaml", user("cy"), who("cy", "bo@acme.example", "Cy", "Lee"))
			},
			changes: []string{"change user bo email:bo@acme.example>cy@acme.example", "change user cy email:cy@acme.example>bo@acme.example"},
			mail: []string{
				"email-old to bo@acme.example", "email to cy@acme.example =cad",
				"email-old to cy@acme.example", "email to bo@acme.example",
			},
		}, {
			name: "two people swap names: each name keeps its account", start: twins(), adopt: true,
			edit: func(w *world) {
				w.edit("people.yaml", bo, who("cy", "bo@acme.example", "Bo", "Lee", "access: [cad]"))
				w.edit("people.yaml", user("cy"), who("bo", "cy@acme.example", "Cy", "Lee"))
			},
			changes: []string{
				"change user bo email:bo@acme.example>cy@acme.example firstName:Bo>Cy", "revoke access bo cad design",
				"change user cy email:cy@acme.example>bo@acme.example firstName:Cy>Bo", "grant access cy cad design",
			},
			mail: []string{
				"email-old to bo@acme.example", "email to cy@acme.example -cad",
				"email-old to cy@acme.example", "email to bo@acme.example +cad =cad",
			},
		}, {
			name: "an address written in another case is noted and told to nobody", adopt: true,
			edit:    func(w *world) { w.edit("people.yaml", "bo@acme.example", "Bo@Acme.Example") },
			changes: []string{"change user bo email:bo@acme.example>Bo@Acme.Example"},
		}, {
			name:    "a name of a person is told to nobody",
			edit:    func(w *world) { w.edit("people.yaml", "firstName: Bo", "firstName: Robert") },
			changes: []string{"change user bo firstName:Bo>Robert"},
		}, {
			name: "renaming a coordinator and a member is no change of roles or teams",
			start: func() tree {
				f := firm()
				f["teams.yaml"] = team("core", "members: [grace]", "access: [cloud]")
				return f
			}(),
			edit: func(w *world) {
				w.edit("people.yaml", user("grace", "access: [cad]"), who("hopper", "grace@acme.example", "Grace", "Lee", "access: [cad]"))
				w.edit("firm.yaml", "[grace]", "[hopper]")
				w.edit("teams.yaml", "[grace]", "[hopper]")
			},
			changes: []string{"rename user hopper name:grace>hopper"},
		}, {
			name: "renaming the contract manager is no handover",
			edit: func(w *world) {
				w.edit("people.yaml", user("ada"), who("lovelace", "ada@acme.example", "Ada", "Lee"))
				w.edit("firm.yaml", "contractManager: ada", "contractManager: lovelace")
			},
			changes: []string{"rename user lovelace name:ada>lovelace"},
		},
	})
}

// "E-mail change".
func TestEmailChange(t *testing.T) {
	move := func(w *world) { w.edit("people.yaml", "email: bo@", "email: bob@") }
	change := "change user bo email:bo@acme.example>bob@acme.example"
	suspend := func(w *world) {
		w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cad]", "suspended: true"))
	}
	runSteps(t, []step{
		{
			name: "an active person is told at both addresses", adopt: true, edit: move,
			changes: []string{change},
			mail:    []string{"email-old to bo@acme.example", "email to bob@acme.example =cad"},
		}, {
			name: "an invited one gets a new invitation", edit: move,
			changes: []string{change},
			mail:    []string{"invitation to bob@acme.example =cad again"},
		}, {
			name: "one message also tells what else changed", adopt: true,
			edit: func(w *world) {
				move(w)
				w.edit("people.yaml", "email: bob@acme.example\n  firstName: Bo\n  lastName: Lee\n  access: [cad]", "email: bob@acme.example\n  firstName: Bo\n  lastName: Lee\n  access: [cloud]")
			},
			changes: []string{change, "revoke access bo cad design", "grant access bo cloud design"},
			mail:    []string{"email-old to bo@acme.example", "email to bob@acme.example +cloud -cad =cloud"},
		}, {
			name: "while suspended, the addresses alone are told", adopt: true,
			before: func(w *world) { suspend(w); w.apply() },
			edit: func(w *world) {
				move(w)
				w.edit("people.yaml", "access: [cad]\n  suspended", "access: [cloud]\n  suspended")
			},
			changes: []string{change, "revoke access bo cad design", "grant access bo cloud design"},
			mail:    []string{"email-old to bo@acme.example", "email to bob@acme.example"},
		}, {
			name: "suspended in the same revision, an active person hears of both", adopt: true,
			edit:    func(w *world) { suspend(w); move(w) },
			changes: []string{change, "suspend user bo"},
			mail:    []string{"email-old to bo@acme.example", "suspended to bob@acme.example -cad"},
		}, {
			name:    "suspended in the same revision, an invited one is not invited",
			edit:    func(w *world) { suspend(w); move(w) },
			changes: []string{change, "suspend user bo"},
			mail:    []string{"suspended to bob@acme.example -cad"},
		}, {
			name:    "an invited one who is suspended hears nothing",
			before:  func(w *world) { suspend(w); w.apply() },
			edit:    move,
			changes: []string{change},
		}, {
			name:    "and gets the invitation at the new address when restored",
			before:  func(w *world) { suspend(w); w.apply(); move(w); w.apply() },
			edit:    func(w *world) { w.edit("people.yaml", "  suspended: true\n", "") },
			changes: []string{"restore user bo"},
			mail:    []string{"invitation to bob@acme.example =cad"},
		},
	})
}

// The credential that went to a wrong address is dead at once, also where the new
// one has to wait.
func TestEmailChangeKillsTheInvitation(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	if got := w.truth().Accounts["bo"].Issue; got != 1 {
		t.Fatalf("issue %d after the first apply, want 1", got)
	}
	w.edit("people.yaml", "email: bo@", "email: bob@")
	w.apply()
	if got := w.truth().Accounts["bo"].Issue; got != 2 {
		t.Errorf("issue %d after the address changed, want 2", got)
	}
	w.edit("people.yaml", user("grace", "access: [cad]"), who("grace", "hopper@acme.example", "Grace", "Lee", "access: [cad]", "suspended: true"))
	w.apply()
	if got := w.truth().Accounts["grace"].Issue; got != 0 {
		t.Errorf("issue %d after the address of a suspended person changed, want none", got)
	}
	w.settled()
}

// "Coming back".
func TestComingBack(t *testing.T) {
	gone := func(days int) func(w *world) {
		return func(w *world) {
			w.remove("people.yaml", user("bo", "access: [cad]"))
			w.apply()
			w.days(days)
			w.apply()
		}
	}
	back := func(w *world) { w.add("people.yaml", user("bo", "access: [cad]")) }
	returned := []string{"add user bo account:removed>returned firstName:>Bo lastName:>Lee", "grant access bo cad design"}
	anew := []string{"add user bo firstName:>Bo lastName:>Lee", "grant access bo cad design"}
	runSteps(t, []step{
		{
			name: "within 30 days an active person has the account again", adopt: true, before: gone(29), edit: back,
			changes: returned, mail: []string{"returned to bo@acme.example +cad =cad"},
		}, {
			name: "one who never activated it is invited again", before: gone(29), edit: back,
			changes: returned, mail: []string{"invitation to bo@acme.example +cad =cad again"},
		}, {
			name: "after 30 days it is a new account", adopt: true, before: gone(30), edit: back,
			changes: anew, mail: []string{"invitation to bo@acme.example +cad =cad"},
		}, {
			name: "another name at the address is a new account", adopt: true, before: gone(1),
			edit:    func(w *world) { w.add("people.yaml", who("bea", "bo@acme.example", "Bea", "Ek")) },
			changes: []string{"add user bea firstName:>Bea lastName:>Ek"}, mail: []string{"invitation to bo@acme.example"},
		}, {
			name: "the name at another address is a new account", adopt: true, before: gone(1),
			edit:    func(w *world) { w.add("people.yaml", who("bo", "bea@acme.example", "Bea", "Ek")) },
			changes: []string{"add user bo firstName:>Bea lastName:>Ek"}, mail: []string{"invitation to bea@acme.example"},
		}, {
			name: "suspended, nobody is told", adopt: true, before: gone(1),
			edit:    func(w *world) { w.add("people.yaml", user("bo", "suspended: true")) },
			changes: []string{"add user bo account:removed>returned firstName:>Bo lastName:>Lee suspended:>true"},
		}, {
			name: "in one with somebody new", adopt: true, before: gone(1),
			edit:    func(w *world) { back(w); w.add("people.yaml", user("cy")) },
			changes: append(returned[:2:2], "add user cy firstName:>Cy lastName:>Lee"),
			mail:    []string{"returned to bo@acme.example +cad =cad", "invitation to cy@acme.example"},
		},
	})
}

func TestComingBackKeepsTheAccount(t *testing.T) {
	for _, test := range []struct {
		days int
		same bool
	}{{0, true}, {29, true}, {30, false}, {400, false}} {
		w := newWorld(t, firm())
		w.apply()
		was := w.id("bo")
		w.remove("people.yaml", user("bo", "access: [cad]"))
		w.apply()
		w.days(test.days)
		w.add("people.yaml", user("bo"))
		w.apply()
		if got := w.id("bo") == was; got != test.same {
			t.Errorf("after %d days: the same account is %v, want %v", test.days, got, test.same)
		}
		w.settled()
	}
}

// DOMAIN.md row 17 and "Invitation".
func TestGeneration(t *testing.T) {
	generation := func(n string) func(w *world) {
		return func(w *world) {
			w.tree["people.yaml"] = user("ada") + user("grace", "access: [cad]") + user("bo", "access: [cad]", "invitation: {generation: "+n+"}")
		}
	}
	suspended := func(w *world) {
		w.tree["people.yaml"] = user("ada") + user("grace", "access: [cad]") + user("bo", "access: [cad]", "invitation: {generation: 2}", "suspended: true")
	}
	resend := []string{"resend user bo invitation.generation:1>2"}
	again := []string{"invitation to bo@acme.example =cad again"}
	runSteps(t, []step{
		{name: "the first is 1", edit: generation("1")},
		{name: "a higher one invites again", edit: generation("2"), changes: resend, mail: again},
		{name: "by any step", edit: generation("7"), changes: []string{"resend user bo invitation.generation:1>7"}, mail: again},
		{
			name: "after 90 days too", before: func(w *world) { w.days(91) }, edit: generation("2"), changes: resend, mail: again,
		},
		{name: "an active person needs none", adopt: true, edit: generation("2"), notes: 1},
		{
			name: "a suspended person waits", edit: suspended, notes: 1,
			changes: []string{"suspend user bo"}, mail: []string{"suspended to bo@acme.example -cad"},
		}, {
			name: "and is invited when restored", before: func(w *world) { suspended(w); w.apply() }, edit: generation("2"),
			changes: []string{"resend user bo invitation.generation:1>2", "restore user bo"}, mail: again,
		}, {
			name: "left out it is the one on record", before: func(w *world) { generation("2")(w); w.apply() },
			edit: func(w *world) { w.edit("people.yaml", "  invitation: {generation: 2}\n", "") },
		}, {
			name: "an invitation absorbs access", changes: []string{
				"resend user bo invitation.generation:1>2", "revoke access bo cad design", "grant access bo cloud design",
			},
			edit: func(w *world) {
				w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cloud]", "invitation: {generation: 2}"))
			},
			mail: []string{"invitation to bo@acme.example +cloud -cad =cloud again"},
		},
	})
}

func TestGenerationOnlyRises(t *testing.T) {
	two := func() *world {
		w := newWorld(t, firm())
		w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "invitation: {generation: 2}"))
		w.apply()
		return w
	}
	w := two()
	w.edit("people.yaml", "{generation: 2}", "{generation: 1}")
	w.refused("User bo: invitation.generation is 1, and 2 was applied before: it only ever rises")

	w = two() // nor by way of a removal
	w.remove("people.yaml", user("bo", "invitation: {generation: 2}"))
	w.apply()
	w.add("people.yaml", user("bo", "invitation: {generation: 1}"))
	w.refused("User bo: invitation.generation is 1, and 2 was applied before: it only ever rises")
}

// refused expects an apply to fail for one error of the manifests, and to leave
// everything as it was.
func (w *world) refused(want string) {
	w.Helper()
	before := w.truth()
	_, err := w.tryApply()
	var errs spec.Errors
	if !errors.As(err, &errs) || len(errs) != 1 || !strings.Contains(errs[0].Error(), want) {
		w.Errorf("apply: %v, want the one error %q", err, want)
	}
	if diff := cmp.Diff(before, w.truth()); diff != "" {
		w.Errorf("refused manifests changed the state: %s", diff)
	}
}

// "Suspension".
func TestSuspension(t *testing.T) {
	bo := user("bo", "access: [cad]")
	suspend := func(w *world) { w.edit("people.yaml", bo, user("bo", "access: [cad]", "suspended: true")) }
	away := func(w *world) { suspend(w); w.apply() }
	newcomer := func() tree {
		f := firm()
		f["people.yaml"] += user("cy", "access: [cad]", "suspended: true")
		return f
	}
	runSteps(t, []step{
		{
			name: "is told", edit: suspend,
			changes: []string{"suspend user bo"}, mail: []string{"suspended to bo@acme.example -cad"},
		}, {
			name: "changes meanwhile are silent", before: away,
			edit:    func(w *world) { w.edit("people.yaml", "[cad]\n  suspended", "[cloud]\n  suspended") },
			changes: []string{"revoke access bo cad design", "grant access bo cloud design"},
		}, {
			name: "the restored message lists what there is", adopt: true,
			before: func(w *world) {
				away(w)
				w.edit("people.yaml", "[cad]\n  suspended", "[cloud]\n  suspended")
				w.apply()
			},
			edit:    func(w *world) { w.edit("people.yaml", "  suspended: true\n", "") },
			changes: []string{"restore user bo"}, mail: []string{"restored to bo@acme.example =cloud"},
		}, {
			name: "an invited person keeps the invitation", before: away,
			edit:    func(w *world) { w.edit("people.yaml", "  suspended: true\n", "") },
			changes: []string{"restore user bo"}, mail: []string{"restored to bo@acme.example =cad"},
		}, {
			name: "added suspended, nobody is told",
			edit: func(w *world) { w.add("people.yaml", user("cy", "access: [cad]", "suspended: true")) },
			changes: []string{
				"add user cy firstName:>Cy lastName:>Lee suspended:>true", "grant access cy cad design",
			},
		}, {
			name: "added suspended, the invitation comes when restored", start: newcomer(),
			edit:    func(w *world) { w.edit("people.yaml", "  suspended: true\n", "") },
			changes: []string{"restore user cy"}, mail: []string{"invitation to cy@acme.example =cad"},
		}, {
			name: "a coordinator may be, and the manager hears of roles", adopt: true,
			edit: func(w *world) {
				w.edit("people.yaml", user("grace", "access: [cad]"), user("grace", "suspended: true"))
				w.edit("firm.yaml", "[grace]", "[ada]")
			},
			changes: []string{
				"assign role ada design softwareCoordinator", "suspend user grace",
				"unassign role grace design softwareCoordinator", "revoke access grace cad design",
			},
			mail: []string{"roles to ada@acme.example -softwareCoordinator of design for Grace Lee",
				"suspended to grace@acme.example -cad -softwareCoordinator of design"},
		},
	})
}

// A contract manager cannot be suspended; a suspended person holds no seat.
func TestSuspensionRefused(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	w.edit("people.yaml", user("ada"), user("ada", "suspended: true"))
	w.refused("its contract manager ada is suspended")

	w = newWorld(t, firm())
	w.edit("firm.yaml", "seats: 10", "seats: 2")
	w.apply()
	w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cad]", "suspended: true"))
	w.add("people.yaml", user("cy", "access: [cad]"))
	w.apply()
	w.edit("people.yaml", "  suspended: true\n", "")
	w.refused("3 assigned, 2 seats under design; remove one or buy one")
}

// People who are taken over are active from the start and not written to.
func TestAdopt(t *testing.T) {
	w := newWorld(t, firm())
	w.ctl.Adopt = true
	out := w.apply()
	if got := w.mailed(out.Applied.Number); len(got) > 0 {
		t.Errorf("adopted people were written to: %q", got)
	}
	for name, a := range w.truth().Accounts {
		if a.Activated.IsZero() || a.Issue != 0 {
			t.Errorf("%s is %s with invitation %d, want active with none", name, a.Status, a.Issue)
		}
	}
	w.ctl.Adopt = false
	w.settled()
	w.edit("people.yaml", user("bo", "access: [cad]"), user("bo"))
	w.ctl.Adopt = true // those who are known hear of changes as ever
	if diff := cmp.Diff([]string{"access to bo@acme.example -cad"}, w.mailed(w.apply().Applied.Number)); diff != "" {
		t.Error(diff)
	}
	if cause := w.truth().Newest.Cause.Kind; cause != "adopt" {
		t.Errorf("cause %q, want adopt", cause)
	}
}
