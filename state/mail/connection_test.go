package mail_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/time/rate"

	"usher/state"
	"usher/state/mail"
)

// crowd is a transport that sees who is served at the same time.
type crowd struct {
	takes time.Duration // each message

	mu   sync.Mutex
	now  map[string]int // messages on their way, by address
	most int
	met  bool // two to one address at once
	came []int64
	at   []time.Time
}

func (c *crowd) Deliver(_ context.Context, m state.Message, _ []byte) error {
	c.mu.Lock()
	c.now[m.To]++
	c.met = c.met || c.now[m.To] > 1
	total := 0
	for _, n := range c.now {
		total += n
	}
	c.most = max(c.most, total)
	c.came, c.at = append(c.came, m.ID), append(c.at, time.Now())
	c.mu.Unlock()
	time.Sleep(c.takes)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now[m.To]--
	return nil
}

func (*crowd) Close() error   { return nil }
func (*crowd) String() string { return "crowd" }

// mailing is so many messages to so many addresses in turn.
func mailing(messages, addresses int) []state.Message {
	var ms []state.Message
	for i := range messages {
		ms = append(ms, state.Message{ID: int64(i + 1), To: fmt.Sprintf("p%d@acme.example", i%addresses), CreatedAt: noon})
	}
	return ms
}

func TestSeveralAtOnce(t *testing.T) {
	for _, test := range []struct {
		atOnce, addresses, want int
	}{{0, 8, 1}, {1, 8, 1}, {4, 8, 4}, {4, 2, 2}, {40, 8, 8}} {
		synctest.Test(t, func(t *testing.T) {
			c := &crowd{takes: time.Second, now: map[string]int{}}
			box := &outbox{queue: [][]state.Message{mailing(24, test.addresses)}}
			got, err := mail.Drain(t.Context(), box, c, mail.Options{Now: at12, AtOnce: test.atOnce})
			if want := (mail.Result{Sent: 24}); err != nil || got != want {
				t.Errorf("%+v, %v; want all sent", got, err)
			}
			if c.most != test.want {
				t.Errorf("%d at once to %d addresses: %d were on their way, want %d", test.atOnce, test.addresses, c.most, test.want)
			}
			if c.met {
				t.Error("two messages to one address were on their way at once")
			}
			last := map[int64]int64{}
			for _, id := range c.came {
				to := id % int64(test.addresses)
				if id < last[to] {
					t.Errorf("message %d came after %d to the same address", id, last[to])
				}
				last[to] = id
			}
		})
	}
}

// tray is an outbox that gives so many messages at a time as it is asked for, and
// sees how many were sent and are not recorded.
type tray struct {
	*outbox
	crowd *crowd
	left  []state.Message
	asked []int // messages recorded when more were asked for
	takes time.Duration

	recorded, owed int
}

func (b *tray) Due(_ context.Context, limit int) ([]state.Message, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, b.recorded)
	due := b.left[:min(limit, len(b.left))]
	b.left = b.left[len(due):]
	return due, nil
}

func (b *tray) Sent(_ context.Context, ids ...int64) error {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.owed = max(b.owed, b.crowd.sent()-b.recorded)
	b.recorded += len(ids)
	return nil
}

func (c *crowd) sent() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.came)
}

// The next messages are taken before those at hand are sent; and however slowly what
// was sent is recorded, a crash never has more than 64 sent twice, and those that
// are on their way.
func TestTakesAheadAndRecordsBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const messages, atOnce = 1000, 4
		c := &crowd{now: map[string]int{}, takes: time.Millisecond}
		box := &tray{outbox: &outbox{}, crowd: c, left: mailing(messages, messages), takes: time.Second}
		got, err := mail.Drain(t.Context(), box, c, mail.Options{Now: at12, AtOnce: atOnce})
		if want := (mail.Result{Sent: messages}); err != nil || got != want {
			t.Fatalf("%+v, %v; want all sent", got, err)
		}
		if most := 64 + atOnce; box.owed > most || box.owed <= most/2 {
			t.Errorf("%d messages were sent and not recorded, want %d at most, and no fewer than half as many", box.owed, most)
		}
		for i, recorded := range box.asked[1 : len(box.asked)-2] {
			if taken := 200 * (i + 1); recorded >= taken {
				t.Errorf("with %d messages taken, more were asked for when all were recorded", taken)
			}
		}
		if last := box.asked[len(box.asked)-1]; last != messages {
			t.Errorf("the last time messages were asked for %d were recorded, want %d", last, messages)
		}
	})
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &crowd{now: map[string]int{}}
		box := &outbox{queue: [][]state.Message{mailing(10, 10), mailing(10, 10)}}
		began := time.Now()
		_, err := mail.Drain(t.Context(), box, c, mail.Options{Now: at12, AtOnce: 4, Rate: rate.NewLimiter(rate.Every(time.Second), 1)})
		if err != nil || len(c.at) != 20 {
			t.Fatalf("%d messages: %v", len(c.at), err)
		}
		for i, at := range c.at {
			if got, want := at.Sub(began), time.Duration(i)*time.Second; got.Round(time.Millisecond) != want {
				t.Errorf("message %d went after %v, want %v", i+1, got, want)
			}
		}
	})
}

// What waits for its turn when the time is up is given back.
func TestRateEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		box := &outbox{queue: [][]state.Message{mailing(10, 10)}}
		got, err := mail.Drain(ctx, box, &crowd{now: map[string]int{}}, mail.Options{Now: at12, Rate: rate.NewLimiter(rate.Every(time.Second), 1)})
		if want := (mail.Result{Sent: 3, Waiting: 7}); err != nil || got != want {
			t.Errorf("%+v, %v; want %+v", got, err, want)
		}
	})
}

func TestConnectionsAreKept(t *testing.T) {
	for _, test := range []struct {
		options        string
		messages, want int
	}{{"", 5, 1}, {"?messages=2", 5, 3}, {"?messages=1", 3, 3}, {"?messages=5", 5, 1}} {
		server := serve(t, nil)
		transport := open(t, server.url()+test.options)
		for range test.messages {
			if err := transport.Deliver(t.Context(), message, []byte(letter)); err != nil {
				t.Fatal(err)
			}
		}
		connections, said, messages := server.heard()
		if connections != test.want || len(messages) != test.messages {
			t.Errorf("%q: %d connections for %d messages, want %d for %d", test.options, connections, len(messages), test.want, test.messages)
		}
		for _, word := range []string{"NOOP", "RSET"} {
			if slices.Contains(said, word) {
				t.Errorf("%q: %s was said for nothing", test.options, word)
			}
		}
	}
}

// Several goroutines take as many connections, and each message arrives once.
func TestDeliveringAtOnce(t *testing.T) {
	server := serve(t, nil)
	transport := open(t, server.url())
	var running sync.WaitGroup
	for range 4 {
		running.Go(func() {
			for range 10 {
				if err := transport.Deliver(t.Context(), message, []byte(letter)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	running.Wait()
	connections, _, messages := server.heard()
	if connections > 4 || len(messages) != 40 {
		t.Errorf("%d messages over %d connections, want 40 over 4 at most", len(messages), connections)
	}
}

func TestMessagesAConnection(t *testing.T) {
	for _, option := range []string{"0", "-1", "many", "1.5"} {
		_, err := mail.Open(mail.Settings{Where: "smtp://127.0.0.1?messages=" + option, From: "usher@acme.example"})
		if err == nil {
			t.Errorf("messages=%s was accepted", option)
		}
	}
}
