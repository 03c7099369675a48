package reconciler_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
)

// The benchmarks here edit an organisation that a loop watches, and report the
// median time from the edit to the committed revision with its messages queued, as
// us-to-commit, and to the end of the look, as us-to-rest. Manifests come from
// memory: what the loop does with them is measured, not the reading of files.
//
//	go test ./reconciler -run '^$' -bench Edit -benchtime 50x
//
// USHER_BENCH_PEOPLE lists other sizes than 1000, such as 1000,10000,100000.

// desk is a source of manifests that costs nothing to read, whatever its size.
type desk struct {
	m    reconciler.Manifests
	n    int
	bell chan struct{}
}

func (d *desk) Snapshot(context.Context) (*reconciler.Manifests, error) {
	m := d.m
	m.Files = slices.Clone(m.Files)
	return &m, nil
}

func (d *desk) Settled(_ context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	return first, nil
}

func (d *desk) Dirty() <-chan struct{} { return d.bell }
func (d *desk) Sync()                  {}
func (d *desk) Polling() string        { return "" }

// add appends a file; they are added in the order of their paths.
func (d *desk) add(path, text string) {
	d.m.Files = append(d.m.Files, reconciler.ManifestFile{Path: path, Data: []byte(text), Sum: reconciler.SumOf([]byte(text))})
}

// edit replaces text in one file.
func (d *desk) edit(path, old, new string) {
	i := slices.IndexFunc(d.m.Files, func(f reconciler.ManifestFile) bool { return f.Path == path })
	text := strings.Replace(string(d.m.Files[i].Data), old, new, 1)
	if text == string(d.m.Files[i].Data) {
		panic(path + " has no " + old)
	}
	d.m.Files[i].Data, d.m.Files[i].Sum = []byte(text), reconciler.SumOf([]byte(text))
	d.n++
	d.m.Digest = fmt.Sprintf("sha256:%064d", d.n)
}

// metropolis is an organisation of so many people, so many of them a file, each
// with three of fifty products, in teams of fifty; one team has ten thousand.
func metropolis(people, perFile int) *desk {
	d := &desk{bell: make(chan struct{}, 1)}
	d.m.Source, d.m.Digest = "dir", "sha256:0"
	var offers, products strings.Builder
	for i := range 50 {
		fmt.Fprintf(&offers, "{name: product-%d, seats: 10000000}, ", i)
		products.WriteString(product(fmt.Sprintf("product-%d", i)))
	}
	d.add("firm.yaml", contract("design", "contractManager: p0000000", "products: ["+offers.String()+"{name: team}, {name: crowd}]")+
		contract("other", "contractManager: p0000000", "products: [{name: seldom, seats: 100}]")+
		products.String()+product("team")+product("crowd")+product("seldom"))
	name := func(i int) string { return fmt.Sprintf("p%07d", i) }
	names := func(from, to int) string {
		var list []string
		for i := from; i < to; i++ {
			list = append(list, name(i))
		}
		return "[" + strings.Join(list, ", ") + "]"
	}
	d.add("teams/crowd.yaml", team("crowd", "members: "+names(0, min(people, 10_000)), "access: [crowd]"))
	for from := 0; from < people; from += 50 {
		d.add(fmt.Sprintf("teams/t%07d.yaml", from), team(fmt.Sprintf("t%07d", from), "members: "+names(from, min(from+50, people)), "access: [team]"))
	}
	for from := 0; from < people; from += perFile {
		var text strings.Builder
		for i := from; i < min(from+perFile, people); i++ {
			text.WriteString(user(name(i), fmt.Sprintf("access: [product-%d, product-%d, product-%d]", i%50, (i+7)%50, (i+20)%50)))
		}
		d.add(fmt.Sprintf("users/%03d/%s.yaml", from*256/people, name(from)), text.String())
	}
	return d
}

// mayor edits a metropolis that a loop watches.
type mayor struct {
	*desk
	now       *time.Time // the loop's; changed while it rests
	b         *testing.B
	loop      *reconciler.Loop
	committed chan time.Time
	rested    chan time.Time
}

