package state

import (
	"context"
	"fmt"
	"time"
)

// LossKind is what somebody lost.
type LossKind string

// The kinds of losses.
const (
	LossRemoved LossKind = "removed" // the account
	LossAccess  LossKind = "access"  // one product under one contract
	LossTeam    LossKind = "team"    // a membership
	LossRole    LossKind = "role"    // a role under a contract
)

// Loss is one thing that one account lost and has not been given back.
type Loss struct {
	Account  string // id
	Kind     LossKind
	Contract string // of access and roles
	Product  string // of access
	Team     string // of memberships
}

// counted are the revisions whose losses count.
const counted = "(SELECT number FROM revision WHERE at >= ? AND cause <> 'time' AND approved = 0)"

// losses are the queries for what was lost in the counted revisions and is not
// there again. Access that was over by its days when it was taken away is not
// lost, and a product that moved to another contract or to other days is not lost
// while there is access to it on the days concerned. A suspended account lost all
// the access it had. The product is compared as an expression, so that the few rows
// of the account are looked through, and not the many of the product.
var losses = []string{
	`SELECT DISTINCT p.account, 'removed', '', '', '' FROM person p
		WHERE p.until IN ` + counted + `
		AND NOT EXISTS (SELECT 1 FROM person n WHERE n.account = p.account AND n.until IS NULL)
		AND NOT EXISTS (SELECT 1 FROM person n WHERE n.account = p.account AND n.since = p.until AND n.until > n.since)`,
	`SELECT DISTINCT a.account, 'access', a.contract, a.product, '' FROM access a
		JOIN revision r ON r.number = a.until
		WHERE a.until IN ` + counted + ` AND a.since < a.until AND a.last_day >= r.at / 86400000
		AND NOT EXISTS (SELECT 1 FROM access n WHERE n.account = a.account AND n.product || '' = a.product AND n.until IS NULL
			AND (a.first_day > r.at / 86400000
				OR (n.first_day <= r.at / 86400000 AND n.last_day >= r.at / 86400000)))`,
	`SELECT DISTINCT p.account, 'access', a.contract, a.product, '' FROM person p
		JOIN person b ON b.account = p.account AND b.until = p.since AND b.suspended = 0
		JOIN person c ON c.account = p.account AND c.until IS NULL AND c.suspended = 1
		JOIN access a ON a.account = p.account AND a.until IS NULL
		WHERE p.since IN ` + counted + ` AND p.suspended = 1`,
	`SELECT DISTINCT m.account, 'team', '', '', m.team FROM team_member m
		WHERE m.until IN ` + counted + ` AND m.since < m.until
		AND NOT EXISTS (SELECT 1 FROM team_member n WHERE n.account = m.account AND n.team = m.team AND n.until IS NULL)`,
	`SELECT DISTINCT o.account, 'role', o.contract, '', '' FROM role o
		WHERE o.until IN ` + counted + ` AND o.since < o.until
		AND NOT EXISTS (SELECT 1 FROM role n WHERE n.account = o.account AND n.contract = o.contract AND n.role = o.role AND n.until IS NULL)`,
}

// Losses returns what people lost by revisions since then and still lack, in no
// particular order. Neither what passed by the calendar counts, nor what a person
// approved, nor what has been given back meanwhile. An account that was removed
// counts as that, and for everything it had.
func (db *DB) Losses(ctx context.Context, since time.Time) ([]Loss, error) {
	var all []Loss
	for _, query := range losses {
		some, err := collect(ctx, db.reader, query, []any{since.UnixMilli()}, func(scan scanner) (l Loss, err error) {
			err = scan(&l.Account, &l.Kind, &l.Contract, &l.Product, &l.Team)
			return l, err
		})
		if err != nil {
			return nil, fmt.Errorf("reading losses: %w", err)
		}
		all = append(all, some...)
	}
	return all, nil
}
