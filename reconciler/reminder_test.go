package reconciler_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// newcomer is a firm whose people are active, but for bo, who is invited on
// 22 November 2026 at nine, and until 20 February 2027.
func newcomer(t *testing.T, access string) *office {
	t.Helper()
	f := firm()
	f["people.yaml"] = user("ada") + user("grace", "access: [cad]")
	o := newOffice(t, f)
	o.tree["bo.yaml"] = user("bo", access)
	o.apply()
	return o
}

// resend has bo invited again.
func resend(o *office) {
	owner := o.own()
	defer owner.Close()
	if err := o.ctl.Resend(context.Background(), owner, "bo", "tester"); err != nil {
		o.Fatal(err)
	}
}

func suspend(o *office) { o.edit("bo.yaml", "lastName: Lee\n", "lastName: Lee\n  suspended: true\n") }

func restore(o *office) { o.edit("bo.yaml", "  suspended: true\n", "") }

// DOMAIN.md row 17 and "Who is told": an invitation about to expire, 14 and 3 days
// before, to the user; expired, to the software coordinators.
func TestInvitationsByTheCalendar(t *testing.T) {
	const (
		reminder = "reminder to bo@acme.example by the calendar"
		expired  = "expired to grace@acme.example: bo[design]"
	)
	type visit struct {
		on   string
		do   func(*office)
		want []string // what the calendar sends; nil: nothing
	}
	for _, test := range []struct {
		name   string
		access string
		visits []visit
	}{
		{name: "day by day", visits: []visit{
			{on: "2027-02-05"}, {on: "2027-02-06", want: []string{reminder}}, {on: "2027-02-06"}, {on: "2027-02-07"},
			{on: "2027-02-16"}, {on: "2027-02-17", want: []string{reminder}}, {on: "2027-02-18"}, {on: "2027-02-20"},
			{on: "2027-02-21", want: []string{expired}}, {on: "2027-02-21"}, {on: "2027-02-22"}, {on: "2027-06-01"},
		}},
		{name: "asleep over the first", visits: []visit{{on: "2027-02-10", want: []string{reminder}}, {on: "2027-02-17", want: []string{reminder}}}},
		{name: "asleep over both", visits: []visit{{on: "2027-02-19", want: []string{reminder}}, {on: "2027-02-21", want: []string{expired}}}},
		{name: "asleep until the hour it expires", visits: []visit{{on: "2027-02-20"}, {on: "2027-02-21", want: []string{expired}}}},
		{name: "asleep over all of it", visits: []visit{{on: "2027-05-01", want: []string{expired}}}},
		{name: "resent between the two", visits: []visit{
			{on: "2027-02-06", want: []string{reminder}}, {on: "2027-02-10", do: resend}, {on: "2027-02-17"}, {on: "2027-02-21"},
			{on: "2027-04-26"}, {on: "2027-04-27", want: []string{reminder}}, {on: "2027-05-12", want: []string{expired}},
		}},
		{name: "resent while asleep over both", visits: []visit{{on: "2027-02-18", do: resend}, {on: "2027-02-22"}}},
		{name: "resent after it expired", visits: []visit{
			{on: "2027-02-21", want: []string{expired}}, {on: "2027-02-25", do: resend}, {on: "2027-05-12", want: []string{reminder}},
			{on: "2027-05-27", want: []string{expired}},
		}},
		{name: "suspended", visits: []visit{{on: "2027-02-01", do: suspend}, {on: "2027-02-06"}, {on: "2027-02-17"}, {on: "2027-02-21"}}},
		{name: "suspended for the first", visits: []visit{
			{on: "2027-02-05", do: suspend}, {on: "2027-02-06"}, {on: "2027-02-10", do: restore}, {on: "2027-02-11"},
			{on: "2027-02-17", want: []string{reminder}},
		}},
		{name: "removed", visits: []visit{{on: "2027-02-05", do: func(o *office) { delete(o.tree, "bo.yaml") }}, {on: "2027-02-06"}, {on: "2027-02-21"}}},
		{
			name: "one message where access begins on the day", access: "access: [cad, {product: cloud, from: 2027-02-06, until: 2027-02-16}]",
			visits: []visit{
				{on: "2027-02-06", want: []string{"reminder to bo@acme.example +cloud from 2027-02-06 until 2027-02-16 by the calendar"}},
				{on: "2027-02-17", want: []string{"reminder to bo@acme.example -cloud from 2027-02-06 until 2027-02-16 by the calendar"}},
			},
		},
		{
			name: "access that ends when the invitation has expired", access: "access: [{product: cad, until: 2027-02-20}]",
			visits: []visit{
				{on: "2027-02-19", want: []string{reminder}},
				{on: "2027-02-21", want: []string{"access to bo@acme.example -cad until 2027-02-20 by the calendar", expired}},
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.access == "" {
				test.access = "access: [cad]"
			}
			o := newcomer(t, test.access)
			for _, v := range test.visits {
				o.now = at(v.on)
				if v.do != nil {
					v.do(o)
				}
				out := o.apply()
				var got []string
				if out.Calendar != nil {
					got = o.mailed(out.Calendar.Number)
				}
				equalLetters(o, v.on, v.want, got)
			}
			o.verify()
		})
	}
}

