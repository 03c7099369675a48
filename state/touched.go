package state

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Touched is something that a revision changed.
type Touched struct {
	Seq  int64  // its place in the audit, by which the next page is asked for
	Kind string // user, team, product or contract
	Name string // of a team, product or contract; of a user the account's id

	Withdrawn bool     // a team, product or contract that is declared no longer
	Contracts []string // that a team gives access under, or the contract itself; sorted
}

// Touched returns what a revision changed, in the order of the audit: up to limit
// of it after a place, 0 for the beginning. A revision of very many changes may
// name the same twice. Nothing for a revision that never was.
func (db *DB) Touched(ctx context.Context, revision, after int64, limit int) ([]Touched, error) {
	first, last, err := db.auditOf(ctx, revision)
	if err != nil {
		return nil, fmt.Errorf("reading what revision %d changed: %w", revision, fault(err))
	}
	const rows = "SELECT seq, subject, entries FROM audit WHERE seq > ? AND seq < ? AND revision = ? ORDER BY seq"
	touched, err := collect(ctx, db.reader, limited(rows, limit), []any{max(first, after), last, revision}, func(scan scanner) (t Touched, err error) {
		var subject, entries string
		if err := scan(&t.Seq, &subject, &entries); err != nil {
			return t, err
		}
		t.Kind, t.Name, _ = strings.Cut(subject, "/")
		if subject == aboutAccount+t.Name {
			t.Kind = "user"
			return t, nil
		}
		return t, t.read(entries)
	})
	if err != nil {
		return nil, fmt.Errorf("reading what revision %d changed: %w", revision, err)
	}
	return touched, nil
}

// read takes from the last entry about a thing what became of it.
func (t *Touched) read(text string) error {
	var entries []entry
	if err := decode(text, &entries); err != nil || len(entries) == 0 {
		return err
	}
	last := entries[len(entries)-1]
	t.Withdrawn = last.Do == doDrop
	switch {
	case t.Kind == "contract":
		t.Contracts = []string{t.Name}
	case t.Kind == "team" && !t.Withdrawn:
		var body teamBody
		if err := decode(string(last.Body), &body); err != nil {
			return err
		}
		for _, g := range body.Access {
			t.Contracts = append(t.Contracts, g.Contract)
		}
		slices.Sort(t.Contracts)
		t.Contracts = slices.Compact(t.Contracts)
	}
	return nil
}

// auditOf finds the rows of the audit between which a revision's stand: the one
// that closes the revision before it, and its own.
func (db *DB) auditOf(ctx context.Context, revision int64) (first, last int64, err error) {
	const closing = "SELECT COALESCE(MAX(seq), 0) FROM audit WHERE subject = ?"
	err = db.reader.QueryRowContext(ctx, closing, fmt.Sprint(aboutRevision, revision-1)).Scan(&first)
	if err == nil {
		err = db.reader.QueryRowContext(ctx, closing, fmt.Sprint(aboutRevision, revision)).Scan(&last)
	}
	return first, last, err
}

// Revision returns one revision; [ErrNotFound].
func (db *DB) Revision(ctx context.Context, number int64) (Revision, error) {
	r, _, err := revisionNumbered(ctx, db.reader, number)
	if err == nil && number == 0 {
		err = fmt.Errorf("revision 0: %w", ErrNotFound)
	}
	if err != nil {
		return Revision{}, fmt.Errorf("reading revisions: %w", fault(err))
	}
	return r, nil
}

// RevisionsBefore returns up to limit revisions before a number, newest first;
// 0 stands for one after the last.
func (db *DB) RevisionsBefore(ctx context.Context, before int64, limit int) ([]Revision, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	const query = "SELECT " + revisionColumns + " FROM revision WHERE number < ? ORDER BY number DESC"
	page, err := collect(ctx, db.reader, limited(query, limit), []any{before}, func(scan scanner) (Revision, error) {
		r, _, err := scanRevision(scan)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading revisions: %w", err)
	}
	return page, nil
}

// Bearer returns who an account belongs to, or last belonged to where it was
// removed; [ErrNotFound] for an id that never was. Of who was forgotten there is the id
// alone.
func (db *DB) Bearer(ctx context.Context, id string) (Account, error) {
	const last = `SELECT ` + personColumns + ` FROM person p
		JOIN account a ON a.id = p.account
		LEFT JOIN invitation i ON i.account = p.account AND i.until IS NULL
		WHERE p.account = ? ORDER BY p.since DESC LIMIT 1`
	p, err := scanPerson(db.reader.QueryRowContext(ctx, last, id).Scan)
	if err != nil {
		return Account{}, fmt.Errorf("reading whose account %s is: %w", id, fault(err))
	}
	return p.account(db.now()), nil
}
