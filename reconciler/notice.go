package reconciler

import (
	"time"

	"usher/spec"
)

// NoticeKind is what a message tells.
type NoticeKind string

// The kinds of messages (DOMAIN.md, "Who is told"). A person gets at most one a
// revision: the first of these that fits, which then lists everything else too.
const (
	NoticeInvitation NoticeKind = "invitation" // to a new user, or again: sign-in id, given password, link, last day, access so far
	NoticeRemoved    NoticeKind = "removed"    // the account is closed
	NoticeSuspended  NoticeKind = "suspended"
	NoticeRestored   NoticeKind = "restored" // lists the access there is now
	NoticeReturned   NoticeKind = "returned" // the same account again, within 30 days of its removal
	NoticeEmail      NoticeKind = "email"    // the address changed; to the new one
	NoticeEmailOld   NoticeKind = "email-old"
	NoticeAccess     NoticeKind = "access" // access added, removed or altered; roles as well
	NoticeRole       NoticeKind = "role"   // roles alone
	NoticeSteward    NoticeKind = "roles"  // to a contract manager: who got or lost a role
)

// Notice is one message of a plan. Kind, To and Subject are what a plan shows;
// the rest is what its text is composed from, and depends on nothing that is
// known only when it is carried out but the Stamp.
type Notice struct {
	Kind    NoticeKind `json:"kind"`
	To      string     `json:"to"`
	Subject string     `json:"subject"`

	Person   Person       `json:"-"` // whom it is to
	Gained   []AccessLine `json:"-"` // access added, sorted by title
	Lost     []AccessLine `json:"-"` // access removed
	Altered  []AccessLine `json:"-"` // days or contract changed
	Access   []AccessLine `json:"-"` // all there is after the plan: for invitation, restored, returned
	Roles    []RoleLine   `json:"-"` // assigned and withdrawn; of others for NoticeSteward
	Email    [2]string    `json:"-"` // from and to, for the two e-mail notices
	Again    bool         `json:"-"` // an invitation that replaces an earlier one
	Support  []string     `json:"-"` // support addresses of the contracts concerned, distinct and sorted
	Calendar bool         `json:"-"` // the days alone brought it about, nobody edited anything
	account  string       // id; "" where the plan makes the account
	name     string       // metadata.name of the account it belongs to
}

// Person is whom a message is to.
type Person struct {
	Name, Email, FirstName, LastName string
}

// AccessLine is one line of access in a message.
type AccessLine struct {
	Title       string // the product's title
	Type        spec.ProductType
	Contract    string
	Span        spec.Span
	Was         spec.Span // for altered days
	WasContract string    // where the contract changed
	Reason      string
}

// RoleLine is one role assigned or withdrawn.
type RoleLine struct {
	Contract string
	Role     spec.Role
	Assigned bool   // else withdrawn
	Person   string // full name, for NoticeSteward
	Email    string
}

// Stamp is what a message carries of the revision that sends it.
type Stamp struct {
	Revision  int64
	Time      time.Time
	MessageID string    // without angle brackets
	Expires   time.Time // last moment of the invitation; zero for other kinds
}

// Composer writes messages. It is handed in by the command, so that how things
// read stays apart from what happens.
type Composer interface {
	// Subject is the subject line of a notice; it does not depend on the stamp.
	Subject(*Notice) (string, error)
	// Compose writes the whole message (RFC 5322, CRLF). Equal arguments give
	// equal bytes. Where a given password belongs it writes state.Placeholder.
	Compose(*Notice, Stamp) ([]byte, error)
}
