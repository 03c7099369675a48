package reconciler

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// ErrStale means that a reviewed plan is no longer what would happen.
var ErrStale = errors.New("the reviewed plan is no longer what would happen")

// HeldError is a plan that is not carried out until a person lets it through.
type HeldError struct{ Plan *Plan }

// Error names each rule that holds the plan.
func (e *HeldError) Error() string {
	why := make([]string, len(e.Plan.Held))
	for i, rule := range e.Plan.Held {
		why[i] = rule.Message
	}
	return "held, nothing was changed: " + strings.Join(why, "; ")
}

// Controller takes manifests to the state. Its fields are set once, by the
// command; its methods may be called one after another.
type Controller struct {
	DB       *state.DB
	Source   Source
	Private  Source // contract information; nil: none
	Compose  Composer
	Limits   Limits
	Adopt    bool // see Comparison.Adopt
	Suppress bool // record messages without ever sending them
	Now      func() time.Time
	Clock    *Clock // what Now reads, where somebody doubts it; nil outside a loop
	By       string // who runs it

	Authority bool   // commits count by who signed them, where manifests come from commits
	Trust     string // the commit that signatures count from, until one is applied; "": none

	From string // the address that messages come from

	Stays bool // for many calls: it remembers what was applied, and an edit costs what it concerns

	Recollection Recollection // as of when nothing was left to do

	Read *Manifests // read a moment ago: the first reading of the next Apply, which lets go of it; nil: it reads

	Progress func(done, total int) // called while a plan is written, in steps of no unit; nil: nobody looks

	followed spec.Day // up to which this controller followed the calendar

	surveyed        survey     // as of when stewards were last told of their contracts
	parsed, private parsedTree // of the last tree, and of the last contract information
	memory          memory
	glanced         bool     // a moment ago, and something seemed to differ
	reminded        bool     // what another controller kept was looked for
	busy            bool     // edits come one after another: what is recollected can wait
	done            *Outcome // of the last attempt, where nothing is left to do or to tell; else nil
}

// Outcome is what Apply did.
type Outcome struct {
	Read     Snapshot        // what was read last; zero where nothing could be
	Plan     *Plan           // nil where there is none: the manifests are not valid
	Calendar *state.Revision // what passed by the calendar alone; nil: nothing
	Applied  *state.Revision // nil: the manifests were applied before, and nothing was written

	truth *state.Truth // that Plan was made by; of those concerned, or of everybody
}

// applied is the roster of everybody that the outcome led to, where that is still
// what is true; nil: it is not, or not of everybody.
func (o *Outcome) applied(head state.Head) *spec.Roster {
	if o == nil || o.Applied == nil || o.Plan.census != nil || o.Applied.Number != head.Newest.Number {
		return nil
	}
	return o.Plan.wanted
}

// shed lets go of what is known of everybody. What is left says that it was done.
func (o *Outcome) shed() {
	o.truth = nil
	if p := o.Plan; p != nil {
		o.Plan = &Plan{Format: p.Format, ID: p.ID, Basis: p.Basis, Revision: p.Revision, Summary: p.Summary, Notes: p.Notes, Adopt: p.Adopt, Approved: p.Approved}
	}
}

// Check reads, parses and resolves the manifests. Where they are invalid the
// error is a spec.Errors, and the manifests come back with it.
func (c *Controller) Check(ctx context.Context) (*Manifests, *spec.Roster, error) {
	m, err := c.Source.Snapshot(ctx)
	if err != nil {
		return m, nil, err
	}
	roster, err := c.resolve(ctx, m)
	return m, roster, err
}

