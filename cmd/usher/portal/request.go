package portal

import (
	"net/http"

	"usher/state"
)

// ask leaves a request for the controller that holds the state, in the name of the
// viewer, and reports whether it was done within a while. What could not be done is
// a refusal with the controller's reason.
func (s *site) ask(r *http.Request, kind, argument string) (done bool, err error) {
	id, err := s.DB.Ask(r.Context(), kind, argument, viewerOf(r).Name())
	var answered state.Request
	if err == nil {
		answered, err = s.performed(r.Context(), id)
	}
	switch {
	case err != nil:
		return false, err
	case answered.Result != "":
		return false, refusal{http.StatusConflict, "That could not be done", answered.Result}
	}
	return !answered.DoneAt.IsZero(), nil
}
