package reconciler_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// Edits that tests of histories are made of.
func seats(n string) func(tree) tree {
	return func(tr tree) tree { return tr.with("design.yaml", "seats: 10", "seats: "+n) }
}

func boCoordinates(tr tree) tree { return tr.with("design.yaml", "[grace,", "[bo, grace,") }
func graceGoes(tr tree) tree     { return tr.with("design.yaml", "[grace, vera]", "[vera]") }
func evaGetsCloud(tr tree) tree  { return tr.with("eva.yaml", "[cad, bim]", "[cad, bim, cloud]") }
func graceManages(tr tree) tree {
	return tr.with("design.yaml", "contractManager: ada", "contractManager: grace")
}
func boIsEk(tr tree) tree     { return tr.with("bo.yaml", "lastName: Lee", "lastName: Ek") }
func brokenYAML(tr tree) tree { return tr.with("broken.yaml", "", "{{},<<}") }

func all(tr tree, edits ...func(tree) tree) tree {
	for _, edit := range edits {
		tr = edit(tr)
	}
	return tr
}

// refused writes refusals one a line.
func refused(refusals []reconciler.Refusal) []string {
	var list []string
	for _, r := range refusals {
		line := fmt.Sprintf("%s by %s: %s %s %s", r.Subject, r.Signer, r.Change.Action, r.Change.Kind, r.Change.Subject)
		for _, f := range r.Change.Fields {
			line += fmt.Sprintf(" %s:%s>%s", f.Name, f.From, f.To)
		}
		if r.Problem != "" {
			line += "; " + r.Problem
		}
		list = append(list, line+"; "+r.Missing)
	}
	return list
}

// authorising is a step with a trailer that names others.
func authorising(who string, ids ...string) reconciler.Step {
	s := signedBy(who)
	s.Authorises = ids
	return s
}

// What is judged of whole histories, and what is not.
func TestHistories(t *testing.T) {
	base := designAndBuild()
	for _, c := range []struct {
		name  string
		build func(h *past)
		want  []string
	}{
		{"nothing new", func(h *past) {}, nil},
		{"a coordinator appointed before may act, and not before that", func(h *past) {
			h.commit("ada", boCoordinates(base))
			h.commit("bo", all(base, boCoordinates, evaGetsCloud))
		}, nil},
		{"a commit after which appointing comes does not count", func(h *past) {
			h.commit("bo", evaGetsCloud(base))
			h.commit("ada", all(base, boCoordinates, evaGetsCloud))
		}, []string{"step 1 by bo: grant access eva days:>always through:>own manifest; software coordinator of design"}},
		{"appointing oneself does not help", func(h *past) {
			h.commit("bo", boCoordinates(base))
			h.commit("bo", all(base, boCoordinates, evaGetsCloud))
		}, []string{
			"step 1 by bo: assign role bo; contract manager of design",
			"step 2 by bo: grant access eva days:>always through:>own manifest; software coordinator of design",
		}},
		{"a manager handed over may act, the former one not any more", func(h *past) {
			h.commit("ada", graceManages(base))
			h.commit("grace", all(base, graceManages, seats("20")))
			h.commit("ada", all(base, graceManages, seats("30")))
		}, []string{"step 3 by ada: change contract design seats of cad:20>30; contract manager of design"}},
		{"undoing what was accepted is a change", func(h *past) {
			h.commit("ada", graceGoes(base))
			h.commit("grace", base)
		}, []string{"step 2 by grace: assign role grace; contract manager of design"}},
		{"undoing what was not accepted is none, even of what was allowed", func(h *past) {
			h.commit("stranger", boIsEk(base))
			h.commit("ada", all(base, boIsEk, seats("20")))
			h.commit("bo", boIsEk(base))
			h.commit("unsigned", base)
		}, nil},
		{"overwriting takes the responsibility over", func(h *past) {
			h.commit("bo", seats("20")(base))
			h.commit("ada", seats("21")(base))
		}, nil},
		{"overwriting by somebody else who may not", func(h *past) {
			h.commit("ada", seats("20")(base))
			h.commit("grace", seats("21")(base))
		}, []string{"step 2 by grace: change contract design seats of cad:20>21; contract manager of design"}},
		{"authorised afterwards", func(h *past) {
			id := h.commit("stranger", all(base, seats("20"), boIsEk))
			h.add(authorising("ada", "123456789012", id[:12]), all(base, seats("20"), boIsEk))
		}, nil},
		{"authorised in part", func(h *past) {
			id := h.commit("stranger", all(base, seats("20"), boIsEk))
			h.add(authorising("grace", id), all(base, seats("20"), boIsEk))
		}, []string{"step 1 by SHA256:: change contract design seats of cad:10>20; its key SHA256: is that of no user; contract manager of design"}},
		{"another commit authorised", func(h *past) {
			h.commit("stranger", seats("20")(base))
			h.add(authorising("ada", "123456789012"), seats("20")(base))
		}, []string{"step 1 by SHA256:: change contract design seats of cad:10>20; its key SHA256: is that of no user; contract manager of design"}},
		{"a tree that is not valid needs both signers", func(h *past) {
			s := signedBy("grace")
			s.Subject = "broken"
			h.add(s, all(base, seats("20"), brokenYAML))
			h.commit("ada", seats("20")(base))
		}, []string{"broken by grace: change contract design seats of cad:10>20; contract manager of design"}},
		{"a tree that is not valid, taken back", func(h *past) {
			s := signedBy("unsigned")
			s.Subject = "broken"
			h.add(s, brokenYAML(base))
			h.commit("ada", base)
			h.commit("ada", seats("20")(base))
		}, nil},
		{"of what is pending, only who may act before", func(h *past) {
			h.commit("stranger", boIsEk(base))
			h.commit("ada", all(base, boIsEk, boCoordinates))
			h.commit("bo", all(base, boIsEk, boCoordinates, evaGetsCloud))
			h.commit("grace", all(base, boCoordinates, evaGetsCloud))
		}, []string{"step 3 by bo: grant access eva days:>always through:>own manifest; software coordinator of design"}},
		{"the address of somebody who becomes a coordinator meanwhile", func(h *past) {
			h.commit("stranger", boIsEk(base))
			h.commit("ada", all(base, boIsEk, boCoordinates))
			h.commit("grace", all(base, boIsEk, boCoordinates).with("bo.yaml", "bo@", "grace.too@"))
		}, []string{
			"step 3 by grace: change user bo email:bo@acme.example>grace.too@acme.example; contract manager of design",
			"step 1 by SHA256:: change user bo lastName:Lee>Ek; its key SHA256: is that of no user; software coordinator of design",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newPast(base)
			c.build(h)
			accepted, refusals := h.judge()
			got := refused(refusals)
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], strings.TrimPrefix(signer("stranger").Fingerprint, "SHA256:"), "")
			}
			if diff := cmp.Diff(c.want, got); diff != "" || accepted != (c.want == nil) {
				t.Errorf("accepted %v (-want +got):\n%s", accepted, diff)
			}
		})
	}
}

