package main

import (
	"slices"
	"strings"
)

func contains(list []string, word string) bool { return slices.Contains(list, word) }

// didYouMean is a hint that names the word most likely meant, or all there are.
func didYouMean(word string, known []string) string {
	if best := closest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return "there are " + strings.Join(known, ", ")
}

// closest is the known word fewest edits away, "" where none is near: more than
// a third of its letters would have to change.
func closest(word string, known []string) string {
	best, edits := "", 1<<30
	for _, candidate := range known {
		if n := distance(strings.ToLower(word), candidate); n < edits && n <= max(1, len(candidate)/3) {
			best, edits = candidate, n
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with the
// next one to turn a into b.
func distance(a, b string) int {
	older, old, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range old {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			replaced := old[j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			row[j] = min(old[j]+1, row[j-1]+1, replaced)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}
