package portal

import (
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"time"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// painting is a page in a state that takes long to come about: filled in as the
// portal fills it in, for a viewer.
type painting struct {
	name   string
	viewer *browser
	serve  http.HandlerFunc
}

// paint makes the page.
func (p painting) paint() *reply {
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil)
	for name, value := range p.viewer.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	p.viewer.site.recognised(p.serve).ServeHTTP(w, r)
	return &reply{p.viewer.T, w.Code, w.Header(), w.Body.String()}
}

// filled is a painting of a template with what is given.
func filled(name string, viewer *browser, template string, data any) painting {
	return painting{name, viewer, func(w http.ResponseWriter, r *http.Request) {
		viewer.site.render(w, r, template, "A page of "+template, data)
	}}
}

// paintings are the states of pages that no short way leads to.
func (f *firm) paintings() []painting {
	f.Helper()
	return slices.Concat(f.refusals(), f.doors(), f.accounts(), f.heldPlans(), f.people(), f.proposals(), f.contractsAndCredits())
}

// refusals are the pages on which something is refused, one for each reason.
func (f *firm) refusals() []painting {
	viewer := f.as("eve")
	var all []painting
	for _, why := range []refusal{
		errForbidden, errNoPage, errTooLarge, errForm, errForeign, errOurs, errCrowded, errNoMail, errNoDownload,
		errNobody, errMeanwhile, errNoHold, errNotTheirs, errFinal, errInvalidTree, errNoTree, errNoProposal,
		{Status: http.StatusMethodNotAllowed, Title: "That cannot be done here", Advice: "This address only takes GET."},
	} {
		all = append(all, painting{why.Title, viewer, func(w http.ResponseWriter, r *http.Request) { f.site.fail(w, r, why) }})
	}
	return append(all, painting{"refused to a stranger", f.stranger(), func(w http.ResponseWriter, r *http.Request) { f.site.fail(w, r, errNoPage) }})
}

// doors are the pages of accounts that do not open.
func (f *firm) doors() []painting {
	var all []painting
	for kind := range doorKind(len(doorWords)) {
		all = append(all, painting{doorWords[kind][0], f.stranger(), func(w http.ResponseWriter, r *http.Request) {
			f.site.showDoor(w, r, closedDoor{f.account("eve"), kind})
		}})
	}
	return append(all, filled("a door with nobody to ask", f.stranger(), "door", doorPage{Advice: "Wait."}))
}

// accounts are what somebody is told of their own.
func (f *firm) accounts() []painting {
	return []painting{
		{"a new password that will not do", f.as("eve"), func(w http.ResponseWriter, r *http.Request) {
			f.site.showAccount(w, r, http.StatusUnprocessableEntity, problems{"password": "Take at least 12 characters."})
		}},
		{"something that was done", f.as("eve"), func(w http.ResponseWriter, r *http.Request) {
			f.site.sessions.Put(r.Context(), noticeKey, "Your password is changed.")
			f.site.account(w, r)
		}},
	}
}

// heldPlans are the pages of a plan that waits, from every side.
func (f *firm) heldPlans() []painting {
	ada, now := f.as("ada"), f.now()
	view := f.site.Held().For([]string{"design"}, true)
	strange := view
	strange.Plan, strange.OtherChanges = &reconciler.Plan{}, 2
	plan := func(more holdPage) holdPage {
		more.ID, more.Short, more.At, more.View = "sha256:1", "sha256:1", now, view
		more.View.OtherChanges, more.View.OtherRules, more.Text = 1, 1, "Plan sha256:1"
		return more
	}
	approved := plan(holdPage{Approved: true, ApprovedAt: now, ApprovedBy: "ada"})
	given := holdPart{Contract: "plant", Manager: "olu", Approval: state.Approval{Contract: "plant", By: "olu", At: now}}
	open, mine := holdPart{Contract: "works", Manager: "olu"}, holdPart{Contract: "design", Manager: "ada", Mine: true}
	also := holdPart{Contract: "office", Manager: "ada", Mine: true}
	page := func(name string, p holdPage) painting { return filled("held plan, "+name, ada, "hold", &p) }
	return []painting{
		page("approved", approved),
		page("final", plan(holdPage{Final: true, Release: []string{"revert the commit", "have it signed"}})),
		page("of several", plan(holdPage{Parts: []holdPart{given, open, mine, also}, May: true})),
		page("the last of several", plan(holdPage{Parts: []holdPart{given, mine}, May: true})),
		page("one's part given", plan(holdPage{Parts: []holdPart{given, open}, Given: true})),
		page("of another", plan(holdPage{Parts: []holdPart{open}})),
		page("of anybody", plan(holdPage{})),
		filled("held plan, of contracts of others", ada, "hold", &holdPage{ID: "sha256:1", Short: "sha256:1", At: now, View: strange}),
		filled("held plans, approved", ada, "holds", holdsPage{Open: &approved, Past: []pastHold{{Plan: "sha256:2", At: now}}}),
		filled("held plans, none", ada, "holds", holdsPage{}),
	}
}

