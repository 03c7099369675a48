// Package portal is what usher serves over HTTP while it watches: health and
// metrics, and the account site, where people sign in to see what they may use and
// those who manage contracts see who may. It shows the state and never changes what
// is wanted but by proposing a commit.
//
// To add a page:
//
//  1. Write NOUN.go with a method that gives its rows of the table of routes,
//     func (s *site) nounRoutes() []route, and add it to [site.table]. Each row has a
//     method, a pattern, the right it needs and a handler; a row with a menu entry is
//     shown in the menu to those who have the right. Where the pattern holds
//     {contract}, the right is judged under that contract; where a handler meets
//     contracts in other ways, it asks [may] or cuts its list to viewer.contracts.
//     Who may do what is decided in [allowed] and nowhere else.
//  2. Write templates/NOUN.html, which defines "main", and call
//     s.render(w, r, "NOUN", title, data). Errors go to s.fail; one that the viewer
//     can do something about is a [refusal]. Forms are read by s.form, answered with
//     s.renderStatus (422) where something is wrong with them, and with s.lead or
//     s.leadSaying where not, so that reloading repeats nothing. A GET changes nothing.
//  3. No inline script or style: the content security policy refuses both. A page
//     works without script; hx-get and the like only save reloading it.
//  4. Add its rows to the matrix of matrix_test.go: a route without a row fails there.
package portal

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// Options are what the portal shows, and with what.
type Options struct {
	Status  func() reconciler.Status
	Beat    func() time.Time // when the controller last showed that it lives
	Now     func() time.Time
	Metrics *Metrics

	// For the account site; without DB, health and metrics are all there is.
	DB      *state.DB
	Owner   *state.Owner
	Compose reconciler.Composer    // writes what the site sends
	From    string                 // address that messages come from
	URL     string                 // what the site is known as from outside, without a slash at its end; empty: by its address
	Secure  bool                   // browsers reach it over TLS alone
	Proxied bool                   // it is a proxy that browsers reach, which says whom it speaks for
	Tree    *Tree                  // where manifests come from; nil: nothing can be proposed
	Control *reconciler.Controller // writes to a contract's support, and of passwords; what it may do beside the loop alone
	Queued  func()                 // called after a message was queued; nil: nobody waits for it
	Log     *slog.Logger

	// Plan says what manifests that somebody sends would change, and changes nothing.
	// nil: nothing is planned here.
	Plan func(context.Context, *reconciler.Manifests) (*reconciler.Plan, error)

	Held        func() *reconciler.HeldPlan // the plan that waits for a person; nil: none does
	Information *reconciler.Information     // for contract managers alone; nil: there is none
}

// site is the portal at work.
type site struct {
	Options
	routes    []route
	sessions  *scs.SessionManager
	static    *static
	templates map[string]*template.Template // nil without the account site
	tokens    tokenDesk
	planning  chan struct{} // holds one while a plan is being made
	patience  time.Duration // how long a program waits for its turn, or for the loop to perform what it asks

	creditSums kept[time.Time, []state.CreditTotal] // by when credits were imported
	seatsPast  kept[spec.Day, []state.SeatHistory]

	hasher   *hasher
	attempts *attempts
	chores   chan struct{}  // one place for each thing done after its answer
	doing    sync.WaitGroup // those things
}

// New returns the handler of everything the portal serves.
func New(o Options) (http.Handler, error) {
	_, handler, err := build(o)
	return handler, err
}

func build(o Options) (*site, http.Handler, error) {
	s := &site{Options: o, planning: make(chan struct{}, 1), patience: patience}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if o.DB != nil {
		if err := s.furnish(); err != nil {
			return nil, nil, err
		}
	}
	s.routes = s.table()
	handler, err := s.shield(s.mux())
	return s, handler, err
}

// mostChores bounds what is done after its answer was given, at one time.
const mostChores = 16

// furnish prepares what the account site needs.
func (s *site) furnish() (err error) {
	s.sessions, s.attempts = newSessions(s.Options), newAttempts(s.Now)
	s.chores = make(chan struct{}, mostChores)
	if s.hasher, err = newHasher(hashMemory, hashPasses); err != nil {
		return err
	}
	if s.static, err = loadStatic(); err != nil {
		return err
	}
	s.templates, err = loadTemplates(s.static)
	return err
}

// contentPolicy lets a page have what comes from this very site, and nothing inline.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// shield refuses what other sites send in somebody's name, and tells browsers what
// pages of this one may do.
func (s *site) shield(next http.Handler) (http.Handler, error) {
	foreign := http.NewCrossOriginProtection()
	foreign.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.refuseAt(w, r, errForeign) }))
	if s.URL != "" {
		if err := foreign.AddTrustedOrigin(originOf(s.URL)); err != nil {
			return nil, err
		}
	}
	guarded := foreign.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if len(r.TransferEncoding) > 0 {
			// Whatever a proxy in between takes for the end of such a body, nothing
			// after it is taken for a request (RFC 9112, section 6.1).
			h.Set("Connection", "close")
		}
		guarded.ServeHTTP(w, r)
	}), nil
}

// Server returns a server with time limits on whatever a client can delay.
func Server(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
	}
}
