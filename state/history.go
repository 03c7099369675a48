package state

import (
	"time"

	"usher/spec"
)

// Event is one line of an account's history.
type Event struct {
	Revision int64
	At       time.Time
	Action   string // add, change, rename, suspend, restore, remove, return, resend, grant, revoke, assign, unassign, join, leave
	Kind     string // user, access, role, team
	Contract string
	Product  string
	Role     string
	Field    string // what a change is of: name, email, firstName, lastName, signingKeys, generation, team, span, contract
	From, To string // for people to read; "(erased)" once forgotten
	Because  []spec.Origin
}
