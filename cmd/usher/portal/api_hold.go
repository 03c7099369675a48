package portal

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/state"
)

// pastHolds is how many holds of the past are listed with all=true.
const pastHolds = 200

// listHolds answers with the plan that waits for a person; with all=true also with
// those that did.
func (s *site) listHolds(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "all")
	if err != nil {
		return err
	}
	holds, err := s.DB.Holds(r.Context(), false)
	if err != nil {
		return err
	}
	switch query.Get("all") {
	case "", "false":
	case "true":
		past, err := s.DB.PastHolds(r.Context(), pastHolds)
		if err != nil {
			return err
		}
		holds = append(holds, past...)
	default:
		return unasked("all is true or false, not %q", query.Get("all"))
	}
	return s.list(w, r, render.Holds(holds), "")
}

// heldAnswer is one held plan: where it stands, and the plan itself as usher plan
// -o json writes it.
type heldAnswer struct {
	Format   int              `json:"format"`
	Revision int64            `json:"revision"`
	Items    any              `json:"items"` // the one hold
	Plan     *reconciler.Plan `json:"plan"`
}

func (s *site) oneHold(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	hold, err := s.DB.HoldOf(r.Context(), r.PathValue("plan"))
	if err != nil {
		return err
	}
	var plan reconciler.Plan
	if err := json.Unmarshal(hold.Plan, &plan); err != nil {
		return fmt.Errorf("reading the held plan: %w", err)
	}
	head, err := s.DB.Head(r.Context())
	if err != nil {
		return err
	}
	whole := render.Whole(&plan)
	return answerJSON(w, r, head.Newest.Number, heldAnswer{1, head.Newest.Number, render.Holds([]state.Hold{hold}).Items, &whole})
}

// asked is the answer where the loop has more to do first than anybody waits for.
type asked struct {
	Format  int   `json:"format"`
	Request int64 `json:"request"` // its number, as usher status and the log name it
}

// approveHold lets a held plan through, once, as usher approve does: by a request
// that the loop performs, which then carries the plan out.
func (s *site) approveHold(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	hold, err := s.DB.HoldOf(r.Context(), r.PathValue("plan"))
	switch {
	case err != nil:
		return err
	case hold.State != state.HoldHeld && hold.State != state.HoldApproved:
		return complaint{refusal: errGone, kind: "not-held", detail: "the plan is " + string(hold.State)}
	case !reconciler.Approvable(hold.Rules):
		return complaint{refusal: errAuthority, kind: "not-approvable"}
	}
	id, err := s.DB.Ask(r.Context(), reconciler.RequestApprove, hold.PlanID, viewerOf(r).Name())
	if err != nil {
		return err
	}
	request, err := s.performed(r.Context(), id)
	switch {
	case err != nil:
		return err
	case request.DoneAt.IsZero():
		writeBody(w, http.StatusAccepted, "application/json", asked{1, id})
		return nil
	case request.Result != "":
		return complaint{refusal: errGone, kind: "not-held", detail: request.Result}
	}
	if hold, err = s.DB.HoldOf(r.Context(), hold.PlanID); err != nil {
		return err
	}
	return s.list(w, r, render.Holds([]state.Hold{hold}), "")
}

// What approving meets.
var (
	errGone      = refusal{http.StatusConflict, "The plan is not held any more", "GET " + apiPath + "v1/holds shows what is."}
	errAuthority = refusal{http.StatusConflict, "Approval does not release this", "It releases limits, never authority: somebody with the right has to sign. usher help git says how."}
)

// performed waits a while for a request to be performed, and returns it as it then is.
func (s *site) performed(ctx context.Context, id int64) (state.Request, error) {
	limited, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for {
		request, err := s.DB.Request(ctx, id)
		if err != nil || !request.DoneAt.IsZero() {
			return request, err
		}
		select {
		case <-limited.Done():
			return request, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}
