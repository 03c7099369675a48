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

// distance is the number of letters to insert, delete or replace to turn a into
// b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
