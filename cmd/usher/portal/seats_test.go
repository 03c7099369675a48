package portal

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// DOMAIN.md row 20: bought, assigned, pending and free, per product, now and to come.
func TestSeats(t *testing.T) {
	f := newFirm(t)
	today := spec.DayOf(f.now())
	coming, ending := (today + 5).String(), (today + 9).String()
	f.write("more.yaml", firmPerson("new", "  access: [cad]\n")+ // invited, not activated
		firmPerson("later", "  access: [{product: cad, from: "+coming+"}]\n")+
		firmPerson("guest", "  access: [{product: cad, until: "+ending+"}, pipes]\n"))
	f.apply()
	want := [][]string{
		{"Product", "Bought", "Assigned", "Not activated", "Free", "To come"},
		{"CAD 2027", "10", "4", "2", "6", "1 more from " + dayInWords(today+5) + " 1 fewer from " + dayInWords(today+10)},
	}
	for _, name := range []string{"ada", "grace"} {
		page := f.as(name).get("/seats")
		if diff := cmp.Diff(want, page.tableOf("Seats of contract design, today")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		page.lacks("plant", "Pipes")
	}
	page := f.as("olu").get("/seats")
	if diff := cmp.Diff([]string{"Pipes 2027 service", "no limit", "1", "1", "–", "–"}, page.tableOf("Seats of contract plant, today")[1]); diff != "" {
		t.Errorf("olu (-want +got):\n%s", diff)
	}
	page.lacks("CAD")
}

// Seats follow whatever changes: how many there are, and who has access.
func TestSeatsAreOfNow(t *testing.T) {
	f := newFirm(t)
	ada := f.as("ada")
	assigned := func() string {
		row := ada.get("/seats").tableOf("Seats of contract design, today")[1]
		return row[2] + " of " + row[1] + ", free " + row[4]
	}
	got := []string{assigned()}
	f.write("firm.yaml", strings.Replace(firmManifests, "seats: 10", "seats: 2", 1))
	f.apply()
	got = append(got, assigned())
	f.write("people.yaml", strings.Replace(firmPeople(), "Testeve\n  access: [cad]", "Testeve", 1))
	f.apply()
	got = append(got, assigned())
	f.write("firm.yaml", strings.Replace(firmManifests, "seats: 10", "seats: 0", 1))
	f.write("people.yaml", strings.ReplaceAll(firmPeople(), "  access: [cad]\n", ""))
	f.apply()
	got = append(got, assigned())
	if diff := cmp.Diff([]string{"2 of 10, free 8", "2 of 2, free none", "1 of 2, free 1", "0 of 0, free none"}, got); diff != "" {
		t.Errorf("as things change (-want +got):\n%s", diff)
	}
}

// Over time: as it was at the beginning of each month, as it is, and as declared.
func TestSeatsOverTime(t *testing.T) {
	now := time.Now().UTC()
	begun := time.Date(now.Year(), now.Month()-2, 10, 12, 0, 0, 0, time.UTC) // two beginnings of months ago, and some days
	f := firmSince(t, now.Sub(begun))
	beginning := func(months int) time.Time {
		return time.Date(now.Year(), now.Month()+time.Month(months), 1, 0, 0, 0, 0, time.UTC)
	}
	f.pass(beginning(-1).AddDate(0, 0, 9).Sub(f.now())) // eve loses access after the first of these, ida stays
	f.write("people.yaml", strings.Replace(firmPeople(), "Testeve\n  access: [cad]", "Testeve", 1))
	f.write("firm.yaml", strings.Replace(firmManifests, "seats: 10", "seats: 20", 1))
	f.apply()
	f.pass(time.Since(f.now()))
	f.write("more.yaml", firmPerson("later", "  access: [{product: cad, from: "+spec.DayOf(beginning(2)).String()+"}]\n"))
	f.apply()
	got := f.as("ada").get("/seats").tableOf("CAD 2027 under design")
	in := func(at time.Time) string { return at.Format("2 January 2006") }
	want := [][]string{
		{"On", "Assigned", "Bought"},
		{in(beginning(-1)), "2", "10"},
		{in(beginning(0)), "1", "20"},
		{"Now", "1", "20"},
		{in(beginning(1)) + " (declared)", "1", "20"},
		{in(beginning(2)) + " (declared)", "2", "20"},
		{in(beginning(3)) + " (declared)", "2", "20"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("over time (-want +got):\n%s", diff)
	}
}

func TestSeatRowsSayWhenTheyRunOut(t *testing.T) {
	for _, test := range []struct {
		bought, assigned int
		want             string
	}{{10, 8, ""}, {10, 9, ""}, {100, 91, "nearly"}, {10, 10, "full"}, {0, 0, "full"}, {spec.Unlimited, 99, ""}} {
		row := seatRow{Bought: test.bought, Assigned: test.assigned, Free: max(0, test.bought-test.assigned)}
		got := ""
		switch {
		case row.Full():
			got = "full"
		case row.Nearly():
			got = "nearly"
		}
		if got != test.want {
			t.Errorf("%d of %d: %q, want %q", test.assigned, test.bought, got, test.want)
		}
	}
}
