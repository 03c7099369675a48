package portal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"usher/spec"
	"usher/state"
)

func (s *site) creditRoutes() []route {
	return []route{{method: http.MethodGet, pattern: "/credits", need: signedIn, serve: s.credits, menu: "Cloud credits"}}
}

// creditMonths is how many months the page shows, the present one included.
const creditMonths = 12

// credits is the cloud credits of one contract, as somebody sees them (DOMAIN.md
// row 19).
type credits struct {
	Contract string
	Pool     string // "1,000"; empty: the contract has none any more
	Used     string // by everybody
	Own      string
	Left     string // "760"; empty without a pool
	Over     string // how much more than the pool was used; empty: no more
	Expires  string // "30 June 2030"; empty: they do not
	Expired  bool
	Months   []creditMonth // oldest first; none: nothing was used in any of them
	Chart    *chart
}

// creditMonth is the use of one month.
type creditMonth struct {
	Month    string // "November 2026"
	Own, All string
	own, all int64
}

func (s *site) credits(w http.ResponseWriter, r *http.Request) {
	who := viewerOf(r)
	catalogue, grants, err := s.holdings(r.Context(), who)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	own, err := s.DB.Credits(r.Context(), state.CreditQuery{Account: who.account.ID, PerMonth: true})
	if err != nil {
		s.fail(w, r, err)
		return
	}
	today := spec.DayOf(s.Now())
	concerned := shelf{catalogue, grants, today}.concerned(who)
	var list []credits
	for _, name := range creditContracts(catalogue, concerned, own) {
		all, err := s.creditsOf(r.Context(), name)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		list = append(list, creditsAs(catalogue.Roster.Contract(name), name, all, own, today))
	}
	s.render(w, r, "credit", "Cloud credits", list)
}

// creditContracts lists the contracts with a pool that concern somebody, and those
// under which they ever used any, sorted.
func creditContracts(catalogue *state.Catalogue, concerned []string, own []state.CreditTotal) []string {
	var names []string
	for _, name := range concerned {
		if c := catalogue.Roster.Contract(name); c != nil && c.Credits != nil {
			names = append(names, name)
		}
	}
	for _, total := range own {
		names = append(names, total.Contract)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// creditsOf adds up what everybody used under a contract, by months. That reads
// every day of every user, so it is kept until more is imported.
func (s *site) creditsOf(ctx context.Context, contract string) ([]state.CreditTotal, error) {
	imported, err := s.DB.CreditStamp(ctx)
	if err != nil {
		return nil, err
	}
	all, err := s.creditSums.get(imported, func() ([]state.CreditTotal, error) {
		return s.DB.Credits(ctx, state.CreditQuery{PerMonth: true})
	})
	return slices.DeleteFunc(slices.Clone(all), func(t state.CreditTotal) bool { return t.Contract != contract }), err
}

// creditsAs puts the numbers of a contract together; c is nil for one that has ended.
func creditsAs(c *spec.Contract, name string, all, own []state.CreditTotal, today spec.Day) credits {
	own = slices.DeleteFunc(slices.Clone(own), func(t state.CreditTotal) bool { return t.Contract != name })
	used, mine := sumOf(all), sumOf(own)
	v := credits{Contract: name, Used: grouped(used), Own: grouped(mine)}
	if c != nil && c.Credits != nil {
		v.Pool, v.Left = grouped(c.Credits.Pool), grouped(max(0, c.Credits.Pool-used))
		v.Expires, v.Expired = dayInWords(c.Credits.Expires), today > c.Credits.Expires
		if used > c.Credits.Pool {
			v.Over = grouped(used - c.Credits.Pool)
		}
	}
	v.Months = monthsOf(all, own, today)
	if len(v.Months) > 0 {
		v.Chart = creditChart(name, v.Months)
	}
	return v
}

func sumOf(totals []state.CreditTotal) int64 {
	var sum int64
	for _, t := range totals {
		sum += t.Used
	}
	return sum
}

// monthsOf lists the last months; none where nothing was used in them.
func monthsOf(all, own []state.CreditTotal, today spec.Day) []creditMonth {
	this := today.Start()
	months := make([]creditMonth, creditMonths)
	some := false
	for i := range months {
		begin := time.Date(this.Year(), this.Month()-time.Month(creditMonths-1-i), 1, 0, 0, 0, 0, time.UTC)
		m := creditMonth{Month: begin.Format("January 2006")}
		m.all, m.own = inMonth(all, begin), inMonth(own, begin)
		m.All, m.Own = grouped(m.all), grouped(m.own)
		some = some || m.all > 0
		months[i] = m
	}
	if !some {
		return nil
	}
	return months
}

func inMonth(totals []state.CreditTotal, begin time.Time) int64 {
	month := begin.Format("2006-01")
	for _, t := range totals {
		if t.Month == month {
			return t.Used
		}
	}
	return 0
}

// creditChart draws the months as bars: one's own use below that of the others.
func creditChart(contract string, months []creditMonth) *chart {
	var most int64
	for _, m := range months {
		most = max(most, m.all)
	}
	first, last := months[0].Month, months[len(months)-1].Month
	p := newPlot(400, 170, len(months), most, fmt.Sprintf("Credits used under %s by month, %s to %s; the table below has the numbers", contract, first, last))
	for i, m := range months {
		p.bar("bar-shape", i, 0, m.own)
		p.bar("other-shape", i, m.own, m.all)
	}
	p.below(0, first)
	p.below(len(months)-1, last)
	return p.chart
}
