package portal

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"usher/cmd/usher/portal/browsertest"
	"usher/reconciler"
	"usher/reconciler/source"
)

// longName is as long as names get, without a blank at which a line could end.
var longName = strings.Repeat("Wolfeschle", 10)

// busy is a firm in which every page has much to show: names of every script and
// length, a contract with fifty products, use of credits, a proposal and a held plan.
func busy(t *testing.T) (f *firm, plan, proposal string) {
	t.Helper()
	f = newFirm(t)
	f.write("firm.yaml", strings.Replace(numbered(firmManifests, 50), "contractManager: olu", "contractManager: ada", 1))
	f.write("names.yaml", strings.TrimPrefix(firmNamed("long", longName, longName)+firmNamed("rtl", "محمد", "الخوارزمي")+firmNamed("cjk", "健", "三浦"), "---\n"))
	var moved *reconciler.HeldError // plant passes to ada, so that she has several contracts
	if _, err := f.control.Apply(f.Context(), f.owner, ""); !errors.As(err, &moved) {
		t.Fatalf("apply: %v, want it held", err)
	}
	f.must(reconciler.Approve(f.Context(), f.db, f.owner, moved.Plan.ID, "olu"))
	f.apply()
	f.invite("nina")
	f.uses("design", "eve", 0, 40)
	f.uses("design", "ida", 40, 160)
	f.repository(Tree{Signed: true, PullRequest: "https://forge.acme.example/compare/{branch}"})
	proposal = f.as("grace").post("/users/ada/access", ticks("", "design/cad")).to()

	private := f.TempDir()
	f.must(os.WriteFile(filepath.Join(private, "contracts.yaml"), []byte(firmInformation), 0o600))
	truth, err := f.db.Truth(f.Context())
	f.must(err)
	held := reconciler.NewHeldPlan(truth, f.withhold())
	f.furnish(Options{
		Tree: f.site.Tree, Plan: f.site.Plan, Held: func() *reconciler.HeldPlan { return held },
		Information: reconciler.NewInformation(f.db, source.Dir(private, source.Options{Settle: time.Nanosecond})),
	})
	return f, held.Plan.ID, proposal
}

// numbered adds products to the contract design, numbered from 0.
func numbered(manifests string, products int) string {
	offered, declared := "[{name: cad, seats: 10}", ""
	for i := range products {
		offered += fmt.Sprintf(", {name: p%d, seats: %d}", i, i)
		declared += fmt.Sprintf("---\napiVersion: usher/v1\nkind: Product\nmetadata: {name: p%d}\nspec: {title: Product number %d}\n", i, i)
	}
	return strings.Replace(manifests, "[{name: cad, seats: 10}", offered, 1) + declared
}

// firmNamed is somebody with a name of their own choosing.
func firmNamed(id, first, last string) string {
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: %s\n  lastName: %s\n  access: [cad, p30, p40]\n", id, id, first, last)
}

// unseen are the routes whose answer is no page, and why.
var unseen = map[string]string{
	"/livez": "text", "/readyz": "text", "/metrics": "text", "/static/{file}": "what pages are made with",
	"/products/{contract}/{product}/downloads/{file}": "leads to a file", "/{$}": "leads to the first page of the menu",
}

// pagesAt are the addresses at which a route is looked at.
func pagesAt(pattern, plan, proposal string) []string {
	page := strings.NewReplacer("{contract}", "design", "{user}", "long", "{number}", "1", "{plan}", plan, "/proposals/{branch...}", proposal).Replace(pattern)
	switch pattern {
	case "/users":
		return []string{page, "/users?q=nobody-of-this-name"}
	case "/revisions":
		return []string{page, "/revisions?after=1"}
	}
	return []string{page}
}

// hang fills the gallery with the page of every route for every kind of viewer that
// sees it, with forms that come back, and with the states that pages can be in. A route
// that shows a page to nobody here fails, unless it says why.
func (g *gallery) hang(f *firm, plan, proposal string) {
	g.Helper()
	seen := map[string]bool{}
	for _, viewer := range []struct {
		column string // of the matrix
		*browser
	}{{"m", f.as("ada")}, {"c", f.as("grace")}, {"o", f.as("thora")}, {"e", f.as("eve")}, {"n", f.signedIn("nina", 1)}, {"a", f.stranger()}} {
		for _, row := range matrix {
			if row.method != http.MethodGet || !slices.Contains(strings.Fields(row.may), viewer.column) || strings.HasPrefix(row.pattern, apiPath) {
				continue
			}
			for _, page := range pagesAt(row.pattern, plan, proposal) {
				got := g.show(viewer.column+page, func() *reply { return viewer.get(page) })
				seen[row.pattern] = seen[row.pattern] || got.status == http.StatusOK && strings.HasPrefix(got.header.Get("Content-Type"), "text/html")
			}
		}
	}
	for _, row := range f.site.routes {
		_, excused := unseen[row.pattern]
		if row.method == http.MethodGet && !strings.HasPrefix(row.pattern, apiPath) && seen[row.pattern] == excused {
			g.Errorf("%s: looked at %v, excused %v", row.pattern, seen[row.pattern], excused)
		}
	}
	for _, m := range f.mistakes() {
		g.show(m.name, func() *reply { return m.viewer.post(m.path, m.form) })
	}
	for _, p := range f.paintings() {
		g.show(p.name, p.paint)
	}
}

