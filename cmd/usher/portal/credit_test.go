package portal

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// uses imports use of credits: by user and days ago.
func (f *firm) uses(contract, user string, ago int, credits int64) {
	f.Helper()
	_, err := f.owner.ImportCredits(f.Context(), state.CreditImport{File: "use.csv", By: "tester"}, []spec.Usage{{
		Contract: contract, User: user, Day: spec.DayOf(f.now()) - spec.Day(ago), Credits: credits,
	}})
	f.must(err)
}

// figures are the numbers of a page by what they are called.
func (r *reply) figures() map[string]string {
	r.Helper()
	found := map[string]string{}
	for _, list := range r.elements("dl", "figures") {
		for group := range list.ChildNodes() {
			if dt := first(group, "dt"); dt != nil {
				found[textOf(dt)] = textOf(first(group, "dd"))
			}
		}
	}
	return found
}

// DOMAIN.md row 19: the pool, one's own use, what is left, and a chart with its table.
func TestCredits(t *testing.T) {
	f := newFirm(t)
	eve := f.as("eve")
	eve.get("/credits").says(http.StatusOK, "Contract design", "Nothing was used in the last twelve months.", "until the end of 30 June 2037")
	this := f.now().UTC()
	f.uses("design", "eve", 0, 40)
	f.uses("design", "ida", 0, 160)
	f.uses("design", "eve", 400, 7) // longer ago than the chart goes
	page := eve.get("/credits")
	want := map[string]string{"You used": "47", "Everybody used": "207", "Of a pool of": "1,000", "Left": "793"}
	if diff := cmp.Diff(want, page.figures()); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
	table := page.tableOf("Credits used under design, by month")
	if got, want := len(table), 1+creditMonths; got != want {
		t.Fatalf("%d rows, want %d", got, want)
	}
	if diff := cmp.Diff([]string{this.Format("January 2006"), "40", "200"}, table[creditMonths]); diff != "" {
		t.Errorf("the last row (-want +got):\n%s", diff)
	}
	chart := page.elements("svg", "chart")
	labelled := 0
	for _, svg := range chart {
		if attribute(svg, "role") == "img" && attribute(svg, "aria-label") != "" {
			labelled++
		}
	}
	if labelled != 1 {
		t.Errorf("%d charts say what they show, want one", labelled)
	}
	if got := f.as("ida").get("/credits").figures()["You used"]; got != "160" {
		t.Errorf("ida used %s, want 160", got)
	}
	f.as("olu").get("/credits").says(http.StatusOK, "No contract of yours has cloud credits.")
}

func TestCreditsInWords(t *testing.T) {
	today := spec.Day(20000)
	for name, test := range map[string]struct {
		contract *spec.Contract
		used     int64
		want     credits
	}{
		"within":  {&spec.Contract{Credits: &spec.Credits{Pool: 1500, Expires: spec.Forever}}, 400, credits{Pool: "1,500", Used: "400", Left: "1,100"}},
		"over":    {&spec.Contract{Credits: &spec.Credits{Pool: 1500, Expires: today}}, 1600, credits{Pool: "1,500", Used: "1,600", Left: "0", Over: "100", Expires: "4 October 2024"}},
		"expired": {&spec.Contract{Credits: &spec.Credits{Pool: 10, Expires: today - 1}}, 4, credits{Pool: "10", Used: "4", Left: "6", Expires: "3 October 2024", Expired: true}},
		"no pool": {&spec.Contract{}, 4, credits{Used: "4"}},
		"ended":   {nil, 4, credits{Used: "4"}},
	} {
		all := []state.CreditTotal{{Contract: "design", Month: "2020-01", Used: test.used}, {Contract: "design", Month: "2020-02"}}
		got := creditsAs(test.contract, "design", all, []state.CreditTotal{{Contract: "plant", Month: "2020-01", Used: 9}}, today)
		test.want.Contract, test.want.Own = "design", "0"
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Bars are as high as what they stand for, and stand on each other.
func TestCreditChart(t *testing.T) {
	months := make([]creditMonth, creditMonths)
	for i := range months {
		months[i] = creditMonth{Month: fmt.Sprint("month ", i), own: int64(10 * i), all: int64(50 * i)}
	}
	c := creditChart("design", months)
	heights := map[string][]float64{}
	for _, s := range c.Shapes {
		if s.Points == "" {
			heights[s.Class] = append(heights[s.Class], number(t, s.H))
		}
	}
	own, other := heights["bar-shape"], heights["other-shape"]
	if len(own) != creditMonths-1 || len(other) != creditMonths-1 {
		t.Fatalf("%d and %d bars, want %d each: nothing used is no bar", len(own), len(other), creditMonths-1)
	}
	for i := range own {
		if ratio := other[i] / own[i]; ratio < 3.8 || ratio > 4.2 {
			t.Errorf("month %d: the others' bar is %.2f times one's own, want 4", i+1, ratio)
		}
	}
	if ratio := own[10] / own[0]; ratio < 10.5 || ratio > 11.5 {
		t.Errorf("the last bar is %.2f times the first, want 11", ratio)
	}
	for _, s := range c.Shapes {
		if s.Points == "" && (number(t, s.Y) < 0 || number(t, s.Y)+number(t, s.H) > float64(c.Height)) {
			t.Errorf("a bar leaves the chart: %+v", s)
		}
	}
}

func number(t *testing.T, s string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestChartNumbers(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 9999: "9999", 10_000: "10k", 12_540: "12.5k", 3_000_000: "3M", 2_500_000_000: "2.5G"} {
		if got := brief(n); got != want {
			t.Errorf("brief(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]int64{0: 1, 1: 1, 7: 8, 9: 10, 10: 10, 11: 20, 64: 80, 81: 100, 1 << 62: math.MaxInt64} {
		if got := roundUp(n); got < n || got != want {
			t.Errorf("roundUp(%d) = %d, want %d", n, got, want)
		}
	}
}

// A sum is worked out again once more was imported, and not before.
func TestKept(t *testing.T) {
	var k kept[int, string]
	made := 0
	get := func(stamp int, err error) string {
		v, got := k.get(stamp, func() (string, error) { made++; return fmt.Sprint("value ", made), err })
		if got != nil && err == nil {
			t.Errorf("stamp %d: %v", stamp, got)
		}
		return v
	}
	for i, test := range []struct {
		stamp int
		err   error
		want  string
	}{{0, nil, "value 1"}, {0, nil, "value 1"}, {1, nil, "value 2"}, {1, nil, "value 2"}, {2, http.ErrAbortHandler, "value 3"}, {2, nil, "value 4"}, {2, nil, "value 4"}} {
		if got := get(test.stamp, test.err); got != test.want {
			t.Errorf("%d: %q, want %q", i, got, test.want)
		}
	}
}
