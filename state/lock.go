package state

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/gofrs/flock"
)

// lock is the lock file beside the database: a file of its own, because closing
// the database file drops POSIX locks. The kernel frees it when its holder dies,
// however it dies.
type lock struct{ file *flock.Flock }

// holder is what the lock file says of who holds it.
type holder struct {
	Command string    `json:"command"`
	PID     int       `json:"pid"`
	Host    string    `json:"host"`
	Since   time.Time `json:"since"`
}

func (db *DB) holder() holder {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed machine"
	}
	return holder{
		Command: db.options.Command,
		PID:     os.Getpid(),
		Host:    host,
		Since:   db.options.Now().UTC().Truncate(time.Second),
	}
}

// takeLock takes the lock of the database at path without waiting. Where it is
// held the error is a *BusyError.
func takeLock(path string, who holder) (*lock, error) {
	name := path + ".lock"
	file := flock.New(name, flock.SetPermissions(0o600))
	taken, err := file.TryLock()
	if err != nil {
		return nil, fmt.Errorf("taking the lock %s: %w", name, err)
	}
	if !taken {
		return nil, busy(name)
	}
	text, err := json.Marshal(who)
	if err == nil {
		err = os.WriteFile(name, append(text, '\n'), 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("writing the lock %s: %w", name, err), file.Unlock())
	}
	return &lock{file}, nil
}

// busy reads who holds the lock. A holder that has not written its name yet
// leaves the error without one.
func busy(name string) error {
	var who holder
	text, err := os.ReadFile(name)
	if err != nil || json.Unmarshal(text, &who) != nil {
		return &BusyError{}
	}
	return &BusyError{Command: who.Command, PID: who.PID, Host: who.Host, Since: who.Since}
}

// release gives the lock back, once. The file stays: removing it would let two
// take it, one by the old file and one by a new one.
func (l *lock) release() error {
	if !l.file.Locked() {
		return nil
	}
	return errors.Join(os.Truncate(l.file.Path(), 0), l.file.Unlock())
}