// govern has a loop apply and watch a metropolis.
func govern(b *testing.B, d *desk) *mayor {
	b.Helper()
	w := openWorld(b, b.TempDir(), nil)
	w.ctl.Source, w.ctl.Limits = d, reconciler.Limits{Mail: 100_000_000, Removals: reconciler.Limit{Number: 100_000_000, Set: true}}
	m := &mayor{desk: d, now: &w.now, b: b, committed: make(chan time.Time, 100), rested: make(chan time.Time, 100)}
	w.ctl.Adopt = true
	owner := w.own()
	m.loop = &reconciler.Loop{
		Controller: w.ctl, Owner: owner, Changes: d, Log: slog.New(slog.DiscardHandler),
		Timing:  reconciler.Timing{Quiet: 1, Resync: 24 * time.Hour, Requests: time.Hour},
		Applied: func() { m.committed <- time.Now() }, Looked: func() { m.rested <- time.Now() },
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- m.loop.Run(ctx) }()
	<-m.rested
	<-m.committed
	b.Cleanup(func() {
		stop()
		<-ended
		owner.Close()
	})
	return m
}

// measure edits as often as the benchmark asks, there and back, and returns the median
// time to the commit.
func (m *mayor) measure(path, one, other string) time.Duration {
	m.b.Helper()
	var toCommit, toRest []time.Duration
	edits := [2][2]string{{one, other}, {other, one}}
	for i := 0; m.b.Loop(); i++ {
		edit := edits[i%2]
		m.edit(path, edit[0], edit[1])
		began := time.Now()
		m.bell <- struct{}{}
		toCommit = append(toCommit, (<-m.committed).Sub(began))
		toRest = append(toRest, (<-m.rested).Sub(began))
	}
	report := func(unit string, all []time.Duration) {
		slices.Sort(all)
		m.b.ReportMetric(float64(all[len(all)/2].Nanoseconds())/1000, unit)
	}
	report("us-to-commit", toCommit)
	report("us-to-rest", toRest)
	m.b.ReportMetric(0, "ns/op")
	return toCommit[len(toCommit)/2]
}

