package state

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"usher/spec"
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

// declared is where a thing and its parts are declared, as its column origin has it.
type declared interface {
	// each calls fn for every origin, which it may alter.
	each(fn func(*spec.Origin) error) error
}

// storedThing is a thing as its row has it.
type storedThing struct {
	name, body, aside, origin string
	inForce                   bool
}

// thingsAt returns the rows of a table at a revision, sorted by name, and in step with
// them where the things are declared. of says the table, and the column aside.
func thingsAt[L any, P interface {
	*L
	declared
}](ctx context.Context, q querier, of thing, revision int64) ([]storedThing, []L, error) {
	query := "SELECT name, body, " + of.asideColumn() + ", origin, until IS NULL FROM " + of.table + " WHERE since <= ? AND (until IS NULL OR until > ?)"
	rows, err := collect(ctx, q, query, []any{revision, revision}, func(scan scanner) (r storedThing, err error) {
		err = scan(&r.name, &r.body, &r.aside, &r.origin, &r.inForce)
		return r, err
	})
	if err != nil {
		return nil, nil, err
	}
	slices.SortFunc(rows, func(a, b storedThing) int { return strings.Compare(a.name, b.name) })
	lines := make([]L, len(rows))
	for i := range rows {
		if err := decode(rows[i].origin, &lines[i]); err != nil {
			return nil, nil, err
		}
	}
	return rows, lines, current(ctx, q, func(yield func(*spec.Origin) bool) {
		for i := range rows {
			if rows[i].inForce && P(&lines[i]).each(untilFalse(yield)) != nil {
				return
			}
		}
	})
}

var errEnough = errors.New("enough was seen")

// untilFalse calls yield until it says that that is enough.
func untilFalse(yield func(*spec.Origin) bool) func(*spec.Origin) error {
	return func(o *spec.Origin) error {
		if !yield(o) {
			return errEnough
		}
		return nil
	}
}

// asideColumn is what is read in place of a column that there is not.
func (t *thing) asideColumn() string { return cmp.Or(t.column, "''") }

// put makes the thing what it is given as: the row in force ends and another
// begins. Where nothing differs but origin, that is corrected in place, without
// audit: where a line stands is not a change of what is true. was is where what the
// origin of the row in force is read to.
func (tx *Tx) put(t thing, is, was declared) error {
	same, err := tx.sameThing(t, was)
	if err != nil {
		return err
	}
	err = is.each(func(o *spec.Origin) (err error) {
		*o, err = tx.recorded(*o)
		return err
	})
	if err != nil {
		return err
	}
	lines, err := encode(is)
	if err != nil {
		return err
	}
	if same {
		_, err := tx.exec("UPDATE "+t.table+" SET origin = ? WHERE name = ? AND until IS NULL", lines, t.name)
		return err
	}
	if _, err := tx.endThing(t.table, t.name, was); err != nil {
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

// sameThing reports whether the row in force says the same already, and reads where
// that is declared.
func (tx *Tx) sameThing(t thing, was declared) (bool, error) {
	var body, aside, origin string
	err := tx.get("SELECT body, "+t.asideColumn()+", origin FROM "+t.table+" WHERE name = ? AND until IS NULL", []any{t.name}, &body, &aside, &origin)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err == nil {
		err = decode(origin, was)
	}
	return body == t.body && aside == t.aside, err
}

// endThing ends the row in force, which keeps the lines that was has. It returns how
// many there were.
func (tx *Tx) endThing(table, name string, was declared) (int64, error) {
	err := was.each(tx.placed)
	if err != nil {
		return 0, err
	}
	lines, err := encode(was)
	if err != nil {
		return 0, err
	}
	return tx.exec("UPDATE "+table+" SET until = ?, origin = ? WHERE name = ? AND until IS NULL", tx.Revision, lines, name)
}

// drop ends the thing. was is what the origin of its row is read to.
func (tx *Tx) drop(table, about, name string, was declared) error {
	var origin string
	err := tx.get("SELECT origin FROM "+table+" WHERE name = ? AND until IS NULL", []any{name}, &origin)
	if err == nil {
		err = decode(origin, was)
	}
	if err != nil {
		return fmt.Errorf("removing %s %s: %w", table, name, noRows(err))
	}
	n, err := tx.endThing(table, name, was)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("removing %s %s: %w", table, name, err)
	}
	return tx.record(about+name, entry{Do: doDrop})
}
