package reconciler

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"usher/spec"
	"usher/state"
)

// Calendar returns the messages about what came to pass between two days by its
// dates alone, on a day after since and up to today: access that began, or whose
// last day was the day before; invitations about to expire, to the invited; and
// those that expired, to the software coordinators. Who has both a reminder and a
// change of access due gets the reminder, which lists the rest. It is a pure
// function.
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
		if n.Kind == NoticeReminder || len(n.Gained)+len(n.Lost) > 0 {
			notices = append(notices, n)
		}
	}
	return append(notices, d.expiries(since)...)
}

func (d *differ) calendarNotice(u *spec.User, since spec.Day) Notice {
	a := d.account(u.Name)
	n := Notice{Kind: NoticeAccess, To: u.Email, Person: personOf(u), Calendar: true, account: a.ID, name: u.Name}
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
	if reminds(a, since, d.today) {
		n.Kind, n.Expires = NoticeReminder, a.Expires
		for _, g := range u.Access {
			contracts[g.Contract] = true
		}
	}
	if len(contracts) > 0 {
		n.Support = d.support(contracts)
		sortLines(n.Gained)
		sortLines(n.Lost)
	}
	return n
}

// reminders are how many days before its last day an invitation is recalled.
var reminders = [...]spec.Day{14, 3}

// lastDay is the last day on which an account's invitation opens.
func lastDay(a state.Account) spec.Day { return spec.DayOf(a.Expires.Add(-time.Nanosecond)) }

// reminds reports whether a day to recall an invitation has come, one after the
// day on which it was issued. Two such days at once, as after a long sleep, are
// one reminder.
func reminds(a state.Account, since, today spec.Day) bool {
	if a.Status != state.Invited || lastDay(a) < today {
		return false
	}
	return slices.ContainsFunc(reminders[:], func(before spec.Day) bool {
		day := lastDay(a) - before
		return since < day && day <= today && spec.DayOf(a.Invited) < day
	})
}

// lapses reports whether the day after the last one of an invitation has come,
// and the account was not activated.
func lapses(a state.Account, since, today spec.Day) bool {
	day := lastDay(a) + 1
	return !a.Expires.IsZero() && a.Activated.IsZero() && since < day && day <= today
}

// expiries tells each software coordinator whose invitations expired: people who
// have access or a role under a contract of theirs, and those who have none
// anywhere. A suspended person is invited again when that ends.
func (d *differ) expiries(since spec.Day) []Notice {
	reports := map[string]*Report{}
	for i := range d.Wanted.Users {
		u := &d.Wanted.Users[i]
		a := d.account(u.Name)
		if u.Suspended || !lapses(a, since, d.today) {
			continue
		}
		for coordinator, contracts := range coordinatorsOf(d.Wanted, u) {
			r := orZero(reports[coordinator])
			r.Lapsed = append(r.Lapsed, LapsedLine{Person: personOf(u), Expired: a.Expires, Contracts: contracts})
			reports[coordinator] = r
		}
	}
	var notices []Notice
	for _, name := range slices.Sorted(maps.Keys(reports)) {
		notices = append(notices, reportTo(d.True, name, NoticeExpired, reports[name]))
	}
	return notices
}

// reportTo is a message to a steward.
func reportTo(t *state.Truth, name string, kind NoticeKind, r *Report) Notice {
	u := orZero(t.Roster.User(name))
	return Notice{Kind: kind, To: u.Email, Person: personOf(u), Report: r, account: t.Accounts[name].ID, name: name}
}

// coordinatorsOf returns the coordinators of the contracts under which a person
// has access or a role, each with those contracts; where there are none, every
// coordinator, with no contract.
func coordinatorsOf(r *spec.Roster, u *spec.User) map[string][]string {
	concerned := contractsOf(r, u)
	coordinators := map[string][]string{}
	for i := range r.Contracts {
		c := &r.Contracts[i]
		if len(concerned) > 0 && !concerned[c.Name] {
			continue
		}
		for _, name := range c.Coordinators {
			contracts := coordinators[name]
			if len(concerned) > 0 {
				contracts = append(contracts, c.Name)
			}
			coordinators[name] = contracts
		}
	}
	return coordinators
}

// contractsOf are the contracts under which a person has access, on whatever
// days, or a role.
func contractsOf(r *spec.Roster, u *spec.User) map[string]bool {
	contracts := map[string]bool{}
	for i := range u.Access {
		contracts[u.Access[i].Contract] = true
	}
	for i := range r.Contracts {
		if c := &r.Contracts[i]; c.Steward(u.Name) {
			contracts[c.Name] = true
		}
	}
	return contracts
}

// followCalendar applies what passed by the calendar alone, as a revision of its
// own. It is never held: whoever declared the days has decided. While the clock
// stands before the newest revision nothing ends.
func (c *Controller) followCalendar(ctx context.Context, owner *state.Owner, out *Outcome) error {
	head, err := c.DB.Head(ctx)
	if err != nil {
		return err
	}
	since, today := head.CalendarDay, spec.DayOf(c.Now())
	var notices []Notice
	var truth *state.Truth
	if since != spec.Always && since < today {
		if truth, err = c.due(ctx, since, today); err != nil {
			return err
		}
		notices = Calendar(truth, since, today)
	}
	if len(notices) == 0 {
		c.followed = today
		return nil
	}
	for i := range notices {
		if notices[i].Subject, err = c.Compose.Subject(&notices[i]); err != nil {
			return fmt.Errorf("composing the message to %s: %w", notices[i].name, err)
		}
	}
	rev, err := owner.Update(ctx, state.Cause{Kind: state.CauseTime, By: "calendar"}, truth.Newest.Number, func(tx *state.Tx) error {
		if err := tx.SetCalendarDay(today); err != nil {
			return err
		}
		return c.queue(notices, &writer{tx: tx})
	})
	if err != nil {
		return fmt.Errorf("following the calendar: %w", err)
	}
	out.Calendar, c.followed = &rev, today
	return nil
}

// due is what is true of those about whom [Calendar] may have something to say,
// and of the stewards, who are told of others.
func (c *Controller) due(ctx context.Context, since, today spec.Day) (*state.Truth, error) {
	catalogue, err := c.DB.Catalogue(ctx)
	if err != nil {
		return nil, err
	}
	lastDays := []spec.Span{{From: since, Until: today - 1}}
	for _, before := range reminders {
		lastDays = append(lastDays, spec.Span{From: since + before + 1, Until: today + before})
	}
	e, err := c.DB.Excerpt(ctx, state.Who{
		Names:  slices.Sorted(maps.Keys(catalogue.Stewards)),
		Begins: []spec.Span{{From: since + 1, Until: today}}, Ends: []spec.Span{{From: since, Until: today - 1}}, Expires: lastDays,
	})
	if err != nil {
		return nil, err
	}
	e.Roster.Contracts, e.Roster.Products = catalogue.Roster.Contracts, catalogue.Roster.Products
	return &e.Truth, nil
}
