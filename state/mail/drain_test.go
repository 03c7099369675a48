package mail_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
	"usher/state/mail"
)

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// outbox records what Drain says of its messages.
type outbox struct {
	mu     sync.Mutex
	queue  [][]state.Message // what each call of Due gives
	events []string
	broken error         // what recording gives
	next   time.Duration // of the last retry, from noon
	fill   error         // what Fill gives for the message unfilled

	unfilled int64
}

func (o *outbox) Due(context.Context, int) ([]state.Message, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.queue) == 0 {
		return nil, nil
	}
	due := o.queue[0]
	o.queue = o.queue[1:]
	return due, nil
}

func (o *outbox) Fill(m state.Message) ([]byte, error) {
	if o.unfilled == m.ID {
		return nil, o.fill
	}
	return []byte("filled " + string(m.Body)), nil
}

func (o *outbox) Sent(_ context.Context, ids ...int64) error {
	var errs []error
	for _, id := range ids {
		errs = append(errs, o.record("sent %d", id))
	}
	return errors.Join(errs...)
}

func (o *outbox) Failed(_ context.Context, id int64, reason string) error {
	return o.record("failed %d: %s", id, reason)
}

func (o *outbox) Retry(_ context.Context, id int64, next time.Time, reason string) error {
	o.next = next.Sub(noon)
	return o.record("retry %d: %s", id, reason)
}

func (o *outbox) Requeue(ctx context.Context, ids ...int64) (int, error) {
	return len(ids), errors.Join(ctx.Err(), o.record("untried %v", ids))
}

func (o *outbox) record(format string, args ...any) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.events = append(o.events, fmt.Sprintf(format, args...))
	return o.broken
}

// answers is a transport that answers as told, by message.
type answers struct {
	to        map[int64]error
	delivered []string
	during    func(id int64)
}

func (a *answers) Deliver(_ context.Context, m state.Message, data []byte) error {
	a.delivered = append(a.delivered, string(data))
	if a.during != nil {
		a.during(m.ID)
	}
	return a.to[m.ID]
}

func (*answers) Close() error   { return nil }
func (*answers) String() string { return "answers" }

func failure(class mail.Class) error { return &mail.Failure{Class: class, Reason: "because"} }

func queued(ids ...int64) []state.Message {
	var ms []state.Message
	for _, id := range ids {
		ms = append(ms, state.Message{ID: id, Body: fmt.Append(nil, id), CreatedAt: noon})
	}
	return ms
}

func at12() time.Time { return noon }

