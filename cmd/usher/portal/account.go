package portal

import (
	"errors"
	"net/http"

	"usher/state"
)

func (s *site) accountRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: "/{$}", need: signedIn, serve: s.home},
		{method: http.MethodGet, pattern: "/account", need: signedIn, serve: s.account, menu: "Your account"},
		{method: http.MethodPost, pattern: "/account/password", need: signedIn, serve: s.changePassword},
		{method: http.MethodPost, pattern: "/sign-out", need: open, serve: s.signOut},
		{method: http.MethodPost, pattern: "/sign-out-everywhere", need: signedIn, serve: s.signOutEverywhere},
	}
}

// home leads to the first page of the menu.
func (s *site) home(w http.ResponseWriter, r *http.Request) {
	s.lead(w, r, s.menu(r)[0].Path)
}

func (s *site) account(w http.ResponseWriter, r *http.Request) {
	s.showAccount(w, r, http.StatusOK, nil)
}

func (s *site) showAccount(w http.ResponseWriter, r *http.Request, status int, wrong problems) {
	s.renderStatus(w, r, status, "account", "Your account", passwordForm{
		Email: viewerOf(r).account.Email, Shortest: shortestPassword, Problems: wrong,
	})
}

// changePassword takes another password from whoever knows the present one. Somebody
// who was taken over from elsewhere has none, and chooses one by a code.
func (s *site) changePassword(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	a, client := viewerOf(r).account, s.clientOf(r)
	if wait := s.attempts.begin("change "+a.ID, client); wait > 0 {
		s.showAccount(w, r, http.StatusTooManyRequests, problems{"current": tooOften(w, wait)})
		return
	}
	who, wrong, err := s.exchange(r, a)
	switch {
	case errors.Is(err, state.ErrClosed):
		s.lead(w, r, signInPath)
	case err != nil:
		s.fail(w, r, err)
	case len(wrong) > 0:
		s.showAccount(w, r, http.StatusUnprocessableEntity, wrong)
	default:
		s.attempts.passed("change "+a.ID, client)
		s.renewed(w, r, who)
	}
}

// exchange sets the password of the form, if the present one is right.
func (s *site) exchange(r *http.Request, a state.Account) (opened, problems, error) {
	ctx := r.Context()
	hash, err := s.DB.Password(ctx, a.ID)
	if err != nil {
		return opened{}, nil, err
	}
	fits, err := s.hasher.fits(ctx, r.PostForm.Get("current"), hash)
	if err != nil {
		return opened{}, nil, err
	}
	if !fits {
		return opened{}, problems{"current": "This is not your present password. If you have none or no longer know it, choose a new one by e-mail."}, nil
	}
	if wrong, err := s.chosen(ctx, r, a); err != nil || len(wrong) > 0 {
		return opened{}, wrong, err
	}
	if hash, err = s.hasher.hash(ctx, r.PostForm.Get("password")); err != nil {
		return opened{}, nil, err
	}
	return opened{account: a, hash: hash}, nil, s.Control.SetPassword(ctx, s.Owner, a, hash)
}

// signOut ends the session, and has the browser forget the pages it has seen: what
// somebody finds who goes back is the sign-in page.
func (s *site) signOut(w http.ResponseWriter, r *http.Request) {
	if err := s.sessions.Destroy(r.Context()); err != nil {
		s.fail(w, r, err)
		return
	}
	w.Header().Set("Clear-Site-Data", `"cache"`)
	s.lead(w, r, signInPath)
}

// signOutEverywhere ends every session of the account, this one included.
func (s *site) signOutEverywhere(w http.ResponseWriter, r *http.Request) {
	if err := s.DB.EndSessions(r.Context(), viewerOf(r).account.ID); err != nil {
		s.fail(w, r, err)
		return
	}
	s.signOut(w, r)
}
