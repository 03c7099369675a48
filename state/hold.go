package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"
)

// HoldState is where a hold stands.
type HoldState string

// The states of a hold.
const (
	HoldHeld       HoldState = "held"       // waits for a person
	HoldApproved   HoldState = "approved"   // let through, once, within ApprovalLife
	HoldApplied    HoldState = "applied"    // the approval was used
	HoldSuperseded HoldState = "superseded" // a newer snapshot took its place
)

// ApprovalLife is how long an approval is good for (RELIABILITY.md, limits).
const ApprovalLife = 24 * time.Hour

// Hold is a plan that is not carried out until a person says so.
type Hold struct {
	PlanID     string
	At         time.Time // when it was first held
	Basis      int64
	Digest     string // of the manifests it comes from
	Rules      []HeldRule
	Contracts  []string // concerned, that there are now, sorted: each one's manager is asked
	State      HoldState
	ApprovedAt time.Time  // of several approvals, the first
	ApprovedBy string     // of several, their names
	Approvals  []Approval // by contract; of an open hold, those that still count
	Plan       []byte     // JSON as rendered
	Number     int64      // of the hold: the same plan may be held more than once
}

// HeldRule is one reason to hold a plan.
type HeldRule struct {
	Rule    string `json:"rule"`
	Scope   string `json:"scope"`
	Count   int    `json:"count"`
	Limit   int    `json:"limit"`
	Message string `json:"message"`
	Release string `json:"release"` // what to do
}

// Covers reports whether each of these rules is among those that hold the plan on
// record, so that whoever approved it knew of them.
func (h *Hold) Covers(rules []HeldRule) bool {
	return !slices.ContainsFunc(rules, func(r HeldRule) bool {
		return !slices.ContainsFunc(h.Rules, func(known HeldRule) bool { return known.Rule == r.Rule && known.Scope == r.Scope })
	})
}

const (
	holdColumns = "seq, plan_id, at, basis, digest, rules, contracts, state, approved_at, approved_by, plan"
	isOpen      = "state IN ('held', 'approved')"
)

func scanHold(scan scanner) (h Hold, err error) {
	var at, approved int64
	var rules, contracts, plan string
	err = scan(&h.Number, &h.PlanID, &at, &h.Basis, &h.Digest, &rules, &contracts, &h.State, &approved, &h.ApprovedBy, &plan)
	if err != nil {
		return h, err
	}
	h.At, h.ApprovedAt, h.Plan = moment(at), moment(approved), []byte(plan)
	if err := decode(contracts, &h.Contracts); err != nil {
		return h, err
	}
	return h, decode(rules, &h.Rules)
}

// openHold returns the open hold of a plan, without its approvals; [ErrNotFound].
func openHold(ctx context.Context, q querier, planID string) (Hold, error) {
	h, err := scanHold(q.QueryRowContext(ctx, "SELECT "+holdColumns+" FROM hold WHERE plan_id = ? AND "+isOpen, planID).Scan)
	return h, noRows(err)
}

// Holds returns the hold that is open, newest first; those of the past too with all.
func (db *DB) Holds(ctx context.Context, all bool) ([]Hold, error) {
	query := "SELECT " + holdColumns + " FROM hold WHERE " + isOpen + " ORDER BY seq DESC"
	if all {
		query = "SELECT " + holdColumns + " FROM hold ORDER BY seq DESC"
	}
	holds, err := collect(ctx, db.reader, query, nil, scanHold)
	if err == nil {
		err = db.withApprovals(ctx, holds)
	}
	if err != nil {
		return nil, fmt.Errorf("reading holds: %w", err)
	}
	return holds, nil
}

// HoldOf returns the last hold of a plan, open or not; [ErrNotFound].
func (db *DB) HoldOf(ctx context.Context, planID string) (Hold, error) {
	const last = "SELECT " + holdColumns + " FROM hold WHERE plan_id = ? ORDER BY seq DESC LIMIT 1"
	h, err := scanHold(db.reader.QueryRowContext(ctx, last, planID).Scan)
	if err == nil {
		h.Approvals, err = approvalsOf(ctx, db.reader, &h, db.now())
	}
	if err != nil {
		return Hold{}, fmt.Errorf("reading the hold of plan %s: %w", planID, fault(err))
	}
	return h, nil
}

// PastHolds returns the last holds that are not open any more, newest first and
// without their plans, which may be long.
func (db *DB) PastHolds(ctx context.Context, limit int) ([]Hold, error) {
	const query = "SELECT seq, plan_id, at, basis, digest, rules, contracts, state, approved_at, approved_by, '' FROM hold WHERE NOT (" + isOpen + ") ORDER BY seq DESC"
	holds, err := collect(ctx, db.reader, limited(query, limit), nil, scanHold)
	if err == nil {
		err = db.withApprovals(ctx, holds)
	}
	if err != nil {
		return nil, fmt.Errorf("reading holds: %w", err)
	}
	return holds, nil
}