// parsing is the median time that it takes to parse a file, and nothing else.
func (m *mayor) parsing(path string) time.Duration {
	i := slices.IndexFunc(m.m.Files, func(f reconciler.ManifestFile) bool { return f.Path == path })
	var took []time.Duration
	for range 11 {
		began := time.Now()
		if _, errs := spec.Parse(path, m.m.Files[i].Data); len(errs) > 0 {
			m.b.Fatal(errs)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took[len(took)/2]
}

// lists are files of lists, each of so many people, one a line.
func lists(people int) string {
	var text strings.Builder
	for from := 0; from < people; from += 49 {
		fmt.Fprintf(&text, "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l%d}\nspec:\n  users: |\n", from)
		for i := from; i < min(from+49, people); i++ {
			fmt.Fprintf(&text, "    l%d@acme.example, L, Lee;\n", i)
		}
		text.WriteString("  access: [team]\n---\n")
	}
	return text.String()
}

func benchSizes(b *testing.B) []int {
	var sizes []int
	for size := range strings.SplitSeq(cmp.Or(os.Getenv("USHER_BENCH_PEOPLE"), "1000"), ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatalf("USHER_BENCH_PEOPLE: %v", err)
		}
		sizes = append(sizes, n)
	}
	return sizes
}

// BenchmarkEdit edits one thing. x-alone is a person who comes into a file of a
// thousand, or into a list of fifty of them, against one who comes into a file of their
// own; x-parse is a member who comes and goes against the change of a person and what
// it takes to parse the document of the team, which is us-parse.
func BenchmarkEdit(b *testing.B) {
	village := govern(b, metropolis(1, 1))
	for _, n := range benchSizes(b) {
		var person, alone time.Duration
		for _, perFile := range []int{1, 1000} {
			empty := heap()
			d := metropolis(n, perFile)
			d.add("users/lists.yaml", lists(perFile))
			slices.SortFunc(d.m.Files, func(a, b reconciler.ManifestFile) int { return strings.Compare(a.Path, b.Path) })
			someone := fmt.Sprintf("users/%03d/p%07d.yaml", (n/2/perFile*perFile)*256/n, n/2/perFile*perFile)
			place := fmt.Sprintf("%d-a-file/%d", perFile, n)
			m := govern(b, d)
			b.Run("person/"+place, func(b *testing.B) {
				m.b = b
				person = m.measure(someone, "access: [product-", "access: [seldom, product-")
			})
			for _, into := range []struct{ what, path, one, other string }{
				{"newcomer", someone, "", user("newcomer", "access: [seldom]")},
				{"listed", "users/lists.yaml", "users: |\n", "users: |\n    newcomer@acme.example, New, Comer;\n"},
			} {
				b.Run(into.what+"/"+place, func(b *testing.B) {
					m.b = b
					took := m.measure(into.path, into.one, into.other)
					alone = cmp.Or(alone, took)
					b.ReportMetric(float64(took)/float64(alone), "x-alone")
				})
			}
			if perFile == 1 {
				b.Run("member/"+place, func(b *testing.B) {
					m.b = b
					took := m.measure("teams/crowd.yaml", "[p0000000, p0000001, ", "[p0000000, ")
					parsing := m.parsing("teams/crowd.yaml")
					b.ReportMetric(float64(parsing.Microseconds()), "us-parse")
					b.ReportMetric(float64(took)/float64(parsing+person), "x-parse")
				})
				b.Run("title/"+place, func(b *testing.B) {
					m.b = b
					m.measure("firm.yaml", "metadata: {name: product-7}\n", "metadata: {name: product-7}\nspec: {title: Seven}\n")
				})
				b.Run("seats/"+place, func(b *testing.B) {
					m.b = b
					m.measure("firm.yaml", "{name: seldom, seats: 100}", "{name: seldom, seats: 101}")
				})
			}
			reportMemory(b, m, place, n, empty)
		}
	}
	runtime.KeepAlive(village)
}

// BenchmarkCalendarEdge has one person's access end on each day, and reports the
// median time from midnight to the committed revision with the message queued.
//
//	go test ./reconciler -run '^$' -bench CalendarEdge -benchtime 50x
func BenchmarkCalendarEdge(b *testing.B) {
	const days = 2000
	for _, n := range benchSizes(b) {
		d := metropolis(n, 1)
		var leavers strings.Builder
		first := spec.DayOf(noon)
		for i := range days {
			leavers.WriteString(user(fmt.Sprintf("q%07d", i), fmt.Sprintf("access: [{product: product-0, until: %s}]", first+spec.Day(i))))
		}
		d.add("users/leavers.yaml", leavers.String())
		m := govern(b, d)
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var toCommit []time.Duration
			for range min(b.N, days) {
				*m.now = m.now.AddDate(0, 0, 1)
				began := time.Now()
				m.bell <- struct{}{}
				toCommit = append(toCommit, (<-m.committed).Sub(began))
				<-m.rested
			}
			slices.Sort(toCommit)
			b.ReportMetric(float64(toCommit[len(toCommit)/2].Nanoseconds())/1000, "us-to-commit")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// reportMemory measures what a loop at rest keeps, beyond what was kept before with
// a loop over one person. It grows with the people, by 440 bytes each of a file a
// person and by 190 of lists; beside that, of at most 2,000 documents it is a kilobyte
// each, which they were parsed to.
func reportMemory(b *testing.B, m *mayor, place string, people int, empty uint64) {
	b.Run("memory/"+place, func(b *testing.B) {
		for b.Loop() {
		}
		m.m.Files = nil
		b.ReportMetric(float64(heap()-empty)/float64(people), "B/person")
		runtime.KeepAlive(m)
		b.ReportMetric(0, "ns/op")
	})
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

var _ reconciler.Changes = (*desk)(nil)
