package reconciler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// crowd is a firm with so many more people, p000 and on, whose spec has the
// given lines.
func crowd(n int, rest ...string) tree {
	f := firm()
	f["firm.yaml"] = strings.Replace(f["firm.yaml"], "seats: 10", "seats: 100", 1)
	var b strings.Builder
	for i := range n {
		b.WriteString(user(fmt.Sprintf("p%03d", i), rest...))
	}
	f["crowd.yaml"] = b.String()
	return f
}

// members is what a crowd of so many is called.
func members(from, to int) string {
	var names []string
	for i := from; i < to; i++ {
		names = append(names, fmt.Sprintf("p%03d", i))
	}
	return "[" + strings.Join(names, ", ") + "]"
}

// leave takes some of the crowd out of the tree.
func (w *world) leave(from, to int, rest ...string) {
	for i := from; i < to; i++ {
		w.remove("crowd.yaml", user(fmt.Sprintf("p%03d", i), rest...))
	}
}

// lose takes access from some of the crowd, who had only that.
func (w *world) lose(from, to int, access string) { w.become(from, to, access, "") }

// become gives some of the crowd other lines of a spec for the ones they have.
func (w *world) become(from, to int, old, new string) {
	lines := func(s string) []string { return strings.FieldsFunc(s, func(r rune) bool { return r == '\n' }) }
	for i := from; i < to; i++ {
		name := fmt.Sprintf("p%03d", i)
		w.edit("crowd.yaml", user(name, lines(old)...), user(name, lines(new)...))
	}
}

const cad = "access: [cad]"

