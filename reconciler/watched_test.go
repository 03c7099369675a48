package reconciler_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"usher/reconciler"
	"usher/state"
)

// watched is a world with a loop that watches it. Its manifests and its clock may
// be changed while the loop runs.
type watched struct {
	*world
	file  string // of the database
	now   func() time.Time
	shelf *shelf
	loop  *reconciler.Loop
	log   *bytes.Buffer // read it once the loop has ended
	looks chan struct{} // receives after each look

	stop  context.CancelFunc
	ended chan error
}

// shelf is a source of manifests that others change, and that can fail.
type shelf struct {
	mu     sync.Mutex
	tree   tree
	err    error
	reads  []time.Time
	unrest chan struct{} // Settled waits for it; nil: all stands still
	bell   chan struct{} // rung by put
	silent string        // why nothing is told of changes
}

func (s *shelf) Snapshot(ctx context.Context) (*reconciler.Manifests, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads = append(s.reads, time.Now())
	if s.err != nil {
		return nil, s.err
	}
	return (&world{tree: s.tree}).Snapshot(ctx)
}

func (s *shelf) Settled(ctx context.Context, first *reconciler.Manifests) (*reconciler.Manifests, error) {
	s.mu.Lock()
	unrest := s.unrest
	s.mu.Unlock()
	if unrest == nil {
		return first, nil
	}
	select {
	case <-unrest:
	case <-ctx.Done():
	}
	return s.Snapshot(ctx)
}

// times are when the shelf was read.
func (s *shelf) times() []time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.reads)
}

func (s *shelf) Dirty() <-chan struct{} { return s.bell }
func (s *shelf) Sync()                  {}
func (s *shelf) Polling() string        { return s.silent }

// change alters the shelf, and tells of it where it tells of anything.
func (s *shelf) change(fn func()) {
	s.mu.Lock()
	fn()
	s.mu.Unlock()
	if s.silent != "" {
		return
	}
	select {
	case s.bell <- struct{}{}:
	default:
	}
}

func (s *shelf) put(path, content string) {
	s.change(func() { s.tree[path] = content })
}

// soon is timing in which nothing has to be waited for long.
var soon = reconciler.Timing{
	Quiet: 20 * time.Millisecond, Patience: 200 * time.Millisecond, Resync: time.Hour, Poll: 50 * time.Millisecond,
	Requests: 20 * time.Millisecond, Retry: 20 * time.Millisecond, MaxRetry: 100 * time.Millisecond,
}

