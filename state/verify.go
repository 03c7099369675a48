package state

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// maxFindings is how many things wrong are listed; the first few say where to look.
const maxFindings = 20

// Verify walks the audit chain, checks what its rows commit to, makes the tables
// again from it and compares them with those there are. It returns what is wrong
// as an [ErrDamaged], nil when nothing is. What was forgotten counts as verified
// by its commitment alone.
//
// Where a grant or a person is declared (because, origin) is provenance, corrected
// in place, and not compared.
func (db *DB) Verify(ctx context.Context) error {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return fmt.Errorf("verifying the state: %w", fault(err))
	}
	defer tx.Rollback()
	v := &verifier{replay: newReplay(), prev: make([]byte, sha256.Size), gaps: map[string]bool{}}
	for _, check := range []func(context.Context, querier) error{v.checkFile, v.walk, v.compare, v.checkDerived} {
		if err := check(ctx, tx); err != nil {
			return fmt.Errorf("verifying the state: %w", fault(err))
		}
	}
	return v.verdict()
}

// verifier collects what is wrong while it goes through the chain.
type verifier struct {
	replay   *replay
	prev     []byte // hash of the row before
	seq      int64
	closed   int64           // the last revision that was closed
	changes  int             // audited in the revision that is open
	gaps     map[string]bool // accounts whose personal part is gone from the audit
	findings []string
}

func (v *verifier) find(format string, args ...any) {
	v.findings = append(v.findings, fmt.Sprintf(format, args...))
}

func (v *verifier) verdict() error {
	if len(v.findings) == 0 {
		return nil
	}
	shown := v.findings
	if len(shown) > maxFindings {
		shown = append(slices.Clone(shown[:maxFindings]), fmt.Sprintf("and %d more", len(v.findings)-maxFindings))
	}
	return fmt.Errorf("%w: restore a backup with usher restore: %s", ErrDamaged, strings.Join(shown, "; "))
}

// checkFile asks SQLite whether its own structure is whole.
func (v *verifier) checkFile(ctx context.Context, q querier) error {
	var verdict string
	if err := q.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&verdict); err != nil {
		return err
	}
	if verdict != "ok" {
		v.find("the database file: %s", verdict)
	}
	return nil
}

// walk follows the chain from its first row.
func (v *verifier) walk(ctx context.Context, q querier) error {
	rows, err := q.QueryContext(ctx, auditRows+" ORDER BY a.seq")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanAuditRow(rows.Scan)
		if err != nil {
			return err
		}
		entries, err := row.parse()
		if err != nil {
			v.find("audit: %v", err)
		}
		v.checkLink(row, entries)
		v.follow(row, entries)
	}
	if v.changes > 0 {
		v.find("audit: revision %d is not closed", v.closed+1)
	}
	return rows.Err()
}

// checkLink checks one row against the row before it and against what it
// commits to.
func (v *verifier) checkLink(row auditRow, entries []entry) {
	if row.seq != v.seq+1 {
		v.find("audit: row %d follows row %d", row.seq, v.seq)
	}
	due := v.closed + 1
	if beside(entries) && v.changes == 0 {
		due = v.closed
	}
	if row.revision != due {
		v.find("audit: row %d is of revision %d in place of %d", row.seq, row.revision, due)
	}
	if !bytes.Equal(row.sum(v.prev), row.hash) {
		v.find("audit: row %d of %s was altered, or one before it is missing", row.seq, row.subject)
	}
	v.seq, v.prev = row.seq, row.hash
	known := row.salt != nil
	switch {
	case known && !bytes.Equal(commitment(row.salt, row.value), row.commitment):
		v.find("audit: what belongs to row %d of %s was altered", row.seq, row.subject)
	case !known && len(row.commitment) > 0:
		v.miss(row)
	}
}

// beside reports whether a row makes no part of a revision: it stands after the one
// it names, and before the next.
func beside(entries []entry) bool {
	return len(entries) == 1 && (entries[0].Do == doActivate || entries[0].Do == doForget)
}

// miss notes a personal part that is gone. Only people are forgotten.
func (v *verifier) miss(row auditRow) {
	id, ok := strings.CutPrefix(row.subject, aboutAccount)
	if !ok {
		v.find("audit: what belongs to row %d of %s is missing", row.seq, row.subject)
		return
	}
	v.gaps[id] = true
}

// follow replays the entries of one row.
func (v *verifier) follow(row auditRow, entries []entry) {
	for _, e := range entries {
		if e.Do == doClose {
			v.close(row, e)
			continue
		}
		if e.Do.changes() {
			v.changes++
		}
		if err := v.replay.apply(row, e); err != nil {
			v.find("audit: row %d of %s: %v", row.seq, row.subject, err)
		}
	}
}

func (v *verifier) close(row auditRow, e entry) {
	if e.Revision == nil {
		v.find("audit: row %d closes nothing", row.seq)
		return
	}
	if e.Revision.Changes != v.changes {
		v.find("audit: revision %d has %d changes, %d were recorded", row.revision, v.changes, e.Revision.Changes)
	}
	v.replay.closeRevision(row, e)
	v.closed, v.changes = row.revision, 0
}

// compare holds the tables against what the replay made.
func (v *verifier) compare(ctx context.Context, q querier) error {
	forgotten := v.replay.forgotten
	for id := range v.gaps {
		if !forgotten[id] {
			v.find("audit: what belongs to account %s is missing, and the account was not forgotten", id)
		}
	}
	expected := v.replay.expected(forgotten)
	for _, table := range verified {
		facts, err := collect(ctx, q, table.query, nil, table.fact)
		if err != nil {
			return err
		}
		for _, f := range facts {
			if forgotten[f.account] && !f.isErased() {
				v.find("account %s was forgotten, and a row of the table %s says still who it was", f.account, f.table)
			}
			v.cross(expected, f, forgotten)
		}
	}
	for _, line := range sortedKeys(expected) {
		v.find("%s is in the audit, but not in the tables", line)
	}
	return nil
}

// cross strikes a row of the tables off the list of those expected.
func (v *verifier) cross(expected map[string]int, f fact, forgotten map[string]bool) {
	if f.since == f.until && f.since > 0 {
		return // never true: see replay.end
	}
	line := f.line(forgotten)
	switch expected[line] {
	case 0:
		v.find("%s is in the tables, but not in the audit", line)
	case 1:
		delete(expected, line)
	default:
		expected[line]--
	}
}
