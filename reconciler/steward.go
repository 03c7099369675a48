package reconciler

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

// What stewards are told of outside of any revision. Of each topic the state
// keeps what was told last, so that nothing is repeated without news.
const (
	topicHeld          = "held"          // news: the plan's id
	topicRefused       = "refused"       // news: the digest of the manifests, and what is wrong with contract information
	topicUndeliverable = "undeliverable" // news: the messages given up, each with its attempts
	topicSeats         = "seats"         // news: the offers nearly all of whose seats are taken
	topicTerm          = "term"          // news: the contracts about to end, each with its last day and what is left
)

// heldAgain is how often stewards are told of the same held plan.
const heldAgain = 24 * time.Hour

// TellStewards writes to stewards what they should know of their contracts
// outside of any revision (DOMAIN.md, "Who is told"): a plan that is held, on
// entering and then daily; manifests refused, once a digest; messages given up; an
// offer over nine tenths of its seats, once; and to the contract manager alone, 90,
// 30 and 7 days before, that a contract ends. out and applyErr are how the last
// attempt to apply ended; out is nil before the first. It may be called as often as
// one likes: without news it writes nothing. What one topic fails with does not
// keep the others back; the error names no personal data. It returns how many
// messages were queued.
func (c *Controller) TellStewards(ctx context.Context, owner *state.Owner, out *Outcome, applyErr error) (queued int, err error) {
	c.done = nil
	told, err := c.DB.Told(ctx)
	if err != nil {
		return 0, err
	}
	s := &stewards{Controller: c, owner: owner, told: told, out: out}
	err = errors.Join(
		s.ofHold(ctx, out, applyErr), s.ofRefusal(ctx, out, applyErr), s.ofFailures(ctx), s.ofContracts(ctx),
	)
	if err == nil && applyErr == nil {
		c.done = out
		c.recollect(ctx, out)
	}
	return s.queued, err
}

// stewards is one round of telling them.
type stewards struct {
	*Controller
	owner  *state.Owner
	told   map[string]state.Told // by topic, as it was at the beginning
	out    *Outcome              // of the last attempt; nil: there was none
	queued int                   // messages
	known  *state.Truth          // see truth
}

// truth is what is true, read once a round and only where something is to be told.
func (s *stewards) truth(ctx context.Context) (*state.Truth, error) {
	if s.known != nil {
		return s.known, nil
	}
	truth, err := s.DB.Truth(ctx)
	s.known = truth
	return truth, err
}

// tell queues what notices returns, unless this news was told less than again ago;
// again 0 is for ever.
func (s *stewards) tell(ctx context.Context, topic, news string, again time.Duration, notices func(*state.Truth) ([]Notice, error)) error {
	before, ok := s.told[topic]
	if ok && before.News == news && (again == 0 || s.Now().Before(before.At.Add(again))) {
		return nil
	}
	truth, err := s.truth(ctx)
	if err != nil {
		return err
	}
	list, err := notices(truth)
	if err != nil {
		return err
	}
	told, err := s.owner.Tell(ctx, topic, news, again, func(revision int64, now time.Time) ([]state.Message, error) {
		mark := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%d", topic, news, now.UnixMilli()))
		return s.compose(list, Stamp{Revision: revision, Time: now}, fmt.Sprintf("%x", mark[:8]))
	})
	if told {
		s.queued += len(list)
	}
	return err
}

// compose writes the messages. The mark, which stands for the topic, its news and
// the moment, makes their Message-IDs unique.
func (s *stewards) compose(notices []Notice, stamp Stamp, mark string) ([]state.Message, error) {
	messages := make([]state.Message, len(notices))
	for i := range notices {
		n := &notices[i]
		stamp.MessageID = fmt.Sprintf("%s.%s.%s@%s", n.Kind, mark, n.account, s.host())
		var err error
		if n.Subject, err = s.Compose.Subject(n); err == nil {
			messages[i], err = s.message(n, n.account, stamp, 0)
		}
		if err != nil {
			return nil, fmt.Errorf("composing the %s message to %s: %w", n.Kind, n.name, err)
		}
	}
	return messages, nil
}

