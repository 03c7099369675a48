package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"usher/spec"
	"usher/spec/edit"
	"usher/state"
)

// accessPage is the Edit Access page of one person (DOMAIN.md row 14).
type accessPage struct {
	Person    state.Person
	Path      string
	Offers    offerList
	Elsewhere bool      // has more, under contracts of others
	Days      daysField // of what is newly ticked
	Basis     string    // revision that the page shows
	Moved     bool      // what is applied has changed since the form was opened
	Problem   formProblem
}

// offerList is what the steward can give, contract by contract.
type offerList []contractOffers

type contractOffers struct {
	Contract string
	Offers   []offerRow
}

// offerRow is one tick.
type offerRow struct {
	Value  string // "contract/product"
	ID     string // of its elements
	Title  string
	Type   spec.ProductType
	Ticked bool
	Was    bool     // ticked as the state has it, by a manifest of the person's own
	Fixed  bool     // comes by a team alone, and is not to be changed here
	Via    []string // "team structural, at teams.yaml:7"
	Days   string
	Alone  bool   // no other contract offers it, so that a manifest need not name this one
	Left   string // "3 of 10 seats left"
	None   bool   // no seat is left
}

// daysField is what is given with every product that is newly ticked.
type daysField struct{ From, Until, Reason string }

func (s *site) accessForm(w http.ResponseWriter, r *http.Request) {
	p, err := s.accessPage(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "edit", "Edit Access", p)
}

func (s *site) accessPage(r *http.Request) (p accessPage, err error) {
	if p.Person, err = s.personOf(r); err != nil {
		return p, err
	}
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return p, err
	}
	p.Path = usersPath + "/" + url.PathEscape(r.PathValue("user"))
	p.Basis = fmt.Sprint(catalogue.Newest.Number)
	mine := viewerOf(r).contracts(stewardOf)
	p.Elsewhere = slices.ContainsFunc(p.Person.Access, func(g spec.Grant) bool { return !slices.Contains(mine, g.Contract) })
	if p.Offers, err = s.offers(r.Context(), catalogue, mine); err != nil {
		return p, err
	}
	p.Offers.tickFor(&p.Person)
	return p, nil
}

// offers is what the contracts offer, unticked, with the seats that are left.
func (s *site) offers(ctx context.Context, c *state.Catalogue, contracts []string) (offerList, error) {
	held, err := s.heldNow(ctx)
	if err != nil {
		return nil, err
	}
	var list offerList
	for _, name := range contracts {
		contract := c.Roster.Contract(name)
		if contract == nil {
			continue
		}
		group := contractOffers{Contract: name}
		for _, o := range contract.Offers {
			row := offerRow{Value: name + "/" + o.Product, Title: titleOf(c, o.Product), Alone: offeredBy(c, o.Product) == 1}
			if p := c.Roster.Product(o.Product); p != nil && p.Type != spec.TypeProduct {
				row.Type = p.Type
			}
			if o.Seats == spec.Unlimited {
				row.Left = "no limit of seats"
			} else {
				left := max(0, o.Seats-busiest(held[spec.Seat{Contract: name, Product: o.Product}], spec.DayOf(s.Now())))
				row.Left, row.None = fmt.Sprintf("%d of %d seats left", left, o.Seats), left == 0
			}
			group.Offers = append(group.Offers, row)
		}
		sortByTitle(group.Offers, func(o *offerRow) string { return o.Title })
		for i := range group.Offers {
			group.Offers[i].ID = fmt.Sprintf("offer-%d-%d", len(list), i)
		}
		list = append(list, group)
	}
	return list, nil
}

// offeredBy is how many contracts offer a product.
func offeredBy(c *state.Catalogue, product string) (n int) {
	for i := range c.Roster.Contracts {
		if c.Roster.Contracts[i].Offer(product) != nil {
			n++
		}
	}
	return n
}