// Every branch of every template is in the gallery, so that none is looked at by nobody.
func TestTheGalleryLeavesNothingOut(t *testing.T) {
	g := newGallery(t)
	f, plan, proposal := busy(t)
	g.hang(g.watch(f), plan, proposal)
	for _, branch := range g.unseen() {
		t.Errorf("no page of the gallery takes %s", branch)
	}
}

// Every page in every state, on a desk by day and on a telephone by night: axe finds
// nothing, whatever expands being open. In these and in other windows, down to the 320
// pixels of WCAG 2.2 (1.4.10), nothing is wider than the window.
func TestEveryPageIsForEverybody(t *testing.T) {
	axe := browsertest.Axe(t)
	chromium := browsertest.Start(t)
	g := newGallery(t)
	f, plan, proposal := busy(t)
	g.hang(g.watch(f), plan, proposal)
	server := httptest.NewServer(g.open(f.handler))
	defer server.Close()
	w := chromium.Open(t, server.URL)
	for i, page := range g.pages {
		w.Visit(fmt.Sprint("/gallery/", i))
		w.Unfold()
		for n, look := range browsertest.Looks {
			w.Look(look)
			if n == 0 || n == len(browsertest.Looks)-1 {
				for _, wrong := range w.Violations(axe) {
					t.Errorf("%s, %s: %s", page.name, look.Name, wrong)
				}
			}
			w.Shoot(fmt.Sprintf("%03d-%s-%s", i, slugOf(page.name), look.Name))
		}
		for _, look := range slices.Concat(browsertest.Looks, browsertest.Narrow) {
			w.Look(look)
			if wide := w.Overflows(); wide != "" {
				t.Errorf("%s, %s: wider than the window: %s", page.name, look.Name, wide)
			}
		}
	}
	t.Logf("%d pages", len(g.pages))
}

// Without a mouse: past the menu, into a row, to its form, a tick, and saved; and what
// has the focus is seen at each step.
func TestByTheKeysAlone(t *testing.T) {
	chromium := browsertest.Start(t)
	f := newFirm(t)
	bare := f.repository(Tree{})
	b := f.stranger()
	b.forget("grace@acme.example")
	b.reset("grace@acme.example", f.secret(f.account("grace").ID, "reset"), ownPassword).leads("/")
	server := httptest.NewServer(f.handler)
	defer server.Close()
	w := chromium.Open(t, server.URL)
	w.Visit("/users?q=eve")
	w.Focuses("email")
	w.Press("grace@acme.example", kb.Tab, ownPassword)
	w.Enter(kb.Enter)
	w.Says("1 person")
	f.tabTo(w, "Skip to the page")
	w.Press(kb.Enter)
	if steps := f.tabTo(w, "+ Add"); steps != 1 {
		t.Errorf("%d steps from the link that skips the menu to the page, want 1", steps)
	}
	f.tabTo(w, "Eve Testeve")
	w.Press(kb.Enter)
	w.Says("people.yaml")
	f.tabTo(w, "Edit Access")
	w.Enter(kb.Enter)
	f.tabTo(w, "offer-0-0")
	w.Press(" ")
	f.tabTo(w, "Save as a proposal")
	w.Enter(kb.Enter)
	w.Says("access of eve: take cad under design")
	if got := f.branches(bare); len(got) != 1 {
		t.Errorf("branches %v, want one", got)
	}
}

// tabTo goes on with the tabulator until something has the focus, which must be seen
// all the way, and returns how many steps that took.
func (f *firm) tabTo(w *browsertest.Window, wanted string) int {
	f.Helper()
	var passed []string
	for i := range 40 {
		w.Press(kb.Tab)
		what, seen := w.Focused()
		if !seen && what != "" {
			f.Errorf("%q has the focus, and is not outlined", what)
		}
		if strings.HasPrefix(what, wanted) {
			return i + 1
		}
		passed = append(passed, what)
	}
	f.Fatalf("the tabulator does not lead to %q, but to %q", wanted, passed)
	return 0
}
