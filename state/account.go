package state

import "time"

// Status is where an account stands in its life (DOMAIN.md, "The account's life").
type Status string

// The statuses of an account.
const (
	Invited   Status = "invited"   // has an invitation that still opens
	Active    Status = "active"    // has a password of its own, or was adopted
	Expired   Status = "expired"   // the invitation's last day has passed (DOMAIN.md row 17)
	Suspended Status = "suspended" // keeps the account, has no access
	Removed   Status = "removed"   // a tombstone
)

// Account is one account and its life. Times are UTC, in milliseconds; a zero
// time has not come to pass.
type Account struct {
	ID         string // opaque, random, never reused: "u" and 26 lower-case base32 characters
	Name       string
	Email      string
	EmailKey   string
	FirstName  string
	LastName   string
	Status     Status
	Generation int       // the last declared invitation.generation; 0: never declared
	Issue      int       // number of the invitation on record; 0: none
	Created    time.Time // when the account came to be
	Invited    time.Time // when the invitation on record was issued
	Expires    time.Time // the moment from which it no longer opens
	Activated  time.Time
	Removed    time.Time
}
