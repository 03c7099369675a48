package state

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher/spec"
)

// Use of cloud credits (DOMAIN.md row 19) is handed in from elsewhere and may be
// handed in again, corrected. It is not something usher decided or did, so it
// makes no revision and is not part of the audit chain; who imported what stands
// in the imports. A backup carries it with the rest of the database.

// CreditImport is one file of usage, handed in.
type CreditImport struct {
	ID      int64
	File    string // its name, for errors; without folders
	By      string
	At      time.Time // when it was handed in
	DoneAt  time.Time // zero: it waits to be performed
	Added   int       // lines that were not on record before
	Changed int       // lines that say another amount than the record did
	Same    int
	Text    string // the CSV, as long as it waits
}

// LeaveCredits leaves a file of usage for the controller that holds the lock,
// without the lock, and a request of a kind for it to be performed, whose argument is
// the number of the import: both or, where it is interrupted, neither. The CSV itself
// is no argument of a request, because those are read again and again while their
// answer is awaited.
func (db *DB) LeaveCredits(ctx context.Context, kind, file, text, by string) (id, request int64, err error) {
	err = db.transact(ctx, func(tx *sql.Tx) (err error) {
		const put = `INSERT INTO credit_import (file, actor, at, done, added, changed, same, body)
			VALUES (?, ?, ?, 0, 0, 0, 0, ?) RETURNING id`
		now := db.now()
		if err := tx.QueryRowContext(ctx, put, file, by, millis(now), text).Scan(&id); err != nil {
			return err
		}
		request, err = ask(ctx, tx, Request{Kind: kind, Argument: strconv.FormatInt(id, 10), By: by, At: now})
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("leaving usage of credits: %w", fault(err))
	}
	return id, request, nil
}

// CreditImport returns the import of that number; [ErrNotFound].
func (db *DB) CreditImport(ctx context.Context, id int64) (CreditImport, error) {
	const one = "SELECT file, actor, at, done, added, changed, same, body FROM credit_import WHERE id = ?"
	c := CreditImport{ID: id}
	var at, done int64
	err := db.reader.QueryRowContext(ctx, one, id).Scan(&c.File, &c.By, &at, &done, &c.Added, &c.Changed, &c.Same, &c.Text)
	if err != nil {
		return CreditImport{}, fmt.Errorf("reading import %d of credits: %w", id, fault(err))
	}
	c.At, c.DoneAt = moment(at), moment(done)
	return c, nil
}

// CheckCredits says what [Owner.ImportCredits] would refuse: a spec.Errors with
// every line about a contract or a person not on record, and every line that says
// the same day twice.
func (db *DB) CheckCredits(ctx context.Context, lines []spec.Usage) error {
	_, err := db.creditRows(ctx, lines)
	return err
}

// ImportCredits records usage, all lines or none: see [DB.CheckCredits] for what
// it refuses. What is on record already stays as it is, so that the same lines
// may come again; another amount for the same contract, person and day replaces
// the one on record. An import that was left before is done with.
func (o *Owner) ImportCredits(ctx context.Context, c CreditImport, lines []spec.Usage) (CreditImport, error) {
	rows, err := o.db.creditRows(ctx, lines)
	if err != nil {
		return CreditImport{}, err
	}
	err = o.write(ctx, func(tx *sql.Tx, now time.Time) error {
		differ, err := c.compare(ctx, tx, rows)
		if err != nil {
			return err
		}
		if err := putCredits(ctx, tx, differ, now); err != nil {
			return err
		}
		c.DoneAt, c.Text = now, ""
		return c.put(ctx, tx)
	})
	if err != nil {
		return CreditImport{}, fmt.Errorf("importing usage of credits: %w", err)
	}
	return c, nil
}

// DropCredits forgets an import that waits and cannot be performed.
func (o *Owner) DropCredits(ctx context.Context, id int64) error {
	err := o.write(ctx, func(tx *sql.Tx, _ time.Time) error {
		_, err := tx.ExecContext(ctx, "DELETE FROM credit_import WHERE id = ? AND done = 0", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("dropping import %d of credits: %w", id, err)
	}
	return nil
}

// put records that the import is done.
func (c *CreditImport) put(ctx context.Context, tx *sql.Tx) error {
	if c.ID == 0 {
		c.At = c.DoneAt
		const add = `INSERT INTO credit_import (file, actor, at, done, added, changed, same, body)
			VALUES (?, ?, ?, ?, ?, ?, ?, '') RETURNING id`
		return tx.QueryRowContext(ctx, add, c.File, c.By, millis(c.At), millis(c.DoneAt), c.Added, c.Changed, c.Same).Scan(&c.ID)
	}
	const done = "UPDATE credit_import SET done = ?, added = ?, changed = ?, same = ?, body = '' WHERE id = ? AND done = 0 RETURNING id"
	return noRows(tx.QueryRowContext(ctx, done, millis(c.DoneAt), c.Added, c.Changed, c.Same, c.ID).Scan(&c.ID))
}

// creditKey is what there is one amount for.
type creditKey struct {
	contract, account string
	day               spec.Day
}

func (k creditKey) compare(other creditKey) int {
	return cmp.Or(strings.Compare(k.contract, other.contract), cmp.Compare(k.day, other.day), strings.Compare(k.account, other.account))
}

// creditRow is one line of usage, as it is stored.
type creditRow struct {
	creditKey
	amount int64
}

// compare counts what is new, changed and the same, and returns the rows to write.
func (c *CreditImport) compare(ctx context.Context, q querier, rows []creditRow) ([]creditRow, error) {
	known, err := knownCredits(ctx, q, rows)
	if err != nil {
		return nil, err
	}
	var differ []creditRow
	for _, r := range rows {
		amount, on := known[r.creditKey]
		switch {
		case !on:
			c.Added++
		case amount != r.amount:
			c.Changed++
		default:
			c.Same++
			continue
		}
		differ = append(differ, r)
	}
	return differ, nil
}

// knownCredits reads what is on record of the contracts and days that rows, in
// order, are about.
func knownCredits(ctx context.Context, q querier, rows []creditRow) (map[creditKey]int64, error) {
	known := map[creditKey]int64{}
	for len(rows) > 0 {
		contract := rows[0].contract
		n := len(rows)
		if next := slices.IndexFunc(rows, func(r creditRow) bool { return r.contract != contract }); next > 0 {
			n = next
		}
		const amounts = "SELECT account, day, amount FROM credit_usage WHERE contract = ? AND day >= ? AND day <= ?"
		args := []any{contract, rows[0].day, rows[n-1].day}
		_, err := collect(ctx, q, amounts, args, func(scan scanner) (struct{}, error) {
			k := creditKey{contract: contract}
			var amount int64
			err := scan(&k.account, &k.day, &amount)
			known[k] = amount
			return struct{}{}, err
		})
		if err != nil {
			return nil, err
		}
		rows = rows[n:]
	}
	return known, nil
}

// putCredits writes rows, in place of those on record for the same day.
func putCredits(ctx context.Context, tx *sql.Tx, rows []creditRow, now time.Time) error {
	const replace = " ON CONFLICT (account, contract, day) DO UPDATE SET amount = excluded.amount, at = excluded.at"
	for chunk := range slices.Chunk(rows, batchRows) {
		b := newBatch("credit_usage", "account contract day month amount at")
		for _, r := range chunk {
			b.values = append(b.values, r.account, r.contract, r.day, monthOf(r.day), r.amount, millis(now))
		}
		if _, err := tx.ExecContext(ctx, b.query(b.rows())+replace, b.values...); err != nil {
			return err
		}
	}
	return nil
}

// monthOf counts months from January of the year 0.
func monthOf(d spec.Day) int64 {
	t := d.Start()
	return int64(t.Year())*12 + int64(t.Month()) - 1
}

// CreditQuery asks how many credits were used. The zero value asks for the sum
// under each contract.
type CreditQuery struct {
	Contract   string // empty: every contract
	Account    string // an account's id; empty: everybody
	PerAccount bool   // a sum for each account
	PerMonth   bool   // a sum for each month
}

// CreditTotal is a sum of usage.
type CreditTotal struct {
	Contract string
	Account  string // id; empty unless asked per account
	Month    string // such as 2026-11; empty unless asked per month
	Used     int64
}

// Credits adds up usage. Totals come by contract, then account id, then month;
// where nothing was used there is none.
func (db *DB) Credits(ctx context.Context, q CreditQuery) ([]CreditTotal, error) {
	query, args := q.sql()
	totals, err := collect(ctx, db.reader, query, args, func(scan scanner) (t CreditTotal, err error) {
		var month int64
		err = scan(&t.Contract, &t.Account, &month, &t.Used)
		if q.PerMonth {
			t.Month = fmt.Sprintf("%04d-%02d", month/12, month%12+1)
		}
		return t, err
	})
	if err != nil {
		return nil, fmt.Errorf("adding up credits: %w", err)
	}
	return totals, nil
}

func (q CreditQuery) sql() (query string, args []any) {
	account, month, by := "''", "0", "contract"
	if q.PerAccount {
		account, by = "account", by+", account"
	}
	if q.PerMonth {
		month, by = "month", by+", month"
	}
	query = "SELECT contract, " + account + ", " + month + ", SUM(amount) FROM credit_usage"
	link := " WHERE "
	for _, only := range [][2]string{{"contract", q.Contract}, {"account", q.Account}} {
		if only[1] != "" {
			query, args = query+link+only[0]+" = ?", append(args, only[1])
			link = " AND "
		}
	}
	return query + " GROUP BY " + by + " ORDER BY " + by, args
}

// CreditStamp tells when credits are to be added up again: while it stays the
// same, so do all sums. Of the imports it reads the last ones alone, because one
// that waits does so for seconds.
func (db *DB) CreditStamp(ctx context.Context) (time.Time, error) {
	var done int64
	const last = "SELECT COALESCE(MAX(done), 0) FROM (SELECT done FROM credit_import ORDER BY id DESC LIMIT 1000) AS recent"
	if err := db.reader.QueryRowContext(ctx, last).Scan(&done); err != nil {
		return time.Time{}, fmt.Errorf("reading when credits were imported: %w", fault(err))
	}
	return moment(done), nil
}
