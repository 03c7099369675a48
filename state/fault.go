package state

import (
	"database/sql"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lite "modernc.org/sqlite/lib"
)

// fault gives an error of the database the meaning it has for usher, and says
// what to do about it. Errors of other kinds pass unchanged.
func fault(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return ErrNotFound
	}
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff { // the primary code; the rest says where in SQLite
	case lite.SQLITE_NOTADB, lite.SQLITE_CORRUPT:
		return fmt.Errorf("%w: %w; restore a backup with usher restore", ErrDamaged, err)
	case lite.SQLITE_BUSY, lite.SQLITE_LOCKED:
		return fmt.Errorf("%w: %w; try again", ErrBusy, err)
	case lite.SQLITE_FULL:
		return fmt.Errorf("the disk that holds the state is full; free some space and try again: %w", err)
	case lite.SQLITE_READONLY:
		return fmt.Errorf("the state may not be written; check who owns the file and its directory, and whether the disk is read-only: %w", err)
	case lite.SQLITE_CANTOPEN:
		return fmt.Errorf("the state cannot be opened; check that its directory exists and who may write there: %w", err)
	case lite.SQLITE_IOERR:
		return fmt.Errorf("the disk that holds the state fails; check it before anything else: %w", err)
	}
	return err
}
