package reconciler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// besideFloor runs an operation and its floor in turn, and reports the time that the
// operation takes for each of so many people, and as a multiple of the floor's.
func besideFloor(b *testing.B, people int, operation, floor func()) {
	var ours, least time.Duration
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		operation()
		ours += time.Since(began)
		b.StopTimer()
		began = time.Now()
		floor()
		least += time.Since(began)
		b.StartTimer()
	}
	b.ReportMetric(float64(ours.Nanoseconds())/float64(b.N)/float64(people), "ns/person")
	b.ReportMetric(float64(ours)/float64(least), "x-floor")
}

// perPerson reports the time an operation takes for each of so many people.
func perPerson(b *testing.B, people int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(people), "ns/person")
}

// The comparison of a resync: nothing differs. Its floor looks once at every field of
// everybody on both sides.
func BenchmarkDiffSame(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			files := city(n)
			wanted, truth := resolved(b, files, day("2026-11-22")), resolved(b, files, day("2026-11-22"))
			c := reconciler.Comparison{Wanted: wanted, True: truthFor(truth), Now: noon}
			besideFloor(b, n, func() {
				if p := mustDiff(b, c); !p.Empty() {
					b.Fatal("the same differs")
				}
			}, func() {
				if !slices.EqualFunc(wanted.Users, truth.Users, sameUser) {
					b.Fatal("the same differs")
				}
			})
		})
	}
}

func sameUser(a, b spec.User) bool {
	return a.Name == b.Name && a.Email == b.Email && a.EmailKey == b.EmailKey && a.FirstName == b.FirstName && a.LastName == b.LastName &&
		a.Suspended == b.Suspended && a.Generation == b.Generation && a.Origin == b.Origin &&
		slices.Equal(a.SigningKeys, b.SigningKeys) && slices.Equal(a.Previously, b.Previously) && slices.EqualFunc(a.Access, b.Access, sameGrant)
}

func sameGrant(a, b spec.Grant) bool {
	return a.Contract == b.Contract && a.Product == b.Product && a.Span == b.Span && a.Reason == b.Reason && slices.Equal(a.Because, b.Because)
}

// The largest comparison there is: everybody is new. Its floor makes the id of the plan
// from its finished changes: the hash of their JSON.
func BenchmarkDiffAll(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			c := reconciler.Comparison{Wanted: resolved(b, city(n), day("2026-11-22")), True: truthFor(nil), Now: noon}
			p := mustDiff(b, c)
			besideFloor(b, n, func() { mustDiff(b, c) }, func() { reconciler.Identify(p) })
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
