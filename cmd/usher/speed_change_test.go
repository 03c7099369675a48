package main

import (
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkOneShotChange saves one manifest and applies the folder, or commits it and
// applies the commit, by a program of its own each time. Beside it, in the same run, it
// measures the same by reading and comparing everything, an apply that finds nothing
// changed, and what git takes to say what changed: git status of the folder, git diff of
// the two commits. It reports the first as a ratio to each: x-whole, x-nothing, x-git.
//
//	go test ./cmd/usher -run '^$' -bench OneShotChange -benchtime 5x
func BenchmarkOneShotChange(b *testing.B) {
	usher := compile(b, "usher/cmd/usher")
	eachOrganisation(b, func(b *testing.B, dir string, _ int) {
		o := &bureau{usher: usher, dir: dir}
		o.path, o.is = somebody(b, dir)
		o.other = given
		command(b, dir, "git", "init", "-q", "-b", "main")
		command(b, dir, "git", "add", ".")
		o.commit(b)
		b.Run("folder", func(b *testing.B) {
			o.measure(b, []string{dir, "--settle", "0s"}, "status")
		})
		b.Run("commits", func(b *testing.B) {
			o.measure(b, []string{"--repo", dir, "--ref", "refs/heads/main", "--authority", "none"}, "diff", "--name-status", "HEAD~1", "HEAD")
		})
	})
}

// bureau is an organisation in a repository, of which one person's manifest is edited.
type bureau struct {
	usher, dir, path string
	is, other        string // the first line of the person's access, and what it becomes
}

// edit changes one line, there and back, and commits that.
func (o *bureau) edit(b *testing.B) {
	save(b, o.path, "\n  access:\n"+o.is, "\n  access:\n"+o.other)
	o.is, o.other = o.other, o.is
	o.commit(b)
}

func (o *bureau) commit(b *testing.B) {
	command(b, o.dir, "git", "-c", "user.name=a", "-c", "user.email=a@acme.example", "commit", "-q", "-a", "-m", "one")
}

func (o *bureau) measure(b *testing.B, from []string, git ...string) {
	where := filepath.Join(b.TempDir(), "usher.db")
	apply := func(more ...string) time.Duration {
		args := append([]string{"apply", "--state", "sqlite:" + where, "--mail", "none", "--max-mail", "10000000", "--adopt"}, from...)
		return command(b, "", o.usher, append(args, more...)...)
	}
	apply()
	time.Sleep(2100 * time.Millisecond) // until no file counts as just written
	o.edit(b)
	var change, whole, nothing, asking time.Duration
	for b.Loop() {
		apply() // keeps what it finds, after the one that was told not to
		apply()
		o.edit(b)
		asking += command(b, o.dir, "git", git...)
		change += apply()
		nothing += apply()
		o.edit(b)
		whole += apply("--no-cache")
	}
	b.ReportMetric(float64(change)/float64(whole), "x-whole")
	b.ReportMetric(float64(change)/float64(nothing), "x-nothing")
	b.ReportMetric(float64(change)/float64(asking), "x-git")
	b.ReportMetric(float64(change.Microseconds())/1000/float64(b.N), "ms/apply")
	b.ReportMetric(0, "ns/op")
}
