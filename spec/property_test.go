package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// horizon is how many days before and after today spans begin and end in these
// tests; every day in it, and one beyond either end, is looked at.
const horizon = 400

func eachDay(fn func(d Day)) {
	for d := today - horizon - 1; d <= today+horizon+1; d++ {
		fn(d)
	}
}

func drawSpan(t *rapid.T) Span {
	bound := rapid.OneOf(rapid.Int32Range(-3, 3), rapid.Int32Range(-horizon, horizon)) // close ones touch
	span := AllTime
	if rapid.Bool().Draw(t, "begins") {
		span.From = today + Day(bound.Draw(t, "from"))
	}
	if rapid.Bool().Draw(t, "ends") {
		span.Until = max(today+Day(bound.Draw(t, "until")), span.From)
	}
	return span
}

func drawGrants(t *rapid.T, label string) []Grant {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Grant {
		return Grant{
			Contract: rapid.SampledFrom([]string{"acme", "zeta"}).Draw(t, "contract"),
			Product:  rapid.SampledFrom([]string{"autocad", "revit"}).Draw(t, "product"),
			Span:     drawSpan(t),
			Reason:   rapid.SampledFrom([]string{"", "a", "b", "c"}).Draw(t, "reason"),
			Because:  []Origin{{File: "f.yaml", Line: rapid.Int32Range(1, 50).Draw(t, "line"), Column: 1}},
		}
	}), 0, 10).Draw(t, label)
}

// TestMergedGrantsDayByDay compares merging with a calendar in which each grant
// marks its days.
func TestMergedGrantsDayByDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		grants := drawGrants(t, "grants")
		merged := mergeGrants(slices.Clone(grants))
		for _, seat := range []Seat{{"acme", "autocad"}, {"acme", "revit"}, {"zeta", "autocad"}, {"zeta", "revit"}} {
			eachDay(func(d Day) {
				given, kept := holding(grants, seat, d), holding(merged, seat, d)
				if len(kept) > 1 || (len(given) > 0) != (len(kept) > 0) {
					t.Fatalf("%s %v: declared by %v, merged %v", d, seat, given, kept)
				}
				for _, g := range given {
					if !slices.Contains(kept[0].Because, g.Because[0]) || !strings.Contains(kept[0].Reason, g.Reason) {
						t.Fatalf("%s %v: %+v lacks the origin or the reason of %+v", d, seat, kept[0], g)
					}
				}
			})
		}
		for i := 1; i < len(merged); i++ {
			a, b := merged[i-1], merged[i]
			if a.Contract == b.Contract && a.Product == b.Product && (a.Until == Forever || b.From-a.Until < 2) {
				t.Fatalf("%v and %v touch", a, b)
			}
		}
		shuffled := rapid.Permutation(grants).Draw(t, "shuffled")
		if diff := cmp.Diff(merged, mergeGrants(shuffled), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("in another order (-first +second):\n%s", diff)
		}
	})
}

func holding(grants []Grant, seat Seat, d Day) (holding []Grant) {
	for _, g := range grants {
		if (Seat{g.Contract, g.Product}) == seat && g.Contains(d) {
			holding = append(holding, g)
		}
	}
	return holding
}

// sameUse compares use by what it says: a seat that nobody holds may be left out.
var sameUse = cmp.Options{
	cmp.AllowUnexported(SeatUse{}, edge{}), cmpopts.EquateEmpty(),
	cmpopts.IgnoreMapEntries(func(_ Seat, use *SeatUse) bool { return use.first == 0 && len(use.edges) == 0 }),
}

func with(book, news SeatBook) SeatBook {
	maps.Copy(book, news)
	return book
}

// TestSeatsDayByDay compares the counting of seats with asking for every person
// on every day.
func TestSeatsDayByDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		roster := &Roster{Users: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) User {
			return User{Access: mergeGrants(drawGrants(t, "access")), Suspended: rapid.IntRange(0, 4).Draw(t, "suspended") == 0}
		}), 0, 6).Draw(t, "users")}
		from := today + Day(rapid.Int32Range(-horizon, horizon).Draw(t, "from"))
		seats := rapid.IntRange(0, 5).Draw(t, "seats")
		used := roster.SeatsUsed()
		others := &Roster{Users: rapid.Permutation(roster.Users).Draw(t, "others")[:len(roster.Users)/2]}
		if diff := cmp.Diff(used, with(others.SeatsUsed(), others.SeatsUsed().Replaced(others.Users, roster.Users)), sameUse); diff != "" {
			t.Fatalf("counted anew and one by one (-want +got):\n%s", diff)
		}
		for _, seat := range []Seat{{"acme", "autocad"}, {"zeta", "revit"}} {
			peak, firstOver, holders := 0, Forever, 0
			eachDay(func(d Day) {
				if d < from {
					return
				}
				n := 0
				for _, u := range roster.Users {
					if !u.Suspended {
						n += len(holding(u.Access, seat, d))
					}
				}
				peak = max(peak, n)
				if n > seats && firstOver == Forever {
					firstOver, holders = d, n
				}
			})
			if got := used[seat].Peak(from); got != peak {
				t.Fatalf("%v from %s: peak %d, want %d", seat, from, got, peak)
			}
			day, n, over := used[seat].Over(from, seats)
			if over != (firstOver != Forever) || over && (max(day, from) != firstOver || n != holders) {
				t.Fatalf("%v over %d: %v, %d on %s; want %d on %s", seat, seats, over, n, day, holders, firstOver)
			}
		}
	})
}

