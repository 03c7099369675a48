package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// route is one row of the table of everything the portal serves.
type route struct {
	method  string
	pattern string // of net/http; {contract} in it is the contract concerned
	need    right
	serve   http.HandlerFunc

	menu string // what the menu on the left calls it; empty: it is not in the menu
	body int64  // most bytes of a request; 0: defaultBody

	// For what is not a page: who asks, and how a refusal reads. nil: as on pages.
	identify func(*http.Request) (viewer, error)
	refuse   func(http.ResponseWriter, *http.Request, refusal)

	bare bool // outside the account site: no session, and served where pages are not
}

// defaultBody is how many bytes a form may have.
const defaultBody = 64 << 10

// table is every route. The order of those with a menu entry is the order of the menu.
func (s *site) table() []route {
	all := s.healthRoutes()
	if s.DB == nil {
		return all
	}
	for _, routes := range []func() []route{
		s.staticRoutes,
		s.productRoutes,
		s.supportRoutes,
		s.creditRoutes,
		s.userRoutes,
		s.seatRoutes,
		s.holdRoutes,
		s.revisionRoutes,
		s.contractRoutes,
		s.accountRoutes,
		s.signInRoutes,
		s.apiRoutes,
	} {
		all = append(all, routes()...)
	}
	return all
}

// mux serves the table.
func (s *site) mux() http.Handler {
	mux := http.NewServeMux()
	for _, row := range s.routes {
		mux.Handle(row.method+" "+row.pattern, s.guard(row))
	}
	return s.unmatched(mux)
}

// guard lets a request through to a route if its viewer has the right it needs.
func (s *site) guard(row route) http.Handler {
	guarded := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := row.body
		if limit == 0 {
			limit = defaultBody
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		who, err := s.identify(row, r)
		if err != nil {
			s.refuse(row, w, r, err)
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), viewerKey{}, who))
		if !allowed(who, row.need, r.PathValue("contract")) {
			s.refuse(row, w, r, denial(who))
			return
		}
		row.serve(w, r)
	})
	if row.bare || row.identify != nil {
		return guarded
	}
	return s.sessions.LoadAndSave(guarded)
}

func (s *site) identify(row route, r *http.Request) (viewer, error) {
	switch {
	case row.bare:
		return viewer{}, nil
	case row.identify != nil:
		return row.identify(r)
	}
	return s.visitor(r)
}

func (s *site) refuse(row route, w http.ResponseWriter, r *http.Request, err error) {
	why := s.refusalOf(r, err)
	if row.refuse != nil {
		row.refuse(w, r, why)
		return
	}
	s.refusePage(w, r, why)
}

type viewerKey struct{}

// viewerOf is who asks.
func viewerOf(r *http.Request) viewer {
	who, _ := r.Context().Value(viewerKey{}).(viewer)
	return who
}

// may reports whether whoever asks has a right under a contract that the route does
// not name.
func may(r *http.Request, need right, contract string) bool {
	return allowed(viewerOf(r), need, contract)
}

// refusal is why a request is not answered as asked, and what to do instead.
type refusal struct {
	Status int    // of HTTP
	Title  string // "This page is not yours to see"
	Advice string // what to do, a sentence or two
}

// Error makes a refusal an error, so that whatever serves a route may return one.
func (e refusal) Error() string { return fmt.Sprintf("%d %s", e.Status, e.Title) }

var (
	errSignIn    = refusal{http.StatusUnauthorized, "Please sign in", "This page is for people who have signed in."}
	errForbidden = refusal{http.StatusForbidden, "This page is not open to you", "It is for those who manage the contract concerned. If you should be one of them, ask its contract manager."}
	errChoose    = refusal{http.StatusForbidden, "First choose your own password", "You signed in with a given password. Choose one of your own; that activates the account."}
	errNoPage    = refusal{http.StatusNotFound, "There is no such page", "The address may be mistyped, or what it was about is gone. The menu shows what there is."}
	errTooLarge  = refusal{http.StatusRequestEntityTooLarge, "That is too much at once", "Send less, or in several parts."}
	errForm      = refusal{http.StatusBadRequest, "The form did not arrive whole", "Go back, reload the page, and send it again."}
	errForeign   = refusal{http.StatusForbidden, "This came from another site", "What another site sends in your name is not carried out. Open the page here and do it again, if it was you."}
	errOurs      = refusal{http.StatusInternalServerError, "Something went wrong here", "It is no fault of yours, and it is on record. Try again in a while; if it stays, tell whoever runs this site."}
)

func denial(who viewer) refusal {
	switch who.kind {
	case anonymous:
		return errSignIn
	case newcomer:
		return errChoose
	}
	return errForbidden
}

// refusalOf turns an error into what the viewer is told. What is nobody's business is
// logged, not shown.
func (s *site) refusalOf(r *http.Request, err error) refusal {
	var why refusal
	if errors.As(err, &why) {
		return why
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		return errTooLarge
	}
	if r.Context().Err() == nil {
		s.Log.Error("serving a page", "path", r.URL.Path, "error", err)
	}
	return errOurs
}

// unmatched answers what no route serves: with 404, or 405 where another method would do.
func (s *site) unmatched(mux *http.ServeMux) http.Handler {
	refused := s.recognised(func(w http.ResponseWriter, r *http.Request) {
		handler, _ := mux.Handler(r)
		answer := &answer{header: http.Header{}, status: http.StatusOK}
		handler.ServeHTTP(answer, r)
		why := errNoPage
		if answer.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", answer.header.Get("Allow"))
			why = refusal{http.StatusMethodNotAllowed, "That cannot be done here", "This address only takes " + answer.header.Get("Allow") + "."}
		}
		s.refuseAt(w, r, why)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern == "" {
			refused.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// recognised serves what no route does to whoever has signed in as such, so that they
// keep their menu: to anybody, as long as the account site has sessions to know them by.
func (s *site) recognised(serve http.HandlerFunc) http.Handler {
	if s.DB == nil {
		return serve
	}
	return s.sessions.LoadAndSave(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if who, err := s.visitor(r); err == nil {
			r = r.WithContext(context.WithValue(r.Context(), viewerKey{}, who))
		}
		serve(w, r)
	}))
}

// refuseAt shows a refusal where no route says how.
func (s *site) refuseAt(w http.ResponseWriter, r *http.Request, why refusal) {
	if s.DB != nil && strings.HasPrefix(r.URL.Path, apiPath) {
		refuseAPI(w, "", complaint{refusal: why})
		return
	}
	s.refusePage(w, r, why)
}

// answer keeps what a handler answers, without its body.
type answer struct {
	header http.Header
	status int
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) Write(b []byte) (int, error) { return len(b), nil }
func (a *answer) WriteHeader(status int)      { a.status = status }
