package reconciler_test

import (
	"fmt"
	"strings"
	"testing"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// city is a firm of so many people in teams of fifty, each with a product of
// their own beside the team's.
func city(people int) tree {
	f := tree{"firm.yaml": contract("design", "contractManager: p0", "products: [{name: cad}, {name: cloud}, {name: render}]") +
		product("cad") + product("cloud") + product("render")}
	const crew = 50
	for start := 0; start < people; start += crew {
		var text strings.Builder
		var names []string
		for i := start; i < min(start+crew, people); i++ {
			name := fmt.Sprintf("p%d", i)
			text.WriteString(user(name, "access: [cad]"))
			names = append(names, name)
		}
		text.WriteString(team(fmt.Sprintf("team%d", start/crew), "members: ["+strings.Join(names, ", ")+"]", "access: [cloud]"))
		f[fmt.Sprintf("team%d.yaml", start/crew)] = text.String()
	}
	return f
}

var sizes = []int{1000, 10_000}

// perPerson reports the time an operation takes for each of so many people.
func perPerson(b *testing.B, people int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(people), "ns/person")
}

// The daemon's usual comparison: nothing differs.
func BenchmarkDiffSame(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			roster := resolved(b, city(n), day("2026-11-22"))
			c := reconciler.Comparison{Wanted: roster, True: truthFor(roster), Now: noon}
			b.ReportAllocs()
			for b.Loop() {
				if p := mustDiff(b, c); !p.Empty() {
					b.Fatal("the same differs")
				}
			}
			perPerson(b, n)
		})
	}
}

// The largest comparison there is: everybody is new.
func BenchmarkDiffAll(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			roster := resolved(b, city(n), day("2026-11-22"))
			b.ReportAllocs()
			for b.Loop() {
				mustDiff(b, reconciler.Comparison{Wanted: roster, True: truthFor(nil), Now: noon})
			}
			perPerson(b, n)
		})
	}
}

// A plan that takes access from everybody, judged.
func BenchmarkJudge(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := city(n)
			truth := truthFor(resolved(b, files, day("2026-11-22")))
			for path := range files {
				files[path] = strings.ReplaceAll(files[path], "access: [cad]", "access: [render]")
			}
			p := mustDiff(b, reconciler.Comparison{Wanted: resolved(b, files, day("2026-11-22")), True: truth, Now: noon})
			b.ReportAllocs()
			for b.Loop() {
				if len(reconciler.Limits{}.Judge(p, truth, nil, day("2026-11-22"))) == 0 {
					b.Fatal("not held")
				}
			}
			perPerson(b, n)
		})
	}
}

// The first apply, from manifests in memory to the committed revision with a
// message for everybody.
func BenchmarkApply(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := city(n)
			for b.Loop() {
				b.StopTimer()
				w := openWorld(b, b.TempDir(), files)
				w.ctl.Limits.Mail = n + 1
				b.StartTimer()
				if out := w.apply(); out.Applied == nil {
					b.Fatal("nothing was applied")
				}
			}
			perPerson(b, n)
		})
	}
}

// An apply that finds nothing to do.
func BenchmarkApplySame(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			w := openWorld(b, b.TempDir(), city(n))
			w.ctl.Limits.Mail = n + 1
			w.apply()
			b.ReportAllocs()
			for b.Loop() {
				if out := w.apply(); out.Applied != nil {
					b.Fatal("something was applied")
				}
			}
			perPerson(b, n)
		})
	}
}

// truthFor is a truth that says what the roster does; nil: nothing yet.
func truthFor(roster *spec.Roster) *state.Truth {
	truth := &state.Truth{Roster: &spec.Roster{}, Accounts: map[string]state.Account{}}
	if roster != nil {
		truth.Roster = roster
		for i := range roster.Users {
			name := roster.Users[i].Name
			truth.Accounts[name] = state.Account{ID: "u" + name, Name: name, Activated: noon}
		}
	}
	return truth
}
