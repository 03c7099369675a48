package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"modernc.org/sqlite"
)

// Backup copies the database as it is at one moment to file, and its key to
// file.key, both readable by their owner alone. It verifies the copy before it
// takes the name, so that no file of that name is ever a bad backup. The database
// may be in use meanwhile. An existing file is not replaced.
func (db *DB) Backup(ctx context.Context, file string) error {
	if !db.Exists() {
		return fmt.Errorf("backing up: %w: there is no state yet", ErrNotFound)
	}
	file, err := filepath.Abs(file)
	if err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("backing up: %s exists; name a file that does not", file)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("backing up: name a file in a directory that may be written: %w", err)
	}
	key, err := db.instanceKey(ctx)
	if err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	part := filepath.Join(filepath.Dir(file), ".part-"+filepath.Base(file))
	defer removeDatabase(part)
	removeDatabase(part)
	err = copyPages(ctx, db.reader, func(c backuper) (*sqlite.Backup, error) { return c.NewBackup(dsn(part)) })
	if err == nil {
		err = errors.Join(os.Chmod(part, 0o600), writeKey(part, key))
	}
	if err == nil {
		err = verifyFile(ctx, part)
	}
	if err != nil {
		return fmt.Errorf("backing up: %w", fault(err))
	}
	if err := writeKey(file, key); err != nil {
		return fmt.Errorf("backing up: %w", err)
	}
	return errors.Join(os.Rename(part, file), syncDir(filepath.Dir(file)))
}

// Restore makes the database at where what a backup holds, its key included. It
// verifies the backup first; what was there before is kept in a backup of its
// own, whose name it returns, "" where there was nothing. Messages that the
// backup had not sent are held, since they may have been sent after it was made.
func Restore(ctx context.Context, where, file string, o Options) (kept string, err error) {
	if file, err = filepath.Abs(file); err != nil {
		return "", fmt.Errorf("restoring: %w", err)
	}
	if err := verifyFile(ctx, file); err != nil {
		return "", fmt.Errorf("restoring %s: %w", file, fault(err))
	}
	key, err := readKey(file)
	if err != nil {
		return "", fmt.Errorf("restoring %s: %w", file, err)
	}
	db := &DB{options: o.withDefaults()}
	if db.path, err = pathOf(where); err != nil {
		return "", fmt.Errorf("restoring %s: %w", file, err)
	}
	lock, err := takeLock(db.path, db.holder())
	if err != nil {
		return "", err
	}
	defer lock.release()
	if kept, err = db.keep(ctx); err != nil {
		return "", fmt.Errorf("restoring %s: keeping what is there: %w", file, err)
	}
	if err := db.replace(ctx, file, key); err != nil {
		return kept, fmt.Errorf("restoring %s: %w", file, fault(err))
	}
	return kept, nil
}

// keep backs up what is there. A database that cannot be read any more is kept
// as the files it is.
func (db *DB) keep(ctx context.Context) (string, error) {
	if _, err := os.Stat(db.path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	kept := db.path + ".before-restore-" + db.now().Format("20060102T150405")
	was, err := Open(ctx, "sqlite:"+db.path, Options{ReadOnly: true, Now: db.options.Now})
	if err == nil {
		defer was.Close()
		if err = was.Backup(ctx, kept); err == nil {
			return kept, nil
		}
	}
	for _, suffix := range databaseFiles {
		if err := os.Rename(db.path+suffix, kept+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return kept, nil
}

// databaseFiles are the files of one database, by what follows its name.
var databaseFiles = []string{"", "-wal", "-shm", keyFileSuffix, headFileSuffix}

func removeDatabase(path string) {
	for _, suffix := range databaseFiles {
		os.Remove(path + suffix)
	}
}

// replace writes the backup's pages over the database's, in one transaction.
func (db *DB) replace(ctx context.Context, file string, key []byte) error {
	if err := os.Remove(db.path + headFileSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	pool, err := sql.Open("sqlite", dsn(db.path, writing...))
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
	if err := writeKey(db.path, key); err != nil {
		return err
	}
	err = copyPages(ctx, pool, func(c backuper) (*sqlite.Backup, error) { return c.NewRestore(dsn(file)) })
	if err != nil {
		return err
	}
	if err := os.Chmod(db.path, 0o600); err != nil {
		return err
	}
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := holdMessages(ctx, tx, "the state was restored from a backup: this may have been sent already"); err != nil {
		return err
	}
	if err := signOutAll(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// backuper is a connection of the driver.
type backuper interface {
	NewBackup(to string) (*sqlite.Backup, error)
	NewRestore(from string) (*sqlite.Backup, error)
}

// copyPages runs SQLite's own backup over one connection of the pool.
func copyPages(ctx context.Context, pool *sql.DB, begin func(backuper) (*sqlite.Backup, error)) error {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(driver any) error {
		c, ok := driver.(backuper)
		if !ok {
			return fmt.Errorf("the database driver has no backup")
		}
		b, err := begin(c)
		if err != nil {
			return err
		}
		_, err = b.Step(-1)
		return errors.Join(err, b.Finish())
	})
}

// writeKey writes a key file, whole or not at all.
func writeKey(path string, key []byte) error {
	if err := renameio.WriteFile(path+keyFileSuffix, []byte(fmt.Sprintf("%x\n", key)), 0o600); err != nil {
		return fmt.Errorf("writing the instance key: %w", err)
	}
	return nil
}

// verifyFile opens a copy by itself, with its key, and verifies it.
func verifyFile(ctx context.Context, file string) error {
	db, err := Open(ctx, "sqlite:"+file, Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	if !db.Exists() {
		return fmt.Errorf("%w: there is no backup %s", ErrNotFound, file)
	}
	if _, err := db.instanceKey(ctx); err != nil {
		return err
	}
	return db.Verify(ctx)
}
