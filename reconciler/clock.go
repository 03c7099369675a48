package reconciler

import (
	"fmt"
	"sync"
	"time"
)

// maxClockJump is how far the wall clock may leave the time that has really
// passed before it is no longer believed.
const maxClockJump = time.Hour

// Clock is a wall clock that is not believed when it jumps. A machine whose
// clock leaps a year ahead would end every access with a last day, and every
// invitation, in one go. So when the wall clock and the monotonic one part by
// more than maxClockJump, the clock goes on from where it was until a person says
// that the new time is right.
type Clock struct {
	wall    func() time.Time
	passed  func() time.Duration // since some fixed moment, by the monotonic clock
	mu      sync.Mutex
	at      time.Time     // last believed
	since   time.Duration // passed() then
	jumped  time.Time     // what the wall clock says instead; zero: believed
	approve bool
}

// NewClock begins to keep time. The zero arguments are the machine's own clocks.
// notBefore is a time known to have been: a wall clock that stands before it is
// not believed from the start.
func NewClock(wall func() time.Time, passed func() time.Duration, notBefore time.Time) *Clock {
	if wall == nil {
		wall = time.Now
	}
	if passed == nil {
		start := time.Now()
		passed = func() time.Duration { return time.Since(start) }
	}
	c := &Clock{wall: wall, passed: passed, at: wall().Round(0), since: passed()}
	if c.at.Before(notBefore.Add(-maxClockJump)) {
		c.at = notBefore
	}
	return c
}

// Now is the time as far as it is believed.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wall, passed := c.wall().Round(0), c.passed()
	expected := c.at.Add(passed - c.since)
	if drift := wall.Sub(expected); c.approve || drift.Abs() <= maxClockJump {
		c.at, c.since, c.jumped, c.approve = wall, passed, time.Time{}, false
		return wall
	}
	c.jumped = wall
	return expected
}

// Wall is what the wall clock says, believed or not.
func (c *Clock) Wall() time.Time { return c.wall().Round(0) }

// Jumped says how the wall clock differs from the time that is kept, "" while it
// is believed.
func (c *Clock) Jumped() string {
	now := c.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jumped.IsZero() {
		return ""
	}
	return fmt.Sprintf("the clock says %s, by the time that passed it is %s; set it right, or confirm it with usher approve clock",
		c.jumped.UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
}

// Approve believes what the wall clock says from now on.
func (c *Clock) Approve() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.approve = true
}
