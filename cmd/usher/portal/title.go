package portal

import (
	"slices"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// sortByTitle puts what people read into the order in which they look for it, by the
// rules of Unicode: numbers by their value, so that 2 comes before 10, and letters
// whatever their case.
func sortByTitle[T any](list []T, title func(*T) string) {
	order := collate.New(language.Und, collate.Numeric, collate.IgnoreCase)
	slices.SortStableFunc(list, func(a, b T) int { return order.CompareString(title(&a), title(&b)) })
}