// tellNew tells of the marks that were not there when the topic was last told.
// Marks that went are forgotten, and are news when they come again.
func (s *stewards) tellNew(ctx context.Context, topic string, marks []string, notices func(t *state.Truth, isNew func(mark string) bool) ([]Notice, error)) error {
	if len(marks) == 0 {
		return s.forget(ctx, topic)
	}
	before := strings.Fields(s.told[topic].News)
	slices.Sort(before)
	return s.tell(ctx, topic, strings.Join(marks, " "), 0, func(t *state.Truth) ([]Notice, error) {
		return notices(t, func(mark string) bool {
			_, found := slices.BinarySearch(before, mark)
			return !found
		})
	})
}

func (s *stewards) forget(ctx context.Context, topic string) error {
	if _, ok := s.told[topic]; !ok {
		return nil
	}
	return s.owner.Untell(ctx, topic)
}

// stewardship is the contracts that each steward of a roster answers for.
func stewardship(r *spec.Roster) map[string]map[string]bool {
	of := map[string]map[string]bool{}
	for i := range r.Contracts {
		c := &r.Contracts[i]
		for _, name := range append([]string{c.Manager}, c.Coordinators...) {
			if of[name] == nil {
				of[name] = map[string]bool{}
			}
			of[name][c.Name] = true
		}
	}
	return of
}

// intersects reports whether two sets have something in common.
func intersects(a, b map[string]bool) bool {
	for name := range a {
		if b[name] {
			return true
		}
	}
	return false
}

// reports turns what each steward is told into messages, in the order of names.
func reports(t *state.Truth, kind NoticeKind, of map[string]*Report) []Notice {
	notices := make([]Notice, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		notices = append(notices, reportTo(t, name, kind, of[name]))
	}
	return notices
}

// ofRefusal tells all stewards what is wrong with the manifests. That they could
// not be read is no news of theirs: it passes, or whoever runs usher sees it.
func (s *stewards) ofRefusal(ctx context.Context, out *Outcome, applyErr error) error {
	var invalid spec.Errors
	switch refused := errors.As(applyErr, &invalid); {
	case out == nil || out.Read.Digest == "":
		return nil
	case !refused && out.Plan == nil: // it ended before anybody knew whether they are valid
		return nil
	case !refused:
		return s.forget(ctx, topicRefused)
	}
	news, private := out.Read.Digest, IsPrivate(applyErr)
	lines := refusedLines(invalid, private)
	if private { // which is no part of the digest
		news += fmt.Sprintf(" %x", sha256.Sum256(fmt.Append(nil, lines)))
	}
	return s.tell(ctx, topicRefused, news, 0, func(t *state.Truth) ([]Notice, error) {
		of := map[string]*Report{}
		for name := range stewardship(t.Roster) {
			of[name] = &Report{Refused: lines}
		}
		return reports(t, NoticeRefused, of), nil
	})
}

// refusedLines are the errors for stewards to read. What is wrong with contract
// information is named by place and rule alone, since the words quote it.
func refusedLines(errs spec.Errors, private bool) []RefusedLine {
	lines := make([]RefusedLine, len(errs))
	for i, e := range errs {
		place := e.File
		if e.Line > 0 {
			place = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
		}
		lines[i] = RefusedLine{Place: place, Message: e.Message(), Hint: e.Hint}
		if private {
			lines[i] = RefusedLine{Place: place, Message: "contract information: " + e.Code}
		}
	}
	return lines
}

