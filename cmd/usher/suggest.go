package main

import (
	"strings"

	"usher/spec"
)

// didYouMean is a hint that names the word most likely meant, or all there are.
func didYouMean(word string, known []string) string {
	if best := spec.Nearest(word, known); best != "" {
		return "did you mean " + best + "?"
	}
	return "there are " + strings.Join(known, ", ")
}
