package reconciler

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"usher/spec"
	"usher/state"
)

// Status is what the loop says of itself now.
func (l *Loop) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Conditions = append([]Condition(nil), s.Conditions...)
	return s
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
	case err == nil:
	case retries(err):
		result = "failed"
	case errors.As(err, &held):
		result = "held"
	case errors.As(err, &invalid):
		result = "invalid"
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

// conclude brings the report up to date and writes it, before a wait of this
// length. The error is that the state was taken over.
func (l *Loop) conclude(ctx context.Context, wait time.Duration) error {
	c := l.Controller
	l.watching()
	jumped, wall := "", c.Now()
	if c.Clock != nil {
		jumped, wall = c.Clock.Jumped(), c.Clock.Wall()
	}
	l.set(ClockTrusted, jumped == "", jumped)
	if !l.faulty {
		l.set(StateHealthy, true, "")
	}
	head, headErr := c.DB.Head(ctx)
	counts, countErr := c.DB.Outbox(ctx)
	l.mu.Lock()
	l.status.Next = wall.Add(wait)
	if headErr == nil {
		l.status.Applied = appliedOf(head.Applied)
	}
	if countErr == nil {
		l.status.Mail = MailStatusOf(counts)
	}
	l.status.judge(c.Now())
	l.mu.Unlock()
	return l.report(ctx)
}

func (l *Loop) watching() {
	switch {
	case l.Changes == nil:
		l.set(Watching, false, "switched off: changes are found by looking every "+l.Timing.Resync.String())
	case l.Changes.Polling() != "":
		l.set(Watching, false, l.Changes.Polling()+"; changes are found by looking every "+l.Timing.Poll.String())
	case l.untold > 0:
		l.set(Watching, false, fmt.Sprintf("nothing told of %s that changed; found by looking at all of them, every %s", plural(l.untold, "file"), l.Timing.Resync))
	default:
		l.set(Watching, true, "")
	}
}

// checkTold notes of how many files a look at all of them found that they had
// changed and nothing had told of it.
func (l *Loop) checkTold(e *Edit) {
	l.untold = orZero(e).Untold
	if l.untold == 0 {
		return
	}
	l.Log.Warn("files changed and the file system did not tell", "files", l.untold)
	if l.Observe != nil {
		l.Observe.Untold(l.untold)
	}
}

// report writes the status for `usher status`. That it cannot be written is
// itself part of what the health page says; the error is only that the state was
// taken over.
func (l *Loop) report(ctx context.Context) error {
	status := l.Status()
	l.mu.Lock()
	l.unreported = false
	l.mu.Unlock()
	body, err := json.Marshal(status)
	if err == nil {
		err = l.Owner.Report(ctx, body)
	}
	if err == nil || ctx.Err() != nil {
		return nil
	}
	l.storeFault(err)
	l.mu.Lock()
	l.status.judge(l.Controller.Now())
	l.mu.Unlock()
	if errors.Is(err, state.ErrFenced) {
		return err
	}
	return nil
}

// reportNews writes the report where a condition changed since the last, such as
// that of mail, which is delivered beside the looks.
func (l *Loop) reportNews(ctx context.Context) error {
	l.mu.Lock()
	news := l.unreported
	l.mu.Unlock()
	if !news {
		return nil
	}
	return l.report(ctx)
}

// Stop reports that the loop has ended; Run does not, since the state may have
// been taken over.
func (l *Loop) Stop(ctx context.Context) {
	l.Controller.busy = false
	l.Controller.recollect(ctx, l.Controller.done)
	l.mu.Lock()
	l.status.Stopped = true
	l.status.set(Ready, false, "stopped", l.Controller.Now())
	l.mu.Unlock()
	l.report(ctx)
}

// SetMail records how delivery goes.
func (l *Loop) SetMail(healthy bool, message string) { l.set(MailHealthy, healthy, message) }

// set records a condition, logs it where it changes, and reports whether it did.
func (l *Loop) set(t ConditionType, status bool, message string) bool {
	l.mu.Lock()
	changed := l.status.set(t, status, message, l.Controller.Now())
	l.unreported = l.unreported || changed
	l.mu.Unlock()
	switch {
	case !changed || t == Ready:
	case t == Valid || t == SourceReady: // what is wrong with manifests quotes them: see announce and unread
		l.Log.Info("condition", "type", t, "status", status)
	default:
		l.Log.Info("condition", "type", t, "status", status, "message", message)
	}
	return changed
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
	if IsPrivate(err) {
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