// ofFailures tells of messages that were given up, to the stewards of the
// contracts under which the person has or had access. Messages about
// undeliverable messages are left out, or two dead addresses would keep each other
// busy; so are those about a contract's term, which are the manager's alone.
func (s *stewards) ofFailures(ctx context.Context) error {
	failed, err := s.DB.Messages(ctx, state.MessageQuery{State: state.MessageFailed})
	if err != nil {
		return err
	}
	failed = slices.DeleteFunc(failed, func(m state.Message) bool {
		return m.Kind == string(NoticeUndeliverable) || m.Kind == string(NoticeTerm)
	})
	marks := make([]string, len(failed))
	for i := range failed {
		marks[i] = failureMark(&failed[i])
	}
	return s.tellNew(ctx, topicUndeliverable, marks, func(t *state.Truth, isNew func(string) bool) ([]Notice, error) {
		failed := slices.DeleteFunc(failed, func(m state.Message) bool { return !isNew(failureMark(&m)) })
		return s.undelivered(ctx, t, failed)
	})
}

// failureMark tells one failure from a later one of the same message.
func failureMark(m *state.Message) string {
	return strconv.FormatInt(m.ID, 10) + "." + strconv.Itoa(m.Attempts)
}

func (s *stewards) undelivered(ctx context.Context, t *state.Truth, failed []state.Message) ([]Notice, error) {
	of, known := map[string]*Report{}, map[string]map[string]bool{}
	stewards := stewardship(t.Roster)
	for _, m := range failed {
		if known[m.Account] == nil {
			var err error
			if known[m.Account], err = s.everConcerned(ctx, t, m.Account); err != nil {
				return nil, err
			}
		}
		line := UndeliveredLine{ID: m.ID, To: m.To, Kind: NoticeKind(m.Kind), Made: m.CreatedAt, Error: m.LastError}
		for name, contracts := range stewards {
			if concerned := known[m.Account]; len(concerned) == 0 || intersects(contracts, concerned) {
				r := orZero(of[name])
				r.Undelivered = append(r.Undelivered, line)
				of[name] = r
			}
		}
	}
	return reports(t, NoticeUndeliverable, of), nil
}

// everConcerned are the contracts of now under which an account has or had access
// or a role.
func (s *stewards) everConcerned(ctx context.Context, t *state.Truth, account string) (map[string]bool, error) {
	contracts := map[string]bool{}
	events, err := s.DB.History(ctx, account)
	for _, e := range events {
		if t.Roster.Contract(e.Contract) != nil {
			contracts[e.Contract] = true
		}
	}
	return contracts, err
}

// survey is a state of affairs as of which seats and terms were looked at.
type survey struct {
	newest int64
	day    spec.Day
}

// ofContracts tells of seats and terms, which only a revision or a new day
// changes.
func (s *stewards) ofContracts(ctx context.Context) error {
	head, err := s.DB.Head(ctx)
	if err != nil {
		return err
	}
	now := survey{head.Newest.Number, spec.DayOf(s.Now())}
	if now == s.surveyed {
		return nil
	}
	roster, used, err := s.things(ctx, head)
	if err != nil {
		return err
	}
	if err := errors.Join(s.ofSeats(ctx, roster, used, now.day), s.ofTerms(ctx, roster, now.day)); err != nil {
		return err
	}
	s.surveyed = now
	return nil
}

// things are the contracts and products that there are, and how their seats are
// used: as remembered or as just applied, where that is what is true. Reading back
// what was just written would cost a tenth of a first apply.
func (s *stewards) things(ctx context.Context, head state.Head) (*spec.Roster, spec.SeatBook, error) {
	if register := s.memory.register; register != nil && s.memory.of.Revision == head.Applied.Number {
		return register.Things(), register.Census().Seats, nil
	}
	if roster := s.out.applied(head); roster != nil {
		return roster, roster.SeatsUsed(), nil
	}
	truth, err := s.truth(ctx)
	if err != nil {
		return nil, nil, err
	}
	return truth.Roster, truth.Roster.SeatsUsed(), nil
}