// prepare makes a loop that is not yet running; begin starts it. It keeps the
// clock of its controller, which never moves where now is nil.
func prepare(t *testing.T, manifests tree, timing reconciler.Timing, now func() time.Time) *watched {
	t.Helper()
	w := &watched{log: &bytes.Buffer{}, looks: make(chan struct{}, 100_000), ended: make(chan error, 1)}
	w.shelf = &shelf{tree: manifests, bell: make(chan struct{}, 1)}
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w.now = now
	if now == nil {
		w.now = func() time.Time { return noon }
	}
	w.file = filepath.Join(t.TempDir(), "usher.db")
	db, err := state.Open(context.Background(), w.file, state.Options{Now: func() time.Time { return w.now() }, Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w.world = &world{tester: t, db: db, ctl: &reconciler.Controller{
		DB: db, Source: w.shelf, Compose: plain{}, Now: func() time.Time { return w.now() }, By: "tester", From: "usher@acme.example",
	}}
	w.loop = &reconciler.Loop{
		Controller: w.ctl, Changes: w.shelf, Timing: timing, Log: slog.New(slog.NewTextHandler(w.log, nil)),
		Looked: func() { w.looks <- struct{}{} },
	}
	return w
}

// keepTime has the loop and the state go by a clock that is not always believed.
func (w *watched) keepTime(c *reconciler.Clock) {
	w.now, w.ctl.Clock = c.Now, c
}

func (w *watched) begin() {
	w.Helper()
	ctx, stop := context.WithCancel(context.Background())
	w.loop.Owner, w.stop = w.own(), stop
	go func() { w.ended <- w.loop.Run(ctx) }()
	w.Cleanup(func() { w.end() })
}

// end stops the loop, once, and returns what Run ended with.
func (w *watched) end() error {
	if w.loop.Owner == nil {
		return nil
	}
	w.stop()
	err := <-w.ended
	w.loop.Owner.Close()
	w.loop.Owner = nil
	return err
}

// watch runs a loop over the manifests until the first look is over.
func watch(t *testing.T, manifests tree, timing reconciler.Timing) *watched {
	t.Helper()
	w := prepare(t, manifests, timing, nil)
	w.begin()
	w.look(1)
	return w
}

// look waits for so many looks to end.
func (w *watched) look(n int) {
	w.Helper()
	for range n {
		select {
		case <-w.looks:
		case <-time.After(20 * time.Second):
			w.Fatal("the loop looks no more")
		}
	}
}

// until waits for what must come to pass, and returns how long it took.
func (w *watched) until(what string, holds func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for !holds() {
		if time.Since(began) > 20*time.Second {
			w.Fatalf("%s: not so after %v; conditions: %v", what, time.Since(began), w.loop.Status().Conditions)
		}
		time.Sleep(2 * time.Millisecond)
	}
	return time.Since(began)
}

// becomes waits for a condition to be so.
func (w *watched) becomes(c reconciler.ConditionType, want bool) time.Duration {
	w.Helper()
	return w.until(string(c), func() bool { return w.is(c) == want })
}

func (w *watched) is(t reconciler.ConditionType) bool {
	s := w.loop.Status()
	return s.Condition(t).Status
}

func (w *watched) why(t reconciler.ConditionType) string {
	s := w.loop.Status()
	return s.Condition(t).Message
}

func (w *watched) applied() int64 { return w.loop.Status().Applied.Revision }

// ask leaves a request.
func (w *watched) ask(kind, argument string) int64 {
	w.Helper()
	id, err := w.db.Ask(context.Background(), kind, argument, "grace")
	if err != nil {
		w.Fatal(err)
	}
	return id
}

// asks leaves a request, and returns its answer and how long that took.
func (w *watched) asks(kind, argument string) (answer string, took time.Duration) {
	w.Helper()
	id := w.ask(kind, argument)
	took = w.until("request "+kind, func() bool {
		all, err := w.db.Requests(context.Background(), false)
		if err != nil {
			w.Fatal(err)
		}
		for _, r := range all {
			if r.ID == id && !r.DoneAt.IsZero() {
				answer = r.Result
				return true
			}
		}
		return false
	})
	return answer, took
}

// meddle runs a statement on the database from outside.
func (w *watched) meddle(statement string) {
	w.Helper()
	pool, err := sql.Open("sqlite", "file:"+w.file+"?_pragma=busy_timeout(10000)")
	if err != nil {
		w.Fatal(err)
	}
	_, err = pool.Exec(statement)
	if err := errors.Join(err, pool.Close()); err != nil {
		w.Fatal(err)
	}
}

// everything asks for all messages.
var everything state.MessageQuery

// withoutOthers keeps the lines that name one person or one kind of message.
func withoutOthers(lines []string, person, kind string) []string {
	return slices.DeleteFunc(lines, func(line string) bool {
		return !strings.HasSuffix(line, " "+person) && !strings.Contains(line, " "+kind+" ")
	})
}

// kinds lists the kinds of all messages, oldest first.
func (w *world) kinds() []string {
	w.Helper()
	list, err := w.db.Messages(context.Background(), state.MessageQuery{})
	if err != nil {
		w.Fatal(err)
	}
	kinds := make([]string, len(list))
	for i, m := range list {
		kinds[i] = m.Kind + " " + m.To
	}
	return kinds
}
