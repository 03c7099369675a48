package state

import (
	"slices"
	"strings"
)

const (
	// batchRows is how many rows one INSERT carries. Fifty rows cost a fifth of
	// fifty statements; more gains nothing.
	batchRows = 50
	// sortedRows is how many rows of a table are gathered and sorted before they
	// are written. Accounts come in any order, and a tree of rows takes them faster
	// a run at a time: each of its pages is then visited once a run.
	sortedRows = 10_000
)

// batch gathers rows of one table.
type batch struct {
	table   string
	columns []string
	by      int    // column whose text rows are sorted by; -1: they come in order
	values  []any  // of one row after the other
	written bool   // it was full before
	full    string // its INSERT of batchRows rows, once it was asked for
}

func (b *batch) rows() int { return len(b.values) / len(b.columns) }

// newBatch makes a batch of rows that come in the order they are stored in.
func newBatch(table, columns string) batch {
	return batch{table: table, columns: strings.Fields(columns), by: -1}
}

// newSorted makes a batch of rows that are stored by the text of a column.
func newSorted(table, column, columns string) batch {
	b := newBatch(table, columns)
	b.by = slices.Index(b.columns, column)
	return b
}

func (tx *Tx) prepareBatches() {
	r := &tx.rows
	r.account = newSorted("account", "id", "id created activated")
	r.person = newBatch("person", "account name email email_key first_name last_name signing_keys suspended generation origin since sort_key first_key idle")
	r.word = newBatch("person_word", "account word")
	r.invitation = newSorted("invitation", "account", "account issue secret_hash issued expires since")
	r.access = newSorted("access", "account", "account contract product first_day last_day reason because since")
	r.role = newBatch("role", "contract account role since")
	r.member = newBatch("team_member", "team account since")
	r.audit = newBatch("audit", "seq revision at subject entries commitment hash")
	r.personal = newBatch("audit_personal", "seq salt value")
	r.outbox = newBatch("outbox", "id message_id kind recipient subject account issue revision state attempts last_error created sent next body")
}

// insert gathers one row, its values in the order of the batch's columns.
func (tx *Tx) insert(b *batch, values ...any) error {
	full := batchRows
	if b.by >= 0 {
		full = sortedRows
	}
	if b.values == nil && b.written {
		b.values = make([]any, 0, full*len(b.columns)) // as many come again
	}
	b.values = append(b.values, values...)
	if b.rows() < full {
		return nil
	}
	b.written = true
	if b != &tx.rows.account { // rows refer to accounts
		if err := tx.write(&tx.rows.account); err != nil {
			return err
		}
	}
	return tx.write(b)
}

// write writes the rows gathered, so many in a statement. Full statements are
// carried out beside what comes next.
func (tx *Tx) write(b *batch) error {
	values := b.take()
	const rows = batchRows
	for whole := rows * len(b.columns); len(values) >= whole; values = values[whole:] {
		if err := tx.inserts.add(insertion{b.query(rows), values[:whole], true}); err != nil {
			return err
		}
	}
	if len(values) == 0 {
		return nil
	}
	return tx.inserts.rest(b.query(len(values)/len(b.columns)), values)
}

// take empties the batch and returns its values, row by row, in the order in which
// they are written.
func (b *batch) take() []any {
	values := b.values
	b.values = nil
	if b.by < 0 || len(values) < 2*len(b.columns) {
		return values
	}
	rows := slices.Collect(slices.Chunk(values, len(b.columns)))
	byText := func(x, y []any) int { return strings.Compare(x[b.by].(string), y[b.by].(string)) }
	if slices.IsSortedFunc(rows, byText) {
		return values
	}
	slices.SortStableFunc(rows, byText)
	return slices.Concat(rows...)
}

// holds reports whether a row that is yet to be written has the text in its first column.
func (b *batch) holds(text string) bool {
	for row := range slices.Chunk(b.values, len(b.columns)) {
		if row[0] == text {
			return true
		}
	}
	return false
}

// query is the INSERT of so many rows.
func (b *batch) query(rows int) string {
	if rows == batchRows && b.full != "" {
		return b.full
	}
	row := "(" + strings.Repeat("?, ", len(b.columns)-1) + "?)"
	query := "INSERT INTO " + b.table + " (" + strings.Join(b.columns, ", ") + ") VALUES " +
		strings.Repeat(row+", ", rows-1) + row
	if rows == batchRows {
		b.full = query
	}
	return query
}

// flush writes every row gathered, accounts first because the others refer to them.
func (tx *Tx) flush() error {
	r := &tx.rows
	for _, b := range []*batch{&r.account, &r.person, &r.word, &r.invitation, &r.access, &r.role, &r.member, &r.audit, &r.personal, &r.outbox} {
		if err := tx.write(b); err != nil {
			return err
		}
	}
	return tx.inserts.wait()
}