// Both sides of a merge count, in whichever order the merge names them and the
// walk meets them.
func TestMerges(t *testing.T) {
	base := designAndBuild()
	for _, c := range []struct {
		name        string
		left, right func(h *past, fork string) string
		merger      string
		merged      tree
		want        []string
	}{
		{"two who may",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("grace", evaGetsCloud(base), fork) },
			"unsigned", all(base, seats("20"), evaGetsCloud), nil},
		{"one who may not",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("sam", evaGetsCloud(base), fork) },
			"ada", all(base, seats("20"), evaGetsCloud), []string{"grant access eva"}},
		{"a merge that changes more",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("grace", evaGetsCloud(base), fork) },
			"grace", all(base, seats("20"), evaGetsCloud, boCoordinates), []string{"assign role bo"}},
		{"a merge that drops a change of one side",
			func(h *past, fork string) string { return h.commit("ada", graceGoes(base), fork) },
			func(h *past, fork string) string { return h.commit("ada", boIsEk(base), fork) },
			"grace", boIsEk(base), []string{"assign role grace"}},
		{"a power that one side takes away",
			func(h *past, fork string) string { return h.commit("ada", graceGoes(base), fork) },
			func(h *past, fork string) string { return h.commit("grace", evaGetsCloud(base), fork) },
			"ada", all(base, graceGoes, evaGetsCloud), []string{"grant access eva"}},
		{"a power that one side takes away, and what was done by what it gave",
			func(h *past, fork string) string { return h.commit("ada", graceManages(base), fork) },
			func(h *past, fork string) string {
				return h.commit("bo", all(base, boCoordinates, evaGetsCloud), h.commit("ada", boCoordinates(base), fork))
			},
			"ada", all(base, graceManages, boCoordinates, evaGetsCloud), []string{"assign role bo", "grant access eva"}},
		{"a power that one side gives",
			func(h *past, fork string) string { return h.commit("olu", mainMoves(base), fork) },
			func(h *past, fork string) string {
				return h.commit("bo", all(base, boCoordinates, evaGetsCloud), h.commit("ada", boCoordinates(base), fork))
			},
			"unsigned", all(base, mainMoves, boCoordinates, evaGetsCloud), nil},
		{"an address changed while its owner became a coordinator",
			func(h *past, fork string) string { return h.commit("ada", boCoordinates(base), fork) },
			func(h *past, fork string) string {
				return h.commit("grace", base.with("bo.yaml", "bo@", "grace.too@"), fork)
			},
			"ada", boCoordinates(base.with("bo.yaml", "bo@", "grace.too@")), []string{"change user bo"}},
		{"both change one thing, and both may",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("ada", seats("30")(base), fork) },
			"unsigned", seats("30")(base), nil},
		{"both change one thing, and neither is kept",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("ada", seats("30")(base), fork) },
			"grace", seats("40")(base), []string{"change contract design"}},
		{"both change one thing, and the one is kept who may not",
			func(h *past, fork string) string { return h.commit("ada", seats("20")(base), fork) },
			func(h *past, fork string) string { return h.commit("grace", seats("30")(base), fork) },
			"ada", seats("30")(base), []string{"change contract design"}},
		{"a bad branch merged and not kept",
			func(h *past, fork string) string { return h.commit("ada", boIsEk(base), fork) },
			func(h *past, fork string) string { return h.commit("stranger", seats("99")(base), fork) },
			"unsigned", boIsEk(base), nil},
	} {
		for order := range 4 {
			h := newPast(base)
			fork := h.last()
			sides := []func(*past, string) string{c.left, c.right}
			if order%2 == 1 {
				sides[0], sides[1] = sides[1], sides[0]
			}
			parents := []string{sides[0](h, fork), sides[1](h, fork)}
			if order/2 == 1 {
				parents[0], parents[1] = parents[1], parents[0]
			}
			h.commit(c.merger, c.merged, parents...)
			_, refusals := h.judge()
			var got []string
			for _, r := range refusals {
				got = append(got, fmt.Sprintf("%s %s %s", r.Change.Action, r.Change.Kind, r.Change.Subject))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s, order %d (-want +got):\n%s", c.name, order, diff)
			}
		}
	}
}

