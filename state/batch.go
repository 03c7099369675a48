package state

import "strings"

// batchRows is how many rows one INSERT carries. Fifty rows cost a fifth of
// fifty statements; more gains nothing.
const batchRows = 50

// batch gathers rows of one table.
type batch struct {
	table   string
	columns []string
	values  []any
	rows    int
}

func newBatch(table, columns string) batch {
	return batch{table: table, columns: strings.Fields(columns)}
}

func (tx *Tx) prepareBatches() {
	r := &tx.rows
	r.account = newBatch("account", "id created activated")
	r.person = newBatch("person", "account name email email_key first_name last_name signing_keys suspended generation origin since sort_key first_key")
	r.word = newBatch("person_word", "account word")
	r.invitation = newBatch("invitation", "account issue secret_hash issued expires since")
	r.access = newBatch("access", "account contract product first_day last_day reason because since")
	r.role = newBatch("role", "contract account role since")
	r.member = newBatch("team_member", "team account since")
	r.audit = newBatch("audit", "seq revision at subject entries commitment hash")
	r.personal = newBatch("audit_personal", "seq salt value")
	r.outbox = newBatch("outbox", "id message_id kind recipient subject account issue revision state attempts last_error created sent next body")
}

// insert gathers one row, its values in the order of the batch's columns.
func (tx *Tx) insert(b *batch, values ...any) error {
	b.values = append(b.values, values...)
	b.rows++
	if b.rows < batchRows {
		return nil
	}
	if b != &tx.rows.account { // rows refer to accounts
		if err := tx.write(&tx.rows.account); err != nil {
			return err
		}
	}
	return tx.write(b)
}

// write writes the rows gathered in one statement. Only the full batch is worth
// keeping prepared; what is left over comes in any size.
func (tx *Tx) write(b *batch) error {
	if b.rows == 0 {
		return nil
	}
	query, values := b.query(), b.values
	full := b.rows == batchRows
	b.values, b.rows = b.values[:0], 0
	if full {
		_, err := tx.exec(query, values...)
		return err
	}
	_, err := tx.sql.ExecContext(tx.ctx, query, values...)
	return err
}

func (b *batch) query() string {
	row := "(" + strings.Repeat("?, ", len(b.columns)-1) + "?)"
	return "INSERT INTO " + b.table + " (" + strings.Join(b.columns, ", ") + ") VALUES " +
		strings.Repeat(row+", ", b.rows-1) + row
}

// flush writes every row gathered, accounts first because the others refer to them.
func (tx *Tx) flush() error {
	r := &tx.rows
	for _, b := range []*batch{&r.account, &r.person, &r.word, &r.invitation, &r.access, &r.role, &r.member, &r.audit, &r.personal, &r.outbox} {
		if err := tx.write(b); err != nil {
			return err
		}
	}
	return nil
}