// A reminder is about the invitation that the person has, and carries no password.
func TestReminderCarriesNoPassword(t *testing.T) {
	o := newcomer(t, "access: [cad]")
	truth := o.truth()
	notices := reconciler.Calendar(truth, day("2027-02-05"), day("2027-02-06"))
	if len(notices) != 1 || notices[0].Kind != reconciler.NoticeReminder {
		t.Fatalf("%d notices, want one reminder", len(notices))
	}
	want := time.Date(2027, 2, 20, 9, 0, 0, 0, time.UTC)
	if diff := cmp.Diff(want, notices[0].Expires.Truncate(time.Second)); diff != "" {
		t.Errorf("expires (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"help@acme.example"}, notices[0].Support); diff != "" {
		t.Errorf("support (-want +got):\n%s", diff)
	}
	o.now = at("2027-02-06")
	sent, err := o.db.Messages(context.Background(), state.MessageQuery{Revision: o.apply().Calendar.Number})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent) != 1 || sent[0].Issue != 0 {
		t.Errorf("sent %+v, want one message that no given password is filled into", sent)
	}
}

// "Who is told": expired, to the software coordinators of the contracts where the
// person has access or a role; of all contracts where they have none anywhere. The
// contract manager is told where they are the coordinator, by default.
func TestExpiredIsToldToCoordinators(t *testing.T) {
	grants := func(pairs ...string) (list []spec.Grant) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, spec.Grant{Contract: pairs[i], Product: pairs[i+1], Span: spec.AllTime})
		}
		return list
	}
	contracts := []spec.Contract{
		{Name: "design", Manager: "ada", Coordinators: []string{"grace", "hugo"}},
		{Name: "plant", Manager: "eve", Coordinators: []string{"eve"}},
		{Name: "rail", Manager: "ada", Coordinators: []string{"grace"}},
	}
	for _, test := range []struct {
		name string
		of   spec.User // who lapses
		want map[string][]string
	}{
		{"under one", spec.User{Name: "bo", Access: grants("design", "cad")}, map[string][]string{"grace": {"design"}, "hugo": {"design"}}},
		{"under two of one steward", spec.User{Name: "bo", Access: grants("design", "cad", "design", "cloud", "rail", "cad")},
			map[string][]string{"grace": {"design", "rail"}, "hugo": {"design"}}},
		{"where the manager coordinates", spec.User{Name: "bo", Access: grants("plant", "pump")}, map[string][]string{"eve": {"plant"}}},
		{"under two of two", spec.User{Name: "bo", Access: grants("plant", "pump", "rail", "cad")},
			map[string][]string{"eve": {"plant"}, "grace": {"rail"}}},
		{"without any access", spec.User{Name: "bo"}, map[string][]string{"eve": nil, "grace": nil, "hugo": nil}},
		{"a coordinator", spec.User{Name: "hugo"}, map[string][]string{"grace": {"design"}, "hugo": {"design"}}},
		{"a manager", spec.User{Name: "eve"}, map[string][]string{"eve": {"plant"}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			truth := lapsing(contracts, test.of)
			got := map[string][]string{}
			for _, n := range reconciler.Calendar(truth, day("2027-02-20"), day("2027-02-21")) {
				if n.Kind != reconciler.NoticeExpired || len(n.Report.Lapsed) != 1 || n.Report.Lapsed[0].Name != test.of.Name {
					t.Fatalf("notice %+v, want %s alone reported", n, test.of.Name)
				}
				if n.To != n.Person.Name+"@acme.example" {
					t.Errorf("to %s, want %s's address", n.To, n.Person.Name)
				}
				got[n.Person.Name] = n.Report.Lapsed[0].Contracts
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
		})
	}
}

