package reconciler_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
)

// wallClock is a wall clock that can be set, beside time that passes.
type wallClock struct {
	mu     sync.Mutex
	at     time.Time
	passed time.Duration
}

func (c *wallClock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at.Add(c.passed)
}

func (c *wallClock) since() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}

func (c *wallClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}

func (c *wallClock) set(jump time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(jump)
}

func TestClock(t *testing.T) {
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		name  string
		do    func(w *wallClock, c *reconciler.Clock)
		want  time.Duration // of Now, after start
		jumps bool
	}{
		{"nothing happens", func(*wallClock, *reconciler.Clock) {}, 0, false},
		{"time passes", func(w *wallClock, _ *reconciler.Clock) { w.pass(400 * 24 * time.Hour) }, 400 * 24 * time.Hour, false},
		{"set forward by less than an hour", func(w *wallClock, _ *reconciler.Clock) { w.set(59 * time.Minute) }, 59 * time.Minute, false},
		{"set back by less than an hour", func(w *wallClock, _ *reconciler.Clock) { w.set(-59 * time.Minute) }, -59 * time.Minute, false},
		{"a jump of just more than an hour", func(w *wallClock, _ *reconciler.Clock) { w.set(time.Hour + time.Second) }, 0, true},
		{"a year ahead", func(w *wallClock, _ *reconciler.Clock) { w.set(365 * 24 * time.Hour); w.pass(time.Minute) }, time.Minute, true},
		{"a year back", func(w *wallClock, _ *reconciler.Clock) { w.set(-365 * 24 * time.Hour); w.pass(time.Minute) }, time.Minute, true},
		{"a year ahead and back", func(w *wallClock, c *reconciler.Clock) {
			w.set(365 * 24 * time.Hour)
			c.Now()
			w.pass(time.Minute)
			w.set(-365 * 24 * time.Hour)
		}, time.Minute, false},
		{"a year ahead, and a person says so", func(w *wallClock, c *reconciler.Clock) {
			w.set(365 * 24 * time.Hour)
			c.Now()
			c.Approve()
			w.pass(time.Minute)
		}, 365*24*time.Hour + time.Minute, false},
		{"a person says so once", func(w *wallClock, c *reconciler.Clock) {
			c.Approve()
			c.Now()
			w.set(365 * 24 * time.Hour)
		}, 0, true},
		{"drifting slowly", func(w *wallClock, c *reconciler.Clock) {
			for range 100 {
				w.set(time.Minute)
				c.Now()
			}
		}, 100 * time.Minute, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := &wallClock{at: start}
			c := reconciler.NewClock(w.now, w.since, time.Time{})
			tt.do(w, c)
			if got := c.Now().Sub(start); got != tt.want {
				t.Errorf("time since the start: got %v, want %v", got, tt.want)
			}
			if got := c.Jumped(); (got != "") != tt.jumps {
				t.Errorf("jumped: got %q, want %v", got, tt.jumps)
			}
			if got := c.Wall(); !got.Equal(w.now()) {
				t.Errorf("wall: got %v, want %v", got, w.now())
			}
		})
	}
}

// A clock that stands before the newest revision is not believed from the start.
func TestClockBeforeTheNewestRevision(t *testing.T) {
	newest := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	w := &wallClock{at: newest.AddDate(-1, 0, 0)}
	c := reconciler.NewClock(w.now, w.since, newest)
	w.pass(time.Minute)
	if got, want := c.Now(), newest.Add(time.Minute); !got.Equal(want) {
		t.Errorf("now: got %v, want %v", got, want)
	}
	want := "the clock says 2025-11-22T12:01:00Z, by the time that passed it is 2026-11-22T12:01:00Z; set it right, or confirm it with usher approve clock"
	if got := c.Jumped(); got != want {
		t.Errorf("jumped:\n got %q\nwant %q", got, want)
	}
}

// slow is timing for months: the machine works a few times a day.
var slow = reconciler.Timing{Resync: 5 * time.Hour, Requests: 30 * time.Minute}

// sent lists the messages since the last call, with the day after the start on
// which each was made.
func (w *watched) sent(start time.Time, from int) []string {
	w.Helper()
	list, err := w.db.Messages(w.Context(), everything)
	if err != nil {
		w.Fatal(err)
	}
	var lines []string
	for _, m := range list[from:] {
		day := int(m.CreatedAt.Sub(start.Truncate(24*time.Hour)) / (24 * time.Hour))
		lines = append(lines, fmt.Sprintf("day %d %s %s", day, m.Kind, strings.TrimSuffix(m.To, "@acme.example")))
	}
	return lines
}

// Ninety days pass: the invitation is recalled 14 and 3 days before its last day,
// expires, is sent again by request, and the ninety days begin anew (DOMAIN.md row
// 17). Each message is sent once.
func TestNinetyDays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Hour) // past midnight
		manifests := firm()
		manifests["people.yaml"] = user("ada") + user("grace")
		w := prepare(t, manifests, slow, time.Now)
		start := time.Now()
		w.begin()
		time.Sleep(time.Hour)
		before := len(w.kinds())
		w.shelf.put("bo.yaml", user("bo", "access: [cad]"))
		time.Sleep(92 * 24 * time.Hour)
		got := withoutOthers(w.sent(start, before), "bo", "expired")
		want := []string{"day 0 invitation bo", "day 76 reminder bo", "day 87 reminder bo", "day 91 expired grace"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		if a, err := w.db.Account(t.Context(), "bo"); err != nil || a.Status != "expired" {
			t.Errorf("bo after 92 days: got %v %v, want expired", a.Status, err)
		}
		before = len(w.kinds())
		w.ask(reconciler.RequestResend, "bo")
		time.Sleep(time.Hour)
		again := time.Now()
		if a, err := w.db.Account(t.Context(), "bo"); err != nil || a.Status != "invited" {
			t.Errorf("bo after the resend: got %v %v, want invited", a.Status, err)
		}
		time.Sleep(92 * 24 * time.Hour)
		got = withoutOthers(w.sent(again, before), "bo", "expired")
		if diff := cmp.Diff([]string{"day 0 invitation bo", "day 76 reminder bo", "day 87 reminder bo", "day 91 expired grace"}, got); diff != "" {
			t.Errorf("messages after the resend (-want +got):\n%s", diff)
		}
		w.verify()
	})
}

