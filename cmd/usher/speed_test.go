package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The benchmarks here run the command over organisations that examples/generate
// writes, and measure beside it, in the same run, the floor that no design gets
// below with these libraries. They report the ratio of the two as x-floor, or as
// x-git where the floor is git; a ratio from one run means the same on every
// machine, a time does not.
//
//	go test ./cmd/usher -run '^$' -bench 'Apply|Nothing' -benchtime 3x
//
// USHER_BENCH_PEOPLE lists other sizes, such as 1000,10000,100000.

// peopleVariable lists the sizes of organisations to measure.
const peopleVariable = "USHER_BENCH_PEOPLE"

// layouts are how many people share a manifest.
var layouts = []struct {
	name    string
	perFile int
}{
	{"files", 1},
	{"lists", 1000},
}

// eachOrganisation runs a benchmark over both layouts and every size.
func eachOrganisation(b *testing.B, fn func(b *testing.B, dir string, people int)) {
	sizes := os.Getenv(peopleVariable)
	if sizes == "" {
		sizes = "1000"
	}
	generator := compile(b, "usher/examples/generate")
	for _, l := range layouts {
		for size := range strings.SplitSeq(sizes, ",") {
			people, err := strconv.Atoi(size)
			if err != nil {
				b.Fatalf("%s: %q is not a number of people", peopleVariable, size)
			}
			b.Run(l.name+"/"+size, func(b *testing.B) {
				dir := filepath.Join(b.TempDir(), "organisation")
				command(b, "", generator, "-users", size, "-per-file", strconv.Itoa(l.perFile), dir)
				fn(b, dir, people)
			})
		}
	}
}

// compile makes a package a program of its own, as it is given out: without cgo and
// without what only a debugger reads.
func compile(b *testing.B, pkg string) (program string) {
	b.Helper()
	program = filepath.Join(b.TempDir(), strings.TrimSuffix(filepath.Base(pkg), ".go"))
	c := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", program, pkg)
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return program
}

// command runs a program to its end and returns how long it took.
func command(b *testing.B, dir, name string, args ...string) time.Duration {
	b.Helper()
	c := exec.Command(name, args...)
	c.Dir = dir
	var errs bytes.Buffer
	c.Stderr = &errs
	start := time.Now()
	if err := c.Run(); err != nil {
		b.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, errs.String())
	}
	return time.Since(start)
}

// took is how long fn takes, on the benchmark's clock or beside it.
func took(fn func()) time.Duration {
	start := time.Now()
	fn()
	return time.Since(start)
}

// BenchmarkFirstApply is the largest apply there is: everybody is new and gets an
// invitation. Its floor is what the same work costs without usher: the same bytes
// decoded by yaml.v3, as many messages written by go-mail, the same rows inserted
// into the same tables. The three are done one after the other, the first two on all
// cores; ours overlap, since SQLite has one core and what it is given next is made
// ready on the others.
//
// Of 1,000 people a file, the processor time of a first apply goes to composing (27 %,
// half of it executing templates), SQLite (25 %: inserting 20 %, committing 4 %, closing
// 1 %), parsing (14 %), the collector (10 %), the rows and the audit of each person
// before they are inserted (9 %), resolving and comparing on one core (4 %). Messages
// are composed while SQLite inserts whom they are to. Of a file a person, opening files
// takes a quarter beside that: they are read twice, because a folder has to stand still.
// At its peak it takes 6.5 kB of memory a person, two and a half of them alive: a plan
// is whole before any of it is written.
func BenchmarkFirstApply(b *testing.B) {
	eachOrganisation(b, func(b *testing.B, dir string, people int) {
		var ours, decoding, composing, inserting time.Duration
		for b.Loop() {
			where := filepath.Join(b.TempDir(), "usher.db")
			ours += took(func() { applied(b, dir, where) })
			b.StopTimer()
			decoding += took(func() { decodeAll(b, dir) })
			composing += composeAll(b, where)
			inserting += insertAll(b, where)
			os.RemoveAll(filepath.Dir(where))
			b.StartTimer()
		}
		floor := decoding + composing + inserting
		b.ReportMetric(float64(ours)/float64(floor), "x-floor")
		for unit, d := range map[string]time.Duration{
			"us/person": ours, "us-decoding": decoding, "us-composing": composing, "us-inserting": inserting,
		} {
			b.ReportMetric(float64(d.Microseconds())/float64(b.N)/float64(people), unit)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// applied runs a first apply whose messages are recorded and not delivered.
func applied(b *testing.B, dir, where string) {
	var out, errs bytes.Buffer
	args := []string{"apply", dir, "--state", "sqlite:" + where, "--mail", "none", "--max-mail", "10000000"}
	if code := run(args, nil, &out, &errs, nil); code != 0 {
		b.Fatalf("exit code %d\n%s", code, errs.String())
	}
}

// BenchmarkNothingChanged is a second apply of a folder, as a program of its own:
// by the times of the files; reading, decoding and comparing everything; and git's
// answer to the same question about the same folder, git status.
func BenchmarkNothingChanged(b *testing.B) {
	usher := compile(b, "usher/cmd/usher")
	eachOrganisation(b, func(b *testing.B, dir string, _ int) {
		where := filepath.Join(b.TempDir(), "usher.db")
		apply := func(more ...string) time.Duration {
			args := append([]string{"apply", dir, "--state", "sqlite:" + where, "--mail", "none", "--max-mail", "10000000"}, more...)
			return command(b, "", usher, args...)
		}
		command(b, dir, "git", "init", "-q")
		command(b, dir, "git", "add", ".")
		apply()
		time.Sleep(2100 * time.Millisecond) // until no file counts as just written
		apply()
		command(b, dir, "git", "status")
		var glance, whole, git time.Duration
		for b.Loop() {
			glance += apply()
			whole += apply("--no-cache")
			git += command(b, dir, "git", "status")
		}
		b.ReportMetric(float64(glance)/float64(git), "x-git")
		b.ReportMetric(float64(whole)/float64(git), "x-git-no-cache")
		b.ReportMetric(float64(glance.Milliseconds())/float64(b.N), "ms/apply")
		b.ReportMetric(0, "ns/op")
	})
}