// TestOrderDoesNotMatter resolves one tree in many arrangements: files given in
// another order make the same errors, documents in other files the same roster.
func TestOrderDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		documents := drawDocuments(t)
		files := arrange(t, documents)
		first, errs := Resolve(files, today)
		again, errsAgain := Resolve(rapid.Permutation(files).Draw(t, "files"), today)
		if diff := cmp.Diff(errs, errsAgain); diff != "" {
			t.Fatalf("errors of files in another order (-first +second):\n%s", diff)
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatalf("roster of files in another order (-first +second):\n%s", diff)
		}
		moved, errsMoved := Resolve(arrange(t, rapid.Permutation(documents).Draw(t, "documents")), today)
		if (errs == nil) != (errsMoved == nil) {
			t.Fatalf("documents in other files: errors\n%v\nand\n%v", errs, errsMoved)
		}
		if errs == nil {
			if diff := cmp.Diff(first, moved, ignoreOrigins); diff != "" {
				t.Fatalf("roster of documents in other files (-first +second):\n%s", diff)
			}
		}
	})
}

// arrange puts documents into up to four files and parses them.
func arrange(t *rapid.T, documents []string) []*File {
	contents := make([]string, 4)
	for _, doc := range documents {
		contents[rapid.IntRange(0, len(contents)-1).Draw(t, "file")] += doc
	}
	var files []*File
	for i, content := range contents {
		f, errs := Parse(fmt.Sprintf("%d.yaml", i), []byte(content))
		if errs != nil {
			t.Fatal(errs)
		}
		files = append(files, f)
	}
	return files
}

