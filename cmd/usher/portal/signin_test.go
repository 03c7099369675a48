package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/cmd/usher/portal/browsertest"
	"usher/state"
)

const ownPassword = "a sentence to keep in mind"

// activated is a browser of somebody new who has just chosen their own password.
func (f *firm) activated(name string) *browser {
	f.Helper()
	a := f.invite(name)
	b := f.stranger()
	b.signIn(a.Email, f.secret(a.ID, "invitation")).leads(choosePath)
	b.choose(ownPassword).leads("/")
	return b
}

func (b *browser) choose(password string) *reply {
	b.Helper()
	return b.post(choosePath, url.Values{"password": {password}, "again": {password}})
}

// DOMAIN.md row 16: the link and the given password lead to one page only, where the
// person chooses their own, and that activates.
func TestActivation(t *testing.T) {
	f := newFirm(t)
	a := f.invite("nina")
	given := f.secret(a.ID, "invitation")
	letter := strings.ReplaceAll(strings.ReplaceAll(f.letters(a.ID, "invitation")[0], "=\r\n", ""), "=3D", "=")
	_, link, _ := strings.Cut(letter, "Open https://accounts.acme.example")
	link, _, _ = strings.Cut(link, "\r\n")

	b := f.stranger()
	for range 3 { // whatever follows links in messages uses nothing up
		page := b.get(link)
		page.says(http.StatusOK, "Activate your account", "given password")
		if got := attribute(page.elements("input", "")[2], "value"); got != a.Email {
			t.Errorf("the page knows %q, want %q", got, a.Email)
		}
	}
	b.signIn(" NINA@acme.example ", strings.ToLower(given)).leads(choosePath)
	if got := f.account("nina").Status; got != state.Invited {
		t.Errorf("signing in made the account %s", got)
	}
	for _, page := range []string{"/", "/account", "/products", "/users"} {
		b.get(page).leads(choosePath)
	}
	b.get(choosePath).says(http.StatusOK, "Choose your password", "activates your account")
	b.choose("too short").says(http.StatusUnprocessableEntity, "at least 12")
	b.choose(given).says(http.StatusUnprocessableEntity, "This is the given password")
	b.post(choosePath, url.Values{"password": {ownPassword}, "again": {ownPassword + "!"}}).says(http.StatusUnprocessableEntity, "not the same as above")
	b.choose(ownPassword).leads("/")
	b.get("/account").says(http.StatusOK, "Your account is active", "Nina Testnina")
	b.get("/account").lacks("Your account is active")
	b.get(choosePath).says(http.StatusForbidden)

	if got := f.account("nina"); got.Status != state.Active || got.Activated.IsZero() {
		t.Errorf("the account is %s, activated %v", got.Status, got.Activated)
	}
	f.must(f.db.Verify(t.Context()))
	f.stranger().signIn(a.Email, given).says(http.StatusForbidden, "Your account is active already", "password of your own")
	f.stranger().signIn(a.Email, ownPassword).leads("/")
}

// Each way in which an invitation does not open has a page of its own that says what
// to do, for whoever knows its given password.
func TestClosedDoors(t *testing.T) {
	suspend := func(f *firm) {
		f.write("nina.yaml", strings.TrimPrefix(firmPerson("nina", "  suspended: true\n"), "---\n"))
		f.apply()
	}
	remove := func(f *firm) { f.write("nina.yaml", ""); f.apply() }
	resend := func(f *firm) { f.must(f.control.Resend(f.Context(), f.owner, "nina", "ada")) }
	tests := []struct {
		name   string
		before func(f *firm)
		title  string
		advice string
	}{
		{"expired", func(f *firm) { f.pass(90 * 24 * time.Hour) }, "Your invitation has expired", "sent again"},
		{"superseded", resend, "There is a newer invitation", "Look for the latest message"},
		{"superseded and expired", func(f *firm) { resend(f); f.pass(90 * 24 * time.Hour) }, "Your invitation has expired", "sent again"},
		{"removed", remove, "This account was removed", "If you think it should, ask"},
		{"suspended", suspend, "This account is suspended", "until it is restored"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := newFirm(t)
			a := f.invite("nina")
			given := f.secret(a.ID, "invitation")
			early := f.stranger() // has signed in, and not chosen yet
			early.signIn(a.Email, given).leads(choosePath)
			tt.before(f)
			b := f.stranger()
			b.signIn(a.Email, given).says(http.StatusForbidden, tt.title, tt.advice, "design-help@acme.example")
			if b.cookie() != "" {
				t.Error("a session began")
			}
			early.choose(ownPassword).leads(signInPath + "?next=%2F")
			b.signIn(a.Email, "0000-0000-0000-0000").says(http.StatusUnprocessableEntity, "do not belong together")
			f.must(f.db.Verify(t.Context()))
		})
	}
}

