package state

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"

	"usher/spec"
)

// Holding is how many people hold a product under a contract for the same days.
// Suspended people hold nothing (DOMAIN.md, "Suspension").
type Holding struct {
	Contract string
	Product  string
	spec.Span
	People  int
	Pending int // of them, those who have not activated their account
}

// Holdings returns all access in force, whatever its days, sorted by contract,
// product and days. It reads the figures that every revision keeps, and so costs the
// same whatever the number of people.
func (db *DB) Holdings(ctx context.Context) ([]Holding, error) {
	const query = `SELECT contract, product, first_day, last_day, people, pending FROM holding
		WHERE until IS NULL AND people > 0 ORDER BY contract, product, first_day, last_day`
	held, err := collect(ctx, db.reader, query, nil, func(scan scanner) (h Holding, err error) {
		err = scan(&h.Contract, &h.Product, &h.From, &h.Until, &h.People, &h.Pending)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading who holds what: %w", err)
	}
	return held, nil
}

// heldKey is what is held alike: what a row of the table holding is about.
type heldKey struct {
	contract, product string
	spec.Span
}

func keyOf(g spec.Grant) heldKey { return heldKey{g.Contract, g.Product, g.Span} }

func (k heldKey) args() []any { return []any{k.contract, k.product, k.From, k.Until} }

func compareHeld(a, b heldKey) int {
	return cmp.Or(cmp.Compare(a.contract, b.contract), cmp.Compare(a.product, b.product), cmp.Compare(a.From, b.From), cmp.Compare(a.Until, b.Until))
}

// tally is how many hold something.
type tally struct {
	people    int // who are not suspended
	pending   int // of people, those who have not activated their account
	suspended int
}

// tallyOf is what somebody counts for in all that they have.
func tallyOf(suspended, activated bool) tally {
	switch {
	case suspended:
		return tally{suspended: 1}
	case activated:
		return tally{people: 1}
	}
	return tally{people: 1, pending: 1}
}

func (p *person) tally() tally { return tallyOf(p.suspended, !p.activated.IsZero()) }

// plus adds a tally n times, which may be below zero.
func (t tally) plus(u tally, n int) tally {
	return tally{t.people + n*u.people, t.pending + n*u.pending, t.suspended + n*u.suspended}
}

// holdings are the changes of a transaction to who holds what.
type holdings struct {
	changes map[heldKey]tally
	unread  []heldChange // by accounts whose person the transaction had not touched then
}

// heldChange is one account that begins (1) or ceases (-1) to have something.
type heldChange struct {
	account string
	heldKey
	n int
}

func (h *holdings) add(key heldKey, t tally, n int) { h.changes[key] = h.changes[key].plus(t, n) }

// hold notes that an account begins (1) or ceases (-1) to have access.
func (tx *Tx) hold(id string, g spec.Grant, n int) error {
	tx.relate(id, n)
	if p := tx.people[id]; p != nil {
		tx.holdings.add(keyOf(g), p.tally(), n)
		return nil
	}
	tx.holdings.unread = append(tx.holdings.unread, heldChange{id, keyOf(g), n})
	if len(tx.holdings.unread) < sortedRows {
		return nil
	}
	return tx.readHolders()
}

// rehold moves all that somebody has from one tally to another, as when they are
// suspended.
func (tx *Tx) rehold(id string, from, to tally) error {
	if from == to {
		return nil
	}
	if tx.rows.access.holds(id) {
		if err := tx.flush(); err != nil {
			return err
		}
	}
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	grants, err := accessOf(tx.ctx, conn, id)
	for _, g := range grants {
		tx.holdings.add(keyOf(g), from, -1)
		tx.holdings.add(keyOf(g), to, 1)
	}
	return err
}

// readHolders counts the changes by accounts whose person the transaction had not
// touched: they were what they were before it. Newcomers who are written already are
// what they were written as.
func (tx *Tx) readHolders() error {
	unread := tx.holdings.unread
	if len(unread) == 0 {
		return nil
	}
	if err := tx.settleNewcomers(); err != nil {
		return err
	}
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	ids := make([]string, len(unread))
	for i, c := range unread {
		ids[i] = c.account
	}
	slices.Sort(ids)
	was := map[string]tally{}
	err = eachMany(slices.Compact(ids), func(in string, args []any) error {
		query := `SELECT p.account, p.suspended, a.activated > 0 FROM person p JOIN account a ON a.id = p.account
			WHERE (p.since < ? AND (p.until IS NULL OR p.until = ?) OR p.since = ? AND p.until IS NULL
				AND NOT EXISTS (SELECT 1 FROM person o WHERE o.account = p.account AND o.since < ?)) AND p.account` + in
		now := tx.Revision
		_, err := collect(tx.ctx, conn, query, append([]any{now, now, now, now}, args...), func(scan scanner) (none struct{}, err error) {
			var id string
			var suspended, activated bool
			err = scan(&id, &suspended, &activated)
			was[id] = tallyOf(suspended, activated)
			return none, err
		})
		return err
	})
	for _, c := range unread {
		tx.holdings.add(c.heldKey, was[c.account], c.n)
	}
	tx.holdings.unread = unread[:0]
	return err
}

// writeHoldings writes what all changes come to.
func (tx *Tx) writeHoldings() error {
	if err := tx.readHolders(); err != nil {
		return fmt.Errorf("counting who holds what: %w", err)
	}
	for _, key := range slices.SortedFunc(maps.Keys(tx.holdings.changes), compareHeld) {
		change := tx.holdings.changes[key]
		if change == (tally{}) {
			continue
		}
		if err := tx.writeHolding(key, change); err != nil {
			return fmt.Errorf("counting who holds %s: %w", key.product, err)
		}
	}
	clear(tx.holdings.changes)
	return nil
}

const thatHolding = " WHERE contract = ? AND product = ? AND first_day = ? AND last_day = ? AND until IS NULL"

// writeHolding changes one figure: in place where as many people as before hold it,
// since only their number has a history.
func (tx *Tx) writeHolding(key heldKey, change tally) error {
	is, err := tx.endHolding(key, change)
	if err != nil || is == (tally{}) {
		return err
	}
	_, err = tx.exec(insertHolding, append(key.args(), is.people, is.pending, is.suspended, tx.Revision, nil)...)
	return err
}

// endHolding ends the figure in force and returns what comes after it: nothing where
// nobody is left, or where it was changed in place.
func (tx *Tx) endHolding(key heldKey, change tally) (tally, error) {
	if change.people == 0 {
		const query = "UPDATE holding SET pending = pending + ?, suspended = suspended + ?" + thatHolding +
			" AND people + suspended + ? > 0"
		n, err := tx.exec(query, append(append([]any{change.pending, change.suspended}, key.args()...), change.suspended)...)
		if err != nil || n > 0 {
			return tally{}, err
		}
	}
	var was tally
	row := append([]any{tx.Revision}, key.args()...)
	err := tx.get("UPDATE holding SET until = ?"+thatHolding+" RETURNING people, pending, suspended", row, &was.people, &was.pending, &was.suspended)
	return was.plus(change, 1), unless(err, sql.ErrNoRows)
}

const insertHolding = `INSERT INTO holding (contract, product, first_day, last_day, people, pending, suspended, since, until)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

// heldSteps are how many people held something: from each revision on, until the next.
type heldSteps map[int64]int

// countHoldings counts all over again what the table holding keeps: how the number
// of people went, and what is in force.
func countHoldings(ctx context.Context, q querier) (map[heldKey]heldSteps, map[heldKey]tally, error) {
	deltas := map[heldKey]heldSteps{}
	const spans = `SELECT a.contract, a.product, a.first_day, a.last_day,
		CASE WHEN a.since < p.since THEN p.since ELSE a.since END, COALESCE(a.until, 0), COALESCE(p.until, 0)
		FROM access a JOIN person p ON p.account = a.account WHERE p.suspended = 0`
	_, err := collect(ctx, q, spans, nil, func(scan scanner) (none struct{}, err error) {
		var key heldKey
		var since, until, gone int64
		if err := scan(&key.contract, &key.product, &key.From, &key.Until, &since, &until, &gone); err != nil {
			return none, err
		}
		if until == 0 || gone > 0 && gone < until {
			until = gone
		}
		if until > 0 && until <= since {
			return none, nil
		}
		if deltas[key] == nil {
			deltas[key] = heldSteps{}
		}
		deltas[key][since]++
		if until > 0 {
			deltas[key][until]--
		}
		return none, nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, steps := range deltas {
		steps.sum()
	}
	tallies, err := countHolders(ctx, q)
	return deltas, tallies, err
}

// sum turns differences into numbers, and leaves out what changes nothing.
func (s heldSteps) sum() {
	n := 0
	for _, revision := range sortedKeys(s) {
		if s[revision] == 0 {
			delete(s, revision)
			continue
		}
		n += s[revision]
		s[revision] = n
	}
}

// countHolders counts what is in force.
func countHolders(ctx context.Context, q querier) (map[heldKey]tally, error) {
	const query = `SELECT x.contract, x.product, x.first_day, x.last_day, p.suspended, a.activated > 0, COUNT(*)
		FROM access x JOIN person p ON p.account = x.account AND p.until IS NULL JOIN account a ON a.id = x.account
		WHERE x.until IS NULL GROUP BY x.contract, x.product, x.first_day, x.last_day, p.suspended, a.activated > 0`
	tallies := map[heldKey]tally{}
	_, err := collect(ctx, q, query, nil, func(scan scanner) (none struct{}, err error) {
		var key heldKey
		var suspended, activated bool
		var n int
		err = scan(&key.contract, &key.product, &key.From, &key.Until, &suspended, &activated, &n)
		tallies[key] = tallies[key].plus(tallyOf(suspended, activated), n)
		return none, err
	})
	return tallies, err
}

// fillHoldings counts who holds what for a database that did not keep it.
func fillHoldings(ctx context.Context, tx *sql.Tx) error {
	histories, tallies, err := countHoldings(ctx, tx)
	if err != nil {
		return fmt.Errorf("counting who holds what: %w", err)
	}
	for key := range tallies {
		if histories[key] == nil {
			histories[key] = heldSteps{1: 0} // suspended people alone ever held it
		}
	}
	for _, key := range slices.SortedFunc(maps.Keys(histories), compareHeld) {
		steps := histories[key]
		revisions := sortedKeys(steps)
		for i, since := range revisions {
			var until any
			is := tallies[key]
			if i+1 < len(revisions) {
				until, is = revisions[i+1], tally{people: steps[since]}
			}
			if is == (tally{}) {
				continue
			}
			if _, err := tx.ExecContext(ctx, insertHolding, append(key.args(), is.people, is.pending, is.suspended, since, until)...); err != nil {
				return fmt.Errorf("counting who holds %s: %w", key.product, err)
			}
		}
	}
	return nil
}
