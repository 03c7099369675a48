package portal

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/common/expfmt"

	"usher/reconciler"
)

// Metrics are the numbers that Prometheus fetches. What the controller says of
// itself is read at each fetch; only what adds up over time is kept here.
type Metrics struct {
	registry  *prometheus.Registry
	revisions *prometheus.CounterVec
	looks     *prometheus.HistogramVec
	messages  *prometheus.CounterVec
	untold    prometheus.Counter
}

// NewMetrics makes the metrics of one controller.
func NewMetrics(status func() reconciler.Status) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		revisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_revisions_total", Help: "Revisions written since the start, by cause.",
		}, []string{"cause"}),
		looks: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "usher_reconcile_seconds", Help: "How long looks at the manifests took, by how they ended.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 9),
		}, []string{"result"}),
		messages: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "usher_messages_total", Help: "Attempts to deliver a message since the start, by how they ended.",
		}, []string{"result"}),
		untold: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "usher_untold_files_total", Help: "Manifests that changed without the file system telling, found by looking at all.",
		}),
	}
	m.registry.MustRegister(m.revisions, m.looks, m.messages, m.untold, statusCollector{status},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Revision counts one revision.
func (m *Metrics) Revision(cause string) { m.revisions.WithLabelValues(cause).Inc() }

// Look counts one look at the manifests.
func (m *Metrics) Look(result string, took time.Duration) {
	m.looks.WithLabelValues(result).Observe(took.Seconds())
}

// Untold counts files that changed of which nothing told.
func (m *Metrics) Untold(files int) { m.untold.Add(float64(files)) }

// Messages counts attempts at delivery.
func (m *Metrics) Messages(result string, n int) { m.messages.WithLabelValues(result).Add(float64(n)) }

// serve writes the metrics as text, which Prometheus and all that collect for it read.
// The library's own handler would offer them packed and as protobuf too, which takes
// a third of a megabyte of program for some kilobytes a minute.
func (m *Metrics) serve(w http.ResponseWriter, _ *http.Request) {
	families, err := m.registry.Gather()
	if err != nil {
		http.Error(w, "gathering the metrics: "+err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", string(expfmt.NewFormat(expfmt.TypeTextPlain)))
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(w, family); err != nil {
			return // nobody listens any more
		}
	}
}

// statusCollector turns the controller's status into gauges when asked.
type statusCollector struct{ status func() reconciler.Status }

var (
	conditionDesc = prometheus.NewDesc("usher_condition", "1 where the condition holds.", []string{"type"}, nil)
	sinceDesc     = prometheus.NewDesc("usher_condition_since_seconds", "Since when the condition is as it is, in Unix time.", []string{"type"}, nil)
	revisionDesc  = prometheus.NewDesc("usher_applied_revision", "Number of the last revision from manifests.", nil, nil)
	appliedDesc   = prometheus.NewDesc("usher_applied_timestamp_seconds", "When that revision was written, in Unix time.", nil, nil)
	mailDesc      = prometheus.NewDesc("usher_outbox_messages", "Messages that are not delivered, by state.", []string{"state"}, nil)
)

func (c statusCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{conditionDesc, sinceDesc, revisionDesc, appliedDesc, mailDesc} {
		ch <- d
	}
}

func (c statusCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.status()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	for _, condition := range s.Conditions {
		holds := 0.0
		if condition.Status {
			holds = 1
		}
		gauge(conditionDesc, holds, string(condition.Type))
		gauge(sinceDesc, float64(condition.Since.Unix()), string(condition.Type))
	}
	gauge(revisionDesc, float64(s.Applied.Revision))
	if !s.Applied.At.IsZero() {
		gauge(appliedDesc, float64(s.Applied.At.Unix()))
	}
	gauge(mailDesc, float64(s.Mail.Waiting), "waiting")
	gauge(mailDesc, float64(s.Mail.Failed), "failed")
	gauge(mailDesc, float64(s.Mail.Held), "held")
}