// ofSeats tells the stewards of a contract which of its offers came over nine
// tenths of their seats, counted on the busiest day from today on.
func (s *stewards) ofSeats(ctx context.Context, r *spec.Roster, used spec.SeatBook, today spec.Day) error {
	scarce := scarceSeats(r, used, today)
	marks := make([]string, len(scarce))
	for i, line := range scarce {
		marks[i] = line.Contract + "/" + line.Product
	}
	return s.tellNew(ctx, topicSeats, marks, func(t *state.Truth, isNew func(string) bool) ([]Notice, error) {
		of := map[string]*Report{}
		for name, contracts := range stewardship(t.Roster) {
			for i, line := range scarce {
				if isNew(marks[i]) && contracts[line.Contract] {
					r := orZero(of[name])
					r.Seats = append(r.Seats, line)
					of[name] = r
				}
			}
		}
		return reports(t, NoticeSeats, of), nil
	})
}

// scarceSeats lists the limited offers over nine tenths of their seats, in the
// order of contracts and products.
func scarceSeats(r *spec.Roster, used spec.SeatBook, today spec.Day) []SeatsLine {
	var lines []SeatsLine
	for i := range r.Contracts {
		c := &r.Contracts[i]
		for _, o := range c.Offers {
			peak := used[spec.Seat{Contract: c.Name, Product: o.Product}].Peak(today)
			if o.Seats != spec.Unlimited && 10*peak > 9*o.Seats {
				title := orZero(r.Product(o.Product)).Title
				lines = append(lines, SeatsLine{Contract: c.Name, Product: o.Product, Title: title, Used: peak, Of: o.Seats})
			}
		}
	}
	return lines
}

// termDays are how many days before a contract's last day its manager is told.
var termDays = [...]int{7, 30, 90}

// ofTerms tells contract managers of contracts about to end. Where there is no
// contract information, or it is at fault, there is nothing to tell.
func (s *stewards) ofTerms(ctx context.Context, r *spec.Roster, today spec.Day) error {
	if s.Private == nil {
		return nil
	}
	information, err := s.information(ctx, r)
	var invalid spec.Errors
	switch {
	case errors.As(err, &invalid) && !slices.ContainsFunc(invalid, isFault):
	case errors.As(err, &invalid):
		return nil // which refuses the manifests, and is told as that
	case err != nil:
		return err
	}
	lines, marks := endings(information, r, today)
	return s.tellNew(ctx, topicTerm, marks, func(t *state.Truth, isNew func(string) bool) ([]Notice, error) {
		of := map[string]*Report{}
		for i, line := range lines {
			if isNew(marks[i]) {
				manager := t.Roster.Contract(line.Contract).Manager
				r := orZero(of[manager])
				r.Terms = append(r.Terms, line)
				of[manager] = r
			}
		}
		return reports(t, NoticeTerm, of), nil
	})
}

// isFault tells what is wrong with contract information in itself from a contract
// that is declared and not yet true.
func isFault(e *spec.Error) bool { return e.Code != "unknown-contract" }

// endings lists the contracts about to end, each with its mark.
func endings(information []spec.ContractInformation, r *spec.Roster, today spec.Day) (lines []TermLine, marks []string) {
	for _, info := range information {
		line, within := ending(info, today)
		if within > 0 && r.Contract(info.Contract) != nil {
			lines = append(lines, line)
			marks = append(marks, fmt.Sprintf("%s/%s/%d", line.Contract, line.Until, within))
		}
	}
	return lines, marks
}

// ending says how a contract stands to its last day, and within which of termDays
// that is; 0 where it is further away, past, or not given.
func ending(info spec.ContractInformation, today spec.Day) (TermLine, int) {
	line := TermLine{Contract: info.Contract, Until: info.Term.Until}
	if line.Until == spec.Forever || line.Until < today {
		return line, 0
	}
	line.Left = int(line.Until - today)
	for _, days := range termDays {
		if line.Left <= days {
			return line, days
		}
	}
	return line, 0
}
