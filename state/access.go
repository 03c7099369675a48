package state

import (
	"context"
	"fmt"
	"slices"

	"usher/spec"
)

// Grant gives the account access.
func (tx *Tx) Grant(id string, g spec.Grant) error {
	if err := tx.insertGrant(id, g); err != nil {
		return fmt.Errorf("granting %s: %w", g.Product, err)
	}
	return tx.record(aboutAccount+id, entry{
		Do: doGrant, Contract: g.Contract, Product: g.Product, Days: days(g.Span),
		personal: &personal{Reason: g.Reason, Because: g.Because},
	})
}

// Revoke ends exactly that span of access; [ErrNotFound] where it is not in force.
func (tx *Tx) Revoke(id string, g spec.Grant) error { return tx.revoke(id, g, g.Because) }

func (tx *Tx) revoke(id string, g spec.Grant, lines []spec.Origin) error {
	if err := tx.endGrant(id, g); err != nil {
		return fmt.Errorf("revoking %s: %w", g.Product, err)
	}
	return tx.record(aboutAccount+id, entry{
		Do: doRevoke, Contract: g.Contract, Product: g.Product, Days: days(g.Span),
		personal: because(lines),
	})
}

// ChangeGrant replaces one span of access by another as one change.
func (tx *Tx) ChangeGrant(id string, from, to spec.Grant) error {
	err := tx.endGrant(id, from)
	if err == nil {
		err = tx.insertGrant(id, to)
	}
	if err != nil {
		return fmt.Errorf("changing access to %s: %w", to.Product, err)
	}
	return tx.record(aboutAccount+id, entry{
		Do: doRegrant, Contract: to.Contract, Product: to.Product, Days: days(to.Span),
		Was:      &place{from.Contract, from.Product, *days(from.Span)},
		personal: &personal{Reason: to.Reason, Because: to.Because},
	})
}

// Explain corrects the manifest lines that a grant comes from, in place: where a
// line stands is not a change of what is true. A reason is: see [Tx.ChangeGrant].
func (tx *Tx) Explain(id string, g spec.Grant) error {
	lines, err := tx.encodeOrigins(g.Because)
	if err != nil {
		return err
	}
	err = tx.end(&tx.rows.access, "UPDATE access SET because = ?"+thatGrant, lines, id, g.Contract, g.Product, g.From, g.Until)
	if err != nil {
		return fmt.Errorf("explaining access to %s: %w", g.Product, err)
	}
	return nil
}

const thatGrant = " WHERE account = ? AND contract = ? AND product = ? AND first_day = ? AND last_day = ? AND until IS NULL"

func (tx *Tx) insertGrant(id string, g spec.Grant) error {
	lines, err := tx.encodeOrigins(g.Because)
	if err == nil {
		err = tx.hold(id, g, 1)
	}
	if err != nil {
		return err
	}
	return tx.insert(&tx.rows.access, id, g.Contract, g.Product, g.From, g.Until, g.Reason, lines, tx.Revision)
}

func (tx *Tx) endGrant(id string, g spec.Grant) error {
	query, args := "UPDATE access SET until = ?", []any{tx.Revision}
	if some, err := tx.anyMoved(); err != nil {
		return err
	} else if some && len(g.Because) > 0 {
		lines, err := encode(g.Because)
		if err != nil {
			return err
		}
		query, args = query+", because = ?", append(args, lines)
	}
	err := tx.end(&tx.rows.access, query+thatGrant, append(args, id, g.Contract, g.Product, g.From, g.Until)...)
	if err != nil {
		return err
	}
	return tx.hold(id, g, -1)
}

// endAccess revokes all that an account has.
func (tx *Tx) endAccess(id string) error {
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	grants, err := accessOf(tx.ctx, conn, id)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if err := tx.revoke(id, g, nil); err != nil { // the account's removal says why
			return err
		}
	}
	return nil
}

func days(s spec.Span) *[2]int32 { return &[2]int32{int32(s.From), int32(s.Until)} }

func because(lines []spec.Origin) *personal {
	if len(lines) == 0 {
		return nil
	}
	return &personal{Because: lines}
}

const grantColumns = "SELECT account, contract, product, first_day, last_day, reason, because, until IS NULL FROM access"

// accessAt returns what each account has at a revision, by id, sorted as a
// User's Access is.
func accessAt(ctx context.Context, q querier, revision int64) (map[string][]spec.Grant, error) {
	return readAccess(ctx, q, grantColumns+" WHERE since <= ? AND (until IS NULL OR until > ?)", revision, revision)
}

// accessOf returns what one account has now.
func accessOf(ctx context.Context, q querier, id string) ([]spec.Grant, error) {
	access, err := readAccess(ctx, q, grantColumns+" WHERE until IS NULL AND account = ?", id)
	return access[id], err
}

func readAccess(ctx context.Context, q querier, query string, args ...any) (map[string][]spec.Grant, error) {
	access := map[string][]spec.Grant{}
	var inForce [][]spec.Origin
	_, err := collect(ctx, q, query, args, func(scan scanner) (none struct{}, err error) {
		var account, lines string
		var g spec.Grant
		var now bool
		err = scan(&account, &g.Contract, &g.Product, &g.From, &g.Until, &g.Reason, &lines, &now)
		if err == nil {
			err = decode(lines, &g.Because)
		}
		access[account] = append(access[account], g)
		if now {
			inForce = append(inForce, g.Because)
		}
		return none, err
	})
	if err == nil {
		err = current(ctx, q, every(inForce))
	}
	if err != nil {
		return nil, fmt.Errorf("reading access: %w", err)
	}
	for _, lines := range inForce {
		slices.SortFunc(lines, spec.CompareOrigins) // which of them stands first may have changed
	}
	for _, grants := range access {
		slices.SortFunc(grants, spec.CompareGrants)
	}
	return access, nil
}
