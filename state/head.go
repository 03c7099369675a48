package state

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
)

const headFileSuffix = ".head"

// head is what the head file beside the database says: how far the chain had
// come when the last revision was written. A database that knows less than its
// head file has gone back in time, by a copy put in its place or a disk that
// lost what it had confirmed; one whose row has another hash was altered.
type head struct {
	Epoch    int64  `json:"epoch"`
	Sequence int64  `json:"sequence"` // of the last audit row; 0: none
	Hash     string `json:"hash"`     // of that row, hexadecimal
}

// readHead reads the head file; a zero head where there is none.
func readHead(path string) (head, error) {
	var h head
	text, err := os.ReadFile(path + headFileSuffix)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	if err != nil {
		return h, fmt.Errorf("reading the head file: %w", err)
	}
	return h, nil
}

// chainEnd is the last row of the audit chain.
type chainEnd struct {
	sequence int64 // 0: there is none
	hash     []byte
}

// lastAudit reads the end of the chain.
func lastAudit(ctx context.Context, q querier) (end chainEnd, err error) {
	err = q.QueryRowContext(ctx, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").Scan(&end.sequence, &end.hash)
	return end, unless(err, sql.ErrNoRows)
}

// writeHead notes how far the chain has come. It comes after the commit: a head
// file that lags behind is harmless, one that runs ahead would cry wolf.
func (o *Owner) writeHead(end chainEnd) error {
	text, err := json.Marshal(head{o.epoch, end.sequence, hex.EncodeToString(end.hash)})
	if err != nil {
		return err
	}
	path := o.db.path + headFileSuffix
	if err := renameio.WriteFile(path, append(text, '\n'), 0o600, renameio.WithTempDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("writing the head file: %w", err)
	}
	return nil
}

// wentBack says how the database falls short of its head file, "" where it does
// not.
func (db *DB) wentBack(ctx context.Context, q querier) (string, error) {
	h, err := readHead(db.path)
	if err != nil || h.Sequence == 0 {
		return "", err
	}
	var hash []byte
	err = q.QueryRowContext(ctx, "SELECT hash FROM audit WHERE seq = ?", h.Sequence).Scan(&hash)
	want, _ := hex.DecodeString(h.Hash)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Sprintf("the database is older than its head file %s: it lacks audit row %d", db.path+headFileSuffix, h.Sequence), nil
	case err != nil:
		return "", err
	case !bytes.Equal(hash, want):
		return fmt.Sprintf("audit row %d is not the one that the head file %s knows", h.Sequence, db.path+headFileSuffix), nil
	}
	return "", nil
}

// checkHead holds every message of a database that went back in time: what it
// thinks is still to be sent may have been sent already. A person looks, and
// releases them.
func (o *Owner) checkHead(ctx context.Context, tx *sql.Tx) error {
	why, err := o.db.wentBack(ctx, tx)
	if err != nil || why == "" {
		return err
	}
	return holdMessages(ctx, tx, why)
}

// holdMessages keeps what is queued from being sent until a person releases it.
func holdMessages(ctx context.Context, tx *sql.Tx, why string) error {
	_, err := tx.ExecContext(ctx, "UPDATE outbox SET state = ?, last_error = ? WHERE state IN ('queued', 'sending')", MessageHeld, why)
	return err
}
