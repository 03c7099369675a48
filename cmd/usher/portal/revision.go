package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/reconciler/render"
	"usher/state"
)

func (s *site) revisionRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: revisionsPath, need: stewardOf, serve: s.revisions, menu: "Revisions"},
		{method: http.MethodGet, pattern: revisionsPath + "/{number}", need: stewardOf, serve: s.revision},
	}
}

const (
	revisionsPath = "/revisions"

	revisionsPage = 30 // revisions a page
	subjectsPage  = 40 // people and things of one revision a page
)

// revisionRow is one applied revision.
type revisionRow struct {
	Number   int64
	At       time.Time
	Cause    string
	By       string
	Changes  int
	Messages int
}

func summaryOf(r state.Revision) revisionRow {
	return revisionRow{r.Number, r.At, render.CauseWords(r), render.By(r), r.Changes, r.Messages}
}

// revisionList is one page of the history.
type revisionList struct {
	Rows   []revisionRow
	Paging paging
}

func (s *site) revisions(w http.ResponseWriter, r *http.Request) {
	before, ok := position(r)
	if !ok {
		s.fail(w, r, errNoPage)
		return
	}
	found, err := s.DB.RevisionsBefore(r.Context(), before, revisionsPage+1)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	next := ""
	if len(found) > revisionsPage {
		found = found[:revisionsPage]
		next = fmt.Sprint(found[revisionsPage-1].Number)
	}
	list := revisionList{Paging: pagingOf(r, next)}
	for _, one := range found {
		list.Rows = append(list.Rows, summaryOf(one))
	}
	s.render(w, r, "revisions", "Revisions", list)
}

// position is after what a list goes on, 0 for its beginning; false for what is no
// position.
func position(r *http.Request) (int64, bool) {
	text := r.URL.Query().Get(afterField)
	if text == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n > 0
}

// revisionPage is one revision, as far as it concerns the contracts of the viewer.
type revisionPage struct {
	state.Revision
	Summary  revisionRow
	Approver string // who let its plan through; empty: nobody had to, or it is not known
	Subjects []subject
	Hidden   int // people and things on this page that belong to contracts of others
	Paging   paging
}

// subject is what a revision did to one person or thing.
type subject struct {
	Kind  string // "contract", "team", "product"; empty for a person
	Name  string
	Email string
	Lines []string
}

func (s *site) revision(w http.ResponseWriter, r *http.Request) {
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	after, ok := position(r)
	if err != nil || !ok {
		s.fail(w, r, errNoPage)
		return
	}
	found, err := s.DB.Revision(r.Context(), number)
	if errors.Is(err, state.ErrNotFound) {
		err = errNoPage
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := revisionPage{Revision: found, Summary: summaryOf(found)}
	if err := s.fillRevision(r, &p, after); err != nil {
		s.fail(w, r, err)
		return
	}
	s.render(w, r, "revision", fmt.Sprintf("Revision %d", number), p)
}

// fillRevision reads what the revision changed, one page of it.
func (s *site) fillRevision(r *http.Request, p *revisionPage, after int64) error {
	touched, err := s.DB.Touched(r.Context(), p.Number, after, subjectsPage+1)
	if err != nil {
		return err
	}
	next := ""
	if len(touched) > subjectsPage {
		touched = touched[:subjectsPage]
		next = fmt.Sprint(touched[subjectsPage-1].Seq)
	}
	p.Paging = pagingOf(r, next)
	mine := viewerOf(r).contracts(stewardOf)
	for _, t := range touched {
		one, visible, err := s.subject(r.Context(), t, p.Number, mine)
		if err != nil {
			return err
		}
		if !visible {
			p.Hidden++
		} else if len(one.Lines) > 0 {
			p.Subjects = append(p.Subjects, one)
		}
	}
	if !p.Approved {
		return nil
	}
	p.Approver, err = s.approver(r.Context(), p.PlanID)
	return err
}

// subject says what a revision did to a person or thing, and whether that is for
// the steward of some contracts to see: what concerns one of theirs, or none.
func (s *site) subject(ctx context.Context, t state.Touched, revision int64, mine []string) (subject, bool, error) {
	if t.Kind == "user" {
		return s.person(ctx, t.Name, revision, mine)
	}
	visible := len(t.Contracts) == 0 || slices.ContainsFunc(t.Contracts, func(c string) bool { return slices.Contains(mine, c) })
	line := "declared as the manifests say"
	if t.Withdrawn {
		line = "declared no longer"
	}
	return subject{Kind: t.Kind, Name: t.Name, Lines: []string{line}}, visible, nil
}

// person tells what a revision did to somebody, without what concerns contracts of
// others.
func (s *site) person(ctx context.Context, id string, revision int64, mine []string) (subject, bool, error) {
	events, err := s.DB.History(ctx, id)
	if err != nil {
		return subject{}, false, err
	}
	one := subject{Name: "(erased)"}
	who, err := s.DB.Bearer(ctx, id)
	switch {
	case err == nil:
		one.Name, one.Email = cmp.Or(strings.TrimSpace(who.FirstName+" "+who.LastName), who.Name), who.Email
	case !errors.Is(err, state.ErrNotFound):
		return subject{}, false, err
	}
	bound, known := false, false
	for _, e := range events {
		theirs := e.Contract != "" && !slices.Contains(mine, e.Contract)
		bound, known = bound || e.Contract != "", known || e.Contract != "" && !theirs
		beside := e.Action == "activate" || e.Action == "forget" // after it, before the next
		if e.Revision == revision && !theirs && !beside {
			one.Lines = append(one.Lines, eventWords(e))
		}
	}
	return one, known || !bound, nil
}

// actionWords say what an event does, where its own word would not be understood.
var actionWords = map[string]string{
	"add": "account made", "remove": "account closed", "return": "account returned", "invite": "invited", "resend": "invited again",
	"suspend": "suspended", "restore": "restored", "grant": "given", "revoke": "taken away", "change": "changed", "rename": "renamed",
	"assign": "made", "unassign": "no longer", "join": "joined", "leave": "left",
}

// eventWords is one line of somebody's history: "given cad under design: until 2027-03-31".
func eventWords(e state.Event) string {
	action, about := cmp.Or(actionWords[e.Action], e.Action), render.EventWords(e)
	switch e.Action {
	case "suspend", "restore":
		return action
	case "add", "remove", "return", "invite", "resend":
		if detail := cmp.Or(e.To, e.From); detail != "" {
			return action + ": " + detail
		}
		return action
	}
	return action + " " + about
}

// approver is who let a plan through; empty where that is not on record any more.
func (s *site) approver(ctx context.Context, planID string) (string, error) {
	holds, err := s.DB.PastHolds(ctx, pastHolds)
	for _, h := range holds {
		if h.PlanID == planID && h.State == state.HoldApplied {
			return h.ApprovedBy, err
		}
	}
	return "", err
}