// people are users in every state, found in every way.
func (f *firm) people() []painting {
	grace, now := f.as("grace"), f.now()
	row := func(first string, status state.Status, delivery state.MessageState, why string) userRow {
		p := state.Person{Delivery: delivery, DeliveryError: why}
		p.FirstName, p.LastName, p.Email, p.Status, p.Name = first, longName, longName+"@acme.example", status, first
		p.Invited, p.Expires, p.Activated = now, now.Add(time.Hour), now
		return userRow{Person: p, Path: "/users/" + first, Resend: invitable(&p.Account), Elsewhere: status == state.Suspended}
	}
	never := row("Never", state.Expired, "", "")
	never.Invited = time.Time{}
	holder := row("Holder", state.Active, "", "")
	lines := []spec.Origin{{File: "people/of/the/whole/firm/" + longName + ".yaml", Line: 12345}, {File: "teams.yaml", Line: 7, Via: "team structural"}}
	holder.Grants = []grantRow{{Title: longName, Contract: "design", Days: "from 1 December 2026 until the end of 31 March 2027", Reason: "CAD-1234 " + longName, Lines: lines}}
	everybody := usersPage{Query: "e", Status: state.Active, Product: "cad", Statuses: listedStatuses, Products: []choice{{"cad", "CAD 2027"}, {"p", longName}}, People: []userRow{
		holder, never, row("Failed", state.Invited, state.MessageFailed, "550 no such user"), row("Held", state.Invited, state.MessageHeld, ""),
		row("Queued", state.Invited, state.MessageQueued, "451 try again"), row("Sending", state.Invited, state.MessageSending, ""), row("Sent", state.Expired, state.MessageSent, ""),
		row("Silent", state.Invited, state.MessageSuppressed, ""), row("Suspended", state.Suspended, "", ""),
	}, Paging: paging{First: "/users", Next: "/users?after=x"}}
	offers := offerList{{Contract: "design", Offers: []offerRow{
		{ID: "offer-0-0", Value: "design/cad", Title: longName, Type: spec.TypeService, Ticked: true, Fixed: true, Via: []string{"team structural, at teams.yaml:7"}, Days: "until the end of 31 March 2027", Left: "3 of 10 seats left"},
		{ID: "offer-0-1", Value: "design/p", Title: "Two", Left: "0 of 10 seats left", None: true, Was: true, Ticked: true},
	}}, {Contract: "plant"}}
	return []painting{
		filled("users of every state", grace, "user", everybody),
		filled("users, so far", grace, "user", usersPage{Searched: true, Filtered: true, Paging: paging{Next: "/users?after=x"}}),
		filled("users, none", grace, "user", usersPage{}),
		filled("users, nobody fits", grace, "user", usersPage{Filtered: true}),
		filled("Edit Access of every kind", grace, "edit", accessPage{Person: holder.Person, Path: "/users/x", Offers: offers, Elsewhere: true, Moved: true,
			Days: daysField{From: "2027-01-01", Until: "2027-02-01", Reason: longName}, Problem: formProblem{Lines: []string{longName, "again"}, Hint: "a hint"}}),
	}
}

// proposals are changes of the manifests in every state.
func (f *firm) proposals() []painting {
	grace := f.as("grace")
	files := []fileDiff{{Path: longName + ".yaml", New: true, Whole: "spec: " + longName}, {Path: "gone.yaml", Gone: true, Line: 1, Lines: []diffLine{{"removed", "- " + longName}}}}
	page := func(name string, p proposalPage) painting {
		p.Subject, p.Branch, p.Onto, p.Author = cmp.Or(p.Subject, "give "+longName), "usher/x", "main", longName+" <x@acme.example>"
		return filled("proposal, "+name, grace, "proposal", p)
	}
	return []painting{
		page("to copy", proposalPage{Dir: "/etc/usher/" + longName, Files: files, Plan: "Plan", Others: 2, Held: true}),
		page("merged", proposalPage{Merged: true}),
		page("conflicting", proposalPage{Conflict: true, Files: files}),
		page("behind", proposalPage{Stale: true, Plan: "Plan", Others: 1, Wrong: []string{"people.yaml:1:1: " + longName, "people.yaml:2:1: no"}}),
	}
}

