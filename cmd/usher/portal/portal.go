// Package portal is what usher serves over HTTP while it watches: whether it
// lives, whether it is ready, and its metrics.
package portal

import (
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"usher/reconciler"
)

// Options are what the portal shows.
type Options struct {
	Status  func() reconciler.Status
	Beat    func() time.Time // when the controller last showed that it lives
	Now     func() time.Time
	Metrics *Metrics
}

// silence is how long a controller may show no sign of life. A cold apply of a
// million people beats between its steps, not within them.
const silence = 10 * time.Minute

// New returns the handler of everything the portal serves.
func New(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", o.livez)
	mux.HandleFunc("GET /readyz", o.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(o.Metrics.registry, promhttp.HandlerOpts{}))
	return mux
}

// livez says whether restarting the process might help.
func (o Options) livez(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	if since := o.Now().Sub(o.Beat()); since > silence {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "no sign of life for %s\n", since.Round(time.Second))
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz says whether what the manifests ask is true, and if not, why.
func (o Options) readyz(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	status := o.Status()
	if !status.Condition(reconciler.Ready).Status {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	for _, c := range status.Conditions {
		// Messages may quote manifests, which are not everybody's to read.
		fmt.Fprintf(w, "%-13s %t\n", c.Type, c.Status)
	}
}

func plain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
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
