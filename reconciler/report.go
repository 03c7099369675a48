package reconciler

import (
	"time"

	"usher/spec"
	"usher/state"
)

// Report is what a steward is told of their contracts, beside a plan or apart
// from any. The kind of the notice decides which field is filled. Lists are
// sorted and whole, and name no contract but those of the person told.
type Report struct {
	Lapsed      []LapsedLine
	Held        *HeldReport
	Refused     []RefusedLine
	Undelivered []UndeliveredLine
	Seats       []SeatsLine
	Terms       []TermLine
}

// LapsedLine is one person whose invitation expired (DOMAIN.md row 17).
type LapsedLine struct {
	Person
	Expired   time.Time // the moment from which the invitation no longer opened
	Contracts []string  // of those of the person told, where this one has access or a role; none: no access anywhere
}

// HeldReport is a plan that waits for a person.
type HeldReport struct {
	Plan    string           // its id
	Rules   []state.HeldRule // that hold it and may be told
	Others  int              // further rules, about contracts of others
	Changes int              // of the plan that concern contracts of the person told
	Common  int              // of the plan that concern no contract
	Release []string         // what to do to let it through, any of these
}

// RefusedLine is one error of the manifests. One of contract information names the
// rule and quotes nothing.
type RefusedLine struct {
	Place   string // file:line:column; the file alone where all of it is meant
	Message string
	Hint    string // what to do; empty where that cannot be said
}

// UndeliveredLine is one message that was given up.
type UndeliveredLine struct {
	ID    int64
	To    string
	Kind  NoticeKind
	Made  time.Time
	Error string // of the last attempt
}

// SeatsLine is an offer nearly all of whose seats are taken.
type SeatsLine struct {
	Contract string
	Product  string
	Title    string // the product's
	Used     int    // people on the busiest day from now on
	Of       int    // seats
}

// TermLine is a contract that is about to end. It is contract information: only
// the contract manager may read it (DOMAIN.md row 5).
type TermLine struct {
	Contract string
	Until    spec.Day // the last day
	Left     int      // days until then
}
