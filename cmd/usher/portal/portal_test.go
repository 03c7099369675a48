package portal_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"usher/cmd/usher/portal"
	"usher/reconciler"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// site is a portal whose controller says of itself what the test wants.
type site struct {
	status  reconciler.Status
	beat    time.Time
	metrics *portal.Metrics
	handler http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{beat: noon}
	status := func() reconciler.Status { return s.status }
	s.metrics = portal.NewMetrics(status)
	handler, err := portal.New(portal.Options{
		Status: status, Metrics: s.metrics, Now: func() time.Time { return noon }, Beat: func() time.Time { return s.beat },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.handler = handler
	return s
}

func (s *site) get(page string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, page, nil))
	return w
}

func TestLivez(t *testing.T) {
	tests := []struct {
		name string
		beat time.Time
		code int
		body string
	}{
		{"just heard", noon, http.StatusOK, "ok\n"},
		{"a long apply", noon.Add(-9 * time.Minute), http.StatusOK, "ok\n"},
		{"silent", noon.Add(-11 * time.Minute), http.StatusServiceUnavailable, "no sign of life for 11m0s\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.beat = tt.beat
			got := s.get("/livez")
			if got.Code != tt.code || got.Body.String() != tt.body {
				t.Errorf("got %d %q, want %d %q", got.Code, got.Body, tt.code, tt.body)
			}
		})
	}
}

// Whether it is ready is for everybody; why not may quote manifests, and is not.
func TestReadyz(t *testing.T) {
	secret := "people.yaml:3:4: ada@acme.example is declared twice"
	conditions := func(ready bool) []reconciler.Condition {
		return []reconciler.Condition{
			{Type: reconciler.Ready, Status: ready, Since: noon, Message: secret},
			{Type: reconciler.Valid, Status: ready, Since: noon, Message: secret},
		}
	}
	tests := []struct {
		name       string
		conditions []reconciler.Condition
		code       int
		body       string
	}{
		{"before the first look", nil, http.StatusServiceUnavailable, ""},
		{"ready", conditions(true), http.StatusOK, "Ready         true\nValid         true\n"},
		{"not ready", conditions(false), http.StatusServiceUnavailable, "Ready         false\nValid         false\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newSite(t)
			s.status.Conditions = tt.conditions
			got := s.get("/readyz")
			if diff := cmp.Diff(tt.body, got.Body.String()); got.Code != tt.code || diff != "" {
				t.Errorf("got %d, want %d; body (-want +got):\n%s", got.Code, tt.code, diff)
			}
			if got := got.Header().Get("Cache-Control"); got != "no-store" {
				t.Errorf("Cache-Control: got %q, want no-store", got)
			}
		})
	}
}

// The names and labels of the metrics are a public interface.
func TestMetrics(t *testing.T) {
	s := newSite(t)
	s.status = reconciler.Status{
		Conditions: []reconciler.Condition{{Type: reconciler.Ready, Status: true, Since: noon, Message: "secret"}, {Type: reconciler.Held, Since: noon}},
		Applied:    reconciler.Applied{Revision: 7, At: noon},
		Mail:       reconciler.MailStatus{Waiting: 3, Failed: 2, Held: 1},
	}
	s.metrics.Revision("manifests")
	s.metrics.Revision("time")
	s.metrics.Look("done", 20*time.Millisecond)
	s.metrics.Untold(2)
	s.metrics.Messages("sent", 5)
	answer := s.get("/metrics")
	page := answer.Body.String()
	if strings.Contains(page, "secret") {
		t.Error("the metrics hold the message of a condition")
	}
	if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, "text/plain; version=0.0.4; charset=utf-8") {
		t.Errorf("the metrics come as %q", got)
	}
	for _, line := range []string{
		"# HELP usher_revisions_total Revisions written since the start, by cause.", "# TYPE usher_revisions_total counter",
		"# TYPE usher_applied_revision gauge", "# TYPE usher_reconcile_seconds histogram",
		`usher_reconcile_seconds_bucket{result="done",le="0.016"} 0`, `usher_reconcile_seconds_bucket{result="done",le="0.064"} 1`,
	} {
		if !strings.Contains(page, line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, family := range families {
		for _, m := range family.Metric {
			if strings.HasPrefix(name, "usher_") {
				got = append(got, sample(name, m))
			}
		}
	}
	slices.Sort(got)
	want := []string{
		"usher_applied_revision 7",
		"usher_applied_timestamp_seconds 1795348800",
		"usher_condition Held 0",
		"usher_condition Ready 1",
		"usher_condition_since_seconds Held 1795348800",
		"usher_condition_since_seconds Ready 1795348800",
		"usher_messages_total sent 5",
		"usher_outbox_messages failed 2",
		"usher_outbox_messages held 1",
		"usher_outbox_messages waiting 3",
		"usher_reconcile_seconds done 1",
		"usher_revisions_total manifests 1",
		"usher_revisions_total time 1",
		"usher_untold_files_total 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("samples (-want +got):\n%s", diff)
	}
	for _, name := range []string{"go_goroutines", "process_open_fds", "process_resident_memory_bytes"} {
		if families[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}

// sample writes one sample: name, label values, value; of a histogram the count.
func sample(name string, m *dto.Metric) string {
	words := []string{name}
	for _, label := range m.Label {
		words = append(words, label.GetValue())
	}
	value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
	return strings.Join(append(words, model.SampleValue(value).String()), " ")
}

// A hundred clients that send half a request and wait keep nobody else waiting.
func TestSlowClients(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := portal.Server(newSite(t).handler)
	go server.Serve(listener)
	defer server.Close()
	for range 100 {
		c, err := net.Dial("tcp", listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		io.WriteString(c, "GET /livez HTTP/1.1\r\nHost: ")
	}
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get("http://" + listener.Addr().String() + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %d, want 200", response.StatusCode)
	}
	for name, limit := range map[string]time.Duration{
		"ReadHeaderTimeout": server.ReadHeaderTimeout, "ReadTimeout": server.ReadTimeout,
		"WriteTimeout": server.WriteTimeout, "IdleTimeout": server.IdleTimeout,
	} {
		if limit <= 0 || limit > 5*time.Minute {
			t.Errorf("%s: got %v, want some time and not more than minutes", name, limit)
		}
	}
}

// What is not there is not found, and nothing is written to.
func TestOtherRequests(t *testing.T) {
	s := newSite(t)
	if got := s.get("/livez/x").Code; got != http.StatusNotFound {
		t.Errorf("another page: got %d, want 404", got)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/readyz", nil))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: got %d, want 405", w.Code)
	}
}