// RELIABILITY.md, limits on a plan: each rule hit, and just not hit.
func TestLimits(t *testing.T) {
	for _, test := range []struct {
		name   string
		start  tree
		limits reconciler.Limits
		edit   func(w *world)
		want   []string
	}{
		{name: "three may go from a small firm", start: crowd(7), edit: func(w *world) { w.leave(0, 3) }},
		{name: "four may not", start: crowd(7), edit: func(w *world) { w.leave(0, 4) }, want: []string{"removals  4>3"}},
		{name: "10 % of 50 is 5", start: crowd(47), edit: func(w *world) { w.leave(0, 5) }},
		{name: "6 of 50 is more", start: crowd(47), edit: func(w *world) { w.leave(0, 6) }, want: []string{"removals  6>5"}},
		{
			name: "a number allowed", start: crowd(47), limits: reconciler.Limits{Removals: reconciler.Limit{Number: 6, Set: true}},
			edit: func(w *world) { w.leave(0, 6) },
		}, {
			name: "a number exceeded", start: crowd(47), limits: reconciler.Limits{Removals: reconciler.Limit{Number: 6, Set: true}},
			edit: func(w *world) { w.leave(0, 7) }, want: []string{"removals  7>6"},
		}, {
			name: "a share allowed", start: crowd(47), limits: reconciler.Limits{Removals: reconciler.Limit{Number: 20, Percent: true, Set: true}},
			edit: func(w *world) { w.leave(0, 10) },
		}, {
			name: "a share exceeded", start: crowd(47), limits: reconciler.Limits{Removals: reconciler.Limit{Number: 20, Percent: true, Set: true}},
			edit: func(w *world) { w.leave(0, 11) }, want: []string{"removals  11>10"},
		}, {
			name: "none allowed", limits: reconciler.Limits{Removals: reconciler.Limit{Set: true}},
			edit: func(w *world) { w.edit("people.yaml", user("bo", cad), "") },
			// the narrower scopes have fewer than four holders, and say nothing
			want: []string{"access  1>0", "removals  1>0"},
		}, {
			name: "one person with five products is one person", start: func() tree {
				f := crowd(8, "access: [a, b, c, d, e]")
				f["more.yaml"] = contract("more", "contractManager: ada", "products: [{name: a}, {name: b}, {name: c}, {name: d}, {name: e}]") +
					product("a") + product("b") + product("c") + product("d") + product("e")
				return f
			}(),
			edit: func(w *world) { w.lose(0, 3, "access: [a, b, c, d, e]") },
		}, {
			name: "access lost by too many of all", start: crowd(48, cad),
			edit: func(w *world) { w.lose(0, 6, cad) }, want: []string{"access  6>5"},
		}, {
			name: "access lost by just as many as may", start: crowd(48, cad),
			edit: func(w *world) { w.lose(0, 5, cad) },
		}, {
			name: "a product that four people have", start: func() tree {
				f := crowd(60)
				f["teams.yaml"] = team("few", "members: "+members(0, 4), "access: [cloud]")
				return f
			}(),
			edit: func(w *world) { w.edit("teams.yaml", "access: [cloud]", "access: []") },
			want: []string{"access contract design 4>3", "access product cloud 4>3"},
		}, {
			name: "a product that three people have", start: func() tree {
				f := crowd(60)
				f["teams.yaml"] = team("few", "members: "+members(0, 3), "access: [cloud]")
				return f
			}(),
			edit: func(w *world) { w.edit("teams.yaml", "access: [cloud]", "access: []") },
		}, {
			name: "a contract that four people have products of", start: func() tree {
				f := crowd(60)
				f["more.yaml"] = contract("more", "contractManager: ada", "products: [{name: a}, {name: b}]") + product("a") + product("b")
				f["teams.yaml"] = team("a", "members: "+members(0, 2), "access: [a]") + team("b", "members: "+members(2, 4), "access: [b]")
				return f
			}(),
			edit: func(w *world) {
				w.edit("teams.yaml", "access: [a]", "access: []")
				w.edit("teams.yaml", "access: [b]", "access: []")
			},
			want: []string{"access contract more 4>3"},
		}, {
			name: "a team that four people leave", start: func() tree {
				f := crowd(60)
				f["teams.yaml"] = team("few", "members: "+members(0, 4)) + team("many", "members: "+members(4, 60))
				return f
			}(),
			edit: func(w *world) { w.edit("teams.yaml", members(0, 4), "[]") },
			want: []string{"teams team few 4>3"},
		}, {
			name: "a team that three people leave", start: func() tree {
				f := crowd(60)
				f["teams.yaml"] = team("few", "members: "+members(0, 4)) + team("many", "members: "+members(4, 60))
				return f
			}(),
			edit: func(w *world) { w.edit("teams.yaml", members(0, 4), members(3, 4)) },
		}, {
			name: "members who are renamed do not leave", start: func() tree {
				f := crowd(5)
				f["teams.yaml"] = team("few", "members: "+members(0, 5))
				return f
			}(),
			edit: func(w *world) {
				for i := range 5 {
					name := fmt.Sprintf("p%03d", i)
					w.edit("crowd.yaml", "metadata: {name: "+name+"}", "metadata: {name: x"+name+"}")
					w.edit("teams.yaml", name, "x"+name)
				}
			},
		}, {
			name: "teams left by too many of all", start: func() tree {
				f := crowd(20)
				f["teams.yaml"] = team("one", "members: "+members(0, 10)) + team("two", "members: "+members(10, 20))
				return f
			}(),
			edit: func(w *world) {
				w.edit("teams.yaml", members(0, 10), members(2, 10))
				w.edit("teams.yaml", members(10, 20), members(12, 20))
			},
			want: []string{"teams  4>3"},
		}, {
			name: "roles lost by four people", start: func() tree {
				f := crowd(5)
				f["firm.yaml"] = strings.Replace(f["firm.yaml"], "[grace]", "[p000, p001, p002, p003, grace]", 1)
				return f
			}(),
			edit: func(w *world) { w.edit("firm.yaml", "[p000, p001, p002, p003, grace]", "[grace]") },
			want: []string{"roles  4>3"},
		}, {
			name: "suspension takes access", start: crowd(48, cad),
			edit: func(w *world) { w.become(0, 6, cad, cad+"\nsuspended: true") }, want: []string{"access  6>5"},
		}, {
			name: "of those who have some", start: crowd(47),
			edit: func(w *world) {
				w.become(0, 6, "", "suspended: true")
			},
		}, {
			name: "shorter days are a loss", start: crowd(48, cad),
			edit: func(w *world) { w.become(0, 6, cad, "access: [{product: cad, until: 2027-01-01}]") }, want: []string{"access  6>5"},
		}, {
			name: "past days are not", start: crowd(48, "access: [{product: cad, until: 2026-11-21}]"),
			edit: func(w *world) { w.lose(0, 6, "access: [{product: cad, until: 2026-11-21}]") },
		}, {
			name: "two spans that become one are not", start: crowd(47, "access: [{product: cloud, until: 2026-12-01}, {product: cloud, from: 2027-01-01}]"),
			edit: func(w *world) {
				w.become(0, 47, "access: [{product: cloud, until: 2026-12-01}, {product: cloud, from: 2027-01-01}]", "access: [cloud]")
			},
		}, {
			name: "another contract is not", start: func() tree {
				f := crowd(7, "access: [{product: cloud, contract: design}]")
				f["more.yaml"] = contract("more", "contractManager: ada", "products: [{name: cloud}]")
				return f
			}(),
			edit: func(w *world) {
				w.become(0, 7, "access: [{product: cloud, contract: design}]", "access: [{product: cloud, contract: more}]")
			},
		}, {
			name: "a handover", edit: func(w *world) { w.edit("firm.yaml", "contractManager: ada", "contractManager: bo") },
			want: []string{"handover design 1>0"},
		}, {
			name: "a contract after the first", edit: func(w *world) { w.tree["new.yaml"] = contract("new", "contractManager: bo") },
			want: []string{"new-contract new 1>0"},
		}, {
			name: "as many messages as may", start: crowd(3), limits: reconciler.Limits{Mail: 3},
			edit: func(w *world) { w.become(0, 3, "", "access: [cloud]") },
		}, {
			name: "one message too many", start: crowd(4), limits: reconciler.Limits{Mail: 3},
			edit: func(w *world) {
				w.become(0, 3, "", "access: [cloud]")
				w.edit("crowd.yaml", user("p003"), user("p003", cad))
			},
			want: []string{"mail  4>3"},
		}, {
			name: "nobody at all", edit: func(w *world) { w.tree = tree{} },
			want: []string{"empty  3>0"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.start == nil {
				test.start = firm()
			}
			w := newWorld(t, test.start)
			w.ctl.Adopt = true
			w.apply()
			w.ctl.Adopt, w.ctl.Limits = false, test.limits
			test.edit(w)
			equal(t, test.want, rules(w.plan()))
			if test.want != nil {
				before := w.truth()
				w.held()
				equal(t, before, w.truth())
				return
			}
			w.apply()
			w.settled()
		})
	}
}

