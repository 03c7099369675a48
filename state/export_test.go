package state

// BoundSearch bounds searches as narrowly as a small test needs, until it is undone.
func BoundSearch(few, led, scanned int) (undo func()) {
	was := searchBounds
	searchBounds = bounds{few, led, scanned}
	return func() { searchBounds = was }
}
