package state

import (
	"context"
	"fmt"
)

// AtRest reports whether an owner would find nothing to do in the state by itself:
// no message waits or was given up, nobody asked for anything, no plan is held, and
// the database did not go back in time.
func (db *DB) AtRest(ctx context.Context) (bool, error) {
	var busy bool
	const busyWith = "SELECT EXISTS (SELECT 1 FROM outbox WHERE " + messagesOpen + ")" +
		" OR EXISTS (SELECT 1 FROM request WHERE done = 0)" +
		" OR EXISTS (SELECT 1 FROM hold WHERE " + isOpen + ")"
	err := db.reader.QueryRowContext(ctx, busyWith).Scan(&busy)
	why := ""
	if err == nil {
		why, err = db.wentBack(ctx, db.reader)
	}
	if err != nil {
		return false, fmt.Errorf("looking for what is to be done: %w", fault(err))
	}
	return !busy && why == "", nil
}
