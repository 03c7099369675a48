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
	Final      bool     // no approval helps: what is refused has to be mended in the manifests
	May        bool     // the viewer may approve it
	Lacking    []string // contracts concerned that are not the viewer's to answer for
	Release    []string // what helps beside approving here
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
	errNotAlone = refusal{
		http.StatusForbidden, "This plan is not yours alone to let through",
		"It concerns contracts that others manage. Whoever runs usher can let it through with usher approve, once all of them agree.",
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
	view := held.For(viewerOf(r).contracts(stewardOf), may(r, managerOf, ""))
	p := &holdPage{
		ID: h.PlanID, Short: render.ShortID(h.PlanID), At: h.At, View: view,
		Approved: h.State == state.HoldApproved && s.Now().Before(h.ApprovedAt.Add(state.ApprovalLife)), ApprovedAt: h.ApprovedAt, ApprovedBy: h.ApprovedBy,
		Final: !reconciler.Approvable(held.Plan.Held),
	}
	for _, contract := range view.AnswerableFor {
		if !may(r, managerOf, contract) {
			p.Lacking = append(p.Lacking, contract)
		}
	}
	p.May = may(r, managerOf, "") && len(p.Lacking) == 0 && !p.Final
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

// approve lets the plan through, as usher approve does: the controller that holds
// the state is asked to, in the name of whoever signed in.
func (s *site) approve(w http.ResponseWriter, r *http.Request) {
	p, err := s.openHold(r)
	switch {
	case err != nil:
	case p == nil || p.ID != r.PathValue("plan"):
		err = errNoHold
	case p.Final:
		err = errFinal
	case !p.May:
		err = errNotAlone
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	done, err := s.ask(r, reconciler.RequestApprove, p.ID)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	said := "Approved. It is carried out as soon as usher comes to it."
	if done {
		said = "Approved: the plan is being carried out."
	}
	s.leadSaying(w, r, holdsPath, said)
}
