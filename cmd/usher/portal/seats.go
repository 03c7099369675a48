package portal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"usher/spec"
	"usher/state"
)

func (s *site) seatRoutes() []route {
	return []route{{method: http.MethodGet, pattern: "/seats", need: stewardOf, serve: s.seats, menu: "Seats"}}
}

// contractSeats is the seats of one contract (DOMAIN.md row 20).
type contractSeats struct {
	Contract string
	Rows     []seatRow // sorted by title
}

// seatRow is the seats of one product under a contract.
type seatRow struct {
	Product  string
	Title    string
	Type     string // "service", "benefit", or empty for a product
	Bought   int    // spec.Unlimited: no limit
	Assigned int    // today
	Pending  int    // of them, to people who have not activated their account
	Free     int    // today; nothing where there is no limit
	Coming   []string
	Months   []seatMonth // oldest first
	Chart    *chart
}

// Limited reports whether there is a number of seats.
func (r seatRow) Limited() bool { return r.Bought != spec.Unlimited }

// Nearly reports whether over nine tenths are taken, of which stewards are told, too.
func (r seatRow) Nearly() bool { return r.Limited() && r.Free > 0 && r.Assigned*10 > r.Bought*9 }

// Full reports whether nobody else can be given one.
func (r seatRow) Full() bool { return r.Limited() && r.Free <= 0 }

// Idle reports whether nobody has held a seat in the months shown, holds one, or is
// declared to.
func (r seatRow) Idle() bool {
	return len(r.Coming) == 0 && !slices.ContainsFunc(r.Months, func(m seatMonth) bool { return m.Assigned > 0 })
}

// Drawn are the products whose seats have something to show over time.
func (c contractSeats) Drawn() []seatRow {
	return slices.DeleteFunc(slices.Clone(c.Rows), seatRow.Idle)
}

// Idle are the others.
func (c contractSeats) Idle() []seatRow {
	return slices.DeleteFunc(slices.Clone(c.Rows), func(r seatRow) bool { return !r.Idle() })
}

// seatMonth is the seats at the beginning of a month, or now, or as they are
// declared for a month to come.
type seatMonth struct {
	When     string
	Assigned int
	Bought   string
	Ahead    bool
}

func (s *site) seats(w http.ResponseWriter, r *http.Request) {
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	book, err := s.openSeats(r.Context(), catalogue)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	var list []contractSeats
	for _, contract := range viewerOf(r).contracts(stewardOf) {
		list = append(list, book.of(contract))
	}
	s.render(w, r, "seats", "Seats", list)
}

// seatsAhead is how many months to come are shown.
const seatsAhead = 3

// seatBook knows who holds what, now, in the past and as it is declared.
type seatBook struct {
	*state.Catalogue
	today    spec.Day
	moments  []time.Time // of the past, oldest first: the beginnings of months
	past     map[spec.Seat]state.SeatHistory
	holdings map[spec.Seat][]state.Holding
}

// openSeats reads the seats. What lies behind is read once a day.
func (s *site) openSeats(ctx context.Context, catalogue *state.Catalogue) (*seatBook, error) {
	book := &seatBook{Catalogue: catalogue, today: spec.DayOf(s.Now()), past: map[spec.Seat]state.SeatHistory{}}
	var err error
	if book.holdings, err = s.heldNow(ctx); err != nil {
		return nil, err
	}
	if book.moments, err = s.monthsBehind(ctx); err != nil || len(book.moments) == 0 {
		return book, err
	}
	histories, err := s.seatsPast.get(book.today, func() ([]state.SeatHistory, error) { return s.DB.SeatHistories(ctx, book.moments) })
	for _, h := range histories {
		book.past[spec.Seat{Contract: h.Contract, Product: h.Product}] = h
	}
	return book, err
}

// heldNow is who holds what, by seat.
func (s *site) heldNow(ctx context.Context) (map[spec.Seat][]state.Holding, error) {
	holdings, err := s.DB.Holdings(ctx)
	of := map[spec.Seat][]state.Holding{}
	for _, h := range holdings {
		seat := spec.Seat{Contract: h.Contract, Product: h.Product}
		of[seat] = append(of[seat], h)
	}
	return of, err
}

// monthsBehind are the beginnings of the last twelve months, as far back as there
// is a history.
func (s *site) monthsBehind(ctx context.Context) ([]time.Time, error) {
	first, err := s.DB.Revision(ctx, 1)
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	now := s.Now().UTC()
	var moments []time.Time
	for back := 11; back >= 0; back-- {
		at := time.Date(now.Year(), now.Month()-time.Month(back), 1, 0, 0, 0, 0, time.UTC)
		if !at.Before(first.At) {
			moments = append(moments, at)
		}
	}
	return moments, err
}

