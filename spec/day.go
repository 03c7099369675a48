package spec

import (
	"fmt"
	"math"
	"time"
)

// Day is a UTC calendar day, counted from 1970-01-01.
type Day int32

// The ends of time.
const (
	Always  Day = math.MinInt32 // as the first day of a span: it has no beginning
	Forever Day = math.MaxInt32 // as the last day of a span: it has no end
)

const dayLayout = "2006-01-02"

// DayOf returns the UTC day that t falls on.
func DayOf(t time.Time) Day {
	seconds := t.Unix()
	day := seconds / 86400
	if seconds%86400 < 0 {
		day--
	}
	return Day(day)
}

// ParseDay reads a day written as 2027-03-31.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(dayLayout, s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a day written as 2027-03-31", s)
	}
	return DayOf(t), nil
}

// Start returns the first moment of the day.
func (d Day) Start() time.Time { return time.Unix(int64(d)*86400, 0).UTC() }

// String writes the day as 2027-03-31, and the ends of time as nothing.
func (d Day) String() string {
	if d == Always || d == Forever {
		return ""
	}
	return d.Start().Format(dayLayout)
}

// MarshalText writes what String does.
func (d Day) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Span is a run of days, both ends included.
type Span struct {
	From  Day // Always: no beginning
	Until Day // Forever: no end
}

// AllTime is the span of a grant that names no days.
var AllTime = Span{Always, Forever}

// Contains reports whether the day lies in the span.
func (s Span) Contains(d Day) bool { return s.From <= d && d <= s.Until }

// String writes the span in words: "", "from 2026-12-01", "until 2027-03-31" or
// "from 2026-12-01 until 2027-03-31".
func (s Span) String() string {
	switch {
	case s == AllTime:
		return ""
	case s.Until == Forever:
		return "from " + s.From.String()
	case s.From == Always:
		return "until " + s.Until.String()
	default:
		return "from " + s.From.String() + " until " + s.Until.String()
	}
}