// Branches from before what is applied are judged by the roles of now, and what
// they do not know of stays.
func TestBranchesFromBefore(t *testing.T) {
	before := designAndBuild()
	base := graceGoes(before)
	earlier := reconciler.Step{Standing: reconciler.StandingEarlier}

	h := newPast(base)
	fork := h.add(earlier, before, "gone")
	h.commit("unsigned", boIsEk(base), h.steps[0].ID, h.commit("ada", boIsEk(before), fork))
	if accepted, refusals := h.judge(); !accepted {
		t.Errorf("a branch of ada from before: %v", refused(refusals))
	}

	h = newPast(base)
	fork = h.add(earlier, before, "gone")
	own := h.commit("grace", all(before, boIsEk), h.commit("ada", evaGetsCloud(before), fork))
	h.commit("ada", all(base, boIsEk, evaGetsCloud), h.steps[0].ID, own)
	_, refusals := h.judge()
	equal(t, []string{"step 3 by grace: change user bo lastName:Lee>Ek; software coordinator of design"}, refused(refusals))

	h = newPast(base)
	fork = h.add(earlier, before, "gone")
	h.commit("grace", boIsEk(before), h.steps[0].ID, h.commit("ada", boIsEk(before), fork))
	_, refusals = h.judge()
	equal(t, []string{"step 3 by grace: assign role grace; contract manager of design"}, refused(refusals))
}