// of lists the seats of a contract.
func (b *seatBook) of(contract string) contractSeats {
	list := contractSeats{Contract: contract}
	shelf := shelf{Catalogue: b.Catalogue, today: b.today}
	for _, offer := range shelf.offers(contract) {
		item := shelf.item(contract, offer.Product, spec.AllTime)
		row := seatRow{Product: item.Name, Title: item.Title, Type: item.Type, Bought: offer.Seats}
		b.count(&row, spec.Seat{Contract: contract, Product: offer.Product})
		list.Rows = append(list.Rows, row)
	}
	sortByTitle(list.Rows, func(row *seatRow) string { return row.Title })
	return list
}

func (b *seatBook) count(row *seatRow, seat spec.Seat) {
	for _, h := range b.holdings[seat] {
		if h.Contains(b.today) {
			row.Assigned += h.People
			row.Pending += h.Pending
		}
	}
	row.Free = max(0, row.Bought-row.Assigned)
	row.Coming = b.coming(seat)
	b.draw(row, seat)
}

// coming says how the number of holders changes on days to come, the next ones first.
func (b *seatBook) coming(seat spec.Seat) []string {
	deltas := map[spec.Day]int{}
	for _, h := range b.holdings[seat] {
		if h.From > b.today {
			deltas[h.From] += h.People
		}
		if h.Until >= b.today && h.Until < spec.Forever {
			deltas[h.Until+1] -= h.People
		}
	}
	maps.DeleteFunc(deltas, func(_ spec.Day, delta int) bool { return delta == 0 })
	const most = 3
	var lines []string
	days := slices.Sorted(maps.Keys(deltas))
	for i, day := range days {
		if i == most {
			return append(lines, fmt.Sprintf("and on %d later days", len(days)-most))
		}
		word, n := "more", deltas[day]
		if n < 0 {
			word, n = "fewer", -n
		}
		lines = append(lines, fmt.Sprintf("%s %s from %s", grouped(n), word, dayInWords(day)))
	}
	return lines
}

// draw fills in how the seats were, are and will be.
func (b *seatBook) draw(row *seatRow, seat spec.Seat) {
	held, bought := b.series(row, seat)
	behind := len(b.moments)
	for i := range held {
		m := seatMonth{Assigned: int(held[i]), Bought: seatsInWords(bought[i]), Ahead: i > behind}
		switch {
		case i < behind:
			m.When = b.moments[i].Format("2 January 2006")
		case i == behind:
			m.When = "Now"
		default:
			m.When = b.ahead(i - behind).Format("2 January 2006")
		}
		row.Months = append(row.Months, m)
	}
	most := max(slices.Max(held), slices.Max(bought), 1)
	p := newPlot(340, 130, len(held), most, fmt.Sprintf("%s under %s: seats assigned and bought over time; the table below has the numbers", row.Title, seat.Contract))
	for i := range held[:behind+1] {
		p.bar("area-shape", i, 0, held[i])
	}
	p.steps("limit-shape", 0, bought)
	p.steps("line-shape", 0, held[:behind+1])
	p.steps("ahead-shape", behind+1, held[behind+1:])
	p.below(behind, "now")
	if behind > 2 {
		p.below(0, b.moments[0].Format("Jan 2006"))
	}
	p.below(len(held)-1, b.ahead(seatsAhead).Format("Jan"))
	row.Chart = p.chart
}

// series are the seats held and bought at each moment: behind, now, and ahead.
// Bought below zero is no limit, or not offered.
func (b *seatBook) series(row *seatRow, seat spec.Seat) (held, bought []int64) {
	past, known := b.past[seat]
	for i := range b.moments {
		h, n := 0, -1
		if known {
			h = past.Held[i]
			if past.Seats[i] > 0 {
				n = past.Seats[i]
			}
		}
		held, bought = append(held, int64(h)), append(bought, int64(n))
	}
	held, bought = append(held, int64(row.Assigned)), append(bought, int64(row.Bought))
	for i := 1; i <= seatsAhead; i++ {
		day, n := spec.DayOf(b.ahead(i)), 0
		for _, h := range b.holdings[seat] {
			if h.Contains(day) {
				n += h.People
			}
		}
		held, bought = append(held, int64(n)), append(bought, int64(row.Bought))
	}
	return held, bought
}

// ahead is the beginning of a month to come.
func (b *seatBook) ahead(months int) time.Time {
	today := b.today.Start()
	return time.Date(today.Year(), today.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
}

// seatsInWords writes a number of seats; below zero there was no limit.
func seatsInWords(n int64) string {
	if n < 0 {
		return "no limit"
	}
	return strconv.FormatInt(n, 10)
}
