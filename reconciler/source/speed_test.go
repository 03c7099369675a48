package source_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/reconciler/source"
)

// BenchmarkNothingNew is a daemon's look at a ref that names the commit of the look
// before, beside `git rev-parse REF^{tree}`, which reads a ref and a commit in a
// process of its own. x-git is the one by the other, whatever the number of files;
// USHER_BENCH_FILES lists other numbers, such as 1000,100000.
func BenchmarkNothingNew(b *testing.B) {
	sizes := os.Getenv("USHER_BENCH_FILES")
	if sizes == "" {
		sizes = "1000"
	}
	for size := range strings.SplitSeq(sizes, ",") {
		files, err := strconv.Atoi(size)
		if err != nil {
			b.Fatalf("USHER_BENCH_FILES: %q is not a number of files", size)
		}
		b.Run(size, func(b *testing.B) {
			dir := importedRepository(b, files)
			repository, err := source.OpenRepository(context.Background(), dir)
			if err != nil {
				b.Fatal(err)
			}
			ref := source.NewRef(repository, "refs/heads/main", "")
			m, err := ref.Snapshot(context.Background())
			if err != nil || len(m.Files) != files {
				b.Fatalf("%v: %d files, want %d", err, len(m.Files), files)
			}
			var ours, git time.Duration
			for b.Loop() {
				began := time.Now()
				if _, err := ref.Snapshot(context.Background()); err != nil {
					b.Fatal(err)
				}
				ours += time.Since(began)
				b.StopTimer()
				git += revParse(b, dir)
				b.StartTimer()
			}
			b.ReportMetric(float64(ours)/float64(git), "x-git")
			b.ReportMetric(float64(ours.Microseconds())/float64(b.N), "us/look")
			b.ReportMetric(0, "ns/op")
		})
	}
}

func revParse(b *testing.B, dir string) time.Duration {
	began := time.Now()
	if out, err := exec.Command("git", "--git-dir="+dir, "rev-parse", "refs/heads/main^{tree}").CombinedOutput(); err != nil {
		b.Fatalf("git rev-parse: %v\n%s", err, out)
	}
	return time.Since(began)
}

// importedRepository is a bare repository with a commit of so many files in 256
// folders.
func importedRepository(b *testing.B, files int) string {
	dir := b.TempDir()
	var stream bytes.Buffer
	stream.WriteString("commit refs/heads/main\ncommitter a <a@acme.example> 1700000000 +0000\ndata 3\nall\n")
	for i := range files {
		text := manifest("User", fmt.Sprintf("u%d", i), fmt.Sprintf("email: u%d@acme.example", i), "firstName: A", "lastName: Lee")
		fmt.Fprintf(&stream, "M 100644 inline people/%02x/u%d.yaml\ndata %d\n%s\n", i%256, i, len(text), text)
	}
	for _, args := range [][]string{{"init", "-q", "--bare", dir}, {"--git-dir=" + dir, "fast-import", "--quiet"}} {
		cmd := exec.Command("git", args...)
		cmd.Stdin = bytes.NewReader(stream.Bytes())
		if out, err := cmd.CombinedOutput(); err != nil {
			b.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	return dir
}
