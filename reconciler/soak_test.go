package reconciler_test

import (
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"usher/reconciler"
)

// use is what a process holds of its machine.
type use struct {
	goroutines, files int
	heap, wal         int64 // bytes
}

func (w *watched) use() use {
	w.Helper()
	runtime.GC()
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	files, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		w.Fatal(err)
	}
	wal, err := os.Stat(w.file + "-wal")
	if err != nil {
		w.Fatal(err)
	}
	return use{runtime.NumGoroutine(), len(files), int64(memory.HeapAlloc), wal.Size()}
}

// Edit after edit is applied, 300 of them, or as many as USHER_TEST_EDITS says;
// goroutines, open files, memory and the write-ahead log end where they began.
func TestManyEdits(t *testing.T) {
	edits := 300
	if n, err := strconv.Atoi(os.Getenv("USHER_TEST_EDITS")); err == nil {
		edits = n
	}
	before := runtime.NumGoroutine()
	t.Run("edits", func(t *testing.T) { manyEdits(t, edits) })
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			stacks := make([]byte, 1<<20)
			t.Fatalf("goroutines left behind: %d before, now %d:\n%s", before, runtime.NumGoroutine(), stacks[:runtime.Stack(stacks, true)])
		}
	}
}

func manyEdits(t *testing.T, edits int) {
	const warm = 100
	w := prepare(t, firm(), reconciler.Timing{Quiet: time.Millisecond, Requests: 10 * time.Millisecond, Resync: time.Hour}, nil)
	w.loop.Looked, w.loop.Log = nil, slog.New(slog.DiscardHandler)
	w.begin()
	w.until("the firm is applied", func() bool { return w.applied() == 1 })
	var began use
	for i := range warm + edits {
		if i == warm {
			began = w.use()
		}
		w.shelf.put("cy.yaml", edited(i))
		w.until("edit "+strconv.Itoa(i), func() bool { return w.applied() == int64(i)+2 })
	}
	ended := w.use()
	t.Logf("%d edits: began with %+v, ended with %+v", edits, began, ended)
	if ended.goroutines > began.goroutines+2 {
		t.Errorf("goroutines: %d became %d", began.goroutines, ended.goroutines)
	}
	if ended.files > began.files+2 {
		t.Errorf("open files: %d became %d", began.files, ended.files)
	}
	if most := began.heap + 2<<20; ended.heap > most {
		t.Errorf("heap: %d bytes became %d", began.heap, ended.heap)
	}
	if most := int64(8 << 20); ended.wal > most {
		t.Errorf("write-ahead log: %d bytes became %d, want at most %d", began.wal, ended.wal, most)
	}
	w.verify()
}

// edited is a person after so many edits: another name each time, and access that
// comes and goes.
func edited(i int) string {
	access := "access: []"
	if i%2 == 0 {
		access = "access: [cloud]"
	}
	return fmt.Sprintf("# edit %d\n", i) + user("cy", access, fmt.Sprintf("suspended: %v", i%7 == 3))
}
