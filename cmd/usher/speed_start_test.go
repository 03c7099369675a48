package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkStart starts usher for the least it can be asked, its version, and reports
// how many times as long as that of a program that does nothing this takes, as
// x-empty, and the size of the program as it is given out, as MB-stripped.
func BenchmarkStart(b *testing.B) {
	usher := compile(b, "usher/cmd/usher")
	source := filepath.Join(b.TempDir(), "empty.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	empty := compile(b, source)
	info, err := os.Stat(usher)
	if err != nil {
		b.Fatal(err)
	}
	command(b, "", usher, "version")
	command(b, "", empty)
	var ours, floor time.Duration
	for b.Loop() {
		ours += command(b, "", usher, "version")
		floor += command(b, "", empty)
	}
	b.ReportMetric(float64(ours)/float64(floor), "x-empty")
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "ms/start")
	b.ReportMetric(float64(info.Size())/1e6, "MB-stripped")
	b.ReportMetric(0, "ns/op")
}
