package spec

import (
	"testing"
	"time"
)

func TestDays(t *testing.T) {
	tests := []struct {
		text string
		day  Day
	}{
		{"1970-01-01", 0},
		{"1970-01-02", 1},
		{"1969-12-31", -1},
		{"2026-11-22", 20779},
		{"2028-02-29", 21243},
		{"0001-01-01", -719162},
		{"9999-12-31", 2932896},
	}
	for _, tt := range tests {
		got, err := ParseDay(tt.text)
		if err != nil || got != tt.day {
			t.Errorf("ParseDay(%q) = %d, %v; want %d", tt.text, got, err, tt.day)
		}
		if tt.day.String() != tt.text {
			t.Errorf("day %d is written %q, want %q", tt.day, tt.day, tt.text)
		}
		if first, last := DayOf(tt.day.Start()), DayOf(tt.day.Start().Add(24*time.Hour-1)); first != tt.day || last != tt.day {
			t.Errorf("%s begins on day %d and ends on day %d, want %d", tt.text, first, last, tt.day)
		}
	}
	for _, bad := range []string{"", "2026-11-31", "2026-1-1", "26-11-22", "2026-11-22T00:00:00Z", "２026-11-22", " 2026-11-22", "today", "10000-01-01"} {
		if got, err := ParseDay(bad); err == nil {
			t.Errorf("ParseDay(%q) = %s, want an error", bad, got)
		}
	}
}

// TestDaysAreUTC: the day of a moment is that of Greenwich, wherever it is told.
func TestDaysAreUTC(t *testing.T) {
	moment := time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("west", -3600))
	if got, want := DayOf(moment).String(), "2026-11-23"; got != want {
		t.Errorf("day %s, want %s", got, want)
	}
}

func TestSpans(t *testing.T) {
	a, b := day("2026-12-01"), day("2027-03-31")
	tests := []struct {
		span            Span
		text            string
		before, in, end bool // holds a-1, a, b+1
	}{
		{AllTime, "", true, true, true},
		{Span{a, Forever}, "from 2026-12-01", false, true, true},
		{Span{Always, b}, "until 2027-03-31", true, true, false},
		{Span{a, b}, "from 2026-12-01 until 2027-03-31", false, true, false},
		{Span{a, a}, "from 2026-12-01 until 2026-12-01", false, true, false},
	}
	for _, tt := range tests {
		if got := tt.span.String(); got != tt.text {
			t.Errorf("span is written %q, want %q", got, tt.text)
		}
		if got := [3]bool{tt.span.Contains(a - 1), tt.span.Contains(a), tt.span.Contains(b + 1)}; got != [3]bool{tt.before, tt.in, tt.end} {
			t.Errorf("%s holds the day before, the first, the day after: %v", tt.text, got)
		}
	}
}