func TestDrain(t *testing.T) {
	for _, test := range []struct {
		name   string
		queue  [][]state.Message
		to     map[int64]error
		events []string
		want   mail.Result
	}{
		{"nothing", nil, nil, nil, mail.Result{}},
		{"until nothing is due", [][]state.Message{queued(1, 2), queued(3)}, nil,
			[]string{"sent 1", "sent 2", "sent 3"}, mail.Result{Sent: 3}},
		{"one of each", [][]state.Message{queued(1, 2, 3, 4)},
			map[int64]error{1: failure(mail.Again), 2: failure(mail.Refused), 3: failure(mail.Unsure)},
			[]string{"failed 2: because", "retry 1: because", "retry 3: because", "sent 4"},
			mail.Result{Sent: 1, Retried: 2, Failed: 1}},
		{"paused", [][]state.Message{queued(1, 2, 3), queued(4)}, map[int64]error{2: failure(mail.Paused)},
			[]string{"sent 1", "untried [2 3]"}, mail.Result{Sent: 1, Waiting: 2, Paused: "because"}},
		{"an error of no class", [][]state.Message{queued(1)}, map[int64]error{1: errors.New("odd")},
			[]string{"retry 1: odd"}, mail.Result{Retried: 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			box := &outbox{queue: test.queue}
			got, err := mail.Drain(context.Background(), box, &answers{to: test.to}, mail.Options{Now: at12})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("result (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.events, slices.Sorted(slices.Values(box.events))); diff != "" {
				t.Errorf("recorded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDrainDeliversFilledMessages(t *testing.T) {
	transport := &answers{}
	if _, err := mail.Drain(context.Background(), &outbox{queue: [][]state.Message{queued(7)}}, transport, mail.Options{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"filled 7"}, transport.delivered); diff != "" {
		t.Errorf("delivered (-want +got):\n%s", diff)
	}
}

func TestWhenItIsTriedAgain(t *testing.T) {
	for _, test := range []struct {
		class    mail.Class
		attempts int
		around   time.Duration
		jitter   float64
	}{
		{mail.Again, 0, time.Minute, 0.2},
		{mail.Again, 1, 2 * time.Minute, 0.2},
		{mail.Again, 7, 128 * time.Minute, 0.2},
		{mail.Again, 8, 4 * time.Hour, 0.2},
		{mail.Again, 1000, 4 * time.Hour, 0.2},
		{mail.Unsure, 0, 10 * time.Minute, 0},
		{mail.Unsure, 9, 10 * time.Minute, 0},
	} {
		random := rand.New(rand.NewPCG(1, 2))
		low, high := time.Duration(1<<62), time.Duration(0)
		for range 200 {
			m := queued(1)
			m[0].Attempts = test.attempts
			box := &outbox{queue: [][]state.Message{m}}
			transport := &answers{to: map[int64]error{1: failure(test.class)}}
			if _, err := mail.Drain(context.Background(), box, transport, mail.Options{Now: at12, Rand: random}); err != nil {
				t.Fatal(err)
			}
			low, high = min(low, box.next), max(high, box.next)
		}
		least := time.Duration(float64(test.around) * (1 - test.jitter))
		most := time.Duration(float64(test.around) * (1 + test.jitter))
		if low < least || high > most || test.jitter > 0 && float64(high-low) < 0.3*float64(test.around) {
			t.Errorf("%s after %d attempts: from %v to %v, want all of %v to %v", test.class, test.attempts, low, high, least, most)
		}
	}
}

func TestGivenUpAfterFiveDays(t *testing.T) {
	for _, test := range []struct {
		age  time.Duration
		want string
	}{
		{5*24*time.Hour - time.Second, "retry 1: because"},
		{5 * 24 * time.Hour, "failed 1: given up after five days: because"},
	} {
		box := &outbox{queue: [][]state.Message{queued(1)}}
		now := func() time.Time { return noon.Add(test.age) }
		if _, err := mail.Drain(context.Background(), box, &answers{to: map[int64]error{1: failure(mail.Again)}}, mail.Options{Now: now}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{test.want}, box.events); diff != "" {
			t.Errorf("after %v (-want +got):\n%s", test.age, diff)
		}
	}
}

// What the end of the context leaves untried is given back, what was sent is
// recorded as sent, and what may have arrived as unsure.
func TestDrainEndsWithItsContext(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer error
		events []string
		want   mail.Result
	}{
		{"sent", nil, []string{"sent 1", "untried [2 3]"}, mail.Result{Sent: 1, Waiting: 2}},
		{"interrupted", failure(mail.Again), []string{"untried [1 2 3]"}, mail.Result{Waiting: 3}},
		{"unsure", failure(mail.Unsure), []string{"retry 1: because", "untried [2 3]"}, mail.Result{Retried: 1, Waiting: 2}},
	} {
		ctx, cancel := context.WithCancel(context.Background())
		box := &outbox{queue: [][]state.Message{queued(1, 2, 3), queued(4)}}
		transport := &answers{to: map[int64]error{1: test.answer}, during: func(int64) { cancel() }}
		got, err := mail.Drain(ctx, box, transport, mail.Options{Now: at12})
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: result (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.events, slices.Sorted(slices.Values(box.events))); diff != "" {
			t.Errorf("%s: recorded (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestDrainReportsABrokenOutbox(t *testing.T) {
	box := &outbox{queue: [][]state.Message{queued(1, 2)}, broken: errors.New("disk full")}
	_, err := mail.Drain(context.Background(), box, &answers{}, mail.Options{Now: at12})
	if err == nil || !strings.Contains(err.Error(), "recording how message") || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("got %v", err)
	}
}

// A message that cannot be filled in does not keep the others waiting.
func TestDrainGoesOnAfterABrokenMessage(t *testing.T) {
	box := &outbox{queue: [][]state.Message{queued(1, 2)}, fill: errors.New("no place for it"), unfilled: 1}
	got, err := mail.Drain(context.Background(), box, &answers{}, mail.Options{Now: at12})
	if want := (mail.Result{Sent: 1, Failed: 1}); err != nil || got != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if diff := cmp.Diff([]string{"failed 1: no place for it", "sent 2"}, box.events); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}

// Without the key nothing can be filled in, and no message is given up for it.
func TestDrainStopsWithoutTheKey(t *testing.T) {
	box := &outbox{queue: [][]state.Message{queued(1, 2)}, fill: fmt.Errorf("key: %w", state.ErrDamaged), unfilled: 1}
	got, err := mail.Drain(context.Background(), box, &answers{}, mail.Options{Now: at12})
	if want := (mail.Result{Waiting: 2}); !errors.Is(err, state.ErrDamaged) || got != want {
		t.Errorf("%+v, %v; want %+v and the damage", got, err, want)
	}
	if diff := cmp.Diff([]string{"untried [1 2]"}, box.events); diff != "" {
		t.Errorf("recorded (-want +got):\n%s", diff)
	}
}