// A history that does not build on what is applied answers for what it leaves out,
// and an old one pushed again cannot.
func TestRewrittenHistory(t *testing.T) {
	before := designAndBuild()
	base := graceGoes(before)
	earlier := reconciler.Step{Standing: reconciler.StandingEarlier}
	for _, c := range []struct {
		name, who string
		minutes   int // when, before what is applied
		want      []string
	}{
		{"by the manager", "ada", 0, nil},
		{"by who was put out", "grace", 0, []string{"step 2 by grace: assign role grace; contract manager of design"}},
		{"by an old commit of the manager", "ada", 60, []string{"step 2 by SHA256:: assign role grace; it is older than what is applied; contract manager of design"}},
	} {
		h := newPast(base)
		fork := h.add(earlier, before, "gone")
		s := signedBy(c.who)
		s.Committer.At = judgedAt.Add(-99 * 60e9)
		if c.minutes > 0 {
			s.Committer.At = judgedAt.Add(-160 * 60e9)
		}
		h.add(s, before.with("bo.yaml", "", "# touched\n"), fork)
		_, refusals := h.judge()
		got := refused(refusals)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], strings.TrimPrefix(signer("ada").Fingerprint, "SHA256:"), "")
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
	h := newPast(base)
	h.add(earlier, before, "gone") // the branch goes back to where it was
	if accepted, refusals := h.judge(); accepted || len(refusals) != 1 {
		t.Errorf("going back: accepted %v, %v", accepted, refused(refusals))
	}
}

// edits is what random histories are made of.
func randomEdit(t *rapid.T, tr tree) tree {
	c := cells[rapid.IntRange(0, len(cells)-1).Draw(t, "edit")]
	edited := tr
	func() {
		defer func() {
			if recover() != nil { // what the edit replaces is not there any more
				edited = tr
			}
		}()
		edited = c.edit(tr)
	}()
	if edited.roster() == nil {
		return tr
	}
	return edited
}

// No sequence of commits of coordinators, in any shape, changes who manages, who
// coordinates, or seats: either it is refused, or those are as they were.
func TestCoordinatorsNeverGainPower(t *testing.T) {
	base := designAndBuild()
	power := func(r *spec.Roster) string {
		var b strings.Builder
		for i := range r.Contracts {
			c := &r.Contracts[i]
			fmt.Fprintln(&b, c.Name, c.Manager, c.Coordinators, c.Offers[0].Seats, len(c.Offers))
			for _, name := range append([]string{c.Manager}, c.Coordinators...) {
				u := r.User(name)
				fmt.Fprintln(&b, u.Email, u.SigningKeys, u.Suspended)
			}
		}
		return b.String()
	}
	accepted, changed := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		h := newPast(base)
		for range rapid.IntRange(1, 7).Draw(t, "commits") {
			actor := rapid.SampledFrom([]string{"grace", "grace", "sam", "bo", "unsigned"}).Draw(t, "actor")
			parent := h.steps[rapid.IntRange(0, len(h.steps)-1).Draw(t, "parent")].ID
			parents := []string{parent}
			if other := h.steps[rapid.IntRange(0, len(h.steps)-1).Draw(t, "other")].ID; other != parent && rapid.Bool().Draw(t, "merge") {
				parents = append(parents, other)
			}
			h.commit(actor, randomEdit(t, h.trees[parent]), parents...)
		}
		ok, _ := h.judge()
		end := h.steps[len(h.steps)-1].Roster
		if ok {
			accepted++
			if end != h.base.roster() {
				changed++
			}
			if diff := cmp.Diff(power(h.base.roster()), power(end)); diff != "" {
				t.Fatalf("power changed hands:\n%s", diff)
			}
		}
	})
	if accepted == 0 || changed == 0 {
		t.Errorf("%d histories accepted, %d of them with changes: nothing was tried", accepted, changed)
	}
}

// What is accepted does not depend on when the controller looked: judged at once,
// or step by step with what was accepted applied in between, the end is the same.
func TestStepByStepIsAllAtOnce(t *testing.T) {
	base := designAndBuild()
	rapid.Check(t, func(t *rapid.T) {
		h := newPast(base)
		tr := base
		for range rapid.IntRange(1, 6).Draw(t, "commits") {
			tr = randomEdit(t, tr)
			h.commit(rapid.SampledFrom([]string{"ada", "grace", "olu", "sam", "bo"}).Draw(t, "actor"), tr)
		}
		want, _ := h.judge()
		applied, got := h.base.roster(), true
		since := h.steps[:1:1]
		for _, s := range h.steps[1:] {
			since = append(since, s)
			if got, _ = reconciler.Authority(reconciler.Review{Base: applied, Steps: since, Now: judgedAt}); got {
				applied = s.Roster
				s.Standing = reconciler.StandingApplied
				since = []reconciler.Step{s}
			}
		}
		if got != want {
			t.Fatalf("at once %v, step by step %v", want, got)
		}
	})
}

