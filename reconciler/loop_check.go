package reconciler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// checkShare bounds how much of the time goes into comparing everybody for the
// sake of it: the next check waits that many times as long as the last one took.
const checkShare = 10

// checks is when everybody was last compared, to see whether revisions made from
// excerpts had left nothing out.
type checks struct {
	ended time.Time
	took  time.Duration
}

// due reports whether to compare everybody, at a look that has no other reason
// than time and finds nothing new: some revision was made from an excerpt since
// they last were, or nothing is remembered of them, which a start that found nothing
// changed leaves for later; and nothing is held or refused.
func (l *Loop) due() bool {
	memory := &l.Controller.memory
	return l.idle && l.ended == nil && (memory.of.Excerpts > 0 || memory.register == nil) &&
		time.Since(l.checks.ended) >= checkShare*l.checks.took
}

// check compares everybody. That must find nothing left to do; what it finds all
// the same counts, is applied or held as ever, and is told.
func (l *Loop) check(ctx context.Context, m *Manifests, private string) error {
	began, revisions := time.Now(), l.Controller.memory.of.Excerpts
	l.Controller.memory = memory{}
	err := l.apply(ctx, m, private)
	l.checks = checks{ended: time.Now(), took: time.Since(began)}
	if ctx.Err() != nil || revisions == 0 {
		return err
	}
	found := 0
	if p := l.outcome.Plan; p != nil {
		found = len(p.Changes) + len(p.Mail)
	}
	if found == 0 && (err == nil || !errors.As(err, new(*HeldError))) {
		l.set(Complete, err == nil, "")
		return err
	}
	why := fmt.Sprintf("%s left out %s, found by comparing everybody and gone by now; please report this", plural(revisions, "revision"), plural(found, "change"))
	l.set(Complete, false, why)
	l.Log.Error("edits were not carried out completely", "revisions", revisions, "changes", found, "plan", l.outcome.Plan.ID)
	return err
}
