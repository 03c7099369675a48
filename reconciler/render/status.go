package render

import (
	"fmt"
	"io"
	"strings"
	"time"

	"usher/reconciler"
	"usher/state"
)

// StatusFormats is how a status and the findings of a check can be written.
var StatusFormats = Formats{Text, JSON}

// Status writes what the watching usher says of itself. at is when it said so;
// running is whether it still is.
func Status(w io.Writer, s reconciler.Status, at time.Time, running bool, f Format, o Options) error {
	if f == JSON {
		return writeJSON(w, struct {
			Running  bool      `json:"running"`
			Reported time.Time `json:"reported"`
			reconciler.Status
		}{running, at, s})
	}
	p := painter{o.Color}
	var b strings.Builder
	switch {
	case s.Stopped:
		b.WriteString(p.warn("No usher watches: the last one stopped at "+moment(at)+".") + "\n")
	case !running:
		b.WriteString(p.bad("No usher watches: the last one fell silent after "+moment(at)+".") + "\n")
	}
	b.WriteString(conditions(p, s))
	for _, line := range columns("", statusRows(s)) {
		b.WriteString(line + "\n")
	}
	return write(w, b.String())
}

// longWhy is from how many bytes on a reason stands on a line of its own, so that
// the table stays one on a terminal of ordinary width.
const longWhy = 45

// conditions is a table of the conditions; what is not as it should be stands out.
func conditions(p painter, s reconciler.Status) string {
	rows, below := [][]string{{"CONDITION", "STATUS", "SINCE", "WHY"}}, []string{""}
	for _, c := range s.Conditions {
		why, long := c.Message, ""
		if c.Type == reconciler.Ready {
			why, _, _ = strings.Cut(why, ": ") // the condition that stands in the way, which says the rest
		}
		if len(why) > longWhy {
			why, long = "", "    "+why
		}
		rows, below = append(rows, []string{string(c.Type), fmt.Sprint(c.Status), moment(c.Since), why}), append(below, long)
	}
	var b strings.Builder
	for i, line := range columns("", rows) {
		if below[i] != "" {
			line += "\n" + below[i]
		}
		switch {
		case i == 0:
			line = p.title(line)
		case unwell(s.Conditions[i-1]):
			line = p.warn(line)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// unwell reports whether a condition wants attention.
func unwell(c reconciler.Condition) bool {
	if c.Type == reconciler.Held || c.Type == reconciler.Suspended {
		return c.Status
	}
	return !c.Status
}

// statusRows is what is applied, was attempted and waits.
func statusRows(s reconciler.Status) [][]string {
	rows := [][]string{{""}}
	if s.Source.Path != "" {
		rows = append(rows, []string{"Manifests:", manifestsText(s.Source)})
	}
	rows = append(rows, []string{"Applied:", appliedText(s.Applied)})
	if s.Attempted.Digest != "" && s.Attempted.Digest != s.Applied.Digest {
		rows = append(rows, []string{"Attempted:", ShortID(s.Attempted.Digest) + " at " + moment(s.Attempted.At) + ", not applied"})
	}
	if s.HeldPlan != "" {
		rows = append(rows, []string{"Held:", "usher approve " + s.HeldPlan})
	}
	if len(s.Approvals) > 0 {
		rows = append(rows, []string{"Approved:", approvedText(s.Approvals)})
	}
	if len(s.Asked) > 0 {
		rows = append(rows, []string{"Asked:", "the contract manager of " + strings.Join(s.Asked, ", of ")})
	}
	rows = append(rows, []string{"Mail:", mailText(s.Mail)})
	if !s.Stopped {
		rows = append(rows, []string{"Next look:", moment(s.Next) + " at the latest"})
	}
	return rows
}

// manifestsText is where manifests come from: "manifests", or
// "refs/heads/main of /srv/acme.git".
func manifestsText(s reconciler.Snapshot) string {
	if s.Ref == "" {
		return s.Path
	}
	return s.Ref + " of " + s.Path
}

func appliedText(a reconciler.Applied) string {
	if a.Revision == 0 {
		return "nothing yet"
	}
	return fmt.Sprintf("revision %d of %s, manifests %s", a.Revision, moment(a.At), ShortID(a.Digest))
}

func mailText(m reconciler.MailStatus) string {
	text := Count(m.Waiting, "message waits", "messages wait")
	if m.Waiting > 0 {
		text += ", the oldest since " + moment(m.Oldest)
		if !m.Next.IsZero() {
			text += ", next try " + moment(m.Next)
		}
	}
	if m.Failed > 0 {
		text += "; " + fmt.Sprint(m.Failed) + " failed"
	}
	if m.Held > 0 {
		text += "; " + fmt.Sprint(m.Held) + " held"
	}
	return text
}

// Findings writes what checks of the state found.
func Findings(w io.Writer, findings []state.Finding, f Format, o Options) error {
	if f == JSON {
		return writeJSON(w, envelope{1, findings})
	}
	p := painter{o.Color}
	var rows [][]string
	for _, finding := range findings {
		rows = append(rows, []string{string(finding.Severity), finding.Check, finding.Message})
	}
	var b strings.Builder
	for i, line := range columns("", rows) {
		switch findings[i].Severity {
		case state.Failure:
			line = p.bad(line)
		case state.Warning:
			line = p.warn(line)
		}
		b.WriteString(line + "\n")
	}
	return write(w, b.String())
}
