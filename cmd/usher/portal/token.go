package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"usher/state"
)

// How much one token may ask for.
const (
	requestRate  = 20 // a second, on average
	requestBurst = 100
)

// bearer is whose token a request of the API comes with; without one it is anonymous.
func (s *site) bearer(r *http.Request) (viewer, error) {
	values := r.Header.Values("Authorization")
	if len(values) == 0 {
		return viewer{}, nil
	}
	scheme, secret, _ := strings.Cut(values[0], " ")
	if len(values) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return viewer{}, errBadToken
	}
	t, err := s.DB.Token(r.Context(), strings.TrimSpace(secret))
	switch {
	case errors.Is(err, state.ErrNotFound):
		return viewer{}, errBadToken
	case err != nil:
		return viewer{}, err
	}
	switch t.Standing(s.Now()) { // told to nobody but who holds the token
	case "expired":
		return viewer{}, errExpired
	case "revoked":
		return viewer{}, errRevoked
	}
	if !s.tokens.admit(t.ID, s.Now()) {
		return viewer{}, errOften
	}
	s.noteUse(r.Context(), t)
	return viewer{kind: machine, token: t.Name, scopes: t.Scopes}, nil
}

// tokenDesk keeps how much each token asked for, and since when its use is on record.
type tokenDesk struct {
	mu     sync.Mutex
	limits map[int64]*rate.Limiter
	noted  map[int64]time.Time
}

// admit reports whether a token may ask once more now.
func (d *tokenDesk) admit(id int64, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.limits == nil {
		d.limits = map[int64]*rate.Limiter{}
	}
	if d.limits[id] == nil {
		d.limits[id] = rate.NewLimiter(requestRate, requestBurst)
	}
	return d.limits[id].AllowN(now, 1)
}

// due reports whether the use of a token is to be put on record, at most once an
// hour, and at most once a minute where that fails.
func (d *tokenDesk) due(t state.Token, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.noted == nil {
		d.noted = map[int64]time.Time{}
	}
	if now.Sub(t.Used) < time.Hour || now.Sub(d.noted[t.ID]) < time.Minute {
		return false
	}
	d.noted[t.ID] = now
	return true
}

// noteTime is how long a request waits to put the use of its token on record: a large
// revision may hold the database for longer, and nobody is to wait for that.
const noteTime = 200 * time.Millisecond

func (s *site) noteUse(ctx context.Context, t state.Token) {
	if !s.tokens.due(t, s.Now()) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, noteTime)
	defer cancel()
	if err := s.DB.UseToken(limited, t.ID); err != nil && ctx.Err() == nil {
		s.Log.Warn("use of a token not recorded", "token", t.Name, "error", err)
	}
}
