package state

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"usher/spec"
)

// Holding is how many people hold a product under a contract for the same days.
// Suspended people hold nothing (DOMAIN.md, "Suspension").
type Holding struct {
	Contract string
	Product  string
	spec.Span
	People  int
	Pending int // of them, those who have not activated their account
}

// Holdings counts all access in force, whatever its days, sorted by contract,
// product and days. It reads every grant; [DB.Stamp] tells when to read again.
func (db *DB) Holdings(ctx context.Context) ([]Holding, error) {
	const query = `SELECT a.contract, a.product, a.first_day, a.last_day, COUNT(*),
		SUM(CASE WHEN a.account IN (SELECT id FROM account WHERE activated = 0) THEN 1 ELSE 0 END)
		FROM access a WHERE a.until IS NULL AND a.account NOT IN (SELECT account FROM person WHERE until IS NULL AND suspended = 1)
		GROUP BY a.contract, a.product, a.first_day, a.last_day
		ORDER BY a.contract, a.product, a.first_day, a.last_day`
	held, err := collect(ctx, db.reader, query, nil, func(scan scanner) (h Holding, err error) {
		err = scan(&h.Contract, &h.Product, &h.From, &h.Until, &h.People, &h.Pending)
		return h, err
	})
	if err != nil {
		return nil, fmt.Errorf("counting seats: %w", err)
	}
	return held, nil
}

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
// and product. Whatever was never offered nor held then is left out. It reads all
// access there ever was; what lies behind does not change any more.
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

// heldAt adds who held what. Who was never suspended is counted without a look at
// the person; who ever was, only while they were not.
func (db *DB) heldAt(ctx context.Context, moments []time.Time, revisions []int64, book *seatBook) error {
	const ever = "(SELECT account FROM person WHERE suspended = 1)"
	never, args := sums(moments, revisions, false)
	some, more := sums(moments, revisions, true)
	query := "SELECT a.contract, a.product" + never + " FROM access a WHERE a.account NOT IN " + ever + " GROUP BY a.contract, a.product" +
		" UNION ALL SELECT a.contract, a.product" + some + " FROM access a JOIN person p ON p.account = a.account" +
		" WHERE p.suspended = 0 AND a.account IN " + ever + " GROUP BY a.contract, a.product"
	_, err := collect(ctx, db.reader, query, append(args, more...), func(scan scanner) (none struct{}, err error) {
		var contract, product string
		counts := make([]int, len(moments))
		to := []any{&contract, &product}
		for i := range counts {
			to = append(to, &counts[i])
		}
		if err := scan(to...); err != nil {
			return none, err
		}
		for i, h := 0, book.entry(contract, product); i < len(counts); i++ {
			h.Held[i] += counts[i]
		}
		return none, nil
	})
	return err
}

// sums writes a column for each moment that counts the access in force then, and
// with person only that of people who were not suspended.
func sums(moments []time.Time, revisions []int64, person bool) (columns string, args []any) {
	var b strings.Builder
	for i, at := range moments {
		day, r := spec.DayOf(at), revisions[i]
		b.WriteString(", SUM(CASE WHEN a.since <= ? AND (a.until IS NULL OR a.until > ?) AND a.first_day <= ? AND a.last_day >= ?")
		args = append(args, r, r, day, day)
		if person {
			b.WriteString(" AND p.since <= ? AND (p.until IS NULL OR p.until > ?)")
			args = append(args, r, r)
		}
		b.WriteString(" THEN 1 ELSE 0 END)")
	}
	return b.String(), args
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
