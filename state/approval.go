package state

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"usher/spec"
)

// Approval is a contract manager's yes to a held plan, for one contract.
type Approval struct {
	Contract string    `json:"contract"`
	By       string    `json:"by"` // name, as it was then
	At       time.Time `json:"at"`
}

// ErrNotManager means that somebody manages none of the contracts that a held plan
// concerns, so that it is not theirs to approve.
var ErrNotManager = errors.New("it takes the manager of a contract that the plan concerns")

// Lacking lists the contracts concerned for which no approval counts, sorted. A plan
// that was approved whole may lack some.
func (h *Hold) Lacking() []string {
	return slices.DeleteFunc(slices.Clone(h.Contracts), func(contract string) bool {
		return slices.ContainsFunc(h.Approvals, func(a Approval) bool { return a.Contract == contract })
	})
}

// InForce reports whether the plan is let through at a time.
func (h *Hold) InForce(now time.Time) bool {
	return h.State == HoldApproved && now.Before(h.ApprovedAt.Add(ApprovalLife))
}

// counts is the condition on an approval a that still counts: given within
// ApprovalLife, by somebody who manages the contract to this day. Its arguments are
// the moment after which it was given, and the role.
const counts = `a.at > ? AND EXISTS (SELECT 1 FROM role r
	WHERE r.contract = a.contract AND r.account = a.account AND r.role = ? AND r.until IS NULL)`

// ApproveFor lets a held plan through for every contract concerned that an account
// manages. The plan goes through once each contract has the approval of whoever
// manages it, all within ApprovalLife; its day then runs from the first of them.
// Where it concerns no contract there is, the manager of any will do.
// [ErrNotFound] when no open hold has the id, [ErrNotManager] when nothing of it is
// the account's to approve.
func (o *Owner) ApproveFor(ctx context.Context, planID, account string) (Hold, error) {
	var h Hold
	err := o.write(ctx, func(tx *sql.Tx, now time.Time) (err error) {
		if h, err = openHold(ctx, tx, planID); err != nil {
			return err
		}
		by, managed, err := managedBy(ctx, tx, account)
		if err != nil {
			return err
		}
		theirs := h.Contracts
		if len(theirs) == 0 {
			theirs = managed
		}
		theirs = slices.DeleteFunc(slices.Clone(theirs), func(c string) bool { return !slices.Contains(managed, c) })
		if len(theirs) == 0 {
			return ErrNotManager
		}
		for _, contract := range theirs {
			const put = `INSERT INTO approval (hold, contract, account, actor, at) VALUES (?, ?, ?, ?, ?)
				ON CONFLICT (hold, contract) DO UPDATE SET account = excluded.account, actor = excluded.actor, at = excluded.at`
			if _, err := tx.ExecContext(ctx, put, h.Number, contract, account, by, millis(now)); err != nil {
				return err
			}
		}
		h, err = settle(ctx, tx, planID, now)
		return err
	})
	if err != nil {
		return Hold{}, fmt.Errorf("approving plan %s: %w", planID, err)
	}
	return h, nil
}

// settle lets a hold through that every contract concerned has approved.
func settle(ctx context.Context, tx *sql.Tx, planID string, now time.Time) (Hold, error) {
	h, err := openHold(ctx, tx, planID)
	if err != nil {
		return h, err
	}
	h.Approvals, err = approvalsOf(ctx, tx, &h, now)
	if err != nil || len(h.Lacking()) > 0 || h.InForce(now) {
		return h, err
	}
	h.State, h.ApprovedAt = HoldApproved, now
	var names []string
	for _, a := range h.Approvals {
		names = append(names, a.By)
		if a.At.Before(h.ApprovedAt) {
			h.ApprovedAt = a.At
		}
	}
	slices.Sort(names)
	h.ApprovedBy = strings.Join(slices.Compact(names), ", ")
	_, err = tx.ExecContext(ctx, "UPDATE hold SET state = ?, approved_at = ?, approved_by = ? WHERE seq = ?", h.State, millis(h.ApprovedAt), h.ApprovedBy, h.Number)
	return h, err
}

// managedBy returns somebody's name and the contracts that they manage, sorted: of
// who may not sign in, neither.
func managedBy(ctx context.Context, q querier, account string) (name string, contracts []string, err error) {
	const query = `SELECT p.name, r.contract FROM role r JOIN person p ON p.account = r.account AND p.until IS NULL
		WHERE r.account = ? AND r.role = ? AND r.until IS NULL AND NOT p.suspended ORDER BY r.contract`
	contracts, err = collect(ctx, q, query, []any{account, spec.ContractManager}, func(scan scanner) (contract string, err error) {
		err = scan(&name, &contract)
		return contract, err
	})
	return name, contracts, err
}

// approvalsOf returns the approvals of a hold by contract: of one that is open those
// that still count, of one of the past all that were given.
func approvalsOf(ctx context.Context, q querier, h *Hold, now time.Time) ([]Approval, error) {
	query, args := "SELECT a.contract, a.actor, a.at FROM approval a WHERE a.hold = ?", []any{h.Number}
	if h.State == HoldHeld || h.State == HoldApproved {
		query, args = query+" AND "+counts, append(args, millis(now.Add(-ApprovalLife)), spec.ContractManager)
	}
	return collect(ctx, q, query+" ORDER BY a.contract", args, func(scan scanner) (a Approval, err error) {
		var at int64
		err = scan(&a.Contract, &a.By, &at)
		a.At = moment(at)
		return a, err
	})
}

// withApprovals fills in the approvals of holds.
func (db *DB) withApprovals(ctx context.Context, holds []Hold) error {
	for i := range holds {
		var err error
		if holds[i].Approvals, err = approvalsOf(ctx, db.reader, &holds[i], db.now()); err != nil {
			return err
		}
	}
	return nil
}
