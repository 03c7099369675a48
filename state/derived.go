package state

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// checkDerived holds what is kept to be read quickly against what it is made of: how
// many hold what, and who has nothing. Where the tables themselves are wrong, it adds
// nothing, since then these must be too.
func (v *verifier) checkDerived(ctx context.Context, q querier) error {
	if len(v.findings) > 0 {
		return nil
	}
	if err := v.checkHoldings(ctx, q); err != nil {
		return err
	}
	return v.checkIdle(ctx, q)
}

// checkHoldings counts anew who holds what, and how many did.
func (v *verifier) checkHoldings(ctx context.Context, q querier) error {
	wantSteps, want, err := countHoldings(ctx, q)
	if err != nil {
		return err
	}
	steps, got, err := keptHoldings(ctx, q)
	if err != nil {
		return err
	}
	keys := map[heldKey]bool{}
	for _, m := range []map[heldKey]heldSteps{wantSteps, steps} {
		for key := range m {
			keys[key] = true
		}
	}
	for key := range want {
		keys[key] = true
	}
	for _, key := range slices.SortedFunc(maps.Keys(keys), compareHeld) {
		name := fmt.Sprintf("%s under %s (%s)", key.product, key.contract, key.Span)
		if want[key] != got[key] {
			v.find("the figures of %s say %v where there are %v", name, got[key], want[key])
		}
		if !maps.Equal(wantSteps[key], steps[key]) {
			v.find("the figures of %s in the past do not fit the access there was", name)
		}
	}
	return nil
}

// keptHoldings reads the table holding in the form in which it is counted.
func keptHoldings(ctx context.Context, q querier) (map[heldKey]heldSteps, map[heldKey]tally, error) {
	deltas, inForce := map[heldKey]heldSteps{}, map[heldKey]tally{}
	const query = `SELECT contract, product, first_day, last_day, people, pending, suspended, since, COALESCE(until, 0) FROM holding`
	_, err := collect(ctx, q, query, nil, func(scan scanner) (none struct{}, err error) {
		var key heldKey
		var is tally
		var since, until int64
		if err := scan(&key.contract, &key.product, &key.From, &key.Until, &is.people, &is.pending, &is.suspended, &since, &until); err != nil {
			return none, err
		}
		if deltas[key] == nil {
			deltas[key] = heldSteps{}
		}
		deltas[key][since] += is.people
		if until > 0 {
			deltas[key][until] -= is.people
		} else {
			inForce[key] = is
		}
		return none, nil
	})
	for _, steps := range deltas {
		steps.sum()
	}
	return deltas, inForce, err
}

// checkIdle looks whether those who have nothing are known to have nothing.
func (v *verifier) checkIdle(ctx context.Context, q querier) error {
	const query = `SELECT account FROM person WHERE until IS NULL AND idle <>
		CASE WHEN account IN (SELECT account FROM access WHERE until IS NULL) OR account IN (SELECT account FROM role WHERE until IS NULL)
		THEN 0 ELSE 1 END ORDER BY account`
	wrong, err := collect(ctx, q, query, nil, scanText)
	for _, id := range wrong {
		v.find("account %s is wrongly listed among those who have something, or nothing", id)
	}
	return err
}
