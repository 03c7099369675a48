package portal

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"usher/spec"
	"usher/state"
)

func (s *site) forgottenPage(w http.ResponseWriter, r *http.Request) {
	s.showForgotten(w, r, http.StatusOK, passwordForm{Email: r.URL.Query().Get("user")})
}

func (s *site) showForgotten(w http.ResponseWriter, r *http.Request, status int, form passwordForm) {
	var err error
	if form.Support, err = s.contacts(r.Context(), ""); err != nil {
		s.fail(w, r, err)
		return
	}
	s.renderStatus(w, r, status, "forgotten", "Forgotten your password?", form)
}

// forgotten sends a code to whoever has an account under the address. The answer is the
// same at once for every address; what there is to do is done afterwards.
func (s *site) forgotten(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	email := strings.TrimSpace(r.PostForm.Get("email"))
	form := passwordForm{Email: email}
	if !strings.Contains(email, "@") {
		form.Problems = problems{"email": "This is not an e-mail address. It has an @ in it, such as ada@acme.example."}
		s.showForgotten(w, r, http.StatusUnprocessableEntity, form)
		return
	}
	key := spec.FoldEmail(email)
	if wait := s.attempts.begin("forgotten "+key, s.clientOf(r)); wait > 0 {
		form.Problems = problems{"email": tooOften(w, wait)}
		s.showForgotten(w, r, http.StatusTooManyRequests, form)
		return
	}
	s.afterwards(func(ctx context.Context) { s.sendReset(ctx, key) })
	s.lead(w, r, resetPath+"?user="+url.QueryEscape(email))
}

// afterwards does something once the answer is on its way, a few things at a time; what
// is too much is left undone, and whoever asked for it asks again.
func (s *site) afterwards(do func(context.Context)) {
	select {
	case s.chores <- struct{}{}:
	default:
		s.Log.Warn("too many people ask for new passwords at once; some will have to ask again")
		return
	}
	s.doing.Go(func() {
		defer func() { <-s.chores }()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		do(ctx)
	})
}

func (s *site) sendReset(ctx context.Context, key string) {
	c, err := s.DB.Credential(ctx, key)
	if err == nil {
		err = s.Control.OfferReset(ctx, s.Owner, c.Account)
	}
	switch {
	case err == nil:
		s.queued()
	case errors.Is(err, state.ErrNotFound), errors.Is(err, state.ErrClosed), errors.Is(err, state.ErrTooMany):
		// Nobody, not to be signed in to, or asked before: there is nothing to say to them.
	default:
		s.Log.Error("offering a reset", "error", err)
	}
}

func (s *site) queued() {
	if s.Queued != nil {
		s.Queued()
	}
}

// resetPage is where the link of the message leads, and whoever asked for it. As with
// an invitation, the link opens nothing: the code does.
func (s *site) resetPage(w http.ResponseWriter, r *http.Request) {
	s.showReset(w, r, http.StatusOK, r.URL.Query().Get("user"), nil)
}

func (s *site) showReset(w http.ResponseWriter, r *http.Request, status int, email string, wrong problems) {
	s.renderStatus(w, r, status, "reset", "Choose a new password", passwordForm{
		Email: email, Code: true, Shortest: shortestPassword, Problems: wrong,
	})
}

const codeClosed = "This code does not open the account. It works once, for an hour, and only the latest one does. Look for the latest message, or ask for another."

// reset gives an account another password by a code. What is said of the password
// before the code was right comes from nothing but what was typed.
func (s *site) reset(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	email := strings.TrimSpace(r.PostForm.Get("email"))
	key, client := spec.FoldEmail(email), s.clientOf(r)
	if wait := s.attempts.begin("reset "+key, client); wait > 0 {
		s.showReset(w, r, http.StatusTooManyRequests, email, problems{"code": tooOften(w, wait)})
		return
	}
	who, wrong, err := s.renew(r, key)
	switch {
	case err != nil:
		s.fail(w, r, err)
	case len(wrong) > 0:
		s.showReset(w, r, http.StatusUnprocessableEntity, email, wrong)
	default:
		s.attempts.passed("reset "+key, client)
		s.attempts.passed("sign-in "+key, client)
		s.renewed(w, r, who)
	}
}

// renew sets the password of the form, if the code of the form opens the account.
func (s *site) renew(r *http.Request, key string) (opened, problems, error) {
	ctx := r.Context()
	if wrong, err := s.chosen(ctx, r, state.Account{EmailKey: key}); err != nil || len(wrong) > 0 {
		return opened{}, wrong, err
	}
	c, err := s.DB.Credential(ctx, key)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return opened{}, nil, err
	}
	code := r.PostForm.Get("code")
	if opens, err := s.DB.ResetOpens(ctx, c.Account.ID, code); err != nil || !opens {
		return opened{}, problems{"code": codeClosed}, err
	}
	if wrong, err := s.chosen(ctx, r, c.Account); err != nil || len(wrong) > 0 {
		return opened{}, wrong, err
	}
	hash, err := s.hasher.hash(ctx, r.PostForm.Get("password"))
	if err == nil {
		err = s.Control.Reset(ctx, s.Owner, c.Account, code, hash)
	}
	if errors.Is(err, state.ErrClosed) {
		return opened{}, problems{"code": codeClosed}, nil
	}
	return opened{account: c.Account, hash: hash}, nil, err
}

// renewed signs in whoever has just changed their password, under a new token: every
// session there was has ended.
func (s *site) renewed(w http.ResponseWriter, r *http.Request, who opened) {
	s.queued()
	if err := s.begin(r.Context(), who); err != nil {
		s.fail(w, r, err)
		return
	}
	s.leadSaying(w, r, "/", "Your password is changed. Wherever else you were signed in, you are no longer.")
}