// drawDocuments makes a small tree. About half of them are valid: names are few,
// and now and then one is mentioned that is not declared.
func drawDocuments(t *rapid.T) []string {
	careless := rapid.Bool().Draw(t, "careless")
	pick := func(prefix string, n int) string {
		if careless && rapid.IntRange(0, 15).Draw(t, "slip") == 0 {
			n += 2
		}
		return fmt.Sprintf("%s%d", prefix, rapid.IntRange(0, n-1).Draw(t, prefix))
	}
	access := func() string {
		items := make([]string, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range items {
			span := drawSpan(t)
			items[i] = fmt.Sprintf("{product: %s, contract: %s", pick("p", 3), pick("c", 2))
			if span.From != Always {
				items[i] += ", from: " + span.From.String()
			}
			if span.Until != Forever {
				items[i] += ", until: " + span.Until.String()
			}
			items[i] += "}"
		}
		return "access: [" + strings.Join(items, ", ") + "]"
	}
	var documents []string
	for i := range 3 {
		documents = append(documents, productYAML(fmt.Sprintf("p%d", i)))
	}
	seats := ""
	if n := rapid.IntRange(1, 5).Draw(t, "seats"); n < 5 {
		seats = fmt.Sprintf(", seats: %d", n)
	}
	for i := range 2 {
		documents = append(documents, contractYAML(fmt.Sprintf("c%d", i), pick("u", 5),
			fmt.Sprintf("products: [{name: p0%s}, {name: p1}, {name: p2}]", seats)))
	}
	for i := range 5 {
		documents = append(documents, userYAML(fmt.Sprintf("u%d", i), access()))
	}
	for i := range 4 {
		lines := []string{access(), fmt.Sprintf("members: [%s]", pick("u", 5))}
		if i > 0 || careless {
			lines = append(lines, fmt.Sprintf("teams: [%s]", pick("t", max(i, 1))))
		}
		documents = append(documents, teamYAML(fmt.Sprintf("t%d", i), lines...))
	}
	if careless && rapid.Bool().Draw(t, "twice") {
		documents = append(documents, userYAML("u1", access(), "suspended: true"), teamYAML("t1", access()))
	}
	return documents
}

// TestUserListEqualsUsers: who stands in a list could as well be declared alone.
func TestUserListEqualsUsers(t *testing.T) {
	name := rapid.StringMatching(`[A-ZÞÉ][a-zþé]{0,5}( [A-Z][a-z]{1,4})?`)
	rapid.Check(t, func(t *rapid.T) {
		rest := productYAML("autocad") + contractYAML("acme", "boss", "products: [{name: autocad}]") + userYAML("boss")
		access := rapid.SampledFrom([]string{"access: []", "access: [autocad]", "access: [{product: autocad, until: 2027-01-01, reason: x}]"}).Draw(t, "access")
		var entries []string
		users := rest
		for i := range rapid.IntRange(1, MaxListUsers).Draw(t, "people") {
			first, last := name.Draw(t, "first"), name.Draw(t, "last")
			email := fmt.Sprintf("%s%d@acme.example", rapid.SampledFrom([]string{"u", "U", "é", "E\u0301"}).Draw(t, "local"), i)
			form := rapid.SampledFrom([]string{"%[1]s, %[2]s, %[3]s", "%[2]s,%[3]s,%[1]s", " %[2]s , %[3]s , %[1]s "}).Draw(t, "form")
			entries = append(entries, fmt.Sprintf(form, email, first, last))
			users += fmt.Sprintf("---\napiVersion: usher/v1\nkind: User\nspec:\n  email: %s\n  firstName: \"%s\"\n  lastName: \"%s\"\n  %s\n", email, first, last, access)
		}
		list := rest + fmt.Sprintf("---\napiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec:\n  users: \"%s\"\n  %s\n", strings.Join(entries, ";"), access)
		want, got := resolveDrawn(t, users), resolveDrawn(t, list)
		if diff := cmp.Diff(want, got, ignoreOrigins); diff != "" {
			t.Fatalf("roster by users and by list (-users +list):\n%s", diff)
		}
	})
}

func resolveDrawn(t *rapid.T, data string) *Roster {
	f, errs := Parse("a.yaml", []byte(data))
	if errs != nil {
		t.Fatal(errs)
	}
	roster, errs := Resolve([]*File{f}, today)
	if errs != nil {
		t.Fatal(errs)
	}
	return roster
}

// TestTeamClosure compares what teams in teams give with following them until
// nothing is added any more.
func TestTeamClosure(t *testing.T) {
	const teams, users = 6, 4
	rapid.Check(t, func(t *rapid.T) {
		var parts [teams][]int // teams of each team
		var members [teams][]int
		tree := contractYAML("acme", "u0", "products: [{name: p0}, {name: p1}, {name: p2}, {name: p3}, {name: p4}, {name: p5}]")
		for i := range users {
			tree += userYAML(fmt.Sprintf("u%d", i))
		}
		for i := range teams {
			ahead := 0
			if rapid.IntRange(0, 30).Draw(t, "careless") > 0 {
				ahead = i + 1 // no cycle
			}
			if ahead < teams {
				parts[i] = rapid.SliceOfNDistinct(rapid.IntRange(ahead, teams-1), 0, teams-ahead, rapid.ID[int]).Draw(t, "teams")
			}
			members[i] = rapid.SliceOfNDistinct(rapid.IntRange(0, users-1), 0, users, rapid.ID[int]).Draw(t, "members")
			tree += productYAML(fmt.Sprintf("p%d", i)) + teamYAML(fmt.Sprintf("t%d", i), "teams: "+nameList("t", parts[i]),
				"members: "+nameList("u", members[i]), fmt.Sprintf("access: [p%d]", i))
		}
		var reach [teams][teams]bool // reach[i][j]: j is part of i, in one step or more
		for range teams {
			for i := range teams {
				for _, part := range parts[i] {
					reach[i][part] = true
					for j := range teams {
						reach[i][j] = reach[i][j] || reach[part][j]
					}
				}
			}
		}
		cyclic := false
		want := make([][]string, users)
		for i := range teams {
			cyclic = cyclic || reach[i][i]
			for u := range users {
				given := slices.Contains(members[i], u)
				for j := range teams {
					given = given || reach[i][j] && slices.Contains(members[j], u)
				}
				if given {
					want[u] = append(want[u], fmt.Sprintf("p%d", i))
				}
			}
		}
		f, errs := Parse("a.yaml", []byte(tree))
		if errs != nil {
			t.Fatal(errs)
		}
		roster, errs := Resolve([]*File{f}, today)
		if (errs != nil) != cyclic {
			t.Fatalf("a cycle is %v, errors\n%v", cyclic, errs)
		}
		for u := range users {
			var got []string
			for _, g := range roster.Users[u].Access {
				got = append(got, g.Product)
			}
			if diff := cmp.Diff(want[u], got, cmpopts.EquateEmpty()); diff != "" && !cyclic {
				t.Fatalf("products of u%d (-want +got):\n%s\n%s", u, diff, tree)
			}
		}
	})
}

func nameList(prefix string, numbers []int) string {
	list := make([]string, len(numbers))
	for i, n := range numbers {
		list[i] = fmt.Sprintf("%s%d", prefix, n)
	}
	return "[" + strings.Join(list, ", ") + "]"
}

// TestWaitingBreaksNothing: a tree that is valid today is valid on every later
// day, for seats are counted to the end of time.
func TestWaitingBreaksNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		files := arrange(t, drawDocuments(t))
		if _, errs := Resolve(files, today); errs != nil {
			t.Skip("not valid today")
		}
		later := today + Day(rapid.Int32Range(1, horizon+10).Draw(t, "days"))
		if _, errs := Resolve(files, later); errs != nil {
			t.Fatalf("valid on %s, on %s no more:\n%v", today, later, errs)
		}
	})
}
