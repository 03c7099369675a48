package portal

import (
	"errors"
	"net/http"
	"time"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/reconciler/source"
	"usher/spec"
)

// How long manifests may take to arrive, and then to be planned.
const (
	sendTime = 2 * time.Minute
	planTime = 5 * time.Minute
)

// planSent answers with what the manifests sent would change: resolved, compared and
// limited as the loop would, on what is true now, and nothing is written. Of commits
// the server sees only what it is told, so it judges nobody's authority here.
func (s *site) planSent(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	if s.Plan == nil {
		return complaint{refusal: errNothing, detail: "this usher plans nothing for others"}
	}
	allowTime(w)
	gzipped, err := archiveKind(r)
	if err != nil {
		return err
	}
	turn := time.NewTimer(s.patience)
	defer turn.Stop()
	select {
	case s.planning <- struct{}{}:
		defer func() { <-s.planning }()
	case <-turn.C:
		return errBusy
	case <-r.Context().Done():
		return r.Context().Err()
	}
	manifests, err := source.Unpack(r.Body, gzipped)
	if err != nil {
		return archiveComplaint(err)
	}
	plan, err := s.Plan(r.Context(), manifests)
	if err != nil {
		return planComplaint(err)
	}
	whole := render.Whole(plan)
	return answerJSON(w, r, plan.Basis, &whole)
}

// allowTime gives one who sends manifests more time than a form takes. A server that
// has no deadlines has none to move.
func allowTime(w http.ResponseWriter) {
	c, now := http.NewResponseController(w), time.Now()
	_ = c.SetReadDeadline(now.Add(sendTime))
	_ = c.SetWriteDeadline(now.Add(planTime))
}

// archiveKind reports whether the manifests are gzipped, by the content coding or as
// a media type of its own.
func archiveKind(r *http.Request) (gzipped bool, err error) {
	coding, kind := r.Header.Get("Content-Encoding"), r.Header.Get("Content-Type")
	switch {
	case kind == "application/gzip" && coding == "":
		return true, nil
	case kind != "application/x-tar":
		return false, complaint{refusal: errMediaType, detail: "manifests are sent as application/x-tar, or gzipped as application/gzip"}
	case coding == "gzip":
		return true, nil
	case coding == "" || coding == "identity":
		return false, nil
	}
	return false, complaint{refusal: errMediaType, detail: "of content codings, gzip is taken"}
}

func archiveComplaint(err error) error {
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return err
	case errors.Is(err, source.ErrArchiveSize):
		return complaint{refusal: errTooLarge, detail: err.Error()}
	case errors.Is(err, source.ErrArchive):
		return complaint{refusal: errQuestion, kind: "invalid-archive", detail: err.Error()}
	}
	return err
}

// What planning meets.
var (
	errManifests = refusal{http.StatusUnprocessableEntity, "The manifests are invalid", "Mend what errors lists; usher validate shows the same."}
	errPrivate   = refusal{http.StatusConflict, "The contract information does not fit these manifests", "Who runs usher sees why, and has to mend it before they can be applied."}
)

// planComplaint says what is wrong with manifests, but quotes no contract information,
// which is for contract managers alone (DOMAIN.md row 5).
func planComplaint(err error) error {
	var errs spec.Errors
	switch {
	case reconciler.IsPrivate(err):
		return complaint{refusal: errPrivate, kind: "contract-information"}
	case errors.As(err, &errs):
		return complaint{refusal: errManifests, kind: "invalid-manifests", errors: problemErrors(errs)}
	}
	return err
}
