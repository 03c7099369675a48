package reconciler

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"usher/spec"
	"usher/state"
)

// Changes tells a loop that the manifests may have changed. It may miss changes:
// the loop looks by itself as well.
type Changes interface {
	Dirty() <-chan struct{}
	Sync()           // called after every look, to watch what is there now
	Polling() string // why nothing is told, "" while it is
}

// Timing is how often a loop does what. Zero values are the defaults.
type Timing struct {
	Quiet    time.Duration // how long nothing must have changed before a look; 500 ms
	Patience time.Duration // how long changes may go on before a look all the same; 5 s
	Resync   time.Duration // a look without any reason, with a tenth of jitter; 1 min
	Poll     time.Duration // the same where nothing is told; 5 s
	Requests time.Duration // how often what people ask for is looked up; 500 ms
	Retry    time.Duration // after a failure, doubled each time; 1 s
	MaxRetry time.Duration // 5 min
}

func (t Timing) withDefaults() Timing {
	for _, d := range []struct {
		value *time.Duration
		is    time.Duration
	}{
		{&t.Quiet, 500 * time.Millisecond}, {&t.Patience, 5 * time.Second},
		{&t.Resync, time.Minute}, {&t.Poll, 5 * time.Second},
		{&t.Requests, 500 * time.Millisecond}, {&t.Retry, time.Second}, {&t.MaxRetry, 5 * time.Minute},
	} {
		if *d.value == 0 {
			*d.value = d.is
		}
	}
	return t
}

// Loop keeps the state at what the manifests ask. It never ends because of one
// bad reading: the last good state stays, the condition says why, and it tries
// again. Events only wake it; what it does follows from what it then reads.
type Loop struct {
	Controller *Controller
	Owner      *state.Owner
	Changes    Changes // nil: nothing tells of changes
	Log        *slog.Logger
	Timing     Timing
	Now        <-chan struct{} // a look at once: SIGHUP; nil: never
	Applied    func()          // called after a revision, so that its messages go out
	Looked     func()          // called after each look; nil: nobody waits for it
	Observe    Observer        // nil: nobody counts
	Beat       func()          // called while all is alive; nil: nobody listens

	mu         sync.Mutex
	status     Status
	held       *HeldPlan // see Held
	unreported bool      // a condition changed since the last report
	last       attempt
	failures   int
	faulty     bool   // the state failed during this look
	followed   survey // as of when the calendar was followed to no effect
	forced     bool   // the next look counts even if nothing differs
	idle       bool   // the look at hand has no other reason than time
	checks     checks
	untold     int      // files of which nothing told, by the last look at all of them
	outcome    *Outcome // of the last attempt, for the stewards; nil: none, or suspended
	ended      error    // how that attempt ended
}

// Observer counts what a loop does.
type Observer interface {
	Revision(cause string)
	Look(result string, took time.Duration)
	Untold(files int) // that changed, and were found by looking at all of them
}

// attempt is what a look was made with; the same again would end the same.
type attempt struct {
	digest  string
	commit  string
	private string // digest of the contract information
	newest  int64
	day     spec.Day
}

// unreadError means that the manifests could not be read, which says nothing of
// what they ask.
type unreadError struct{ error }

func (e unreadError) Unwrap() error { return e.error }

// Run reconciles until ctx ends, which is no error, or until another controller
// has taken the state over, which is state.ErrFenced. That the state moved on under
// this one's own hands, by what somebody asked for beside the loop, is planned anew.
func (l *Loop) Run(ctx context.Context) error {
	l.Timing = l.Timing.withDefaults()
	l.mu.Lock()
	l.status.Format = 1
	l.mu.Unlock()
	l.judging()
	l.Controller.Stays = true
	l.recall(ctx)
	if l.Changes != nil {
		l.Changes.Sync()
	}
	for {
		wait, err := l.look(ctx)
		if takenOver(err) || ctx.Err() != nil {
			return unlessEnded(ctx, err)
		}
		if err := l.await(ctx, wait); err != nil {
			return unlessEnded(ctx, err)
		}
	}
}

// takenOver reports whether another controller has come.
func takenOver(err error) bool {
	return errors.Is(err, state.ErrFenced) && !errors.Is(err, state.ErrMoved)
}

// unlessEnded is the error, or nil where the loop was told to end.
func unlessEnded(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// await waits for a reason to look again: a change that has come to rest, a
// request that was performed, a signal, or the time given.
func (l *Loop) await(ctx context.Context, wait time.Duration) error {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	requests := time.NewTicker(l.Timing.Requests)
	defer requests.Stop()
	l.idle = false
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			l.idle = true
			return nil
		case <-l.Now:
			l.forced = true
			return nil
		case <-l.dirty():
			return l.rest(ctx)
		case <-requests.C:
			l.beat()
			if again, err := l.requests(ctx); again || takenOver(err) {
				return err
			}
			if err := l.reportNews(ctx); err != nil {
				return err
			}
		}
	}
}

