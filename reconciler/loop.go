package reconciler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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

	mu       sync.Mutex
	status   Status
	last     attempt
	failures int
	forced   bool     // the next look counts even if nothing differs
	outcome  *Outcome // of the last attempt, for the stewards; nil: none, or suspended
	ended    error    // how that attempt ended
}

// Observer counts what a loop does.
type Observer interface {
	Revision(cause string)
	Look(result string, took time.Duration)
}

// attempt is what a look was made with; the same again would end the same.
type attempt struct {
	digest string
	newest int64
	day    spec.Day
}

// Status is what the loop says of itself now.
func (l *Loop) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Conditions = append([]Condition(nil), s.Conditions...)
	return s
}

// Run reconciles until ctx ends, which is no error, or until another controller
// has taken the state over, which is state.ErrFenced.
func (l *Loop) Run(ctx context.Context) error {
	l.Timing = l.Timing.withDefaults()
	l.status.Format = 1
	if l.Changes != nil {
		l.Changes.Sync()
	}
	for {
		wait, err := l.look(ctx)
		if errors.Is(err, state.ErrFenced) || ctx.Err() != nil {
			return unlessEnded(ctx, err)
		}
		if err := l.await(ctx, wait); err != nil {
			return unlessEnded(ctx, err)
		}
	}
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
	l.setNext(l.Controller.Now().Add(wait))
	timer := time.NewTimer(wait)
	defer timer.Stop()
	requests := time.NewTicker(l.Timing.Requests)
	defer requests.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		case <-l.Now:
			l.forced = true
			return nil
		case <-l.dirty():
			return l.rest(ctx)
		case <-requests.C:
			l.beat()
			if again, err := l.requests(ctx); again || errors.Is(err, state.ErrFenced) {
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

// rest waits until changes have come to rest, but not for ever.
func (l *Loop) rest(ctx context.Context) error {
	atMost := time.NewTimer(l.Timing.Patience)
	defer atMost.Stop()
	quiet := time.NewTimer(l.Timing.Quiet)
	defer quiet.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
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
	err := l.reconcile(ctx)
	if ctx.Err() != nil {
		return 0, err
	}
	l.observe(err, time.Since(started))
	if l.Changes != nil {
		l.Changes.Sync()
	}
	l.tellStewards(ctx)
	l.conclude(ctx)
	if l.Looked != nil {
		l.Looked()
	}
	if err != nil && retries(err) {
		l.failures++
		return l.backoff(), err
	}
	l.failures = 0
	return l.pause(), err
}

// observe counts a look by how it ended.
func (l *Loop) observe(err error, took time.Duration) {
	if l.Observe == nil {
		return
	}
	var held *HeldError
	var invalid spec.Errors
	result := "done"
	switch {
	case errors.As(err, &held):
		result = "held"
	case errors.As(err, &invalid):
		result = "invalid"
	case err != nil:
		result = "failed"
	}
	l.Observe.Look(result, took)
}

// revised logs and counts a revision, and has its messages delivered.
func (l *Loop) revised(r *state.Revision) {
	l.Log.Info("revision", "number", r.Number, "cause", r.Kind, "digest", r.Digest, "commit", r.Commit,
		"plan", r.PlanID, "changes", r.Changes, "messages", r.Messages)
	if l.Observe != nil {
		l.Observe.Revision(string(r.Kind))
	}
	l.applied()
}

// retries reports whether trying the very same again soon may end otherwise.
func retries(err error) bool {
	var held *HeldError
	var invalid spec.Errors
	return !errors.As(err, &held) && !errors.As(err, &invalid)
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
	if head.CalendarDay < spec.DayOf(c.Now()) {
		out := &Outcome{}
		if _, err := c.followCalendar(ctx, l.Owner, out); err != nil {
			return l.storeFault(err)
		}
		l.announce(out, nil)
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
	return l.manifests(ctx)
}

// tellStewards writes to stewards what is news to them. That it fails stops
// nothing: the next look tries again.
func (l *Loop) tellStewards(ctx context.Context) {
	queued, err := l.Controller.tellStewards(ctx, l.Owner, l.outcome, l.ended)
	if err != nil && ctx.Err() == nil {
		l.Log.Error("stewards not told", "error", withoutQuotes(err))
	}
	if queued {
		l.applied()
	}
}

func suspendedWhy(by string) string {
	if by == "" {
		return ""
	}
	return "by " + by + "; usher resume goes on"
}

// manifests reads and applies the manifests.
func (l *Loop) manifests(ctx context.Context) error {
	c := l.Controller
	m, err := c.Source.Snapshot(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.set(SourceReady, false, firstLine(err))
			l.outcome, l.ended = nil, err
		}
		return err
	}
	l.set(SourceReady, true, "")
	head, err := c.DB.Head(ctx)
	if err != nil {
		return l.storeFault(err)
	}
	now := attempt{m.Digest, head.Newest.Number, spec.DayOf(c.Now())}
	if now == l.last && !l.forced {
		return nil
	}
	l.forced = false
	l.attempted(m.Snapshot)
	return l.apply(ctx, m)
}

func (l *Loop) apply(ctx context.Context, m *Manifests) error {
	c, out := l.Controller, &Outcome{Read: m.Snapshot}
	truth, err := c.DB.Truth(ctx)
	if err != nil {
		return l.storeFault(err)
	}
	err = c.applyManifests(ctx, l.Owner, m, truth, "", out)
	if ctx.Err() != nil {
		return err
	}
	l.outcome, l.ended = out, err
	l.announce(out, err)
	if l.judge(out, err) {
		head, headErr := c.DB.Head(ctx)
		if headErr != nil {
			return l.storeFault(headErr)
		}
		l.last = attempt{out.Read.Digest, head.Newest.Number, spec.DayOf(c.Now())}
	}
	return err
}

// judge sets the conditions that follow from an apply, and reports whether the
// same manifests would end the same.
func (l *Loop) judge(out *Outcome, err error) (final bool) {
	var held *HeldError
	var invalid spec.Errors
	switch {
	case errors.As(err, &invalid):
		l.set(Valid, false, firstLine(err))
		return true
	case errors.As(err, &held):
		l.set(Valid, true, "")
		l.set(Held, true, held.Plan.Held[0].Message+"; "+held.Plan.Held[0].Release)
		l.set(StateHealthy, true, "")
		l.setHeldPlan(held.Plan.ID)
		return true
	case err != nil && out.Plan == nil && !isStoreFault(err):
		l.set(SourceReady, false, firstLine(err))
		return false
	case err != nil:
		l.storeFault(err)
		return false
	}
	l.set(Valid, true, "")
	l.set(Held, false, "")
	l.set(StateHealthy, true, "")
	l.setHeldPlan("")
	return true
}

func isStoreFault(err error) bool {
	return errors.Is(err, state.ErrBusy) || errors.Is(err, state.ErrDamaged) || errors.Is(err, state.ErrFenced)
}

func (l *Loop) storeFault(err error) error {
	l.set(StateHealthy, false, firstLine(err))
	return err
}

// conclude brings the report up to date.
func (l *Loop) conclude(ctx context.Context) {
	c := l.Controller
	l.watching()
	jumped := ""
	if c.Clock != nil {
		jumped = c.Clock.Jumped()
	}
	l.set(ClockTrusted, jumped == "", jumped)
	if head, err := c.DB.Head(ctx); err == nil {
		l.mu.Lock()
		l.status.Applied = appliedOf(head.Applied)
		l.mu.Unlock()
	}
	if counts, err := c.DB.Outbox(ctx); err == nil {
		l.mu.Lock()
		l.status.Mail = MailStatus{
			Waiting: counts.Queued + counts.Sending, Failed: counts.Failed, Held: counts.Held,
			Oldest: counts.Oldest, Next: counts.Next,
		}
		l.mu.Unlock()
	}
	l.mu.Lock()
	l.status.judge(c.Now())
	l.mu.Unlock()
	l.report(ctx)
}

func (l *Loop) watching() {
	switch {
	case l.Changes == nil:
		l.set(Watching, false, "switched off: changes are found by looking every "+l.Timing.Resync.String())
	case l.Changes.Polling() != "":
		l.set(Watching, false, l.Changes.Polling()+"; changes are found by looking every "+l.Timing.Poll.String())
	default:
		l.set(Watching, true, "")
	}
}

// report writes the status for `usher status`. That it cannot be written is
// itself part of what the health page says.
func (l *Loop) report(ctx context.Context) {
	status := l.Status()
	body, err := json.Marshal(status)
	if err == nil {
		err = l.Owner.Report(ctx, body)
	}
	if err != nil && ctx.Err() == nil {
		l.storeFault(err)
	}
}

// Stop reports that the loop has ended; Run does not, since the state may have
// been taken over.
func (l *Loop) Stop(ctx context.Context) {
	l.mu.Lock()
	l.status.Stopped = true
	l.status.set(Ready, false, "stopped", l.Controller.Now())
	l.mu.Unlock()
	l.report(ctx)
}

// SetMail records how delivery goes.
func (l *Loop) SetMail(healthy bool, message string) { l.set(MailHealthy, healthy, message) }

// set records a condition and logs it where it changes.
func (l *Loop) set(t ConditionType, status bool, message string) {
	l.mu.Lock()
	changed := l.status.set(t, status, message, l.Controller.Now())
	l.mu.Unlock()
	switch {
	case !changed || t == Ready:
	case t == Valid || t == SourceReady: // what is wrong with manifests quotes them: see announce
		l.Log.Info("condition", "type", t, "status", status)
	default:
		l.Log.Info("condition", "type", t, "status", status, "message", message)
	}
}

func (l *Loop) setNext(at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Next = at
}

func (l *Loop) setHeldPlan(id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.HeldPlan = id
}

func (l *Loop) attempted(s Snapshot) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Source = s
	l.status.Attempted = Attempt{Digest: s.Digest, Commit: s.Commit, At: l.Controller.Now()}
}

// announce logs one line a revision, and one for what was refused or held.
func (l *Loop) announce(out *Outcome, err error) {
	if out.Calendar != nil {
		l.revised(out.Calendar)
	}
	var held *HeldError
	switch r := out.Applied; {
	case errors.As(err, &held):
		for _, rule := range held.Plan.Held {
			l.Log.Warn("plan held", "plan", held.Plan.ID, "rule", rule.Rule, "scope", rule.Scope, "why", rule.Message)
		}
	case err != nil:
		l.Log.Error("not applied", "digest", out.Read.Digest, "error", withoutQuotes(err))
	case r != nil:
		l.revised(r)
	}
}

// withoutQuotes is an error for the log, which holds no personal data beyond
// account names: of what is wrong with manifests only where, and which rule.
func withoutQuotes(err error) string {
	var errs spec.Errors
	if !errors.As(err, &errs) || len(errs) == 0 {
		return err.Error()
	}
	e := errs[0]
	text := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Code)
	if n := len(errs) - 1; n > 0 {
		text += " (and " + plural(n, "more error") + ")"
	}
	return text
}

// firstLine is an error on one line, with how many more there are.
func firstLine(err error) string {
	if isPrivate(err) {
		return "contract information: " + withoutQuotes(err)
	}
	var errs spec.Errors
	if errors.As(err, &errs) && len(errs) > 0 {
		text := errs[0].Error()
		if n := len(errs) - 1; n > 0 {
			text += " (and " + plural(n, "more error") + ")"
		}
		return text
	}
	return err.Error()
}
