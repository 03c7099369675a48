// Package state holds what is true and all that happened; it is the only writer
// of the database.
//
// Reading needs no lock: [DB.Truth] gives what is true as a spec.Roster with each
// account's life beside it, [DB.TruthAt] the same for any revision of the past.
// Writing goes through the one [Owner], and everything that changes what is true
// goes through [Owner.Update]: one transaction that carries the time, the cause,
// the rows, their audit and the messages about them. Nothing else writes them.
//
// History lives in the tables themselves. A row carries the revision it is true
// since and the revision it is true until (none yet: it is in force), so the past
// is the same query with another number. The audit beside it is a hash chain from
// which the tables can be made again; [DB.Verify] does so and compares.
//
// Names, addresses and reasons stand apart from the opaque account ids that the
// audit and the relations use, so that they can be forgotten while the chain
// still verifies (DOMAIN.md, "Forgetting").
package state

import (
	"errors"
	"fmt"
	"time"
)

// What can be wrong with a database or with the moment; test with errors.Is.
var (
	// ErrBusy: somebody else holds the lock or the database (exit 5). A
	// *BusyError says who.
	ErrBusy = errors.New("the state is in use")
	// ErrNewer: a newer usher has written it (exit 6).
	ErrNewer = errors.New("the state is newer than this usher")
	// ErrOlder: an older usher has written it, and it was opened for reading only;
	// opening it for writing brings it up to date.
	ErrOlder = errors.New("the state was made by an older usher")
	// ErrDamaged: not a database, not usher's, corrupt, altered, or without the
	// key it was made with (exit 6).
	ErrDamaged = errors.New("the state is damaged")
	// ErrFenced: another owner, or another revision, came first (exit 5).
	ErrFenced = errors.New("the state has moved on: someone else wrote; plan again")
	// ErrMoved: another revision came first, of this owner's own making; it is an
	// ErrFenced, and planning again is all it takes.
	ErrMoved = fmt.Errorf("%w", ErrFenced)
	// ErrNotFound: what was named is not on record.
	ErrNotFound = errors.New("not found")
	// ErrTooMany: somebody asked for more of it than may be asked for in a while.
	ErrTooMany = errors.New("too many in too short a time")

	errReadOnly = errors.New("the state was opened for reading only; open it for writing")
)

// BusyError says who holds the lock. It is an [ErrBusy].
type BusyError struct {
	Command string    // what it runs, such as "usher apply"; empty where the lock file does not say
	PID     int       // its process
	Host    string    // on which machine
	Since   time.Time // when it took the lock, UTC
}

// Error names the holder and says what to do.
func (e *BusyError) Error() string {
	if e.Command == "" {
		return ErrBusy.Error() + " by another controller; try again when it has finished"
	}
	return fmt.Sprintf("%v: %s, pid %d on %s, since %s; try again when it has finished",
		ErrBusy, e.Command, e.PID, e.Host, e.Since.Format(time.TimeOnly))
}

// Is makes a BusyError an ErrBusy.
func (e *BusyError) Is(target error) bool { return target == ErrBusy }
