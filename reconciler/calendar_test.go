package reconciler_test

import (
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// boundFirm gives bo access that begins on 1 December and ends on the 10th.
func boundFirm() tree {
	f := firm()
	f["people.yaml"] = user("ada") + user("grace", "access: [cad]") +
		user("bo", "access: [cad, {product: cloud, from: 2026-12-01, until: 2026-12-10}]")
	return f
}

func at(date string) time.Time { return day(date).Start().Add(9 * time.Hour) }

// "Access, time, seats": what passes by the calendar is a revision of its own.
func TestCalendar(t *testing.T) {
	const (
		began = "access to bo@acme.example +cloud from 2026-12-01 until 2026-12-10 by the calendar"
		ended = "access to bo@acme.example -cloud from 2026-12-01 until 2026-12-10 by the calendar"
	)
	type visit struct {
		on   string
		want []string // what is sent; nil: no revision of the calendar
	}
	for _, test := range []struct {
		name   string
		visits []visit
	}{
		{"day by day", []visit{
			{"2026-11-30", nil}, {"2026-12-01", []string{began}}, {"2026-12-01", nil}, {"2026-12-02", nil},
			{"2026-12-10", nil}, {"2026-12-11", []string{ended}}, {"2026-12-11", nil}, {"2027-01-01", nil},
		}},
		{"asleep for some days", []visit{{"2026-12-05", []string{began}}, {"2027-03-01", []string{ended}}}},
		{"asleep over both edges", []visit{{"2027-03-01", nil}, {"2027-03-02", nil}}},
		{"the clock put back does nothing, and nothing is said twice", []visit{
			{"2026-12-01", []string{began}}, {"2026-11-20", nil}, {"2026-12-01", nil}, {"2026-12-11", []string{ended}},
			{"2026-12-05", nil}, {"2026-12-11", nil},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boundFirm())
			w.ctl.Adopt = true // nobody is invited, so that no invitation expires
			w.apply()
			w.ctl.Adopt = false
			for _, v := range test.visits {
				w.now = at(v.on)
				out := w.apply()
				if out.Applied != nil {
					t.Errorf("%s: revision %d applied manifests that had not changed", v.on, out.Applied.Number)
				}
				var got []string
				if out.Calendar != nil {
					got = w.mailed(out.Calendar.Number)
					equal(t, state.CauseTime, out.Calendar.Kind)
					equal(t, w.truth().Newest.Number, out.Calendar.Number)
				}
				if len(v.want) != len(got) || len(got) == 1 && got[0] != v.want[0] {
					t.Errorf("%s: sent %q, want %q", v.on, got, v.want)
				}
			}
			w.settled()
		})
	}
}

// The calendar goes first, as a revision of its own; an edit of the same day is
// another, and neither tells what the other did.
func TestCalendarBeforePlan(t *testing.T) {
	w := newWorld(t, boundFirm())
	w.apply()
	w.now = at("2026-12-01")
	w.edit("people.yaml", user("grace", "access: [cad]"), user("grace"))
	out := w.apply()
	if out.Calendar == nil || out.Applied == nil || out.Calendar.Number+1 != out.Applied.Number {
		t.Fatalf("calendar %+v, applied %+v, want one after the other", out.Calendar, out.Applied)
	}
	equal(t, []string{"access to bo@acme.example +cloud from 2026-12-01 until 2026-12-10 by the calendar"}, w.mailed(out.Calendar.Number))
	equal(t, []string{"access to grace@acme.example -cad"}, w.mailed(out.Applied.Number))
	w.settled()
}

// The calendar goes its way while a plan is held, and the plan keeps its id.
func TestCalendarWhileHeld(t *testing.T) {
	w := newWorld(t, boundFirm())
	w.apply()
	w.edit("firm.yaml", "contractManager: ada", "contractManager: bo")
	id := w.held().ID
	w.approve(id)
	w.now = at("2026-11-30").Add(12 * time.Hour)
	if got := w.held().ID; got != id {
		t.Errorf("the plan's id became %s, was %s", got, id)
	}
	w.approve(id)
	w.now = at("2026-12-01")
	out := w.apply()
	if out.Calendar == nil || out.Plan.ID != id || out.Applied == nil {
		t.Errorf("calendar %+v, plan %s, applied %+v: want both, and plan %s", out.Calendar, out.Plan.ID, out.Applied, id)
	}
	w.settled()
}

// While suspended a person hears nothing of the calendar; the restored message
// lists what there is by then.
func TestCalendarWhileSuspended(t *testing.T) {
	w := newWorld(t, boundFirm())
	w.ctl.Adopt = true
	w.apply()
	w.ctl.Adopt = false
	bound := "{product: cloud, from: 2026-12-01, until: 2026-12-10}]\n"
	w.edit("people.yaml", bound, bound+"  suspended: true\n")
	w.apply()
	w.now = at("2026-12-01")
	if out := w.apply(); out.Calendar != nil {
		t.Errorf("sent %q to somebody suspended", w.mailed(out.Calendar.Number))
	}
	w.edit("people.yaml", "  suspended: true\n", "")
	w.now = at("2026-12-02")
	out := w.apply()
	equal(t, []string{"restored to bo@acme.example =cad =cloud from 2026-12-01 until 2026-12-10"}, w.mailed(out.Applied.Number))
	w.now = at("2026-12-03")
	if out := w.apply(); out.Calendar != nil {
		t.Errorf("after the restoration the calendar sent %q", w.mailed(out.Calendar.Number))
	}
}

// What a plan grants from today on, or takes back on the day it would end, is
// told by the plan and not again by the calendar.
func TestCalendarDoesNotRepeatThePlan(t *testing.T) {
	w := newWorld(t, boundFirm())
	w.apply()
	w.add("people.yaml", user("cy", "access: [{product: cad, from: 2026-11-22}, {product: cloud, until: 2026-11-22}]"))
	w.apply()
	w.now = at("2026-11-23")
	out := w.apply()
	if out.Calendar == nil {
		t.Fatal("nothing ended")
	}
	equal(t, []string{"access to cy@acme.example -cloud until 2026-11-22 by the calendar"}, w.mailed(out.Calendar.Number))
}

// Calendar is a pure function of the days in between.
func TestCalendarBetween(t *testing.T) {
	w := newWorld(t, boundFirm())
	w.apply()
	truth := w.truth()
	for _, test := range []struct {
		since, today string
		want         int
	}{
		{"2026-11-29", "2026-11-30", 0}, {"2026-11-30", "2026-12-01", 1}, {"2026-12-01", "2026-12-02", 0},
		{"2026-12-09", "2026-12-10", 0}, {"2026-12-10", "2026-12-11", 1}, {"2026-12-11", "2026-12-12", 0},
		{"2026-11-30", "2026-12-11", 0}, {"2026-12-11", "2026-11-30", 0}, {"2026-12-01", "2026-12-01", 0},
	} {
		if got := reconciler.Calendar(truth, day(test.since), day(test.today)); len(got) != test.want {
			t.Errorf("from %s to %s: %d messages, want %d", test.since, test.today, len(got), test.want)
		}
	}
}
