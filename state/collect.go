package state

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// scanner reads the columns of one row.
type scanner = func(...any) error

// collect runs a query and reads every row with one.
func collect[T any](ctx context.Context, q querier, query string, args []any, one func(scanner) (T, error)) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fault(err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := one(rows.Scan)
		if err != nil {
			return nil, fault(err)
		}
		all = append(all, v)
	}
	return all, fault(rows.Err())
}

// limited adds a limit to a query, none for 0.
func limited(query string, limit int) string {
	if limit <= 0 {
		return query
	}
	return fmt.Sprintf("%s LIMIT %d", query, limit)
}

// encode writes what is stored as JSON; it is made of strings and numbers only.
func encode(v any) (string, error) {
	text, err := canonical(v)
	return string(text), err
}

// encode is encode for the many values of a transaction.
func (tx *Tx) encode(v any) (string, error) {
	text, err := tx.text.of(v)
	return string(text), err
}

// decode reads what encode wrote.
func decode(text string, to any) error {
	if err := json.Unmarshal([]byte(text), to); err != nil {
		return fmt.Errorf("%w: a value cannot be read: %w", ErrDamaged, err)
	}
	return nil
}

// sortedKeys returns a map's keys in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}
