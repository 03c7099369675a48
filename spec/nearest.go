package spec

import "strings"

// Nearest returns the candidate that a mistyped word most likely meant: the one
// that takes the fewest edits, if that is no more than a third of its length.
// It returns "" where none is near. Where only the case differs no edit is taken.
func Nearest(word string, candidates []string) string {
	best, bestEdits := "", 1<<30
	for _, c := range candidates {
		if apart := abs(len(c) - len(word)); apart >= bestEdits || apart > len(c)/3 {
			continue
		}
		if edits := editDistance(strings.ToLower(word), strings.ToLower(c)); edits < bestEdits {
			best, bestEdits = c, edits
		}
	}
	if bestEdits > len(best)/3 {
		return ""
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// editDistance is the least number of bytes inserted, deleted, replaced or
// swapped with their neighbour that turns a into b.
func editDistance(a, b string) int {
	rows := [3][]int{make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)}
	older, old, row := rows[0], rows[1], rows[2]
	for j := range row {
		old[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(old[j]+1, row[j-1]+1, old[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], older[j-2]+1)
			}
		}
		older, old, row = old, row, older
	}
	return old[len(b)]
}
