package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/state"
)

func (s *site) holdRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: holdsPath, need: stewardOf, serve: s.holds, menu: "Held plans"},
		{method: http.MethodGet, pattern: holdsPath + "/{plan}", need: stewardOf, serve: s.hold},
		{method: http.MethodPost, pattern: holdsPath + "/{plan}/approve", need: managerOf, serve: s.approve},
	}
}

const (
	holdsPath = "/holds"
	shownPast = 20 // plans of the past on the page
)

// holdsPage is the plan that waits for a person, and those that did.
type holdsPage struct {
	Open *holdPage // nil: nothing waits
	Past []pastHold
}

// pastHold is a plan that was held and is not any more.
type pastHold struct {
	Plan       string // short
	At         time.Time
	Applied    bool // it was approved and carried out; else another took its place
	ApprovedBy string
}

// holdPage is one held plan, as far as it is for the viewer to see.
type holdPage struct {
	ID         string
	Short      string
	At         time.Time // since when
	View       reconciler.HeldView
	Text       string // the plan, as usher plan shows it
	Approved   bool   // by somebody, and about to be carried out
	ApprovedAt time.Time
	ApprovedBy string
	Final      bool       // no approval helps: what is refused has to be mended in the manifests
	Parts      []holdPart // by contract concerned; none: any contract manager will do
	May        bool       // the viewer may approve it, or a part of it
	Given      bool       // the viewer has approved all that is theirs to approve
	Release    []string   // what helps beside approving here
}

// holdPart is a contract that a plan concerns, and what its manager says to it.
type holdPart struct {
	Contract       string
	Manager        string // name
	Mine           bool   // the viewer is that manager
	state.Approval        // zero: not yet
}

// Whole reports whether nobody but the viewer is asked any more.
func (p *holdPage) Whole() bool {
	return !slices.ContainsFunc(p.Parts, func(part holdPart) bool { return !part.Mine && part.At.IsZero() })
}

// Open lists the viewer's contracts for which they have not approved the plan yet.
func (p *holdPage) Open() []string {
	var open []string
	for _, part := range p.Parts {
		if part.Mine && part.At.IsZero() {
			open = append(open, part.Contract)
		}
	}
	return open
}

func (s *site) holds(w http.ResponseWriter, r *http.Request) {
	var p holdsPage
	open, err := s.openHold(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p.Open = open
	past, err := s.DB.PastHolds(r.Context(), shownPast)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for _, h := range past {
		p.Past = append(p.Past, pastHold{render.ShortID(h.PlanID), h.At, h.State == state.HoldApplied, h.ApprovedBy})
	}
	s.render(w, r, "holds", "Held plans", p)
}

func (s *site) hold(w http.ResponseWriter, r *http.Request) {
	p, err := s.openHold(r)
	if err == nil && (p == nil || p.ID != r.PathValue("plan")) {
		err = errNoHold
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "hold", "A plan that waits for a person", p)
}

var (
	errNoHold = refusal{
		http.StatusNotFound, "This plan does not wait any more",
		"It was carried out, or the manifests ask for something else by now. Held plans shows what waits.",
	}
	errNotTheirs = refusal{
		http.StatusForbidden, "This plan is not yours to let through",
		"It concerns contracts that others manage. The page of the plan says who is asked.",
	}
	errFinal = refusal{
		http.StatusConflict, "This plan cannot be let through as it is",
		"Somebody without the right to it asked for a part of it. The page of the plan says what to do.",
	}
)

// openHold returns the plan that waits now, as the viewer may see it; nil where none
// does, or the record of it and the controller do not agree yet.
func (s *site) openHold(r *http.Request) (*holdPage, error) {
	var held *reconciler.HeldPlan
	if s.Held != nil {
		held = s.Held()
	}
	if held == nil {
		return nil, nil
	}
	onRecord, err := s.DB.Holds(r.Context(), false)
	i := slices.IndexFunc(onRecord, func(h state.Hold) bool { return h.PlanID == held.Plan.ID })
	if err != nil || i < 0 {
		return nil, err
	}
	return s.holdOf(r, held, onRecord[i])
}

func (s *site) holdOf(r *http.Request, held *reconciler.HeldPlan, h state.Hold) (*holdPage, error) {
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return nil, err
	}
	view := held.For(viewerOf(r).contracts(stewardOf), may(r, managerOf, ""))
	p := &holdPage{
		ID: h.PlanID, Short: render.ShortID(h.PlanID), At: h.At, View: view,
		Approved: h.InForce(s.Now()), ApprovedAt: h.ApprovedAt, ApprovedBy: h.ApprovedBy,
		Final: !reconciler.Approvable(held.Plan.Held),
	}
	p.May = !p.Final && may(r, managerOf, "") && len(view.AnswerableFor) == 0
	for _, contract := range view.AnswerableFor {
		part := holdPart{Contract: contract, Mine: may(r, managerOf, contract)}
		if c := catalogue.Roster.Contract(contract); c != nil {
			part.Manager = c.Manager
		}
		if i := slices.IndexFunc(h.Approvals, func(a state.Approval) bool { return a.Contract == contract }); i >= 0 {
			part.Approval = h.Approvals[i]
		}
		p.Parts, p.May, p.Given = append(p.Parts, part), p.May || part.Mine && !p.Final, p.Given || part.Mine
	}
	p.Given = p.Given && len(p.Open()) == 0
	for _, rule := range view.Plan.Held {
		if !slices.Contains(p.Release, rule.Release) {
			p.Release = append(p.Release, rule.Release)
		}
	}
	return p, p.write(view)
}

// longestPlan is how many changes a page shows one by one.
const longestPlan = 500

// write fills in the plan's text. Why it is held stands above it on the page.
func (p *holdPage) write(view reconciler.HeldView) error {
	plan := *view.Plan
	plan.Held = nil
	var b strings.Builder
	err := render.Plan(&b, &plan, render.Text, render.Options{Full: len(plan.Changes) <= longestPlan})
	p.Text = strings.TrimSpace(b.String())
	return err
}

// approve lets the plan through for the contracts that whoever signed in manages: the
// controller that holds the state is asked to, in their name, and looks once more
// whether they still do.
func (s *site) approve(w http.ResponseWriter, r *http.Request) {
	p, err := s.openHold(r)
	switch {
	case err != nil:
	case p == nil || p.ID != r.PathValue("plan"):
		err = errNoHold
	case p.Final:
		err = errFinal
	case !p.May:
		err = errNotTheirs
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	done, err := s.ask(r, reconciler.RequestApproveFor, p.ID+" "+viewerOf(r).account.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	now, err := s.DB.HoldOf(r.Context(), p.ID) // others may have approved their part meanwhile
	if err != nil {
		s.fail(w, r, err)
		return
	}
	said := "Approved. It is carried out as soon as usher comes to it."
	switch {
	case done && now.State == state.HoldHeld:
		said = "Approved for your part. It is carried out once the managers of the other contracts have approved theirs."
	case done:
		said = "Approved: the plan is being carried out."
	}
	s.leadSaying(w, r, holdsPath, said)
}
