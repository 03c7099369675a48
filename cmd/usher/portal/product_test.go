package portal

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
)

// DOMAIN.md rows 6, 7, 13, 19: what was granted, what a role opens, and what is yet
// to be asked for, and of whom.
func TestProducts(t *testing.T) {
	f := newFirm(t)
	f.write("nia.yaml", firmPerson("nia", ""))
	f.control.Adopt = true
	f.apply()
	for name, want := range map[string]struct{ says, lacks []string }{
		"eve": {
			says: []string{
				"CAD 2027 Contract design Yours without a last day", "Download CAD 2027 Windows 64-bit",
				"2.1 GB (2,147,483,648 bytes), from downloads.acme.example", firmSum,
			},
			lacks: []string{"Not yours yet", "Downloads of your contracts", "Pipes"},
		},
		"grace": {
			says:  []string{"Downloads of your contracts", "Download CAD 2027 Windows 64-bit", "Not yours yet", "Ada Testada (contract manager), Grace Testgrace (software coordinator)"},
			lacks: []string{"Pipes", "No product or service"},
		},
		"thora": {
			says:  []string{"No product or service is yours to use yet", "Pipes 2027 service", "Olu Testolu (contract manager)"},
			lacks: []string{"CAD 2027", "Download "},
		},
		"nia": {
			says:  []string{"No product or service is yours to use yet", "Contract design CAD 2027", "Contract plant Pipes 2027", "Ada Testada (contract manager)"},
			lacks: []string{"/downloads/"},
		},
	} {
		page := f.as(name).get("/products")
		page.says(http.StatusOK, want.says...)
		page.lacks(want.lacks...)
	}
	if got, want := f.as("nia").get("/products").links()["Ada Testada"], "mailto:ada@acme.example"; got != want {
		t.Errorf("whom to ask: %q, want %q", got, want)
	}
}

// Access begins and ends on the days declared, of which the last one counts.
func TestProductsFollowTheDays(t *testing.T) {
	f := firmSince(t, 10*24*time.Hour)
	today := spec.DayOf(f.now())
	f.write("people.yaml", strings.Replace(firmPeople(), "Testeve\n  access: [cad]",
		"Testeve\n  access: [{product: cad, from: "+(today+2).String()+", until: "+(today+3).String()+"}]", 1))
	f.apply()
	words := "from " + dayInWords(today+2) + " until the end of " + dayInWords(today+3)
	var got []string
	for range 6 {
		page, state := f.as("eve").get("/products"), "nothing"
		switch {
		case len(page.elements("h2", "")) > 0 && textOf(page.elements("h2", "")[0]) == "Coming":
			state = "coming"
			page.says(http.StatusOK, "Yours "+words)
			page.lacks("/downloads/")
		case strings.Contains(page.body, "/downloads/"):
			state = "in force"
			page.says(http.StatusOK, "Yours "+words)
		}
		got = append(got, state)
		f.pass(24 * time.Hour)
	}
	want := []string{"coming", "coming", "in force", "in force", "nothing", "nothing"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("day by day (-want +got):\n%s", diff)
	}
}

func TestDaysInWords(t *testing.T) {
	from, until := spec.Day(20788), spec.Day(20908)
	for _, test := range []struct {
		days spec.Span
		want string
	}{
		{spec.AllTime, ""},
		{spec.Span{From: from, Until: spec.Forever}, "from 1 December 2026"},
		{spec.Span{From: spec.Always, Until: until}, "until the end of 31 March 2027"},
		{spec.Span{From: from, Until: until}, "from 1 December 2026 until the end of 31 March 2027"},
		{spec.Span{From: from, Until: from}, "on 1 December 2026"},
	} {
		if got := daysInWords(test.days); got != test.want {
			t.Errorf("%v: %q, want %q", test.days, got, test.want)
		}
	}
}

// What manifests say is text on a page, whatever it looks like.
func TestProductsShowNamesAsText(t *testing.T) {
	f := newFirm(t)
	attack := `<script>alert(1)</script>\" onload=x`
	f.write("firm.yaml", strings.NewReplacer("CAD 2027", attack, "Windows 64-bit", `'`+attack+`'`).Replace(
		strings.Replace(firmManifests, "title: CAD 2027", `title: "CAD 2027"`, 1)))
	f.apply()
	page := f.as("eve").get("/products")
	page.says(http.StatusOK, `<script>alert(1)</script>" onload=x`)
	if n := len(page.elements("script", "")); n != 1 {
		t.Errorf("the page has %d scripts, want the one of the layout", n)
	}
}
