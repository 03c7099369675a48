package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

// emptyProgram does nothing.
const emptyProgram = "package main\n\nfunc main() {}\n"

// fixedProgram does nothing either, but could use the four libraries that usher cannot
// do without, as usher uses them: for YAML, for what a field may hold, for what changes
// in folders, and for the state. They are named, not just imported, or the linker would
// leave out what they initialise.
const fixedProgram = `package main

import (
	"database/sql"
	"os"

	"github.com/fsnotify/fsnotify"
	"github.com/go-playground/validator/v10"
	"gopkg.in/yaml.v3"
	_ "modernc.org/sqlite"
)

func main() {
	if len(os.Args) > 1 {
		fsnotify.NewWatcher()
		validator.New()
		yaml.Unmarshal(nil, nil)
		sql.Open("sqlite", "")
	}
}
`

// BenchmarkStart starts usher for the least it can be asked, its version. It reports how
// many times as long this takes as to start a program that does nothing, x-empty, and one
// that does nothing with the libraries that usher cannot do without, x-fixed; and the size
// of usher as it is given out, MB-stripped.
//
// A start is what the packages initialise before main: usher's own next to nothing, the
// four libraries half of it, Prometheus' client a fifth, and of the rest none much.
func BenchmarkStart(b *testing.B) {
	usher := compile(b, "usher/cmd/usher")
	empty, fixed := compileText(b, "empty.go", emptyProgram), compileText(b, "fixed.go", fixedProgram)
	info, err := os.Stat(usher)
	if err != nil {
		b.Fatal(err)
	}
	command(b, "", usher, "version")
	var ours, nothing, least time.Duration
	for b.Loop() {
		ours += command(b, "", usher, "version")
		nothing += command(b, "", empty)
		least += command(b, "", fixed)
	}
	b.ReportMetric(float64(ours)/float64(nothing), "x-empty")
	b.ReportMetric(float64(ours)/float64(least), "x-fixed")
	b.ReportMetric(float64(ours.Microseconds())/1000/float64(b.N), "ms/start")
	b.ReportMetric(float64(info.Size())/1e6, "MB-stripped")
	b.ReportMetric(0, "ns/op")
}

// compileText makes a program of one file.
func compileText(b *testing.B, name, text string) (program string) {
	b.Helper()
	file := filepath.Join(b.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	return compile(b, file)
}
