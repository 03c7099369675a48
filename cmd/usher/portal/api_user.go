package portal

import (
	"errors"
	"net/http"
	"slices"

	"usher/reconciler/render"
	"usher/state"
)

// statuses that a list of users can be narrowed to.
var statuses = []state.Status{state.Invited, state.Active, state.Expired, state.Suspended}

// listUsers answers with a page of the people in force, by last name.
func (s *site) listUsers(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "q", "status", "product", "contract", "limit", "cursor")
	if err != nil {
		return err
	}
	q := state.PeopleQuery{
		Text: query.Get("q"), Status: state.Status(query.Get("status")),
		Product: query.Get("product"), Contract: query.Get("contract"),
	}
	if q.Contract != "" && q.Product == "" {
		return unasked("contract says under which contract the product is had, and no product is given")
	}
	if q.Status != "" && !slices.Contains(statuses, q.Status) {
		return unasked("status is one of invited, active, expired and suspended, not %q", q.Status)
	}
	if q.Limit, err = limitOf(query); err != nil {
		return err
	}
	if q.After, err = positionOf(query); err != nil {
		return err
	}
	page, err := s.DB.People(r.Context(), q)
	if err != nil {
		return err
	}
	return s.list(w, r, render.People(page.People), page.Next)
}

// oneUser answers with one person in force, by name or e-mail.
func (s *site) oneUser(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	person, err := s.find(r, r.PathValue("user"))
	if err != nil {
		return err
	}
	return s.list(w, r, render.People([]state.Person{person}), "")
}

// find is the person in force of a name or e-mail; state.ErrNotFound.
func (s *site) find(r *http.Request, who string) (state.Person, error) {
	person, err := s.DB.Person(r.Context(), who)
	if errors.Is(err, state.ErrNotFound) {
		person, err = s.DB.PersonAt(r.Context(), who)
	}
	return person, err
}