// The default limit of messages holds the first apply of a large firm.
func TestMailLimitOfTheFirstApply(t *testing.T) {
	w := newWorld(t, crowd(reconciler.DefaultMail-3))
	equal(t, []string{"mail  501>500"}, rules(w.held()))
	w.leave(0, 1)
	w.apply()
}

// What is lost within 24 hours counts together, so that a slow copy of half a
// tree does not drip below the limits.
func TestLimitsWithinADay(t *testing.T) {
	type stage struct {
		after   time.Duration
		edit    func(w *world)
		want    []string
		approve bool
	}
	leave := func(from, to int) func(w *world) { return func(w *world) { w.leave(from, to, cad) } }
	for _, test := range []struct {
		name   string
		stages []stage
	}{
		{"a drip is held at the limit", []stage{
			{edit: leave(0, 2)}, {edit: leave(2, 4)}, {edit: leave(4, 5)},
			{edit: leave(5, 6), want: []string{"access  6>5", "removals  6>5"}},
		}},
		{"a day later it is another day", []stage{
			{edit: leave(0, 5)}, {after: 24*time.Hour + time.Second, edit: leave(5, 9)},
		}},
		{"less than a day later it is the same", []stage{
			{edit: leave(0, 5)}, {after: 23 * time.Hour, edit: leave(5, 6), want: []string{"access  6>5", "removals  6>5"}},
		}},
		{"what was approved does not count again", []stage{
			{edit: leave(0, 6), want: []string{"access  6>5", "removals  6>5"}, approve: true}, {edit: leave(6, 10)},
		}},
		{"the same people do not count twice", []stage{
			{edit: func(w *world) { w.become(0, 5, cad, "access: [{product: cad, until: 2027-01-01}]") }},
			{edit: func(w *world) { w.lose(0, 5, "access: [{product: cad, until: 2027-01-01}]") }},
		}},
		{"the suspended count", []stage{
			{edit: func(w *world) { w.become(0, 5, cad, cad+"\nsuspended: true") }},
			{edit: func(w *world) { w.lose(5, 6, cad) }, want: []string{"access  6>5"}},
		}},
		{"what a plan that takes nothing finds lost is no reason to hold it", []stage{
			{edit: leave(0, 5)}, {edit: func(w *world) { w.add("people.yaml", user("cy")) }},
		}},
		{"what was given back does not count", []stage{
			{edit: func(w *world) { w.lose(0, 5, cad) }},
			{edit: func(w *world) { w.become(0, 5, "", cad) }},
			{edit: func(w *world) { w.lose(5, 10, cad) }},
		}},
		{"what the calendar takes is never counted", []stage{
			{edit: func(w *world) { w.become(0, 5, cad, "access: [{product: cad, until: 2026-11-22}]") }},
			{after: 25 * time.Hour}, {edit: func(w *world) { w.lose(10, 15, cad) }},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, crowd(48, cad))
			w.ctl.Adopt = true
			w.apply()
			w.ctl.Adopt = false
			for i, s := range test.stages {
				w.now = w.now.Add(s.after + time.Minute)
				if s.edit != nil {
					s.edit(w)
				}
				p := w.plan()
				if got := rules(p); strings.Join(got, ";") != strings.Join(s.want, ";") {
					t.Fatalf("stage %d: held by %q, want %q", i, got, s.want)
				}
				if s.approve {
					w.held()
					w.approve(p.ID)
				}
				if len(s.want) == 0 || s.approve {
					w.apply()
				}
			}
		})
	}
}

func TestParseLimit(t *testing.T) {
	for text, want := range map[string]reconciler.Limit{
		"25": {Number: 25, Set: true}, "10%": {Number: 10, Percent: true, Set: true}, "0": {Set: true}, "100%": {Number: 100, Percent: true, Set: true},
	} {
		got, err := reconciler.ParseLimit(text)
		if err != nil || got != want {
			t.Errorf("ParseLimit(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "%", "-1", "101%", "ten", "1.5%", "10 %%"} {
		if got, err := reconciler.ParseLimit(text); err == nil {
			t.Errorf("ParseLimit(%q) = %v, want an error", text, got)
		}
	}
}

// A hold names how to let the plan through, and says what it is about.
func TestHeldRuleSays(t *testing.T) {
	w := newWorld(t, crowd(7))
	w.apply()
	w.leave(0, 4)
	p := w.held()
	equal(t, []state.HeldRule{{
		Rule: "removals", Count: 4, Limit: 3,
		Message: "4 people of 10 would be removed, more than the 3 allowed within a day", Release: "usher approve " + p.ID,
	}}, p.Held)
}
