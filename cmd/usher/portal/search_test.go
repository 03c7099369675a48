package portal

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"usher/cmd/usher/portal/browsertest"
)

// searching is a window in which grace looks at her users, and a switch that has the
// site fail at everything but what pages are made with.
func searching(t *testing.T) (*firm, *browsertest.Window, *atomic.Bool) {
	t.Helper()
	chromium := browsertest.Start(t)
	f := newFirm(t)
	broken := &atomic.Bool{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && !strings.HasPrefix(r.URL.Path, staticRoot) {
			f.site.refusePage(w, r, errOurs)
			return
		}
		f.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	w := chromium.Open(t, server.URL)
	for name, value := range f.as("grace").cookies {
		w.Cookie(name, value)
	}
	w.Visit("/users")
	return f, w, broken
}

// What is typed narrows the list down without another page: the focus stays, and how
// many people there are is said by the one element that screen readers listen to. Where
// somebody goes from there, the way back leads to what they had found, and the way back
// from that to where they were before they typed.
func TestTheListFollowsWhatIsTypedInABrowser(t *testing.T) {
	f, w, _ := searching(t)
	w.Visit("/support")
	w.Visit("/users")
	w.Says("5 people")
	w.Keep("#count[role=status]")
	w.FocusOn("q")
	w.Press("e", "v", "e")
	w.Says("1 person", "Eve Testeve")
	w.Lacks("Ida Testida")
	if what, seen := w.Focused(); what != "q" || !seen {
		t.Errorf("after the search, %q has the focus, seen: %v; want q", what, seen)
	}
	if !w.Kept("#count[role=status]") {
		t.Error("the element that says how many people there are is another than before, so that nobody hears it")
	}
	w.At("/users?q=eve")
	f.tabTo(w, "Eve Testeve")
	w.Press(kb.Enter)
	w.Says("people.yaml")
	if what, _ := w.Focused(); !strings.HasPrefix(what, "Eve Testeve") {
		t.Errorf("after the row was opened, %q has the focus, want the row", what)
	}
	w.Follow("Edit Access of Eve Testeve")
	w.Says("Tick what Eve may use")
	w.Back()
	w.At("/users?q=eve")
	w.Says("1 person", "Eve Testeve")
	w.Lacks("Ida Testida")
	w.Back()
	w.At("/support")
}

// A search that fails says so, in place of a list that no longer fits what is typed.
func TestASearchThatFailsSaysSoInABrowser(t *testing.T) {
	_, w, broken := searching(t)
	broken.Store(true)
	w.FocusOn("q")
	w.Press("e")
	w.Says("Something went wrong here")
	w.Lacks("Ida Testida")
}

// Whoever has been signed out meanwhile is led to signing in, and not shown a piece of
// that page in place of the list.
func TestASearchWithoutASessionInABrowser(t *testing.T) {
	f, w, _ := searching(t)
	f.must(f.db.EndSessions(f.Context(), f.account("grace").ID))
	w.FocusOn("q")
	w.Press("e")
	w.At(signInPath)
}

// A table whose rows became cards is a table still, to whoever hears it: with as many
// rows, heads and cells, and the cells have the words that they have on a desk.
func TestCardsAreATableStillInABrowser(t *testing.T) {
	_, w, _ := searching(t)
	for _, page := range []string{"/seats", "/revisions", "/users"} {
		w.Visit(page)
		w.Unfold()
		w.Look(browsertest.Looks[0])
		desk := w.Heard("table", "row", "columnheader", "rowheader", "cell")
		if len(desk) < 4 {
			t.Errorf("%s has no table: %q", page, desk)
		}
		w.Look(browsertest.Narrow[0])
		if diff := cmp.Diff(desk, w.Heard("table", "row", "columnheader", "rowheader", "cell")); diff != "" {
			t.Errorf("%s in little room (-desk +telephone):\n%s", page, diff)
		}
	}
}