// Whoever is suspended or removed signs in nowhere with their own password either, and
// is told why; what they had open is closed.
func TestOwnPasswordsOfClosedAccounts(t *testing.T) {
	for name, tt := range map[string]struct{ manifest, title string }{
		"suspended": {strings.TrimPrefix(firmPerson("nina", "  suspended: true\n"), "---\n"), "This account is suspended"},
		"removed":   {"", "This account was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFirm(t)
			open := f.activated("nina")
			email := f.account("nina").Email
			open.get("/account").says(http.StatusOK, "Nina")
			f.write("nina.yaml", tt.manifest)
			f.apply()
			open.get("/account").leads(signInPath + "?next=%2Faccount")
			f.stranger().signIn(email, ownPassword).says(http.StatusForbidden, tt.title)
			f.stranger().signIn(email, "another sentence").says(http.StatusUnprocessableEntity, "do not belong together")

			// Restored within thirty days it is the same account; the old session stays closed.
			f.write("nina.yaml", strings.TrimPrefix(firmPerson("nina", ""), "---\n"))
			f.apply()
			open.get("/account").leads(signInPath + "?next=%2Faccount")
			f.stranger().signIn(email, ownPassword).leads("/")
		})
	}
}

// Roles are those of now, however long ago somebody signed in.
func TestRolesFollowTheState(t *testing.T) {
	f := newFirm(t)
	grace := f.as("grace")
	grace.get("/users").says(http.StatusOK, "Users")
	f.write("firm.yaml", strings.Replace(firmManifests, "[grace]", "[ida]", 1))
	f.apply()
	grace.get("/users").says(http.StatusForbidden, "not open to you")
	if diff := cmp.Diff(menuOf(f.as("eve").get("/account")), menuOf(grace.get("/account"))); diff != "" {
		t.Errorf("menu (-that of an end user +hers):\n%s", diff)
	}
	f.as("ida").get("/users").says(http.StatusOK, "Users")
}

func TestSigningInLeadsOnWithinTheSite(t *testing.T) {
	tests := map[string]string{
		"/users?status=invited": "/users?status=invited",
		"":                      "/",
		"https://evil.example/": "/",
		"//evil.example":        "/",
		"/\\evil.example":       "/",
		"\\\\evil.example":      "/",
		"javascript:alert(1)":   "/",
		"/\t/evil.example":      "/",
		"/x\r\nSet-Cookie: a=b": "/",
		"evil.example":          "/",
	}
	f := newFirm(t)
	f.activated("nina")
	for next, want := range tests {
		f.stranger().post(signInPath, url.Values{"email": {"nina@acme.example"}, "password": {ownPassword}, "next": {next}}).leads(want)
		if got := f.as("nina").get(signInPath + "?next=" + url.QueryEscape(next)); got.to() != want {
			t.Errorf("%q: led to %q, want %q", next, got.to(), want)
		}
	}
	f.stranger().get("/users?status=invited").leads(signInPath + "?next=" + url.QueryEscape("/users?status=invited"))
}

// DOMAIN.md row 22: who has no account is told whom to write to.
func TestSignInPageSaysWhomToAsk(t *testing.T) {
	f := newFirm(t)
	f.stranger().get(signInPath).says(http.StatusOK, "No account", "design-help@acme.example", "plant-help@acme.example")
	f.write("firm.yaml", strings.NewReplacer("  supportEmail: design-help@acme.example\n", "", "  supportEmail: plant-help@acme.example\n", "").Replace(firmManifests))
	f.apply()
	f.stranger().get(signInPath).says(http.StatusOK, "No account", "Ask a software coordinator")
}

func TestSignOut(t *testing.T) {
	f := newFirm(t)
	one, two, other := f.as("eve"), f.as("eve"), f.as("ida")
	kept := one.cookie()
	out := one.post("/sign-out", nil)
	out.leads(signInPath)
	if got := out.header.Get("Clear-Site-Data"); got != `"cache"` {
		t.Errorf("Clear-Site-Data is %q, want the pages forgotten", got)
	}
	if one.cookie() != "" {
		t.Error("the browser keeps its cookie")
	}
	one.cookies[f.site.sessions.Cookie.Name] = kept
	one.get("/account").leads(signInPath + "?next=%2Faccount")
	two.get("/account").says(http.StatusOK)
	two.post("/sign-out-everywhere", nil).leads(signInPath)
	three := f.as("eve")
	three.get("/account").says(http.StatusOK)
	other.get("/account").says(http.StatusOK)
}

// A session ends by itself: after an hour without use, and after half a day of use.
func TestSessionsEnd(t *testing.T) {
	f := newFirm(t)
	idle, used := f.as("eve"), f.as("eve")
	for range 23 {
		f.pass(30 * time.Minute)
		used.get("/account").says(http.StatusOK)
	}
	idle.get("/account").leads(signInPath + "?next=%2Faccount")
	f.pass(40 * time.Minute)
	used.get("/account").leads(signInPath + "?next=%2Faccount")
}

// Whoever goes back in a browser that somebody has signed out of sees nothing of theirs.
func TestGoingBackAfterSigningOut(t *testing.T) {
	chromium := browsertest.Start(t)
	f := newFirm(t)
	server := httptest.NewServer(f.handler)
	defer server.Close()
	b := f.as("eve")
	w := chromium.Open(t, server.URL)
	w.Cookie(f.site.sessions.Cookie.Name, b.cookie())
	w.Visit("/products")
	w.Visit("/account")
	w.Says("Eve Testeve")
	w.Follow("Sign out")
	for range 2 {
		w.Back()
		time.Sleep(time.Second / 2) // a page that was kept is there by then
		w.Says("Sign in")
		w.Lacks("Eve")
	}
}