func (l *Loop) dirty() <-chan struct{} {
	if l.Changes == nil {
		return nil
	}
	return l.Changes.Dirty()
}

func (l *Loop) beat() {
	if l.Beat != nil {
		l.Beat()
	}
}

// rest waits until changes have come to rest, but not for ever, and not once
// somebody asked for something.
func (l *Loop) rest(ctx context.Context) error {
	atMost := time.NewTimer(l.Timing.Patience)
	defer atMost.Stop()
	quiet := time.NewTimer(l.Timing.Quiet)
	defer quiet.Stop()
	requests := time.NewTicker(l.Timing.Requests)
	defer requests.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-requests.C:
			l.beat()
			if again, err := l.requests(ctx); again || takenOver(err) {
				return err
			}
		case <-l.dirty():
			quiet.Reset(l.Timing.Quiet)
		case <-quiet.C:
			return nil
		case <-atMost.C:
			return nil
		}
	}
}

// requests performs what people asked for. It reports whether to look again.
func (l *Loop) requests(ctx context.Context) (bool, error) {
	n, err := l.Controller.performRequests(ctx, l.Owner)
	if err != nil {
		l.storeFault(err)
		return false, err
	}
	if n > 0 {
		l.forced = true
		l.applied()
	}
	return n > 0, nil
}

func (l *Loop) applied() {
	if l.Applied != nil {
		l.Applied()
	}
}

// look reads the manifests and applies them, if anything differs from the last
// look. It returns how long to wait for the next; the error is only for Run to
// see whether the state was taken over.
func (l *Loop) look(ctx context.Context) (time.Duration, error) {
	started := time.Now()
	l.faulty = false
	err := l.reconcile(ctx)
	if ctx.Err() != nil {
		return 0, err
	}
	l.observe(err, time.Since(started))
	if l.Changes != nil {
		l.Changes.Sync()
	}
	l.Controller.busy = l.Controller.memory.of.Excerpts > 0 && !l.idle
	l.tellStewards(ctx)
	wait := l.wait(err)
	err = errors.Join(err, l.conclude(ctx, wait))
	if l.outcome != nil && l.ended == nil {
		l.outcome.shed()
	}
	if l.Looked != nil {
		l.Looked()
	}
	return wait, err
}

// wait is how long to wait after a look that ended so. Manifests that could not be
// read are looked at no less often than those that could.
func (l *Loop) wait(err error) time.Duration {
	if err == nil || !retries(err) {
		l.failures = 0
		return l.pause()
	}
	l.failures++
	if errors.As(err, new(unreadError)) {
		return min(l.backoff(), l.pause())
	}
	return l.backoff()
}

// retries reports whether trying the very same again soon may end otherwise.
func retries(err error) bool {
	var held *HeldError
	var invalid spec.Errors
	return errors.As(err, new(unreadError)) || !errors.As(err, &held) && !errors.As(err, &invalid)
}

// pause is the time to the next look without a reason.
func (l *Loop) pause() time.Duration {
	d := l.Timing.Resync
	if l.Changes != nil && l.Changes.Polling() != "" {
		d = l.Timing.Poll
	}
	return d + time.Duration(rand.Int64N(int64(d)/5+1)) - d/10
}

func (l *Loop) backoff() time.Duration {
	d := l.Timing.Retry << min(l.failures-1, 20)
	if d <= 0 || d > l.Timing.MaxRetry {
		d = l.Timing.MaxRetry
	}
	return d + time.Duration(rand.Int64N(int64(d)/5+1))
}

// reconcile is one turn.
func (l *Loop) reconcile(ctx context.Context) error {
	c := l.Controller
	if _, err := l.requests(ctx); err != nil {
		return err
	}
	head, err := c.DB.Head(ctx)
	if err != nil {
		return l.storeFault(err)
	}
	if head, err = l.calendar(ctx, head); err != nil {
		return l.storeFault(err)
	}
	by, err := c.DB.SuspendedBy(ctx)
	if err != nil {
		return l.storeFault(err)
	}
	l.set(Suspended, by != "", suspendedWhy(by))
	if by != "" {
		l.outcome, l.ended = nil, nil
		return nil
	}
	return l.manifests(ctx, head)
}

// tellStewards writes to stewards what is news to them. That it fails stops
// nothing: the next look tries again.
func (l *Loop) tellStewards(ctx context.Context) {
	queued, err := l.Controller.TellStewards(ctx, l.Owner, l.outcome, l.ended)
	if err != nil && ctx.Err() == nil {
		l.Log.Error("stewards not told", "error", withoutQuotes(err))
	}
	if queued > 0 {
		l.applied()
	}
}

