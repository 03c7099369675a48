package portal

import (
	"net/http"

	"usher/reconciler/render"
	"usher/spec"
)

// listSeats answers with the seats of each contract's products today.
func (s *site) listSeats(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "contract", "product")
	if err != nil {
		return err
	}
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return err
	}
	held, err := s.heldNow(r.Context())
	if err != nil {
		return err
	}
	only := render.AccessFilter{Contract: query.Get("contract"), Product: query.Get("product")}
	return s.list(w, r, render.Seats(catalogue.Roster, held, spec.DayOf(s.Now()), only), "")
}
