package reconciler_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

// The benchmark here saves one file of a folder that a loop watches, as an editor
// does, and reports the median time until the revision is committed with its messages
// queued: us-to-commit, without the time that a loop waits for more. Beside it, in
// the same run, it measures what no design gets below with these libraries: an event
// of the file system, one file read and parsed, one small transaction that is
// durable. x-floor is the ratio of the two.
//
//	go test ./reconciler -run '^$' -bench SavedFile -benchtime 50x
func BenchmarkSavedFile(b *testing.B) {
	for _, n := range benchSizes(b) {
		for _, perFile := range []int{1, 1000} {
			f := settle(b, metropolis(n, perFile))
			someone := fmt.Sprintf("users/%03d/p%07d.yaml", (n/2/perFile*perFile)*256/n, n/2/perFile*perFile)
			b.Run(fmt.Sprintf("%d-a-file/%d", perFile, n), func(b *testing.B) {
				f.b = b
				f.measure(someone, "access: [product-", "access: [seldom, product-")
			})
			reportMemory(b, &mayor{desk: f.desk, loop: f.loop}, fmt.Sprintf("%d-a-file-in-a-folder/%d", perFile, n), n)
		}
	}
}

// settlement is a metropolis in a folder that a loop watches.
type settlement struct {
	*mayor
	root string
}

// settle writes the manifests to a folder, and has a loop apply and watch them.
func settle(b *testing.B, d *desk) *settlement {
	b.Helper()
	s := &settlement{root: b.TempDir()}
	for _, f := range d.m.Files {
		path := filepath.Join(s.root, f.Path)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, f.Data, 0o644)); err != nil {
			b.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	events := source.Watch(s.root, log)
	from := source.Dir(s.root, source.Options{Settle: 0})
	source.Follow(from, events)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { events.Run(ctx) })
	b.Cleanup(func() { stop(); running.Wait() })
	d.m.Files = nil
	s.mayor = governFrom(b, d, from, events)
	time.Sleep(100 * time.Millisecond) // the events of the watches being set
	return s
}

// save replaces text in one file, as an editor does that is careful.
func (s *settlement) save(path, old, new string) {
	full := filepath.Join(s.root, path)
	data, err := os.ReadFile(full)
	if err == nil && !bytes.Contains(data, []byte(old)) {
		err = fmt.Errorf("%s has no %s", path, old)
	}
	beside := filepath.Join(filepath.Dir(full), ".saved")
	err = errors.Join(err, os.WriteFile(beside, bytes.Replace(data, []byte(old), []byte(new), 1), 0o644))
	if err = errors.Join(err, os.Rename(beside, full)); err != nil {
		s.b.Fatal(err)
	}
}

// measure saves a file as often as the benchmark asks, there and back.
func (s *settlement) measure(path, one, other string) {
	s.b.Helper()
	floor := newFloor(s.b)
	text, err := os.ReadFile(filepath.Join(s.root, path))
	if err != nil {
		s.b.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n---")
	edits := [2][2]string{{one, other}, {other, one}}
	var ours, least []time.Duration
	for i := 0; s.b.Loop(); i++ {
		began := time.Now()
		s.save(path, edits[i%2][0], edits[i%2][1])
		ours = append(ours, (<-s.committed).Sub(began))
		<-s.rested
		least = append(least, floor.take(s.b, first, i))
	}
	slices.Sort(ours)
	slices.Sort(least)
	median := func(all []time.Duration) float64 { return float64(all[len(all)/2].Nanoseconds()) / 1000 }
	s.b.ReportMetric(median(ours), "us-to-commit")
	s.b.ReportMetric(median(least), "us-floor")
	s.b.ReportMetric(median(ours)/median(least), "x-floor")
	s.b.ReportMetric(0, "ns/op")
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
func (f *floor) take(b *testing.B, document string, n int) time.Duration {
	began := time.Now()
	beside, path := filepath.Join(f.dir, ".saved"), filepath.Join(f.dir, "a.yaml")
	if err := errors.Join(os.WriteFile(beside, []byte(document), 0o644), os.Rename(beside, path)); err != nil {
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
		if _, err := tx.Exec("INSERT INTO row (a, b, c) VALUES (?, ?, ?)", fmt.Sprint(n), document, data); err != nil {
			b.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

var _ reconciler.Changes = (*source.Watcher)(nil)
