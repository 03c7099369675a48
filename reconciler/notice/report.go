package notice

import (
	"fmt"
	"time"

	"usher/reconciler"
)

// longest is how many lines a list of a steward's message has; the rest is counted.
const longest = 20

// Lapsed is one person whose invitation expired.
type Lapsed struct {
	ID        string // metadata.name, to invite again
	Name      string
	Email     string
	Contracts string // "acme-design, acme-plant"; empty: no access anywhere
	When      string // when the invitation expired
}

// Rule is one thing that holds a plan.
type Rule struct{ Message string }

// Hold is a plan that waits for a person.
type Hold struct {
	Plan    string   // its id
	Changes int      // that concern contracts of the person told
	Common  int      // that concern no contract
	Others  int      // rules about contracts of others, which are not named
	Release []string // commands, any of which lets the plan through
}

// Mistake is one error of the manifests.
type Mistake struct {
	Place   string // file:line:column
	Message string
	Hint    string
}

// Undelivered is a message that was given up.
type Undelivered struct {
	ID    int64
	To    string
	Kind  string
	When  string // when it was made
	Error string // of the last attempt; empty: not known
}

// Seats is an offer nearly all of whose seats are taken.
type Seats struct {
	Title    string // the product's
	Contract string
	Used     int
	Of       int
	Left     int
}

// Term is a contract that is about to end.
type Term struct {
	Contract string
	LastDay  string // "30 June 2027"
	Left     string // "30 days are left"
}

// report adds what a steward is told.
func (l *Letter) report(r *reconciler.Report) {
	if r == nil {
		return
	}
	l.lapsed(r.Lapsed)
	l.held(r.Held)
	l.refused(r.Refused)
	l.undelivered(r.Undelivered)
	l.seats(r.Seats)
	l.terms(r.Terms)
}

// first returns the lines that a list shows, and counts the rest.
func first[T any](l *Letter, lines []T) []T {
	if len(lines) == 0 {
		return nil
	}
	l.Total = len(lines)
	l.More = max(0, len(lines)-longest)
	return lines[:len(lines)-l.More]
}

func (l *Letter) lapsed(lines []reconciler.LapsedLine) {
	for _, line := range first(l, lines) {
		l.Lapsed = append(l.Lapsed, Lapsed{
			ID: clean(line.Person.Name), Name: fullName(line.Person), Email: clean(line.Person.Email),
			Contracts: brief(line.Contracts), When: moment(line.Expired),
		})
	}
}

// brief joins names, and counts what goes beyond a line.
func brief(names []string) string {
	const most = 5
	text := ""
	for i, name := range names {
		if i == most {
			return text + fmt.Sprintf(" and %d more", len(names)-most)
		}
		if i > 0 {
			text += ", "
		}
		text += clean(name)
	}
	return text
}

func (l *Letter) held(h *reconciler.HeldReport) {
	if h == nil {
		return
	}
	for _, rule := range first(l, h.Rules) {
		l.Rules = append(l.Rules, Rule{Message: shorten(clean(rule.Message), 400)})
	}
	l.Hold = Hold{
		Plan: clean(h.Plan), Changes: h.Changes, Common: h.Common, Others: h.Others, Release: cleanAll(h.Release),
	}
}

func (l *Letter) refused(lines []reconciler.RefusedLine) {
	for _, line := range first(l, lines) {
		l.Mistakes = append(l.Mistakes, Mistake{
			Place: shorten(clean(line.Place), 400), Message: shorten(clean(line.Message), 1000), Hint: shorten(clean(line.Hint), 400),
		})
	}
}

func (l *Letter) undelivered(lines []reconciler.UndeliveredLine) {
	for _, line := range first(l, lines) {
		l.Undelivered = append(l.Undelivered, Undelivered{
			ID: line.ID, To: clean(line.To), Kind: clean(string(line.Kind)), When: moment(line.Made),
			Error: shorten(clean(line.Error), 400),
		})
	}
}

func (l *Letter) seats(lines []reconciler.SeatsLine) {
	for _, line := range first(l, lines) {
		l.Seats = append(l.Seats, Seats{
			Title: clean(line.Title), Contract: clean(line.Contract), Used: line.Used, Of: line.Of, Left: line.Of - line.Used,
		})
	}
}

func (l *Letter) terms(lines []reconciler.TermLine) {
	for _, line := range first(l, lines) {
		term := Term{Contract: clean(line.Contract), LastDay: line.Until.Start().Format(dayInWords)}
		switch line.Left {
		case 0:
			term.Left = "today is its last day"
		case 1:
			term.Left = "1 day is left"
		default:
			term.Left = fmt.Sprintf("%d days are left", line.Left)
		}
		l.Terms = append(l.Terms, term)
	}
}

// lastDay is the last day on which the invitation that a reminder is about opens.
func lastDay(n *reconciler.Notice) string {
	if n.Expires.IsZero() {
		return ""
	}
	return n.Expires.Add(-time.Nanosecond).UTC().Format(dayInWords)
}
