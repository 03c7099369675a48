package state

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
)

// thing is a product, a contract or a team as it is kept: its body, which the
// audit shows, and what can be forgotten beside it.
type thing struct {
	table, about, name string
	body               string // JSON
	column             string // of what can be forgotten; "" for products
	aside              string // what that column holds
	personal           *personal
}

// put makes the thing what it is given as: the row in force ends and another
// begins. Where nothing differs but origin, that is corrected in place, without
// audit: where a line stands is not a change of what is true.
func (tx *Tx) put(t thing, origin any) error {
	lines, err := encode(origin)
	if err != nil {
		return err
	}
	same, err := tx.sameThing(t)
	if err != nil {
		return err
	}
	if same {
		_, err := tx.exec("UPDATE "+t.table+" SET origin = ? WHERE name = ? AND until IS NULL", lines, t.name)
		return err
	}
	if _, err := tx.exec("UPDATE "+t.table+" SET until = ? WHERE name = ? AND until IS NULL", tx.Revision, t.name); err != nil {
		return err
	}
	columns, marks, args := "name, body, origin, since", "?, ?, ?, ?", []any{t.name, t.body, lines, tx.Revision}
	if t.column != "" {
		columns, marks, args = columns+", "+t.column, marks+", ?", append(args, t.aside)
	}
	if _, err := tx.exec("INSERT INTO "+t.table+" ("+columns+") VALUES ("+marks+")", args...); err != nil {
		return err
	}
	return tx.record(t.about+t.name, entry{Do: doPut, Body: json.RawMessage(t.body), personal: t.personal})
}

// sameThing reports whether the row in force says the same already.
func (tx *Tx) sameThing(t thing) (bool, error) {
	column := t.column
	if column == "" {
		column = "''"
	}
	var body, aside string
	err := tx.get("SELECT body, "+column+" FROM "+t.table+" WHERE name = ? AND until IS NULL", []any{t.name}, &body, &aside)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return body == t.body && aside == t.aside, err
}

// drop ends the thing.
func (tx *Tx) drop(table, about, name string) error {
	n, err := tx.exec("UPDATE "+table+" SET until = ? WHERE name = ? AND until IS NULL", tx.Revision, name)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("removing %s %s: %w", table, name, err)
	}
	return tx.record(about+name, entry{Do: doDrop})
}