// busiest is how many people hold a product on its busiest day from today on.
func busiest(held []state.Holding, today spec.Day) int {
	most := 0
	for _, h := range held { // the busiest day is today, or one on which somebody begins
		day, n := max(h.From, today), 0
		for _, other := range held {
			if other.Contains(day) {
				n += other.People
			}
		}
		most = max(most, n)
	}
	return most
}

// tickFor ticks what a person has. What they have by a team is explained, and
// nothing to change here unless a manifest of their own gives it as well.
func (l offerList) tickFor(p *state.Person) {
	for i := range p.Access {
		g := &p.Access[i]
		row := l.row(g.Contract + "/" + g.Product)
		if row == nil {
			continue
		}
		row.Ticked = true
		row.Days = strings.Trim(row.Days+"; "+daysInWords(g.Span), "; ")
		for _, o := range g.Because {
			if o.Via == "" {
				row.Was = true
			} else {
				row.Via = append(row.Via, fmt.Sprintf("%s, at %s:%d", o.Via, o.File, o.Line))
			}
		}
		row.Fixed = !row.Was
	}
}

// row is the tick of that value, nil where nothing of the kind is offered.
func (l offerList) row(value string) *offerRow {
	for i := range l {
		for j := range l[i].Offers {
			if l[i].Offers[j].Value == value {
				return &l[i].Offers[j]
			}
		}
	}
	return nil
}

// keep ticks what somebody had ticked in a form that comes back.
func (l offerList) keep(ticked []string) {
	for i := range l {
		for j := range l[i].Offers {
			row := &l[i].Offers[j]
			if !row.Fixed {
				row.Ticked = slices.Contains(ticked, row.Value)
			}
		}
	}
}

// seatsOf reads ticks. One that is none of those offered to this steward was not
// made on a page of ours, or the contract has changed meanwhile.
func (l offerList) seatsOf(values []string) ([]spec.Seat, error) {
	var seats []spec.Seat
	for _, value := range values {
		contract, product, _ := strings.Cut(value, "/")
		if l.row(value) == nil {
			return nil, refusal{http.StatusForbidden, "That is not yours to give",
				"It is offered under no contract that you manage. If it was a moment ago, open the page again."}
		}
		seats = append(seats, spec.Seat{Contract: contract, Product: product})
	}
	return seats, nil
}

// contractsOf lists the contracts of ticks, sorted.
func (l offerList) contractsOf(ticked []string) []string {
	seats, _ := l.seatsOf(ticked) // none is left where one was not to be given
	return contractsIn(seats)
}

