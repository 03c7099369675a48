package state

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

//go:embed migrations/*.sql
var embedded embed.FS

var migrations, _ = fs.Sub(embedded, "migrations")

// applicationID marks a SQLite file as usher's: "ushr".
const applicationID = 0x75736872

// fills make, in the transaction of a migration and after it, what SQL alone cannot.
var fills = map[string]func(context.Context, *sql.Tx) error{"0007_search.sql": fillSearch, "0010_holding.sql": fillHoldings}

// schemaVersion is the version that this binary reads and writes: the number of
// its migrations.
func schemaVersion() int {
	names, _ := fs.Glob(migrations, "*.sql")
	return len(names)
}

// examine returns the schema version of the database at path, and connections that
// read it; 0 and none for one that does not exist or is empty. It writes nothing, so
// that what is not usher's stays as it was.
func examine(ctx context.Context, path string) (int, *sql.DB, error) {
	info, err := os.Stat(path)
	switch {
	case os.IsNotExist(err):
		return 0, nil, nil
	case err != nil:
		return 0, nil, err
	case info.IsDir():
		return 0, nil, fmt.Errorf("it is a directory; name a file in it, such as %s/usher.db", path)
	case info.Size() == 0 && noSize(path+"-wal"):
		return 0, nil, nil
	}
	pool, err := openPool(dsn(path, "mode=ro", "_pragma=query_only(1)"))
	if err != nil {
		return 0, nil, err
	}
	found, err := version(ctx, pool)
	if err != nil || found == 0 {
		return 0, nil, errors.Join(err, pool.Close())
	}
	return found, pool, nil
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
	var application, version int
	for pragma, to := range map[string]*int{"PRAGMA application_id": &application, "PRAGMA user_version": &version} {
		if err := q.QueryRowContext(ctx, pragma).Scan(to); err != nil {
			return 0, err
		}
	}
	if application == 0 && version == 0 {
		var tables int
		if err := q.QueryRowContext(ctx, "SELECT COUNT(*) FROM sqlite_schema").Scan(&tables); err != nil || tables == 0 {
			return 0, err
		}
	}
	switch {
	case application != applicationID:
		return 0, fmt.Errorf("%w: the file is a SQLite database, but not usher's; name another file", ErrDamaged)
	case version > schemaVersion():
		return 0, fmt.Errorf("%w: it has version %d, this usher knows %d; install the usher that wrote it", ErrNewer, version, schemaVersion())
	}
	return version, nil
}

// migrate brings the database to the last of the migrations in dir: a new one in
// a single transaction, so that nobody meets it half made, an older one step by
// step, each in a transaction of its own. first runs in the transaction that
// makes a new one, where it is given. Two that start at once take turns, and the
// second finds the work done.
func migrate(ctx context.Context, pool *sql.DB, dir fs.FS, first func(*sql.Tx) error) error {
	names, err := fs.Glob(dir, "*.sql") // sorted: 0001_…, 0002_…
	if err != nil {
		return err
	}
	for done := false; !done; {
		if done, err = step(ctx, pool, dir, names, first); err != nil {
			return err
		}
	}
	return nil
}

// step carries out one transaction of migrations, and reports whether there was
// none left.
func step(ctx context.Context, pool *sql.DB, dir fs.FS, names []string, first func(*sql.Tx) error) (done bool, err error) {
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback()
	var version int
	if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return false, err
	}
	if version >= len(names) {
		return true, nil
	}
	last := version + 1
	if version == 0 {
		last = len(names)
	}
	for _, name := range names[version:last] {
		if err := run(ctx, tx, dir, name); err != nil {
			return false, fmt.Errorf("migrating with %s: %w", name, err)
		}
	}
	marks := fmt.Sprintf("PRAGMA application_id = %d; PRAGMA user_version = %d", applicationID, last)
	if _, err := tx.ExecContext(ctx, marks); err != nil {
		return false, err
	}
	if version == 0 && first != nil {
		if err := first(tx); err != nil {
			return false, err
		}
	}
	return false, tx.Commit()
}

func run(ctx context.Context, tx *sql.Tx, dir fs.FS, name string) error {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return err
	}
	if _, err = tx.ExecContext(ctx, string(text)); err != nil {
		return err
	}
	if fill := fills[name]; fill != nil {
		return fill(ctx, tx)
	}
	return nil
}
