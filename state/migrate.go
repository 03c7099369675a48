package state

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"os"
)

//go:embed migrations/*.sql
var embedded embed.FS

var migrations, _ = fs.Sub(embedded, "migrations")

// applicationID marks a SQLite file as usher's: "ushr".
const applicationID = 0x75736872

// schemaVersion is the version that this binary reads and writes: the number of
// its migrations.
func schemaVersion() int {
	names, _ := fs.Glob(migrations, "*.sql")
	return len(names)
}

// examine returns the schema version of the database at path, 0 for one that
// does not exist or is empty. It writes nothing, so that what is not usher's
// stays as it was.
func examine(ctx context.Context, path string) (int, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return 0, nil
	case err != nil:
		return 0, err
	case info.IsDir():
		return 0, fmt.Errorf("it is a directory; name a file in it, such as %s/usher.db", path)
	case info.Size() == 0 && noSize(path+"-wal"):
		return 0, nil
	}
	pool, err := sql.Open("sqlite", dsn(path, "mode=ro", "_pragma=query_only(1)"))
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	return version(ctx, pool)
}

func noSize(path string) bool {
	info, err := os.Stat(path)
	return err != nil || info.Size() == 0
}

// querier is what both a pool and a transaction can do.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// version reads whose the database is, and which version it has.
func version(ctx context.Context, q querier) (int, error) {
	var application, version, tables int
	for pragma, to := range map[string]*int{
		"PRAGMA application_id":              &application,
		"PRAGMA user_version":                &version,
		"SELECT COUNT(*) FROM sqlite_schema": &tables,
	} {
		if err := q.QueryRowContext(ctx, pragma).Scan(to); err != nil {
			return 0, err
		}
	}
	switch {
	case application == 0 && version == 0 && tables == 0:
		return 0, nil
	case application != applicationID:
		return 0, fmt.Errorf("%w: the file is a SQLite database, but not usher's; name another file", ErrDamaged)
	case version > schemaVersion():
		return 0, fmt.Errorf("%w: it has version %d, this usher knows %d; install the usher that wrote it", ErrNewer, version, schemaVersion())
	}
	return version, nil
}

// migrate brings the database to the last of the migrations in dir, each in a
// transaction of its own; first runs in the one that creates the database, where
// there is such a thing. Two that start at once take turns, and the second finds
// the work done.
func migrate(ctx context.Context, pool *sql.DB, dir fs.FS, first func(*sql.Tx) error) error {
	names, err := fs.Glob(dir, "*.sql") // sorted: 0001_…, 0002_…
	if err != nil {
		return err
	}
	for i, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		if err := step(ctx, pool, i+1, string(text), first); err != nil {
			return fmt.Errorf("migrating with %s: %w", name, err)
		}
	}
	return nil
}

// step carries out one migration, unless it has been.
func step(ctx context.Context, pool *sql.DB, number int, text string, first func(*sql.Tx) error) error {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version >= number {
		return nil
	}
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, number)
	for _, statement := range []string{text, marks} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	if number == 1 && first != nil {
		if err := first(tx); err != nil {
			return err
		}
	}
	return tx.Commit()
}
