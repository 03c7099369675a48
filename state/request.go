package state

import "time"

// Request is what a command leaves for the controller that holds the lock.
type Request struct {
	ID       int64
	Kind     string // approve, resend, mail-retry, mail-release
	Argument string
	By       string
	At       time.Time
	DoneAt   time.Time // zero: open
	Result   string    // empty once done well, else what went wrong
}