// resolve works out what manifests ask for, once a day: a first apply checks them
// before there is a state, and then acts on what it checked.
func (c *Controller) resolve(ctx context.Context, m *Manifests) (*spec.Roster, error) {
	today := spec.DayOf(c.Now())
	if m.resolved == nil || m.resolved.day != today {
		c.parsed.parse = spec.ParseParts
		files, errs := c.parsed.files(m.Files)
		roster, more := spec.Resolve(files, today)
		if errs = append(errs, more...); len(errs) > 0 {
			return roster, errs.Sort()
		}
		m.resolved = &resolution{roster, today}
	}
	return m.resolved.roster, c.checkPrivate(ctx, m.resolved.roster)
}

// checkPrivate reads the contract information, which must be right for the
// manifests to be; nothing else of it is kept.
func (c *Controller) checkPrivate(ctx context.Context, roster *spec.Roster) error {
	_, err := c.information(ctx, roster)
	return err
}

// information reads the contract information; what is wrong with it is a
// privateErrors.
func (c *Controller) information(ctx context.Context, roster *spec.Roster) ([]spec.ContractInformation, error) {
	if c.Private == nil {
		return nil, nil
	}
	m, err := c.Private.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	c.private.parse = parsePrivate
	files, errs := c.private.files(m.Files)
	all, more := spec.ResolveInformation(files, roster)
	if errs = append(errs, more...); len(errs) > 0 {
		return all, privateErrors{errs.Sort()}
	}
	return all, nil
}

// privateErrors is what is wrong with contract information. The words quote what
// only the contract manager may read (DOMAIN.md row 5), so they go to whoever runs
// usher and to nobody else.
type privateErrors struct{ spec.Errors }

func (e privateErrors) Unwrap() error { return e.Errors }

// IsPrivate reports whether an error may quote contract information.
func IsPrivate(err error) bool {
	var private privateErrors
	return errors.As(err, &private)
}

// Plan says what Apply would do. It writes nothing.
func (c *Controller) Plan(ctx context.Context) (*Plan, error) {
	m, err := c.read(ctx, true)
	if err != nil {
		return nil, err
	}
	x, read, err := c.compare(ctx, m)
	if err != nil {
		return nil, err
	}
	return c.plan(ctx, read, x)
}

// plan compares, words the subjects and judges the limits.
func (c *Controller) plan(ctx context.Context, read Snapshot, x *comparison) (*Plan, error) {
	now := c.Now()
	plan, errs := Diff(Comparison{Wanted: x.wanted, True: x.truth, Census: x.census, Now: now, Adopt: c.Adopt})
	if len(errs) > 0 {
		return nil, errs
	}
	plan.Revision = read
	if x.draft != nil {
		plan.shifts = x.draft.Shifts()
		plan.nameLines(x.had, x.truth.Accounts)
	}
	if err := c.word(plan); err != nil {
		return nil, err
	}
	lost, err := c.lost(ctx, x, plan, now)
	if err != nil {
		return nil, err
	}
	if plan.losers, err = c.losers(ctx, x, lost); err != nil {
		return nil, err
	}
	plan.Held = c.Limits.Judge(plan, x.truth, lost, spec.DayOf(now))
	if err := c.judgeCommits(ctx, plan, x); err != nil {
		return nil, err
	}
	plan.Approved, err = c.approved(ctx, plan)
	return plan, err
}

// word gives the messages of a plan their subjects.
func (c *Controller) word(p *Plan) error {
	return sideBySide(len(p.Mail), func(i int) (err error) {
		n := p.Mail[i].notice()
		if p.Mail[i].Subject, err = c.Compose.Subject(&n); err != nil {
			return fmt.Errorf("composing the message to %s: %w", p.Mail[i].name, err)
		}
		return nil
	})
}

// approved reports whether a person let through what holds the plan.
func (c *Controller) approved(ctx context.Context, p *Plan) (bool, error) {
	if len(p.Held) == 0 || !Approvable(p.Held) {
		return false, nil
	}
	holds, err := c.DB.Holds(ctx, false)
	if err != nil {
		return false, err
	}
	for _, h := range holds {
		if h.PlanID == p.ID && h.Covers(p.Held) && h.InForce(c.Now()) {
			return true, nil
		}
	}
	return false, nil
}
