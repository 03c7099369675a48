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
	ErrBusy     = errors.New("the state is in use")                                                                             // exit 5; *BusyError says by whom
	ErrNewer    = errors.New("the state is newer than this usher")                                                              // exit 6
	ErrDamaged  = errors.New("the state is damaged")                                                                            // exit 6: not a database, not usher's, corrupt, altered, or without its key
	ErrFenced   = errors.New("the state has moved on: someone else wrote; plan again")                                          // exit 5
	ErrNotFound = errors.New("not found")                                                                                       // what was named is not on record
	errReadOnly = errors.New("the state was opened for reading only; this is a fault in usher, nothing was changed: report it") // a writing call on a reader
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
