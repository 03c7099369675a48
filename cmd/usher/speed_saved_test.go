package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/reconciler/source"
	"usher/spec"
	"usher/state"
)

// BenchmarkSavedFile saves one manifest of a folder that a loop watches, as an editor
// does, and reports the median time until the revision is committed with its message
// queued: us-to-commit, without the time that a loop waits for more. Beside it, in
// the same run, it measures what no design gets below with these libraries: an event
// of the file system, one file read and parsed, one small transaction that is
// durable. x-floor is the ratio of the two. x-floor-longer is that of an edit that
// adds a line: everybody behind it in the file is then declared at another line, which
// is recorded. B/person is what the loop keeps at rest, beyond what one keeps over a
// handful of people: of a file a person half a kilobyte, of lists a fifth of one, and
// up to two megabytes beside that, of what at most 2,000 documents were parsed to.
//
//	go test ./cmd/usher -run '^$' -bench SavedFile -benchtime 50x
func BenchmarkSavedFile(b *testing.B) {
	eachOrganisation(b, func(b *testing.B, dir string, people int) {
		path, had := somebody(b, dir)
		smallest := watched(b, filepath.Join("..", "..", "examples", "minimal"))
		empty := heap()
		d := watched(b, dir)
		floor := newFloor(b)
		text, err := os.ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		edit := func(old, new string) time.Duration {
			d.settle()
			began := time.Now()
			save(b, path, "\n  access:\n"+old, "\n  access:\n"+new)
			return (<-d.committed).Sub(began)
		}
		var ours, longer, least []time.Duration
		for i := 0; b.Loop(); i++ {
			ours = append(ours, edit(had, given), edit(given, had))
			longer = append(longer, edit("", given), edit(given, ""))
			least = append(least, floor.take(b, firstDocument(text), i))
		}
		b.ReportMetric(median(ours), "us-to-commit")
		b.ReportMetric(median(least), "us-floor")
		b.ReportMetric(median(ours)/median(least), "x-floor")
		b.ReportMetric(median(longer)/median(least), "x-floor-longer")
		b.ReportMetric(float64(heap()-empty)/float64(people), "B/person")
		b.ReportMetric(0, "ns/op")
		runtime.KeepAlive([]*watchedFolder{smallest, d})
	})
}

// given is the line of access that the benchmark adds.
const given = "    - p49\n"

func firstDocument(text []byte) []byte {
	first, _, _ := bytes.Cut(bytes.TrimPrefix(text, []byte("---\n")), []byte("\n---"))
	return first
}

func median(all []time.Duration) (us float64) {
	slices.Sort(all)
	return float64(all[len(all)/2].Nanoseconds()) / 1000
}

// heap is how much of it is in use, in bytes.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.HeapAlloc
}

var firstAccess = regexp.MustCompile(`\n  access:\n(    - p\d+\n)`)

// somebody is a manifest of people from the middle of a folder, and the first line of
// access of the first of them, who has not the product that the benchmark gives.
func somebody(b *testing.B, dir string) (path, had string) {
	b.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "people", "*.yaml"))
	if more, _ := filepath.Glob(filepath.Join(dir, "people", "*", "*.yaml")); len(more) > 0 {
		files = more
	}
	for _, path := range files[len(files)/2:] {
		text, err := os.ReadFile(path)
		first := firstDocument(text)
		if match := firstAccess.FindSubmatch(first); err == nil && match != nil && !bytes.Contains(first, []byte("p49")) {
			return path, string(match[1])
		}
	}
	b.Fatal("there is nobody to edit", err)
	return "", ""
}

// watchedFolder is a folder that a loop watches.
type watchedFolder struct {
	loop      *reconciler.Loop
	committed chan time.Time
	rested    chan time.Time
}

// settle waits until the loop rests: an event that came late has it look once more.
func (d *watchedFolder) settle() {
	for {
		select {
		case <-d.rested:
		case <-time.After(20 * time.Millisecond):
			return
		}
	}
}

