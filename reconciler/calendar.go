package reconciler

import (
	"context"
	"fmt"

	"usher/spec"
	"usher/state"
)

// Calendar returns the messages about access that began or ended between two
// days by its dates alone: it began on a day after since and up to today, or
// its last day was before today and not before since. It is a pure function.
func Calendar(t *state.Truth, since, today spec.Day) []Notice {
	if since == spec.Always || since >= today {
		return nil
	}
	d := &differ{Comparison: Comparison{Wanted: t.Roster, True: t}, today: today}
	var notices []Notice
	for i := range t.Roster.Users {
		u := &t.Roster.Users[i]
		if u.Suspended {
			continue
		}
		n := d.calendarNotice(u, since)
		if len(n.Gained)+len(n.Lost) > 0 {
			notices = append(notices, n)
		}
	}
	return notices
}

func (d *differ) calendarNotice(u *spec.User, since spec.Day) Notice {
	n := Notice{Kind: NoticeAccess, To: u.Email, Person: personOf(u), Calendar: true, account: d.account(u.Name).ID, name: u.Name}
	contracts := map[string]bool{}
	for i := range u.Access {
		g := &u.Access[i]
		began, ended := g.From > since && g.From <= d.today, g.Until >= since && g.Until < d.today
		switch {
		case ended && began, !ended && !began:
			continue // both: over before anybody could have used it
		case began:
			n.Gained = append(n.Gained, d.accessLine(g))
		case ended:
			n.Lost = append(n.Lost, d.accessLine(g))
		}
		contracts[g.Contract] = true
	}
	if len(contracts) > 0 {
		n.Support = d.support(contracts)
		sortLines(n.Gained)
		sortLines(n.Lost)
	}
	return n
}

// followCalendar applies what passed by the calendar alone, as a revision of its
// own, and returns what is true then. It is never held: whoever declared the days
// has decided. While the clock stands before the newest revision nothing ends.
func (c *Controller) followCalendar(ctx context.Context, owner *state.Owner, out *Outcome) (*state.Truth, error) {
	truth, err := c.DB.Truth(ctx)
	if err != nil {
		return nil, err
	}
	today := spec.DayOf(c.Now())
	notices := Calendar(truth, truth.CalendarDay, today)
	if len(notices) == 0 {
		return truth, nil
	}
	for i := range notices {
		if notices[i].Subject, err = c.Compose.Subject(&notices[i]); err != nil {
			return nil, fmt.Errorf("composing the message to %s: %w", notices[i].To, err)
		}
	}
	rev, err := owner.Update(ctx, state.Cause{Kind: state.CauseTime, By: "calendar"}, truth.Newest.Number, func(tx *state.Tx) error {
		if err := tx.SetCalendarDay(today); err != nil {
			return err
		}
		return c.queue(tx, notices, &writer{})
	})
	if err != nil {
		return nil, fmt.Errorf("following the calendar: %w", err)
	}
	out.Calendar = &rev
	return c.DB.Truth(ctx)
}
