package portal

import (
	"fmt"
	"net/http"
	"time"

	"usher/reconciler"
)

// silence is how long a controller may show no sign of life. A cold apply of a
// million people beats between its steps, not within them.
const silence = 10 * time.Minute

func (s *site) healthRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: "/livez", need: open, serve: s.livez, bare: true},
		{method: http.MethodGet, pattern: "/readyz", need: open, serve: s.readyz, bare: true},
		{method: http.MethodGet, pattern: "/metrics", need: open, serve: s.Metrics.serve, bare: true},
	}
}

// livez says whether restarting the process might help.
func (s *site) livez(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	if since := s.Now().Sub(s.Beat()); since > silence {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprintf(w, "no sign of life for %s\n", since.Round(time.Second))
		return
	}
	fmt.Fprintln(w, "ok")
}

// readyz says whether what the manifests ask is true, and if not, why.
func (s *site) readyz(w http.ResponseWriter, _ *http.Request) {
	plain(w)
	status := s.Status()
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
