package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// BenchmarkNothingNewInCommits is an apply of a commit that is applied already.
// Its floor, at any size, is what finding that out must cost: a process that starts,
// and the ref read as `git rev-parse REF^{tree}` reads it.
func BenchmarkNothingNewInCommits(b *testing.B) {
	usher := compile(b, "usher/cmd/usher")
	eachOrganisation(b, func(b *testing.B, dir string, _ int) {
		command(b, dir, "git", "init", "-q", "-b", "main")
		command(b, dir, "git", "add", ".")
		command(b, dir, "git", "-c", "user.name=a", "-c", "user.email=a@acme.example", "commit", "-q", "-m", "all")
		apply := []string{"apply", "--repo", dir, "--ref", "refs/heads/main", "--mail", "none", "--max-mail", "10000000",
			"--state", "sqlite:" + filepath.Join(b.TempDir(), "usher.db")}
		command(b, "", usher, append(apply, "--trust", commitOf(b, dir))...)
		command(b, "", usher, apply...) // finds that nothing is left to do
		var ours, reading, starting time.Duration
		for b.Loop() {
			ours += command(b, "", usher, apply...)
			b.StopTimer()
			reading += command(b, dir, "git", "rev-parse", "refs/heads/main^{tree}")
			starting += command(b, dir, usher, "version")
			b.StartTimer()
		}
		b.ReportMetric(float64(ours)/float64(reading+starting), "x-git")
		for unit, d := range map[string]time.Duration{"ms/start": ours, "ms-git": reading, "ms-version": starting} {
			b.ReportMetric(float64(d.Microseconds())/1000/float64(b.N), unit)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// commitOf is the id of the commit that main names.
func commitOf(b *testing.B, dir string) string {
	b.Helper()
	out, err := exec.Command("git", "-C", dir, "rev-parse", "refs/heads/main").Output()
	if err != nil {
		b.Fatalf("git rev-parse: %v", err)
	}
	return strings.TrimSpace(string(out))
}
