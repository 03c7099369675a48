package mail_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
	"usher/state/mail"
)

// queue is an outbox in memory: what is due is given once, and again after it was
// given back.
type queue struct {
	mu    sync.Mutex
	ids   []int64
	sent  []int64
	looks int
}

func (q *queue) Due(context.Context, int) ([]state.Message, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.looks++
	var due []state.Message
	for _, id := range q.ids {
		due = append(due, state.Message{ID: id, To: "ada@acme.example", CreatedAt: time.Now()})
	}
	q.ids = nil
	return due, nil
}

func (q *queue) Fill(state.Message) ([]byte, error) { return []byte("hello"), nil }

func (q *queue) Sent(_ context.Context, ids ...int64) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.sent = append(q.sent, ids...)
	return nil
}

func (q *queue) Retry(context.Context, int64, time.Time, string) error { return nil }
func (q *queue) Failed(context.Context, int64, string) error           { return nil }

func (q *queue) Requeue(_ context.Context, ids ...int64) (int, error) {
	q.put(ids...)
	return len(ids), nil
}

func (q *queue) put(ids ...int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.ids = append(q.ids, ids...)
}

// server is a transport that takes a while, or refuses, as the test wants.
type server struct {
	takes     time.Duration
	err       error
	delivered int
}

func (s *server) Deliver(ctx context.Context, _ state.Message, _ []byte) error {
	select {
	case <-time.After(s.takes):
		s.delivered++
		return s.err
	case <-ctx.Done():
		return &mail.Failure{Class: mail.Again, Reason: "interrupted", Err: ctx.Err()}
	}
}

func (s *server) Close() error   { return nil }
func (s *server) String() string { return "test" }

// round is one report of a courier.
type round struct {
	after  time.Duration
	result mail.Result
}

// run runs a courier for so long and returns what it reported.
func run(c *mail.Courier, d time.Duration, beside func()) []round {
	start := time.Now()
	var rounds []round
	c.Report = func(r mail.Result, _ error) { rounds = append(rounds, round{time.Since(start), r}) }
	ctx, stop := context.WithTimeout(context.Background(), d)
	defer stop()
	if beside != nil {
		go beside()
	}
	c.Run(ctx)
	return rounds
}

func TestCourierLooksAndWakes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q, wake := &queue{ids: []int64{1}}, make(chan struct{}, 1)
		got := run(&mail.Courier{Outbox: q, Transport: &server{}, Wake: wake}, 12*time.Second, func() {
			time.Sleep(time.Second)
			q.put(2)
			wake <- struct{}{}
			time.Sleep(time.Second)
			q.put(3)
		})
		want := []round{{0, mail.Result{Sent: 1}}, {time.Second, mail.Result{Sent: 1}}, {6 * time.Second, mail.Result{Sent: 1}}}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(round{})); diff != "" {
			t.Errorf("rounds that did anything (-want +got):\n%s", diff)
		}
	})
}

// forgetful is an outbox in which, for a while, nothing can be recorded.
type forgetful struct {
	*queue
	until time.Time
}

var errFull = errors.New("the disk is full")

func (f *forgetful) full() error {
	if time.Now().Before(f.until) {
		return errFull
	}
	return nil
}

func (f *forgetful) Sent(ctx context.Context, ids ...int64) error {
	if err := f.full(); err != nil {
		return err
	}
	return f.queue.Sent(ctx, ids...)
}

func (f *forgetful) Requeue(ctx context.Context, ids ...int64) (int, error) {
	if err := f.full(); err != nil {
		return 0, err
	}
	return f.queue.Requeue(ctx, ids...)
}

// What became of messages while it could not be recorded is recorded once it can:
// one that was sent is not sent again, and one that was not is not left behind.
func TestCourierForgetsNoAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &forgetful{&queue{ids: []int64{1, 2}}, time.Now().Add(90 * time.Second)}
		sends := &server{}
		rounds := run(&mail.Courier{Outbox: q, Transport: sends}, 10*time.Minute, nil)
		if diff := cmp.Diff([]int64{1, 2}, q.sent); diff != "" {
			t.Errorf("recorded as sent (-want +got):\n%s\nin the rounds %+v", diff, rounds)
		}
		if sends.delivered != 2 {
			t.Errorf("%d messages were delivered, want each of the two once", sends.delivered)
		}
	})
}

// A server that takes nothing from us is left alone, longer each time.
func TestCourierPauses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := &queue{ids: []int64{1}}
		refuses := &server{err: &mail.Failure{Class: mail.Paused, Reason: "no", Err: errors.New("535 no")}}
		got := run(&mail.Courier{Outbox: q, Transport: refuses}, 50*time.Minute, nil)
		var after []time.Duration
		for _, r := range got {
			after = append(after, r.after)
		}
		want := []time.Duration{0, time.Minute, 3 * time.Minute, 7 * time.Minute, 15 * time.Minute, 30 * time.Minute, 45 * time.Minute}
		if diff := cmp.Diff(want, after); diff != "" {
			t.Errorf("tries (-want +got):\n%s", diff)
		}
	})
}

// Told to stop, a courier finishes the message it has begun, begins no other, and
// does not wait for ever.
func TestCourierStops(t *testing.T) {
	tests := []struct {
		name  string
		takes time.Duration
		sent  []int64
		ended time.Duration
	}{
		{"a server that answers", 3 * time.Second, []int64{1}, 3 * time.Second},
		{"a server that does not", time.Hour, nil, 11 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q, start := &queue{ids: []int64{1, 2}}, time.Now()
				run(&mail.Courier{Outbox: q, Transport: &server{takes: tt.takes}}, time.Second, nil)
				if got := time.Since(start); got != tt.ended {
					t.Errorf("stopped after %v, want %v", got, tt.ended)
				}
				if diff := cmp.Diff(tt.sent, q.sent); diff != "" {
					t.Errorf("sent (-want +got):\n%s", diff)
				}
				if got := len(q.ids) + len(q.sent); got != 2 {
					t.Errorf("messages sent or given back: got %d, want 2", got)
				}
			})
		})
	}
}