// watched has a loop apply a folder, with new people adopted, and watch it.
func watched(b *testing.B, dir string) *watchedFolder {
	b.Helper()
	ctx, stop := context.WithCancel(context.Background())
	where := filepath.Join(b.TempDir(), "usher.db")
	db, err := state.Open(ctx, "sqlite:"+where, state.Options{Command: "benchmark"})
	if err != nil {
		b.Fatal(err)
	}
	owner, err := db.Own(ctx)
	if err != nil {
		b.Fatal(err)
	}
	writer, err := notice.New(notice.Options{From: notice.DefaultFrom})
	if err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	events := source.Watch(dir, log)
	from := source.Dir(dir, source.Options{Index: db.Beside(indexSuffix)})
	source.Follow(from, events)
	d := &watchedFolder{committed: make(chan time.Time, 100), rested: make(chan time.Time, 100)}
	d.loop = &reconciler.Loop{
		Controller: &reconciler.Controller{
			DB: db, Source: from, Compose: writer, Now: time.Now, By: "benchmark", From: notice.DefaultFrom, Stays: true, Adopt: true,
			Limits: reconciler.Limits{Mail: 100_000_000},
		},
		Owner: owner, Changes: events, Log: log,
		Timing:  reconciler.Timing{Quiet: 1, Resync: 24 * time.Hour, Requests: time.Hour},
		Applied: func() { d.committed <- time.Now() }, Looked: func() { d.rested <- time.Now() },
	}
	var running sync.WaitGroup
	running.Go(func() { events.Run(ctx) })
	running.Go(func() { d.loop.Run(ctx) })
	b.Cleanup(func() {
		stop()
		running.Wait()
		owner.Close()
		db.Close()
	})
	<-d.rested
	<-d.committed
	time.Sleep(100 * time.Millisecond) // the events of the watches being set
	return d
}

// save replaces text in one file, as an editor does that is careful.
func save(b *testing.B, path, old, new string) {
	data, err := os.ReadFile(path)
	if err == nil && !bytes.Contains(data, []byte(old)) {
		err = fmt.Errorf("%s has no %q", path, old)
	}
	beside := filepath.Join(filepath.Dir(path), ".saved")
	err = errors.Join(err, os.WriteFile(beside, bytes.Replace(data, []byte(old), []byte(new), 1), 0o600))
	if err = errors.Join(err, os.Rename(beside, path)); err != nil {
		b.Fatal(err)
	}
}

// floor does what cannot be left out and nothing else.
type floor struct {
	dir    string
	notify *fsnotify.Watcher
	db     *sql.DB
}

func newFloor(b *testing.B) *floor {
	f := &floor{dir: b.TempDir()}
	var err error
	if f.notify, err = fsnotify.NewWatcher(); err != nil {
		b.Fatal(err)
	}
	f.db, err = sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "floor.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_txlock=immediate")
	if err == nil {
		_, err = f.db.Exec("CREATE TABLE row (id INTEGER PRIMARY KEY, a TEXT, b TEXT, c BLOB)")
	}
	if err := errors.Join(err, f.notify.Add(f.dir)); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.notify.Close(); f.db.Close() })
	return f
}

// take saves a document, waits for the event, reads and parses it, and writes six
// rows: a revision, what changed, who for, the audit of both, the message.
func (f *floor) take(b *testing.B, document []byte, n int) time.Duration {
	began := time.Now()
	beside, path := filepath.Join(f.dir, ".saved"), filepath.Join(f.dir, "a.yaml")
	if err := errors.Join(os.WriteFile(beside, document, 0o644), os.Rename(beside, path)); err != nil {
		b.Fatal(err)
	}
	for e := range f.notify.Events {
		if e.Name == path {
			break
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, errs := spec.Parse("a.yaml", data); len(errs) > 0 {
		b.Fatal(errs)
	}
	tx, err := f.db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	for range 6 {
		if _, err := tx.Exec("INSERT INTO row (a, b, c) VALUES (?, ?, ?)", fmt.Sprint(n), string(document), data); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}
