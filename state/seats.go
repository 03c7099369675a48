package state

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"usher/spec"
)

// Stamp is a number that grows with everything that is audited: while it stays
// the same, so do the roster and every account's life.
func (db *DB) Stamp(ctx context.Context) (int64, error) {
	var seq int64
	if err := db.reader.QueryRowContext(ctx, "SELECT COALESCE(MAX(seq), 0) FROM audit").Scan(&seq); err != nil {
		return 0, fmt.Errorf("reading how far the audit goes: %w", fault(err))
	}
	return seq, nil
}

// SeatHistory is how many people held a product under a contract, and how many
// seats there were, at each of the moments asked for.
type SeatHistory struct {
	Contract string
	Product  string
	Held     []int
	Seats    []int // spec.Unlimited: no limit; 0 where the contract did not offer it
}

// SeatHistories counts seats at some moments, at least one, sorted by contract
// and product. Whatever was never offered nor held then is left out. It reads every
// change of their number in between; what lies behind does not change any more.
func (db *DB) SeatHistories(ctx context.Context, moments []time.Time) ([]SeatHistory, error) {
	revisions := make([]int64, len(moments))
	for i, at := range moments {
		var err error
		if revisions[i], err = db.RevisionAt(ctx, at); err != nil {
			return nil, err
		}
	}
	book := seatBook{moments: len(moments), of: map[spec.Seat]*SeatHistory{}}
	if err := db.heldAt(ctx, moments, revisions, &book); err != nil {
		return nil, fmt.Errorf("counting seats of the past: %w", err)
	}
	if err := db.offeredAt(ctx, revisions, &book); err != nil {
		return nil, fmt.Errorf("reading what contracts offered: %w", err)
	}
	return book.sorted(), nil
}

// seatBook gathers histories by seat.
type seatBook struct {
	moments int
	of      map[spec.Seat]*SeatHistory
}

func (b *seatBook) entry(contract, product string) *SeatHistory {
	seat := spec.Seat{Contract: contract, Product: product}
	if b.of[seat] == nil {
		b.of[seat] = &SeatHistory{Contract: contract, Product: product, Held: make([]int, b.moments), Seats: make([]int, b.moments)}
	}
	return b.of[seat]
}

// sorted returns the histories in which anything was offered or held.
func (b *seatBook) sorted() []SeatHistory {
	var list []SeatHistory
	for _, h := range b.of {
		if slices.ContainsFunc(h.Held, notZero) || slices.ContainsFunc(h.Seats, notZero) {
			list = append(list, *h)
		}
	}
	slices.SortFunc(list, func(a, b SeatHistory) int {
		if n := strings.Compare(a.Contract, b.Contract); n != 0 {
			return n
		}
		return strings.Compare(a.Product, b.Product)
	})
	return list
}

func notZero(n int) bool { return n != 0 }

// heldAt adds how many held what, from the figures that revisions kept.
func (db *DB) heldAt(ctx context.Context, moments []time.Time, revisions []int64, book *seatBook) error {
	const query = `SELECT contract, product, first_day, last_day, people, since, COALESCE(until, 0) FROM holding
		WHERE people > 0 AND since <= ? AND (until IS NULL OR until > ?)`
	_, err := collect(ctx, db.reader, query, []any{slices.Max(revisions), slices.Min(revisions)}, func(scan scanner) (none struct{}, err error) {
		var h Holding
		var since, until int64
		if err := scan(&h.Contract, &h.Product, &h.From, &h.Until, &h.People, &since, &until); err != nil {
			return none, err
		}
		for i, at := range moments {
			if revisions[i] >= since && (until == 0 || until > revisions[i]) && h.Contains(spec.DayOf(at)) {
				book.entry(h.Contract, h.Product).Held[i] += h.People
			}
		}
		return none, nil
	})
	return err
}

// offeredAt adds how many seats there were.
func (db *DB) offeredAt(ctx context.Context, revisions []int64, book *seatBook) error {
	const query = "SELECT name, body, since, COALESCE(until, 0) FROM contract"
	_, err := collect(ctx, db.reader, query, nil, func(scan scanner) (none struct{}, err error) {
		var name, text string
		var since, until int64
		if err := scan(&name, &text, &since, &until); err != nil {
			return none, err
		}
		var body contractBody
		if err := decode(text, &body); err != nil {
			return none, err
		}
		for i, r := range revisions {
			if since > r || until != 0 && until <= r {
				continue
			}
			for _, o := range body.Offers {
				book.entry(name, o.Product).Seats[i] = o.Seats
			}
		}
		return none, nil
	})
	return err
}