// lapsing is a truth in which one person's invitation expires at noon on
// 20 February 2027; everyone else is active.
func lapsing(contracts []spec.Contract, u spec.User) *state.Truth {
	t := &state.Truth{Roster: &spec.Roster{Contracts: contracts}, Accounts: map[string]state.Account{}}
	for _, name := range []string{"ada", "bo", "eve", "grace", "hugo"} {
		one := spec.User{Name: name}
		a := state.Account{ID: "u" + name, Status: state.Active, Activated: at("2026-01-01")}
		if name == u.Name {
			one = u
			a = state.Account{ID: "u" + name, Status: state.Expired, Issue: 1, Invited: at("2026-11-22"), Expires: at("2027-02-20").Add(3 * time.Hour)}
		}
		one.Email = name + "@acme.example"
		t.Roster.Users = append(t.Roster.Users, one)
		t.Accounts[name] = a
	}
	return t
}

// Invitations that are short, end at midnight, or were issued on the day.
func TestRemindersByTheDay(t *testing.T) {
	moment := func(s string) time.Time {
		at, err := time.Parse("2006-01-02 15:04", s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for _, test := range []struct {
		name             string
		invited, expires string
		since, today     string
		want             []reconciler.NoticeKind
	}{
		{"on the day", "2026-11-22 09:00", "2027-02-20 09:00", "2027-02-05", "2027-02-06", []reconciler.NoticeKind{reconciler.NoticeReminder}},
		{"issued on the day", "2027-02-06 09:00", "2027-02-20 09:00", "2027-02-05", "2027-02-06", nil},
		{"issued after the day, and nobody looked since", "2027-02-10 09:00", "2027-02-20 09:00", "2027-02-05", "2027-02-12", nil},
		{"three days of a short one", "2027-02-10 09:00", "2027-02-20 09:00", "2027-02-12", "2027-02-17", []reconciler.NoticeKind{reconciler.NoticeReminder}},
		{"midnight ends the day before", "2026-11-22 00:00", "2027-02-20 00:00", "2027-02-04", "2027-02-05", []reconciler.NoticeKind{reconciler.NoticeReminder}},
		{"midnight, and no day later", "2026-11-22 00:00", "2027-02-20 00:00", "2027-02-05", "2027-02-06", nil},
		{"midnight expires at once", "2026-11-22 00:00", "2027-02-20 00:00", "2027-02-19", "2027-02-20", []reconciler.NoticeKind{reconciler.NoticeExpired}},
		{"past its last day there is nothing to recall", "2026-11-22 09:00", "2027-02-20 09:00", "2027-02-05", "2027-02-21", []reconciler.NoticeKind{reconciler.NoticeExpired}},
		{"told before", "2026-11-22 09:00", "2027-02-20 09:00", "2027-02-21", "2027-02-22", nil},
		{"a clock put back", "2026-11-22 09:00", "2027-02-20 09:00", "2027-02-06", "2027-02-05", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			truth := lapsing([]spec.Contract{{Name: "design", Manager: "ada", Coordinators: []string{"grace"}}}, spec.User{Name: "bo"})
			truth.Accounts["bo"] = state.Account{
				ID: "ubo", Status: state.Invited, Issue: 1, Invited: moment(test.invited), Expires: moment(test.expires),
			}
			var got []reconciler.NoticeKind
			for _, n := range reconciler.Calendar(truth, day(test.since), day(test.today)) {
				got = append(got, n.Kind)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
		})
	}
}
