package state

import "context"

// ForgetKilled forgets who somebody was as a process does that is killed before it
// writes the file anew.
func (o *Owner) ForgetKilled(ctx context.Context, account string) error {
	_, err := o.forgetRows(ctx, []string{account}, "somebody")
	return err
}

// Traces reports whether the next owner is to write the file anew.
func (db *DB) Traces(ctx context.Context) (bool, error) { return db.traces(ctx) }

// BoundSearch bounds searches as narrowly as a small test needs, until it is undone.
func BoundSearch(few, led, scanned int) (undo func()) {
	was := searchBounds
	searchBounds = bounds{few, led, scanned}
	return func() { searchBounds = was }
}

// BoundNewcomers has newcomers written so many at once, until it is undone.
func BoundNewcomers(n int) (undo func()) {
	was := newcomersAtOnce
	newcomersAtOnce = n
	return func() { newcomersAtOnce = was }
}
