package state

import "time"

// HoldState is where a hold stands.
type HoldState string

// The states of a hold.
const (
	HoldHeld       HoldState = "held"       // waits for a person
	HoldApproved   HoldState = "approved"   // let through, once, within ApprovalLife
	HoldApplied    HoldState = "applied"    // the approval was used
	HoldSuperseded HoldState = "superseded" // a newer snapshot took its place
)

// ApprovalLife is how long an approval is good for (RELIABILITY.md, limits).
const ApprovalLife = 24 * time.Hour

// Hold is a plan that is not carried out until a person says so.
type Hold struct {
	PlanID     string
	At         time.Time // when it was first held
	Basis      int64
	Digest     string // of the manifests it comes from
	Rules      []HeldRule
	State      HoldState
	ApprovedAt time.Time
	ApprovedBy string
	Plan       []byte // JSON as rendered
}

// HeldRule is one reason to hold a plan.
type HeldRule struct {
	Rule    string `json:"rule"`
	Scope   string `json:"scope"`
	Count   int    `json:"count"`
	Limit   int    `json:"limit"`
	Message string `json:"message"`
	Release string `json:"release"` // what to do
}