func suspendedWhy(by string) string {
	if by == "" {
		return ""
	}
	return "by " + by + "; usher resume goes on"
}

// calendar applies what passed by the calendar alone, and returns where the history
// stands then. What is due is asked once a day and revision, not at every look.
func (l *Loop) calendar(ctx context.Context, head state.Head) (state.Head, error) {
	now := survey{head.Newest.Number, spec.DayOf(l.Controller.Now())}
	if head.CalendarDay >= now.day || now == l.followed {
		return head, nil
	}
	out := &Outcome{}
	if err := l.Controller.followCalendar(ctx, l.Owner, out); err != nil {
		return head, err
	}
	l.followed = now
	l.announce(out, nil)
	return l.Controller.DB.Head(ctx)
}

// manifests reads and applies the manifests. head is where the history stands.
func (l *Loop) manifests(ctx context.Context, head state.Head) error {
	if known, err := l.unchanged(ctx); known || err != nil {
		return err
	}
	c := l.Controller
	thorough := l.idle || l.forced || l.failures > 0
	m, err := c.read(ctx, thorough)
	if err != nil {
		return l.unread(ctx, err)
	}
	if thorough {
		l.checkTold(m.Edit)
	}
	private, err := c.privateDigest(ctx)
	if err != nil {
		return l.unread(ctx, err)
	}
	now := attempt{m.Digest, m.Commit, private, head.Newest.Number, spec.DayOf(c.Now())}
	known := now == l.last && !l.forced
	if known && !l.due() {
		l.set(SourceReady, true, "")
		return nil
	}
	if m.Digest != head.Applied.Digest {
		var asked bool
		if m, asked, err = l.settled(ctx, m); err != nil {
			return l.unread(ctx, err)
		}
		if asked {
			return l.reconcile(ctx)
		}
	}
	l.set(SourceReady, true, "")
	l.forced = false
	l.attempted(m.Snapshot)
	if known {
		return l.check(ctx, m, private)
	}
	return l.apply(ctx, m, private)
}

// unread records that the manifests could not be read.
func (l *Loop) unread(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		if l.set(SourceReady, false, firstLine(err)) {
			l.Log.Warn("manifests not read", "error", withoutQuotes(err))
		}
		l.outcome, l.ended = nil, err
	}
	return unreadError{err}
}

// settled waits until the manifests stand still, and performs meanwhile what people
// ask for, which may be that nothing is applied: it reports whether they did.
func (l *Loop) settled(ctx context.Context, first *Manifests) (m *Manifests, asked bool, err error) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		m, err = l.Controller.Source.Settled(ctx, first)
	}()
	requests := time.NewTicker(l.Timing.Requests)
	defer requests.Stop()
	for {
		select {
		case <-done:
			return m, asked, err
		case <-requests.C:
			l.beat()
			again, _ := l.requests(ctx) // a fault is a condition now, and met again by what follows
			asked = asked || again
		}
	}
}

// apply carries out what manifests that stand still ask for.
func (l *Loop) apply(ctx context.Context, m *Manifests, private string) error {
	c, out := l.Controller, &Outcome{Read: m.Snapshot}
	err := c.applyManifests(ctx, l.Owner, m, "", out)
	if ctx.Err() != nil {
		return err
	}
	if errors.As(err, new(unreadError)) {
		return l.unread(ctx, err)
	}
	l.outcome, l.ended = out, err
	l.announce(out, err)
	l.keepHeld(out.truth, err)
	if l.judge(err) {
		head, headErr := c.DB.Head(ctx)
		if headErr != nil {
			return l.storeFault(headErr)
		}
		l.last = attempt{out.Read.Digest, out.Read.Commit, private, head.Newest.Number, spec.DayOf(c.Now())}
	}
	return err
}

// judge sets the conditions that follow from an apply, and reports whether the
// same manifests would end the same.
func (l *Loop) judge(err error) (final bool) {
	var held *HeldError
	var invalid spec.Errors
	switch {
	case errors.As(err, &invalid):
		l.set(Valid, false, firstLine(err))
		return true
	case errors.As(err, &held):
		l.set(Valid, true, "")
		l.set(Held, true, held.Plan.Held[0].Message+"; "+held.Plan.Held[0].Release)
		l.setHeldPlan(held.Plan.ID)
		return true
	case err != nil:
		l.storeFault(err)
		return false
	}
	l.set(Valid, true, "")
	l.set(Held, false, "")
	l.setHeldPlan("")
	return true
}

// storeFault records that the state failed.
func (l *Loop) storeFault(err error) error {
	l.faulty = true
	l.set(StateHealthy, false, firstLine(err))
	return err
}
