package notice_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/spec"
	"usher/state"
)

// many makes lists of n lines, numbered from 1.
func many(n int) *reconciler.Report {
	r := &reconciler.Report{Held: &reconciler.HeldReport{Plan: "sha256:1", Release: []string{"usher approve sha256:1"}}}
	for i := 1; i <= n; i++ {
		mark := fmt.Sprintf("line%d.", i)
		r.Lapsed = append(r.Lapsed, reconciler.LapsedLine{Person: reconciler.Person{FirstName: mark, LastName: "x"}})
		r.Held.Rules = append(r.Held.Rules, state.HeldRule{Message: mark})
		r.Refused = append(r.Refused, reconciler.RefusedLine{Place: mark})
		r.Undelivered = append(r.Undelivered, reconciler.UndeliveredLine{Error: mark})
		r.Seats = append(r.Seats, reconciler.SeatsLine{Title: mark})
		r.Terms = append(r.Terms, reconciler.TermLine{Contract: mark})
	}
	return r
}

// only keeps the list that a message of the kind is about.
func only(kind reconciler.NoticeKind, r *reconciler.Report) *reconciler.Report {
	switch kind {
	case reconciler.NoticeExpired:
		return &reconciler.Report{Lapsed: r.Lapsed}
	case reconciler.NoticeHeld:
		return &reconciler.Report{Held: r.Held}
	case reconciler.NoticeRefused:
		return &reconciler.Report{Refused: r.Refused}
	case reconciler.NoticeUndeliverable:
		return &reconciler.Report{Undelivered: r.Undelivered}
	case reconciler.NoticeSeats:
		return &reconciler.Report{Seats: r.Seats}
	case reconciler.NoticeTerm:
		return &reconciler.Report{Terms: r.Terms}
	}
	return nil
}

var counted = regexp.MustCompile(`and \d+ more`)

func TestListsToStewardsAreBounded(t *testing.T) {
	w := writer(t, online)
	for _, kind := range notice.Kinds {
		if only(kind, &reconciler.Report{Held: &reconciler.HeldReport{}}) == nil {
			continue
		}
		for _, test := range []struct {
			lines, shown int
			more         string
		}{{1, 1, ""}, {20, 20, ""}, {21, 20, "and 1 more"}, {5000, 20, "and 4980 more"}} {
			n := edit(kind, func(n *reconciler.Notice) { n.Report = only(kind, many(test.lines)) })
			r := parse(t, compose(t, w, n))
			if got := strings.Count(r.text, "- "); got != test.shown+1 { // and the signature's
				t.Errorf("%s with %d lines shows %d in the text, want %d", kind, test.lines, got-1, test.shown)
			}
			if got := strings.Count(r.html, "<li>"); got != test.shown {
				t.Errorf("%s with %d lines shows %d in the HTML, want %d", kind, test.lines, got, test.shown)
			}
			for _, body := range []string{r.text, shown(r.html)} {
				if !strings.Contains(body, fmt.Sprintf("line%d.", test.shown)) {
					t.Errorf("%s with %d lines does not show the first %d:\n%s", kind, test.lines, test.shown, body)
				}
				if got := counted.FindString(body); got != test.more {
					t.Errorf("%s with %d lines says %q, want %q", kind, test.lines, got, test.more)
				}
			}
		}
	}
}

// What comes from outside, a server's answer above all, stays a line of text.
func TestNothingBreaksOutOfReports(t *testing.T) {
	attack := "x\r\nBcc: eve@evil.example\r\n\r\n<script>alert(1)</script>\u2028\u202eevil\x00" + state.Placeholder
	r := &reconciler.Report{
		Lapsed: []reconciler.LapsedLine{{
			Person:    reconciler.Person{Name: attack, Email: attack, FirstName: attack, LastName: attack},
			Contracts: []string{attack},
		}},
		Held:        &reconciler.HeldReport{Plan: attack, Rules: []state.HeldRule{{Message: attack}}, Release: []string{attack}},
		Refused:     []reconciler.RefusedLine{{Place: attack, Message: attack, Hint: attack}},
		Undelivered: []reconciler.UndeliveredLine{{To: attack, Kind: reconciler.NoticeKind(attack), Error: attack}},
		Seats:       []reconciler.SeatsLine{{Contract: attack, Title: attack}},
		Terms:       []reconciler.TermLine{{Contract: attack, Until: spec.Day(20000)}},
	}
	w := writer(t, online)
	for _, kind := range notice.Kinds {
		report := only(kind, r)
		if report == nil {
			continue
		}
		message := compose(t, w, edit(kind, func(n *reconciler.Notice) { n.Report = report }))
		m := parse(t, message)
		if got := m.header.Get("Bcc"); got != "" {
			t.Errorf("%s: a header was injected: Bcc: %s", kind, got)
		}
		if strings.Contains(m.html, "<script") || strings.ContainsAny(m.subject+m.text+m.html, "\u2028\u202e\x00\r") {
			t.Errorf("%s: something came through:\n%s", kind, m.html)
		}
		if !strings.Contains(m.text, "Bcc: eve@evil.example") || strings.Contains(string(message), state.Placeholder) {
			t.Errorf("%s: the value should be shown as text, without what stands for a given password:\n%s", kind, m.text)
		}
	}
}

func TestReminderSaysTheLastDay(t *testing.T) {
	for _, test := range []struct{ expires, lastDay, until string }{
		{"2026-12-06T08:20:00Z", "6 December 2026", "6 December 2026, 08:20 UTC"},
		{"2026-12-06T00:00:00Z", "5 December 2026", "6 December 2026, 00:00 UTC"},
		{"2026-12-06T00:30:00+02:00", "5 December 2026", "5 December 2026, 22:30 UTC"},
	} {
		n := edit(reconciler.NoticeReminder, func(n *reconciler.Notice) { n.Expires = instant(t, test.expires) })
		r := parse(t, compose(t, writer(t, online), n))
		if want := "Your invitation ends on " + test.lastDay; r.subject != want {
			t.Errorf("expires %s: subject %q, want %q", test.expires, r.subject, want)
		}
		if want := "Your invitation is good until " + test.until + ".\n"; !strings.Contains(r.text, want) {
			t.Errorf("expires %s: want %q in:\n%s", test.expires, want, r.text)
		}
	}
}

func instant(t *testing.T, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}
