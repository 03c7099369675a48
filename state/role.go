package state

import (
	"context"
	"fmt"
	"slices"

	"usher/spec"
)

// roleRow is one role of one account under one contract.
type roleRow struct {
	contract, account string
	role              spec.Role
}

// Assign gives the account a role under the contract. The one who has been
// contract manager is unassigned in the same transaction (DOMAIN.md row 2).
func (tx *Tx) Assign(contract, id string, role spec.Role) error {
	tx.roles = append(tx.roles, roleRow{contract, id, role})
	tx.stewards = true
	tx.relate(id, 1)
	return tx.record(aboutAccount+id, entry{Do: doAssign, Contract: contract, Role: role})
}

// Unassign withdraws a role; [ErrNotFound] where it is not held.
func (tx *Tx) Unassign(contract, id string, role spec.Role) error {
	tx.stewards = true
	tx.relate(id, -1)
	assigned := slices.Index(tx.roles, roleRow{contract, id, role})
	if assigned >= 0 { // in this very transaction: it never was
		tx.roles = slices.Delete(tx.roles, assigned, assigned+1)
		return tx.record(aboutAccount+id, entry{Do: doUnassign, Contract: contract, Role: role})
	}
	const query = "UPDATE role SET until = ? WHERE account = ? AND contract = ? AND role = ? AND until IS NULL"
	if err := tx.end(&tx.rows.role, query, tx.Revision, id, contract, role); err != nil {
		return fmt.Errorf("withdrawing %s of %s: %w", role, contract, err)
	}
	return tx.record(aboutAccount+id, entry{Do: doUnassign, Contract: contract, Role: role})
}

// writeRoles writes the roles assigned. They wait until the end so that a
// handover may come in either order; the table allows one manager.
func (tx *Tx) writeRoles() error {
	for _, r := range tx.roles {
		if err := tx.insert(&tx.rows.role, r.contract, r.account, r.role, tx.Revision); err != nil {
			return fmt.Errorf("assigning %s of %s: %w", r.role, r.contract, err)
		}
	}
	tx.roles = nil
	return nil
}

// endRoles withdraws every role of an account.
func (tx *Tx) endRoles(id string) error {
	for _, r := range slices.Clone(tx.roles) {
		if r.account != id {
			continue
		}
		if err := tx.Unassign(r.contract, id, r.role); err != nil {
			return err
		}
	}
	return tx.withdraw("account = ?", id)
}

// withdraw ends the roles in force that the condition picks.
func (tx *Tx) withdraw(condition string, args ...any) error {
	query := "SELECT contract, account, role FROM role WHERE until IS NULL AND " + condition + " ORDER BY contract, role, account"
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	rows, err := collect(tx.ctx, conn, query, args, scanRole)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := tx.Unassign(r.contract, r.account, r.role); err != nil {
			return err
		}
	}
	return nil
}

// checkStewards makes sure that no contract is left without its manager, and no
// role without its contract: what is left under a contract that was removed ends
// with it.
func (tx *Tx) checkStewards() error {
	if !tx.stewards {
		return nil
	}
	if err := tx.withdraw("contract NOT IN (SELECT name FROM contract WHERE until IS NULL)"); err != nil {
		return err
	}
	headless, err := tx.list(`SELECT name FROM contract c WHERE until IS NULL AND NOT EXISTS
		(SELECT 1 FROM role r WHERE r.contract = c.name AND r.role = ? AND r.until IS NULL) ORDER BY name`, spec.ContractManager)
	if err == nil && len(headless) > 0 {
		err = fmt.Errorf("contract %s would be left without a contract manager; assign one in the same revision", headless[0])
	}
	return err
}

func scanRole(scan scanner) (r roleRow, err error) {
	err = scan(&r.contract, &r.account, &r.role)
	return r, err
}

// rolesOf returns the roles in force at a revision.
func rolesOf(ctx context.Context, q querier, revision int64) ([]roleRow, error) {
	const query = `SELECT contract, account, role FROM role WHERE since <= ? AND (until IS NULL OR until > ?)`
	rows, err := collect(ctx, q, query, []any{revision, revision}, scanRole)
	if err != nil {
		return nil, fmt.Errorf("reading roles: %w", err)
	}
	return rows, nil
}
