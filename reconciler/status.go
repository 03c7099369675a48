package reconciler

import (
	"slices"
	"time"

	"usher/state"
)

// ConditionType is what a condition is about.
type ConditionType string

// The conditions that a controller reports. All but Held and Suspended are well
// when true.
const (
	Ready        ConditionType = "Ready"        // what the manifests ask is true, and nothing stands in the way
	SourceReady  ConditionType = "SourceReady"  // the manifests can be read
	RemoteReady  ConditionType = "RemoteReady"  // the remote that they are fetched from answers; only with --fetch
	Valid        ConditionType = "Valid"        // and have no errors
	Authorised   ConditionType = "Authorised"   // commits count by who signed them; only with --ref
	Held         ConditionType = "Held"         // a plan waits for a person
	Complete     ConditionType = "Complete"     // comparing everybody found nothing that single edits had left out
	Watching     ConditionType = "Watching"     // changes are told, not only looked for
	StateHealthy ConditionType = "StateHealthy" // the database takes what is written
	MailHealthy  ConditionType = "MailHealthy"  // the server takes messages
	ClockTrusted ConditionType = "ClockTrusted" // the clock has not jumped
	Suspended    ConditionType = "Suspended"    // a person paused it
)

// conditionOrder is how conditions are listed.
var conditionOrder = []ConditionType{Ready, SourceReady, RemoteReady, Valid, Authorised, Held, Complete, Watching, StateHealthy, MailHealthy, ClockTrusted, Suspended}

// Condition is one thing a controller says of itself.
type Condition struct {
	Type    ConditionType `json:"type"`
	Status  bool          `json:"status"`
	Since   time.Time     `json:"since"`             // since when it is so
	Message string        `json:"message,omitempty"` // why
}

// Status is all that a controller says of itself.
type Status struct {
	Format     int         `json:"format"` // 1
	Conditions []Condition `json:"conditions"`
	Source     Snapshot    `json:"source"`    // what is watched; its digest is the last one read
	Attempted  Attempt     `json:"attempted"` // the last reading that was acted on
	Applied    Applied     `json:"applied"`   // the last revision from manifests
	HeldPlan   string      `json:"heldPlan,omitempty"`

	// Of the plan that is held, filled in by whoever shows a status: what its contracts'
	// managers have approved so far, and of which contracts they are still asked.
	Approvals []state.Approval `json:"approvals,omitempty"`
	Asked     []string         `json:"asked,omitempty"`

	Mail    MailStatus `json:"mail"`
	Stopped bool       `json:"stopped,omitempty"` // it ended in good order
	Next    time.Time  `json:"next"`              // when the manifests are looked at again, at the latest, by the machine's own clock
}

// Answers fills in what was said to the plan that is held.
func (s *Status) Answers(holds []state.Hold) {
	for i := range holds {
		if h := &holds[i]; h.PlanID == s.HeldPlan && h.State == state.HoldHeld {
			s.Approvals, s.Asked = h.Approvals, h.Lacking()
		}
	}
}

// Attempt is the last try at applying something that differed.
type Attempt struct {
	Digest string    `json:"digest"`
	Commit string    `json:"commit,omitempty"`
	At     time.Time `json:"at"`
}

// Applied is the last revision from manifests.
type Applied struct {
	Revision int64     `json:"revision"`
	Digest   string    `json:"digest"`
	Commit   string    `json:"commit,omitempty"`
	At       time.Time `json:"at"`
}

// MailStatus is what waits in the outbox.
type MailStatus struct {
	Waiting int       `json:"waiting"`
	Failed  int       `json:"failed"`
	Held    int       `json:"held"`
	Oldest  time.Time `json:"oldest,omitzero"` // when the oldest that waits was made
	Next    time.Time `json:"next,omitzero"`   // when the next is tried
}

// Condition returns one condition; false with no since where it was never set.
func (s *Status) Condition(t ConditionType) Condition {
	for _, c := range s.Conditions {
		if c.Type == t {
			return c
		}
	}
	return Condition{Type: t}
}

// set records a condition and reports whether its status changed. Since moves
// only when the status does.
func (s *Status) set(t ConditionType, status bool, message string, now time.Time) bool {
	i := slices.IndexFunc(s.Conditions, func(c Condition) bool { return c.Type == t })
	if i < 0 {
		s.Conditions = append(s.Conditions, Condition{Type: t, Status: status, Since: now, Message: message})
		slices.SortFunc(s.Conditions, func(a, b Condition) int {
			return slices.Index(conditionOrder, a.Type) - slices.Index(conditionOrder, b.Type)
		})
		return true
	}
	c := &s.Conditions[i]
	changed := c.Status != status
	if changed {
		c.Status, c.Since = status, now
	}
	c.Message = message
	return changed
}

// judge sets Ready from the others.
func (s *Status) judge(now time.Time) {
	for _, t := range []ConditionType{SourceReady, Valid, StateHealthy, ClockTrusted} {
		if c := s.Condition(t); !c.Status && !c.Since.IsZero() {
			s.set(Ready, false, string(t)+": "+c.Message, now)
			return
		}
	}
	for _, t := range []ConditionType{Held, Suspended} {
		if c := s.Condition(t); c.Status {
			s.set(Ready, false, string(t)+": "+c.Message, now)
			return
		}
	}
	s.set(Ready, s.Applied.Revision > 0 || s.Attempted.Digest != "", "", now)
}

// MailStatusOf is what counts of the outbox say.
func MailStatusOf(c state.OutboxCounts) MailStatus {
	return MailStatus{Waiting: c.Queued + c.Sending, Failed: c.Failed, Held: c.Held, Oldest: c.Oldest, Next: c.Next}
}

func appliedOf(r state.Revision) Applied {
	return Applied{Revision: r.Number, Digest: r.Digest, Commit: r.Commit, At: r.At}
}
