package spec

// Grant is one person's access to one product under one contract during one
// span of days. Within a User grants are sorted by contract, product and span;
// spans of the same contract and product neither overlap nor touch, because
// what overlaps or touches has been merged into one.
type Grant struct {
	Contract string
	Product  string
	Span
	Reason  string   // the reasons given, distinct and sorted, joined by "; "
	Because []Origin // every manifest line it comes from, sorted
}
