package portal

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"usher/state"
)

// sessionLife is how long a session lasts at most; state.SessionIdle is how long
// without a request.
const sessionLife = 12 * time.Hour

// What a session holds.
const (
	accountKey = "account" // id of who signed in
	givenKey   = "given"   // number of the invitation they signed in with; absent for their own password
	noticeKey  = "notice"  // what the next page says on top
	freshKey   = "fresh"   // set by begin: the session is to be made, for the hash of this password; without it, one that has ended stays so
)

// newSessions keeps sessions in the state: the browser has a random token, the
// state its hash. Everything is set here, because scs.New would begin with a store in
// memory that is cleaned for ever, and with a codec that is a large part of encoding/gob.
func newSessions(o Options) *scs.SessionManager {
	m := &scs.SessionManager{
		Store: sessionStore{o.DB}, Codec: sessionCodec{}, HashTokenInStore: true, Lifetime: sessionLife,
		Cookie: scs.SessionCookie{Name: "usher", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, Secure: o.Secure},
	}
	if o.Secure {
		// The prefix makes browsers refuse it from anywhere but this very host over TLS.
		m.Cookie.Name = "__Host-usher"
	}
	m.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
		o.Log.Error("keeping a session", "error", err)
		http.Error(w, errOurs.Title+". "+errOurs.Advice, http.StatusInternalServerError)
	}
	return m
}

// sessionStore keeps sessions in the state. Every session is somebody's: one that
// names no account is not kept.
type sessionStore struct{ db *state.DB }

var _ scs.CtxStore = sessionStore{}

func (s sessionStore) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	found, err := s.db.Session(ctx, token)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	}
	return found.Body, true, nil
}

func (s sessionStore) CommitCtx(ctx context.Context, token string, body []byte, expires time.Time) error {
	var content sessionContent
	if err := json.Unmarshal(body, &content); err != nil {
		return err
	}
	account := content.Values[accountKey]
	hash, fresh := content.Values[freshKey]
	if account == "" {
		return s.db.EndSession(ctx, token)
	}
	if !fresh {
		return s.db.UpdateSession(ctx, token, body)
	}
	delete(content.Values, freshKey)
	body, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return s.db.AddSession(ctx, token, state.Session{Account: account, Body: body, Expires: expires, Password: hash})
}

func (s sessionStore) DeleteCtx(ctx context.Context, token string) error {
	return s.db.EndSession(ctx, token)
}

func (s sessionStore) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

func (s sessionStore) Commit(token string, body []byte, expires time.Time) error {
	return s.CommitCtx(context.Background(), token, body, expires)
}

func (s sessionStore) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// sessionCodec writes a session as JSON. All values are text.
type sessionCodec struct{}

type sessionContent struct {
	Deadline time.Time         `json:"deadline"`
	Values   map[string]string `json:"values"`
}

func (sessionCodec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	content := sessionContent{Deadline: deadline, Values: map[string]string{}}
	for key, value := range values {
		text, ok := value.(string)
		if !ok {
			return nil, fmt.Errorf("session value %s is a %T; only text is kept", key, value)
		}
		content.Values[key] = text
	}
	return json.Marshal(content)
}

func (sessionCodec) Decode(body []byte) (time.Time, map[string]any, error) {
	var content sessionContent
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(&content); err != nil {
		return time.Time{}, nil, fmt.Errorf("reading a session: %w", err)
	}
	values := map[string]any{}
	for key, value := range content.Values {
		values[key] = value
	}
	return content.Deadline, values, nil
}

// visitor is who a browser's session belongs to. It is judged against the state at
// each request: roles are those of now, and who was removed or suspended is nobody.
func (s *site) visitor(r *http.Request) (viewer, error) {
	id := s.sessions.GetString(r.Context(), accountKey)
	if id == "" {
		return viewer{}, nil
	}
	account, posts, err := s.DB.Known(r.Context(), id)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return viewer{}, nil
	case err != nil:
		return viewer{}, err
	case account.Status == state.Active:
		return viewer{kind: member, account: account, posts: posts}, nil
	case account.Status == state.Invited && s.sessions.GetString(r.Context(), givenKey) == fmt.Sprint(account.Issue):
		return viewer{kind: newcomer, account: account}, nil
	}
	return viewer{}, nil
}

// errMeanwhile: an account that opened a moment ago has another password by now, or is
// suspended or gone.
var errMeanwhile = refusal{http.StatusConflict, "This account changed at this very moment",
	"You are not signed in. Sign in once more, with the password that is yours now."}

// begin signs somebody in, under a new token: what a browser held before is worth
// nothing afterwards. The session is kept at once, while it can still be said that it
// could not be: errMeanwhile.
func (s *site) begin(ctx context.Context, who opened) error {
	if err := s.sessions.Clear(ctx); err != nil {
		return err
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renewing a session: %w", err)
	}
	s.sessions.Put(ctx, accountKey, who.account.ID)
	s.sessions.Put(ctx, freshKey, who.hash)
	if who.given > 0 {
		s.sessions.Put(ctx, givenKey, fmt.Sprint(who.given))
	}
	_, _, err := s.sessions.Commit(ctx)
	s.sessions.Remove(ctx, freshKey)
	if errors.Is(err, state.ErrNotFound) {
		return errors.Join(errMeanwhile, s.sessions.Destroy(ctx))
	}
	return err
}