// held is what holds a plan from one tree to another, given its history.
func (h *past) held(limits reconciler.Limits) []state.HeldRule {
	truth := &state.Truth{Roster: h.base.roster(), Accounts: map[string]state.Account{}}
	for _, u := range truth.Roster.Users {
		truth.Accounts[u.Name] = state.Account{ID: "id-" + u.Name}
	}
	plan, _ := reconciler.Diff(reconciler.Comparison{Wanted: h.steps[len(h.steps)-1].Roster, True: truth, Now: judgedAt})
	plan.Held = limits.Judge(plan, truth, nil, spec.DayOf(judgedAt))
	return reconciler.Review{Base: h.base.roster(), Steps: h.steps, Now: judgedAt}.Hold(plan, truth)
}

// A trailer lifts the limits on removals where its signer manages every contract
// concerned and the count is right, and nothing else.
func TestAllowRemovals(t *testing.T) {
	base := designAndBuild()
	for i := range 6 {
		base = base.with(fmt.Sprintf("u%d.yaml", i), "", user(fmt.Sprintf("u%d", i), "access: [cad]"))
	}
	emptied := func(tr tree) tree {
		for i := range 6 {
			tr = tr.without(fmt.Sprintf("u%d.yaml", i))
		}
		return tr
	}
	allowing := func(who string, n int) reconciler.Step {
		s := signedBy(who)
		s.AllowRemovals = &n
		return s
	}
	both := base.without("eva.yaml")
	for _, c := range []struct {
		name string
		step reconciler.Step
		tree tree
		want string
	}{
		{"no trailer", signedBy("ada"), emptied(base), "would lose access, more than the 3 allowed"},
		{"the manager, the right count", allowing("ada", 6), emptied(base), ""},
		{"a wrong count", allowing("ada", 7), emptied(base), "allows 7, and 6 would lose something"},
		{"a coordinator", allowing("grace", 6), emptied(base), "allows 6, but does not count: it takes the contract manager of design"},
		{"a contract of another manager as well", allowing("ada", 7), emptied(both), "does not count: it takes the contract manager of build and design"},
		{"backdated", func() reconciler.Step {
			s := allowing("ada backdated", 6)
			return s
		}(), emptied(base), "more than a day before"},
	} {
		h := newPast(base)
		h.add(c.step, c.tree)
		var limits []string
		for _, rule := range h.held(reconciler.Limits{}) {
			if rule.Rule != "authority" {
				limits = append(limits, rule.Message)
			}
		}
		if c.want == "" && len(limits) > 0 || !strings.Contains(strings.Join(limits, "\n"), c.want) {
			t.Errorf("%s: held by %q, want %q", c.name, limits, c.want)
		}
	}
}

// A handover that its manager signed is not held; a new contract is, and approval
// never releases what was refused.
func TestWhatAuthorityHolds(t *testing.T) {
	base := designAndBuild()
	for _, c := range []struct {
		name, who  string
		tree       tree
		rules      []string
		approvable bool
	}{
		{"handover by the manager", "ada", graceManages(base), nil, true},
		{"handover by who gains", "grace", graceManages(base), []string{"handover design", "authority"}, false},
		{"new contract", "olu", base.with("new.yaml", "", contract("new", "contractManager: bo")), []string{"new-contract new"}, true},
	} {
		h := newPast(base)
		h.commit(c.who, c.tree)
		held := h.held(reconciler.Limits{})
		var got []string
		for _, rule := range held {
			if rule.Rule == "authority" {
				got = append(got, rule.Rule)
				continue
			}
			got = append(got, rule.Rule+" "+rule.Scope)
		}
		if diff := cmp.Diff(c.rules, compact(got)); diff != "" || reconciler.Approvable(held) != c.approvable {
			t.Errorf("%s: approvable %v (-want +got):\n%s", c.name, reconciler.Approvable(held), diff)
		}
	}
}

func compact(list []string) []string {
	var kept []string
	for _, s := range list {
		if len(kept) == 0 || kept[len(kept)-1] != s {
			kept = append(kept, s)
		}
	}
	return kept
}

// A refusal says all that somebody needs to go on.
func TestWordsOfARefusal(t *testing.T) {
	base := designAndBuild()
	h := newPast(base)
	id := h.commit("grace", seats("20")(base))
	held := h.held(reconciler.Limits{})
	want := []state.HeldRule{{
		Rule: "authority", Scope: id[:12], Count: 1,
		Message: "commit " + id[:12] + " (step 1), signed by grace: change contract design (seats of cad): it takes the contract manager of design",
		Release: "git revert " + id[:12] + ", or have ada sign a commit with the trailer Usher-Authorises: " + id[:12],
	}}
	equal(t, want, held)
}