// saveAccess proposes the difference between the ticks as they were shown and as
// they came back, so that what others change meanwhile is not undone.
func (s *site) saveAccess(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	p, err := s.accessPage(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.Days = daysOf(r.PostForm)
	was, has := r.PostForm["was"], r.PostForm["has"]
	give, err := p.Offers.seatsOf(without(has, was))
	take, errTake := p.Offers.seatsOf(without(was, has))
	if err := cmp.Or(err, errTake); err != nil {
		s.fail(w, r, err)
		return
	}
	d, err := s.draftAccess(r.Context(), &p, give, take)
	if err != nil {
		p.Offers.keep(has)
		p.Moved = r.PostForm.Get("basis") != p.Basis
		s.comeBack(w, r, err, accessFields, func(problem formProblem) {
			p.Problem = problem
			s.renderStatus(w, r, http.StatusUnprocessableEntity, "edit", "Edit Access", p)
		})
		return
	}
	s.propose(w, r, d, proposed{accessSubject(p.Person.Name, give, take), "access-" + p.Person.Name, contractsIn(give, take)})
}

var errNothingAsked = &edit.Error{Kind: edit.ErrField, Reason: "nothing is ticked or unticked yet", Hint: "tick what to give, untick what to take, then save"}

var errSaidAlready = &edit.Error{Kind: edit.ErrField, Reason: "the manifests say so already",
	Hint: "what is applied may be behind them: a plan can be held, or be applied in a moment"}

func (s *site) draftAccess(ctx context.Context, p *accessPage, give, take []spec.Seat) (*draft, error) {
	if len(give)+len(take) == 0 {
		return nil, errNothingAsked
	}
	grant, err := p.Offers.access(give, p.Days, spec.DayOf(s.Now()))
	if err != nil {
		return nil, err
	}
	d, err := s.draft(ctx, func(t *edit.Tree) error { return t.EditAccess(p.Person.Name, take, grant) })
	if err == nil && len(d.changes) == 0 {
		err = errSaidAlready
	}
	return d, err
}

// comeBack shows a form again where its edit was refused, with what is wrong beside
// its fields, which are given by what manifests call them; any other error is not the
// form's to show.
func (s *site) comeBack(w http.ResponseWriter, r *http.Request, err error, fields map[string]string, show func(formProblem)) {
	var wrong *dayError
	var failed *edit.Error
	var refused *edit.RefusedError
	switch {
	case errors.As(err, &wrong):
		show(formProblem{Wrong: map[string]fieldProblem{wrong.field: wrong.fieldProblem}})
	case errors.As(err, &failed):
		show(formProblem{Lines: []string{failed.Reason}, Hint: failed.Hint})
	case errors.As(err, &refused):
		show(problemOf(refused, fields))
	default:
		s.fail(w, r, err)
	}
}

func daysOf(form url.Values) daysField {
	return daysField{strings.TrimSpace(form.Get("from")), strings.TrimSpace(form.Get("until")), strings.TrimSpace(form.Get("reason"))}
}

// access is what a manifest is to give, in as few words as will do.
func (l offerList) access(seats []spec.Seat, days daysField, today spec.Day) ([]edit.Access, error) {
	span, err := days.span(today)
	if err != nil {
		return nil, err
	}
	var access []edit.Access
	for _, seat := range seats {
		a := edit.Access{Product: seat.Product, Contract: seat.Contract, Span: span, Reason: days.Reason}
		if l.row(seat.Contract + "/" + seat.Product).Alone {
			a.Contract = ""
		}
		access = append(access, a)
	}
	return access, nil
}

// dayError is a day of the form that is none, or none that will do.
type dayError struct {
	field string // from, until
	fieldProblem
}

func (e *dayError) Error() string { return e.field + ": " + e.Reason }

// span is the days of the form. A mistake in one is a [*dayError]. Manifests may keep
// what has ended, as the record of it; who fills in a form means to give something, so
// a last day that has passed is a mistake there.
func (f daysField) span(today spec.Day) (spec.Span, error) {
	span := spec.AllTime
	for _, d := range []struct {
		field, text string
		day         *spec.Day
	}{{"from", f.From, &span.From}, {"until", f.Until, &span.Until}} {
		if d.text == "" {
			continue
		}
		day, err := spec.ParseDay(d.text)
		if err != nil {
			return span, &dayError{d.field, fieldProblem{err.Error(), "a day is written like 2027-03-31"}}
		}
		*d.day = day
	}
	switch {
	case span.Until < span.From:
		return span, &dayError{"until", fieldProblem{"this is before it begins", "the last day is the first one, or a later one"}}
	case span.Until < today:
		return span, &dayError{"until", fieldProblem{"this day has passed", "the last day is today, " + today.String() + " in UTC, or a later one"}}
	}
	return span, nil
}

// without returns what is in the list and not among those left out.
func without(list, leftOut []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(v string) bool { return slices.Contains(leftOut, v) })
}

// contractsIn lists the contracts of seats, sorted.
func contractsIn(lists ...[]spec.Seat) []string {
	var names []string
	for _, seat := range slices.Concat(lists...) {
		names = append(names, seat.Contract)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// accessSubject says in one line what is proposed.
func accessSubject(name string, give, take []spec.Seat) string {
	var parts []string
	for _, change := range []struct {
		verb  string
		seats []spec.Seat
	}{{"give", give}, {"take", take}} {
		var words []string
		for _, seat := range change.seats {
			words = append(words, seat.Product+" under "+seat.Contract)
		}
		if len(words) > 0 {
			parts = append(parts, change.verb+" "+strings.Join(words, ", "))
		}
	}
	return "access of " + name + ": " + strings.Join(parts, "; ")
}
