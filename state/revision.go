package state

import "time"

// CauseKind is what brought a revision about.
type CauseKind string

// The kinds of causes.
const (
	CauseManifests CauseKind = "manifests" // a plan from manifests
	CauseAdopt     CauseKind = "adopt"     // the same, taking over people who have accounts elsewhere
	CauseTime      CauseKind = "time"      // the calendar alone
	CauseRequest   CauseKind = "request"   // a person asked, such as for an invitation to be resent
)

// Cause is why a revision came to be.
type Cause struct {
	Kind     CauseKind
	Source   string // "dir" or "git"
	Path     string // the directory or repository read
	Commit   string // empty for a plain directory
	Digest   string // of everything read
	PlanID   string // of the plan carried out
	Approved bool   // a person let the plan through: its losses are not counted again
	By       string // operating system user, or who signed
}

// Revision is one applied state.
type Revision struct {
	Number int64     // from 1, without gaps
	At     time.Time // UTC, in milliseconds, never before the revision before it
	Cause
	Changes  int // audited changes
	Messages int // messages recorded with it
}
