package portal

import (
	"slices"
	"strings"

	"github.com/maruel/natural"

	"usher/state"
)

// besideOthers puts letters that Unicode does not take apart beside those that people
// look for them by.
var besideOthers = strings.NewReplacer("æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d")

// sortByTitle puts what people read into the order in which they look for it: numbers by
// their value, so that 2 comes before 10, letters whatever their case, and those with an
// accent beside those without.
func sortByTitle[T any](list []T, title func(*T) string) {
	key := func(t *T) string { return besideOthers.Replace(state.FoldForSearch(title(t))) }
	slices.SortStableFunc(list, func(a, b T) int { return natural.Compare(key(&a), key(&b)) })
}
