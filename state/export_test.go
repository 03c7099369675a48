package state

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