// Hold records that the plan of the newest snapshot is held. Every other open
// hold is superseded, and its approval dies with it; the same plan again keeps
// when it was first held, and what was approved of it while that lives and no rule
// has come that the approvers did not know of.
func (o *Owner) Hold(ctx context.Context, h Hold) error {
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		if err := supersede(ctx, tx, h.PlanID); err != nil {
			return err
		}
		if err := outdate(ctx, tx, h); err != nil {
			return err
		}
		if err := putHold(ctx, tx, h, now); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `UPDATE hold SET state = 'held', approved_at = 0, approved_by = ''
			WHERE plan_id = ? AND state = 'approved' AND approved_at <= ?`, h.PlanID, millis(now.Add(-ApprovalLife)))
		return err
	})
	if err != nil {
		return fmt.Errorf("recording a hold: %w", err)
	}
	return nil
}

func putHold(ctx context.Context, tx *sql.Tx, h Hold, now time.Time) error {
	rules, err := encode(h.Rules)
	if err != nil {
		return err
	}
	contracts, err := encode(h.Contracts)
	if err != nil {
		return err
	}
	const put = `INSERT INTO hold (plan_id, at, basis, digest, rules, contracts, state, approved_at, approved_by, plan)
		VALUES (?, ?, ?, ?, ?, ?, 'held', 0, '', ?)
		ON CONFLICT (plan_id) WHERE state IN ('held', 'approved') DO UPDATE SET basis = excluded.basis,
		digest = excluded.digest, rules = excluded.rules, contracts = excluded.contracts, plan = excluded.plan`
	_, err = tx.ExecContext(ctx, put, h.PlanID, millis(now), h.Basis, h.Digest, rules, contracts, string(h.Plan))
	return err
}

// outdate takes back what was approved of a plan that is held by more now than when
// it was.
func outdate(ctx context.Context, tx *sql.Tx, h Hold) error {
	known, err := openHold(ctx, tx, h.PlanID)
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	case known.Covers(h.Rules):
		return nil
	}
	if _, err := tx.ExecContext(ctx, "DELETE FROM approval WHERE hold = ?", known.Number); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, "UPDATE hold SET state = ?, approved_at = 0, approved_by = '' WHERE seq = ?", HoldHeld, known.Number)
	return err
}

// ReleaseHolds records, as part of a revision, that the newest snapshot is not held:
// whatever was is superseded.
func (tx *Tx) ReleaseHolds() error {
	conn, err := tx.conn()
	if err == nil {
		err = supersede(tx.ctx, conn, "")
	}
	if err != nil {
		return fmt.Errorf("releasing holds: %w", err)
	}
	return nil
}

// ReleaseHolds records that the newest snapshot is not held: whatever was is
// superseded.
func (o *Owner) ReleaseHolds(ctx context.Context) error {
	err := o.write(ctx, func(tx *sql.Tx, _ time.Time) error { return supersede(ctx, tx, "") })
	if err != nil {
		return fmt.Errorf("releasing holds: %w", err)
	}
	return nil
}

// supersede closes every open hold but that of one plan.
func supersede(ctx context.Context, tx *sql.Tx, but string) error {
	_, err := tx.ExecContext(ctx, "UPDATE hold SET state = ? WHERE plan_id <> ? AND "+isOpen, HoldSuperseded, but)
	return err
}

// Approve lets a held plan through whole, once, within ApprovalLife from now, in the
// name of whoever runs usher. [ErrNotFound] when no open hold has the id.
func (o *Owner) Approve(ctx context.Context, planID, by string) (Hold, error) {
	var approved Hold
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		row := tx.QueryRowContext(ctx, "UPDATE hold SET state = ?, approved_at = ?, approved_by = ? WHERE plan_id = ? AND "+isOpen+
			" RETURNING "+holdColumns, HoldApproved, millis(now), by, planID)
		approved, err = scanHold(row.Scan)
		return noRows(err)
	})
	if err != nil {
		return Hold{}, fmt.Errorf("approving plan %s: %w", planID, err)
	}
	return approved, nil
}

// UseApproval uses the approval of the plan that this transaction carries out.
// It is an error when there is none in force: never given, used, superseded, or
// older than ApprovalLife, by the clock it was given by: where that was put back since
// the newest revision, tx.Now is another.
func (tx *Tx) UseApproval(planID string) error {
	var seq int64
	err := tx.get(`UPDATE hold SET state = 'applied' WHERE plan_id = ? AND state = 'approved' AND approved_at > ? RETURNING seq`,
		[]any{planID, millis(tx.db.now().Add(-ApprovalLife))}, &seq)
	if err = noRows(err); errors.Is(err, ErrNotFound) {
		return fmt.Errorf("using the approval of plan %s: none is in force; approve it again: %w", planID, ErrNotFound)
	}
	return err
}
