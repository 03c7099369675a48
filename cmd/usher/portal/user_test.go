package portal

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"usher/spec"
	"usher/state"
)

// people lists the names on a page of users, in its order.
func (r *reply) people() string {
	r.Helper()
	var names []string
	for _, n := range r.elements("bdi", "name") {
		names = append(names, textOf(n))
	}
	return strings.Join(names, ", ")
}

// person is the row of somebody on the page.
func (r *reply) person(name string) *html.Node {
	r.Helper()
	for _, d := range r.elements("details", "person") {
		if strings.HasPrefix(textOf(d), name) {
			return d
		}
	}
	r.Fatalf("%s is not on the page: %s", name, r.people())
	return nil
}

func TestUsersAreThoseTheStewardLooksAfter(t *testing.T) {
	f := newFirm(t)
	f.write("new.yaml", firmPerson("nobu", ""))
	f.apply()
	tests := []struct{ who, query, want string }{
		{"ada", "", "Ada Testada, Eve Testeve, Grace Testgrace, Ida Testida, Nobu Testnobu, Sam Testsam"},
		{"grace", "", "Ada Testada, Eve Testeve, Grace Testgrace, Ida Testida, Nobu Testnobu, Sam Testsam"},
		{"thora", "", "Nobu Testnobu, Olu Testolu, Thora Testthora"},
		{"grace", "?q=TESTE", "Eve Testeve"},
		{"grace", "?q=eve@acme", "Eve Testeve"},
		{"grace", "?status=invited", "Nobu Testnobu"},
		{"grace", "?status=suspended", "Sam Testsam"},
		{"grace", "?product=cad&status=active", "Eve Testeve, Ida Testida"},
		{"grace", "?product=pipes", ""},
		{"grace", "?q=olu", ""},
		{"grace", "?q=OLU@acme.example", "Olu Testolu"},
		{"grace", "?status=nonsense", ""},
	}
	for _, tt := range tests {
		page := f.as(tt.who).get("/users" + tt.query)
		page.says(200, "+ Add")
		if got := page.people(); got != tt.want {
			t.Errorf("%s sees with %q: %s; want %s", tt.who, tt.query, got, tt.want)
		}
	}
	f.as("grace").get("/users?q=nobodyatall").says(200, "Nobody fits")
	if menu := menuOf(f.as("grace").get("/users")); !strings.Contains(strings.Join(menu, " "), "Users") {
		t.Errorf("the menu of a coordinator: %v; want Users in it", menu)
	}
	if menu := menuOf(f.as("eve").get("/account")); strings.Contains(strings.Join(menu, " "), "Users") {
		t.Errorf("the menu of an end user: %v; want no Users", menu)
	}
}

func TestUserRowTellsWhatIsAssignedAndWhy(t *testing.T) {
	f := newFirm(t)
	f.write("team.yaml", "apiVersion: usher/v1\nkind: Team\nmetadata: {name: welders}\nspec:\n  members: [eve]\n  access:\n    - {product: pipes, until: 2037-03-31}\n    - {product: cad, reason: CAD-7}\n")
	f.apply()
	row := textOf(f.as("grace").get("/users").person("Eve"))
	for _, want := range []string{"CAD 2027", "design", "people.yaml:", "team.yaml:8 via team welders", "CAD-7", "under contracts that you do not manage", "active", "Declared at"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row of eve lacks %q:\n%s", want, row)
		}
	}
	if strings.Contains(row, "Pipes") || strings.Contains(row, "Resend") {
		t.Errorf("the row of eve shows what is not grace's business, or a Resend:\n%s", row)
	}
	row = textOf(f.as("olu").get("/users?q=eve").person("Eve"))
	for _, want := range []string{"Pipes 2027", "until the end of 31 March 2037"} {
		if !strings.Contains(row, want) {
			t.Errorf("the row of eve lacks %q for olu:\n%s", want, row)
		}
	}
	if row := textOf(f.as("ada").get("/users").person("Grace")); !strings.Contains(row, "Software coordinator of design") {
		t.Errorf("the row of grace lacks her role:\n%s", row)
	}
}

func TestUsersPageByPage(t *testing.T) {
	f := newFirm(t)
	var many strings.Builder
	for i := range 120 {
		many.WriteString(firmPerson(fmt.Sprintf("p%03d", i), ""))
	}
	f.write("many.yaml", many.String())
	f.apply()
	grace, path, seen, pages := f.as("grace"), "/users?q=p", 0, 0
	for path != "" {
		page := grace.get(path)
		page.says(200)
		seen += len(page.elements("details", "person"))
		pages, path = pages+1, ""
		for _, a := range page.elements("a", "") {
			if attribute(a, "rel") == "next" {
				path = attribute(a, "href")
			}
		}
		if pages > 9 {
			t.Fatal("the list has no end")
		}
	}
	if seen != 120 || pages != 3 {
		t.Errorf("%d people on %d pages, want 120 on 3", seen, pages)
	}
}