// Access begins on its first day and ends after its last, by itself; each is told
// once.
func TestAccessFollowsTheCalendar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := prepare(t, firm(), slow, time.Now) // it is 2000-01-01
		start := time.Now()
		w.begin()
		time.Sleep(time.Hour)
		before := len(w.kinds())
		w.shelf.put("bo.yaml", "")
		w.shelf.put("cy.yaml", user("cy", "access: [{product: cloud, from: 2000-01-11, until: 2000-01-20}]"))
		time.Sleep(30 * 24 * time.Hour)
		got := withoutOthers(w.sent(start, before), "cy", "access")
		if diff := cmp.Diff([]string{"day 0 invitation cy", "day 10 access cy", "day 20 access cy"}, got); diff != "" {
			t.Errorf("messages (-want +got):\n%s", diff)
		}
		revisions, err := w.db.Revisions(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := len(revisions); got != 4 { // the firm, cy, the first day, the day after the last
			t.Errorf("revisions: got %d, want 4", got)
		}
		w.verify()
	})
}

// A clock that jumps a year ahead ends nothing and sends nothing; set back, it is
// believed again. Where a person confirms it, what is due comes to pass.
func TestClockJumpsAYear(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := prepare(t, firm(), slow, nil)
		wall := &wallClock{at: time.Now()}
		start := time.Now()
		now := func() time.Time { return wall.now().Add(time.Since(start)) }
		clock := reconciler.NewClock(now, func() time.Duration { return time.Since(start) }, time.Time{})
		w.keepTime(clock)
		w.begin()
		time.Sleep(time.Hour)
		before := len(w.kinds())
		wall.set(365 * 24 * time.Hour)
		time.Sleep(12 * time.Hour)
		if got := w.sent(start, before); len(got) > 0 {
			t.Errorf("messages after the jump: %q, want none", got)
		}
		if w.is(reconciler.ClockTrusted) || w.is(reconciler.Ready) || !strings.Contains(w.why(reconciler.ClockTrusted), "usher approve clock") {
			t.Errorf("ClockTrusted %v %q, Ready %v; want false, what to do, false", w.is(reconciler.ClockTrusted), w.why(reconciler.ClockTrusted), w.is(reconciler.Ready))
		}
		s := w.loop.Status()
		if late := now().Sub(s.Next); late > 0 {
			t.Errorf("the next look is announced for %v ago by the machine's clock: it would count as gone", late)
		}
		wall.set(-365 * 24 * time.Hour)
		time.Sleep(12 * time.Hour)
		if !w.is(reconciler.ClockTrusted) || !w.is(reconciler.Ready) || len(w.sent(start, before)) > 0 {
			t.Errorf("set back: trusted %v, ready %v, messages %q", w.is(reconciler.ClockTrusted), w.is(reconciler.Ready), w.sent(start, before))
		}
		wall.set(100 * 24 * time.Hour)
		time.Sleep(12 * time.Hour)
		w.ask(reconciler.RequestApprove, reconciler.ApproveClock)
		time.Sleep(12 * time.Hour)
		if !w.is(reconciler.ClockTrusted) {
			t.Error("not believed after it was confirmed")
		}
		if a, err := w.db.Account(t.Context(), "bo"); err != nil || a.Status != "expired" {
			t.Errorf("bo after the confirmed jump: got %v %v, want expired", a.Status, err)
		}
	})
}

// What cannot be read is tried again after 1, 2, 4, … seconds, and no more rarely
// than it would be looked at anyway; a state that fails after five minutes at most.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := prepare(t, firm(), reconciler.Timing{}, time.Now)
		w.shelf.err = errors.New("the share is gone")
		w.begin()
		time.Sleep(10 * time.Minute)
		reads := w.shelf.times()
		for i := 1; i < len(reads); i++ {
			least := min(time.Second<<(i-1), 54*time.Second)
			if gap := reads[i].Sub(reads[i-1]); gap < least || gap > max(least*12/10, 66*time.Second) || i < 6 && gap > least*12/10 {
				t.Errorf("wait %d: got %v, want %v and up to a fifth more, a minute at most", i, gap, least)
			}
		}
	})
	synctest.Test(t, func(t *testing.T) {
		w := prepare(t, firm(), reconciler.Timing{}, time.Now)
		w.meddle("CREATE TRIGGER broken BEFORE INSERT ON revision BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
		w.begin()
		time.Sleep(time.Hour)
		tried := len(w.shelf.times())
		if tried < 15 || tried > 21 { // 1, 2, 4, … 256 s, then five to six minutes
			t.Errorf("tries in an hour with a broken state: got %d, want 15 to 21", tried)
		}
	})
}
