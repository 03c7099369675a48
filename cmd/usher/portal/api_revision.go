package portal

import (
	"fmt"
	"net/http"
	"strconv"

	"usher/reconciler/render"
	"usher/state"
)

// listRevisions answers with a page of revisions, newest first.
func (s *site) listRevisions(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "limit", "cursor")
	if err != nil {
		return err
	}
	limit, err := limitOf(query)
	if err != nil {
		return err
	}
	position, err := positionOf(query)
	if err != nil {
		return err
	}
	before := int64(0)
	if position != "" {
		if before, err = strconv.ParseInt(position, 10, 64); err != nil || before < 1 {
			return errCursor
		}
	}
	page, err := s.DB.RevisionsBefore(r.Context(), before, limit)
	if err != nil {
		return err
	}
	next := ""
	if len(page) == limit && page[limit-1].Number > 1 {
		next = fmt.Sprint(page[limit-1].Number)
	}
	return s.list(w, r, render.Revisions(page), next)
}

// oneRevision answers with one revision.
func (s *site) oneRevision(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	number, err := strconv.ParseInt(r.PathValue("number"), 10, 64)
	if err != nil {
		return unasked("%q is not the number of a revision", r.PathValue("number"))
	}
	revision, err := s.DB.Revision(r.Context(), number)
	if err != nil {
		return err
	}
	return s.list(w, r, render.Revisions([]state.Revision{revision}), "")
}