func TestResendIsDoneInTheNameOfWhoAsks(t *testing.T) {
	f := &firm{T: t, dir: t.TempDir()}
	f.pass(-100 * 24 * time.Hour) // sessions go by the machine's clock
	f.write("firm.yaml", firmManifests)
	f.write("people.yaml", firmPeople())
	f.open()
	f.control.Adopt = true
	f.apply()
	f.control.Adopt = false
	f.write("new.yaml", firmPerson("nobu", "  access: [cad]\n"))
	f.apply()
	f.pass(50 * 24 * time.Hour)
	first := f.account("nobu")
	if first.Status != state.Invited {
		t.Fatalf("nobu is %s, want invited", first.Status)
	}
	f.pass(50 * 24 * time.Hour)
	grace := f.as("grace")
	if row := textOf(grace.get("/users?status=expired").person("Nobu")); !strings.Contains(row, "expired: its last day was") {
		t.Errorf("the row of nobu does not say that the invitation expired:\n%s", row)
	}
	f.perform()
	done := grace.post("/users/nobu/resend", url.Values{"back": {"q=nobu&status=invited"}})
	done.leads("/users?q=nobu&status=invited")
	grace.get(done.to()).says(200, "A new invitation is on its way to Nobu Testnobu")
	row := textOf(grace.get("/users").person("Nobu"))
	again := f.account("nobu")
	if !strings.Contains(row, "opens until "+dayInWords(spec.DayOf(again.Expires.Add(-time.Millisecond)))) || !strings.Contains(row, "Resend") ||
		!strings.Contains(row, "its message is on the way") {
		t.Errorf("the row of nobu lacks the last day, its message, or Resend:\n%s", row)
	}
	if again.Status != state.Invited || again.Issue != first.Issue+1 {
		t.Errorf("nobu is %s with invitation %d; want invited with %d", again.Status, again.Issue, first.Issue+1)
	}
	revision := f.newest()
	if revision.By != "grace" || revision.Kind != state.CauseRequest {
		t.Errorf("revision %d was made by %q, cause %s; want grace, a request", revision.Number, revision.By, revision.Kind)
	}
	for _, tt := range []struct {
		who, path string
		status    int
		words     string
	}{
		{"grace", "/users/eve/resend", 409, "There is no invitation to send again"},
		{"grace", "/users/nobody/resend", 404, "There is nobody of that name"},
		{"thora", "/users/nobu/resend", 404, "There is nobody of that name"},
	} {
		f.as(tt.who).post(tt.path, url.Values{}).says(tt.status, tt.words)
	}
	if f.newest().Number != revision.Number {
		t.Error("what was refused made a revision")
	}
	f.as("grace").post("/users/nobu/resend", url.Values{"back": {"//evil.example/?q=1"}}).leads("/users?%2F%2Fevil.example%2F%3Fq=1")
}

// newest is the newest revision of any cause.
func (f *firm) newest() state.Revision {
	f.Helper()
	truth, err := f.db.Truth(f.Context())
	f.must(err)
	return truth.Newest
}

// TestNamesAreNeverMarkup: names with whatever characters a manifest lets through
// stand on the page as text.
func TestNamesAreNeverMarkup(t *testing.T) {
	f := newFirm(t)
	const name = `<script>alert("1")</script>`
	f.write("odd.yaml", strings.Replace(firmPerson("mallory", ""), "firstName: Mallory", "firstName: '"+name+"'", 1))
	out := f.apply()
	if out.Applied == nil {
		t.Fatal("nothing was applied")
	}
	for _, path := range []string{"/users", "/users?q=" + url.QueryEscape(`"><script>`), "/users/mallory/access"} {
		page := f.as("grace").get(path)
		page.says(200)
		for _, script := range page.elements("script", "") {
			if attribute(script, "src") == "" {
				t.Errorf("%s has a script of its own: %s", path, textOf(script))
			}
		}
		if path != "/users?q="+url.QueryEscape(`"><script>`) && !strings.Contains(page.body, "&lt;script&gt;alert") {
			t.Errorf("%s lacks the name", path)
		}
	}
}

// A person is there for those who look after them, and by their whole address for any
// steward; whoever has nothing to do with them finds nobody, whichever way they ask.
func TestWhoKnowsOfAPerson(t *testing.T) {
	f := newFirm(t)
	f.write("zed.yaml", firmPerson("zed", ""))
	f.invite("nina")
	tests := []struct{ who, path, sees string }{
		{"grace", "eve", "Eve Testeve"},
		{"thora", "eve", ""},
		{"thora", "EVE@acme.example", "Eve Testeve"}, // as the list of users finds her
		{"olu", "ada", ""},                           // a role under design
		{"thora", "olu", "Olu Testolu"},
		{"thora", "zed", "Zed Testzed"}, // nobody's yet, so anybody's to give access to
		{"thora", "nobody", ""},
		{"thora", "nobody@acme.example", ""},
	}
	for _, tt := range tests {
		page := f.as(tt.who).get("/users/" + url.PathEscape(tt.path) + "/access")
		if tt.sees == "" {
			page.says(404, "There is nobody of that name for you")
			page.lacks("Eve", "Test"+tt.path)
		} else {
			page.says(200, tt.sees)
		}
	}
	f.as("thora").post("/users/nina/resend", nil).says(404, "There is nobody of that name for you")
	f.as("thora").post("/users/nina@acme.example/resend", nil).says(404, "There is nobody of that name for you")
	found := f.as("thora").get("/users?q=eve@acme.example")
	found.says(200, "Eve Testeve")
	if !strings.Contains(found.body, `href="/users/eve@acme.example/access"`) {
		t.Error("who is found by her address is not led to by it")
	}
}

// Whether there is somebody of a name does not show in the time that the answer takes.
func TestAPersonIsNotFoundByTheTime(t *testing.T) {
	f := newFirm(t)
	f.write("zed.yaml", firmPerson("zed", "  access: [cad]\n"))
	f.apply()
	thora := f.as("thora")
	took := map[string][]time.Duration{}
	for range 200 {
		for _, name := range []string{"eve", "nobody"} {
			start := time.Now()
			thora.get("/users/" + name + "/access")
			took[name] = append(took[name], time.Since(start))
		}
	}
	there, not := median(took["eve"]), median(took["nobody"])
	t.Logf("somebody of others %s, nobody %s", there, not)
	if ratio := float64(there) / float64(not); ratio < 0.8 || ratio > 1.25 {
		t.Errorf("somebody of others takes %s, nobody %s", there, not)
	}
}

// median is the middle one of several times.
func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
