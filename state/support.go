package state

import (
	"context"
	"fmt"
)

// SupportEmails returns the support addresses of the contracts that an account has
// access or a role under, by its id; with an empty id, those of all contracts.
// Distinct, sorted.
func (db *DB) SupportEmails(ctx context.Context, account string) ([]string, error) {
	query, args := "SELECT DISTINCT support_email FROM contract WHERE until IS NULL AND support_email <> ''", []any{}
	if account != "" {
		query += ` AND name IN (SELECT contract FROM access WHERE account = ? AND until IS NULL
			UNION SELECT contract FROM role WHERE account = ? AND until IS NULL)`
		args = append(args, account, account)
	}
	addresses, err := collect(ctx, db.reader, query+" ORDER BY support_email", args, func(scan scanner) (address string, err error) {
		err = scan(&address)
		return address, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading support addresses: %w", err)
	}
	return addresses, nil
}
