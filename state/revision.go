package state

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"usher/spec"
)

// CauseKind is what brought a revision about.
type CauseKind string

// The kinds of causes.
const (
	CauseManifests CauseKind = "manifests" // a plan from manifests
	CauseAdopt     CauseKind = "adopt"     // the same, taking over people who have accounts elsewhere
	CauseTime      CauseKind = "time"      // the calendar alone
	CauseRequest   CauseKind = "request"   // a person asked, such as for an invitation to be resent
)

// Cause is why a revision came to be.
type Cause struct {
	Kind     CauseKind
	Source   string // "dir" or "git"
	Path     string // the directory or repository read
	Commit   string // empty for a plain directory
	Digest   string // of everything read
	PlanID   string // of the plan carried out
	Approved bool   // a person let the plan through: its losses are not counted again
	By       string // operating system user
	Provenance
}

// Provenance is who made the commit of a revision; empty for plain folders.
type Provenance struct {
	Author      string // "Ada Lovelace <ada@acme.example>", as the commit says; nothing proves it
	Committer   string // the same
	Signer      string // name of the user whose signature the commit carries; "" where nobody was asked
	Fingerprint string // "SHA256:…" of the key of that signature
	Parents     string // ids, a blank between; two or more are a merge
}

// Revision is one applied state.
type Revision struct {
	Number int64     // from 1, without gaps
	At     time.Time // UTC, in milliseconds, never before the revision before it
	Cause
	Changes  int // as a plan counts them
	Messages int // messages recorded with it
}

const revisionColumns = "number, at, cause, source, path, commit_id, digest, plan_id, approved, actor, changes, messages, calendar_day, author, committer, signer, fingerprint, parents"

func (tx *Tx) putRevision(r Revision) error {
	_, err := tx.exec("INSERT INTO revision ("+revisionColumns+") VALUES (?"+strings.Repeat(", ?", 17)+")",
		r.Number, millis(r.At), r.Kind, r.Source, r.Path, r.Commit, r.Digest, r.PlanID, r.Approved, r.By, r.Changes, r.Messages, tx.calendarDay,
		r.Author, r.Committer, r.Signer, r.Fingerprint, r.Parents)
	if err != nil {
		return fmt.Errorf("writing the revision: %w", err)
	}
	return tx.writeLink(fmt.Sprint(aboutRevision, r.Number), []entry{{
		Do: doClose,
		Revision: &closing{
			Cause: r.Kind, Source: r.Source, Commit: r.Commit, Digest: r.Digest, PlanID: r.PlanID,
			Approved: r.Approved, CalendarDay: int32(tx.calendarDay), Changes: r.Changes, Messages: r.Messages,
			Fingerprint: r.Fingerprint, Parents: r.Parents,
		},
		personal: &personal{Path: r.Path, By: r.By, Author: r.Author, Committer: r.Committer, Signer: r.Signer},
	}})
}

// scanRevision reads one row of revisionColumns.
func scanRevision(scan scanner) (r Revision, day spec.Day, err error) {
	var at int64
	err = scan(&r.Number, &at, &r.Kind, &r.Source, &r.Path, &r.Commit, &r.Digest, &r.PlanID, &r.Approved, &r.By, &r.Changes, &r.Messages, &day,
		&r.Author, &r.Committer, &r.Signer, &r.Fingerprint, &r.Parents)
	r.At = moment(at)
	return r, day, err
}

// newestRevision returns the last revision and the day up to which the calendar
// was followed; zero and spec.Always before the first.
func newestRevision(ctx context.Context, q querier) (Revision, spec.Day, error) {
	row := q.QueryRowContext(ctx, "SELECT "+revisionColumns+" FROM revision ORDER BY number DESC LIMIT 1")
	r, day, err := scanRevision(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Revision{}, spec.Always, nil
	}
	return r, day, err
}

// appliedRevision returns the last revision from manifests that is not after the one
// given, which may be it; zero where there is none.
func appliedRevision(ctx context.Context, q querier, newest Revision) (Revision, error) {
	if newest.Kind == CauseManifests || newest.Kind == CauseAdopt {
		return newest, nil
	}
	row := q.QueryRowContext(ctx, "SELECT "+revisionColumns+" FROM revision WHERE cause IN (?, ?) AND number <= ? ORDER BY number DESC LIMIT 1",
		CauseManifests, CauseAdopt, newest.Number)
	r, _, err := scanRevision(row.Scan)
	return r, unless(err, sql.ErrNoRows)
}

// revisionNumbered returns one revision; ErrNotFound.
func revisionNumbered(ctx context.Context, q querier, number int64) (Revision, spec.Day, error) {
	if number == 0 {
		return Revision{}, spec.Always, nil
	}
	row := q.QueryRowContext(ctx, "SELECT "+revisionColumns+" FROM revision WHERE number = ?", number)
	r, day, err := scanRevision(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Revision{}, spec.Always, fmt.Errorf("revision %d: %w", number, ErrNotFound)
	}
	return r, day, err
}

// sealOf is the hash of the audit row that closes a revision, "" where there is none.
func sealOf(ctx context.Context, q querier, revision int64) (string, error) {
	var hash []byte
	row := q.QueryRowContext(ctx, "SELECT hash FROM audit WHERE subject = ? ORDER BY seq DESC LIMIT 1", fmt.Sprint(aboutRevision, revision))
	err := unless(row.Scan(&hash), sql.ErrNoRows)
	return hex.EncodeToString(hash), err
}

// RevisionAt returns the number of the revision in force at t; 0 before the first.
func (db *DB) RevisionAt(ctx context.Context, t time.Time) (int64, error) {
	var number int64
	row := db.reader.QueryRowContext(ctx, "SELECT COALESCE(MAX(number), 0) FROM revision WHERE at <= ?", t.UnixMilli())
	if err := row.Scan(&number); err != nil {
		return 0, fmt.Errorf("reading revisions: %w", fault(err))
	}
	return number, nil
}

// Revisions returns the last revisions, newest first; all of them for limit 0.
func (db *DB) Revisions(ctx context.Context, limit int) ([]Revision, error) {
	query := "SELECT " + revisionColumns + " FROM revision ORDER BY number DESC"
	all, err := collect(ctx, db.reader, limited(query, limit), nil, func(scan scanner) (Revision, error) {
		r, _, err := scanRevision(scan)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading revisions: %w", err)
	}
	return all, nil
}
