package state

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Options are what opening a database may be told. The zero value is fine.
type Options struct {
	ReadOnly      bool             // never creates or migrates; a database that is absent opens as an empty one
	Now           func() time.Time // default: time.Now
	Rand          io.Reader        // default: crypto/rand.Reader
	Command       string           // what the lock file says of us, such as "usher apply"
	InvitationTTL time.Duration    // default: 90 days (DOMAIN.md row 17)
}

const defaultInvitationTTL = 90 * 24 * time.Hour

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Reader
	}
	if o.Command == "" {
		o.Command = "usher"
	}
	if o.InvitationTTL == 0 {
		o.InvitationTTL = defaultInvitationTTL
	}
	return o
}

// DB is an open database. Its methods may be called from several goroutines.
type DB struct {
	options Options
	path    string  // absolute; empty: an absent database opened for reading
	reader  *sql.DB // cannot write
	writer  *sql.DB // one connection; nil when opened for reading
	key     []byte  // instance key; nil when opened for reading: see instanceKey

	patterns patterns
}

// Open opens the database at where, "sqlite:PATH" or a path alone, and creates
// it, with its key file PATH.key, when it does not exist. Errors: [ErrNewer],
// [ErrDamaged] (also when the file is not usher's, or its key is missing or
// another's; the file is left as it was), [ErrBusy].
func Open(ctx context.Context, where string, o Options) (*DB, error) {
	db := &DB{options: o.withDefaults()}
	if err := db.open(ctx, where); err != nil {
		db.Close()
		return nil, fmt.Errorf("opening state %s: %w", where, fault(err))
	}
	return db, nil
}

// Close closes every connection. What was committed stays.
func (db *DB) Close() error {
	var errs []error
	for _, pool := range []*sql.DB{db.reader, db.writer} {
		if pool != nil {
			errs = append(errs, pool.Close())
		}
	}
	return errors.Join(errs...)
}

// Exists reports whether there is a database, or an empty one is shown in place
// of one that was never created.
func (db *DB) Exists() bool { return db.path != "" }

// Beside is the name of a file that stands beside the database's, with a suffix to
// its name; "" where the database has no file.
func (db *DB) Beside(suffix string) string {
	if db.path == "" {
		return ""
	}
	return db.path + suffix
}

// Beside is [DB.Beside] of the database at where, which need not be open; "" where
// there can be none.
func Beside(where, suffix string) string {
	path, err := pathOf(where)
	if err != nil {
		return ""
	}
	return path + suffix
}

func (db *DB) open(ctx context.Context, where string) error {
	path, err := pathOf(where)
	if err != nil {
		return err
	}
	found, pool, err := examine(ctx, path)
	db.reader = pool
	switch {
	case err != nil:
		return err
	case found == 0 && db.options.ReadOnly:
		return db.openEmpty(ctx)
	}
	db.path = path
	if db.options.ReadOnly {
		return db.openReader(ctx, found)
	}
	return db.openWriter(ctx, found)
}

// pathOf reads the address of a database.
func pathOf(where string) (string, error) {
	path := strings.TrimPrefix(where, "sqlite:")
	if strings.Contains(path, "://") {
		return "", fmt.Errorf("this usher keeps its state in SQLite; write sqlite:PATH")
	}
	if path == "" {
		return "", fmt.Errorf("no path is given; write sqlite:PATH, such as sqlite:usher.db")
	}
	return filepath.Abs(path)
}

// openEmpty shows an empty database in memory. It has one connection, because a
// second one would see a memory of its own.
func (db *DB) openEmpty(ctx context.Context) error {
	pool, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return err
	}
	pool.SetMaxOpenConns(1)
	db.reader = pool
	return migrate(ctx, pool, migrations, nil)
}

// openReader goes on with the connections that the database was examined by, where
// there are any: opening one costs as much as many a command.
func (db *DB) openReader(ctx context.Context, found int) error {
	if found < schemaVersion() {
		return fmt.Errorf("%w; run usher apply once to bring it up to date", ErrOlder)
	}
	if db.reader != nil {
		return nil
	}
	pool, err := openPool(dsn(db.path, "mode=ro", "_pragma=query_only(1)"))
	if err != nil {
		return err
	}
	db.reader = pool
	return pool.PingContext(ctx)
}

// openWriter brings the database up to date before anything reads it. The key
// is made first: a key without a database is harmless, a database without its
// key could never fill in a given password.
func (db *DB) openWriter(ctx context.Context, found int) (err error) {
	if found == 0 {
		if err := db.create(); err != nil {
			return err
		}
	}
	if db.key, err = readKey(db.path); err != nil {
		return err
	}
	if db.writer, err = openPool(dsn(db.path, writing...)); err != nil {
		return err
	}
	db.writer.SetMaxOpenConns(1)
	if err := db.migrate(ctx, found); err != nil {
		return err
	}
	if err := checkFingerprint(ctx, db.writer, db.key); err != nil {
		return err
	}
	return db.openReader(ctx, schemaVersion())
}

// writing are the pragmas of the writing connection. What a statement may have to
// undo stays in memory, not in a file elsewhere. Rows are written in the order of the
// indexes as far as they can be, so that 16 MiB of cache hold what a revision of any
// size works on: with four times that, as many pages are written, and giving the
// memory back at the end takes longer.
var writing = []string{
	"_txlock=immediate",
	"_pragma=journal_mode(WAL)",
	"_pragma=synchronous(FULL)",
	"_pragma=temp_store(MEMORY)",
	"_pragma=cache_size(-16384)",
}

// create makes the key and an empty file that only its owner may read. The file
// is opened here and nowhere else, because closing it drops every lock that this
// process holds on it (POSIX); while it is created nobody can hold one.
func (db *DB) create() error {
	if err := createKey(db.path, db.options.Rand); err != nil {
		return err
	}
	file, err := os.OpenFile(db.path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// migrate runs the migrations that the database lacks. One that exists is
// migrated under the lock, so that a controller of the former version is not
// left writing to tables it does not know.
func (db *DB) migrate(ctx context.Context, found int) error {
	fingerprint := func(tx *sql.Tx) error { return putFingerprint(ctx, tx, db.key) }
	if found == 0 {
		return migrate(ctx, db.writer, migrations, fingerprint)
	}
	if found == schemaVersion() {
		return nil
	}
	lock, err := takeLock(db.path, db.holder())
	if err != nil {
		return err
	}
	defer lock.release()
	return migrate(ctx, db.writer, migrations, fingerprint)
}

// dsn writes the address of one pool of connections. Pragmas belong here: one
// that is executed reaches a single connection of the pool.
func dsn(path string, parameters ...string) string {
	location := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	all := append([]string{"_pragma=busy_timeout(10000)", "_pragma=foreign_keys(1)"}, parameters...)
	return location.String() + "?" + strings.Join(all, "&")
}

// millis and moment are how times are stored: milliseconds UTC, 0 for none.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}
