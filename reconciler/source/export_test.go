package source

import (
	"maps"
	"slices"
)

// Watches lists what a watcher watches.
func Watches(w *Watcher) []string { return slices.Sorted(maps.Keys(w.watched)) }