// contractsAndCredits are pages on what was bought, bare and full, and on what became
// of it.
func (f *firm) contractsAndCredits() []painting {
	ada, eve, now := f.as("ada"), f.as("eve"), f.now()
	whom := contact{longName, longName + "@acme.example", "software coordinator"}
	seats := contractSeats{Contract: "design", Rows: []seatRow{
		{Title: longName, Bought: 100, Assigned: 95, Free: 5, Coming: []string{"1,000 more from 1 December 2026", "2 fewer from 1 January 2027"}, Chart: newPlot(340, 130, 1, 1_000_000, "x").chart},
		{Title: "All taken", Type: "service", Bought: 1, Assigned: 1},
	}}
	spent := credits{Contract: "design", Pool: "1,000", Used: "1,200", Own: "0", Left: "0", Over: "200", Expires: "30 June 2026", Expired: true}
	over, left, gone := spent, spent, spent
	over.Expired, left.Expired, left.Over, left.Expires, gone.Expired, gone.Over, gone.Pool = false, false, "", "", false, "", ""
	item := shelfItem{Title: longName, Type: "service", Contract: "design", Days: "from 1 December 2036"}
	cause := state.Cause{Approved: true, Commit: "0123456789abcdef0123456789abcdef01234567", Path: "/etc/usher",
		Provenance: state.Provenance{Author: longName, Fingerprint: "SHA256:" + longName}}
	revision := revisionPage{Revision: state.Revision{Number: 7, At: now, Cause: cause, Messages: 1}, Approver: "olu",
		Summary: revisionRow{Number: 7, At: now, Cause: "time", By: longName}, Paging: paging{First: "/revisions/7", Next: "/revisions/7?after=1"}}
	hidden, changed := revision, revision
	hidden.Hidden = 2
	changed.Subjects = []subject{{Kind: "team", Name: longName, Email: longName + "@acme.example", Lines: []string{longName}}}
	return []painting{
		filled("contract, bare", ada, "contract", contractPage{Contract: "design"}),
		filled("contract, unreadable", ada, "contract", contractPage{Contract: "design", Unreadable: true, Credits: &spent, Coordinators: []contact{whom, whom}, Support: whom.Email, Seats: seats}),
		filled("contract, about to end", ada, "contract", contractPage{Contract: "design", Information: &information{Number: longName, Left: "1 day is left", Soon: true}, Credits: &over}),
		filled("contract, nothing expires", ada, "contract", contractPage{Contract: "design", Credits: &left}),
		filled("credits, in every way", eve, "credit", []credits{spent}),
		filled("credits, more than there were", eve, "credit", []credits{over}),
		filled("credits, left", eve, "credit", []credits{left}),
		filled("credits, gone", eve, "credit", []credits{gone}),
		filled("seats, nearly all", ada, "seats", []contractSeats{seats}),
		filled("products of every kind", eve, "product", productsPage{Have: []shelfItem{item}, Coming: []shelfItem{item}, Stewarded: []shelfItem{{Title: "x", Type: "benefit", Contract: "design"}}}),
		filled("support, of nobody", eve, "support", supportPage{Ask: []offering{{Contract: "design", Ask: []contact{whom, whom}}}}),
		filled("support, without messages", eve, "support", supportPage{Off: true, Desks: []desk{{"design", whom.Email}}}),
		filled("support, chosen wrongly", eve, "support", supportPage{Desks: []desk{{"design", whom.Email}, {"plant", whom.Email}}, Contract: "design", Wrong: map[string]string{"contract": "Choose one."}}),
		filled("support, too often", eve, "support", supportPage{Desks: []desk{{"design", whom.Email}}, Wrong: map[string]string{"": "You have written several times within the hour."}}),
		filled("revision of nothing", ada, "revision", revision),
		filled("revision of others", ada, "revision", hidden),
		filled("revision of everything", ada, "revision", changed),
		filled("revisions, the next ones", ada, "revisions", revisionList{Rows: []revisionRow{{Number: 1, At: now, Cause: "manifests", By: longName}}, Paging: revision.Paging}),
	}
}
