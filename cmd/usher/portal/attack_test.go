package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"
)

// foreign is a form as another site sends it in somebody's name.
func foreign(method, path string, headers map[string]string) *http.Request {
	r := httptest.NewRequest(method, path, strings.NewReader("password="+ownPassword))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r
}

// What another site sends in somebody's name is refused, on every route that changes
// anything, by the headers that browsers of today send and by those of older ones.
func TestCrossSitePosts(t *testing.T) {
	f := newFirm(t)
	f.furnish(Options{URL: "https://accounts.acme.example"})
	ada := f.as("ada")
	for _, row := range f.site.routes {
		if row.method == http.MethodGet {
			continue
		}
		for name, headers := range map[string]map[string]string{
			"cross-site":        {"Sec-Fetch-Site": "cross-site"},
			"same-site":         {"Sec-Fetch-Site": "same-site"},
			"an older browser":  {"Origin": "https://evil.example"},
			"a hidden origin":   {"Origin": "null"},
			"an older protocol": {"Origin": "http://accounts.acme.example"},
		} {
			if got := ada.send(foreign(row.method, concrete(row.pattern), headers)); got.status != http.StatusForbidden || !strings.Contains(got.body, "another site") {
				t.Errorf("%s %s from %s: got %d, want 403", row.method, row.pattern, name, got.status)
			}
		}
	}
	ada.get("/account").says(http.StatusOK)
	for name, headers := range map[string]map[string]string{
		"a page of ours":                {"Sec-Fetch-Site": "same-origin"},
		"the same behind a proxy":       {"Sec-Fetch-Site": "same-origin", "Origin": "https://accounts.acme.example"},
		"an older browser behind it":    {"Origin": "https://accounts.acme.example"},
		"no browser, with no authority": {},
	} {
		if got := f.as("ada").send(foreign(http.MethodPost, "/sign-out", headers)); got.status != http.StatusSeeOther {
			t.Errorf("%s: got %d, want it to pass", name, got.status)
		}
	}
}

// A browser that an attacker gave a session of their choice to is not signed in by its
// owner's signing in, and each step to more rights has a token of its own.
func TestSessionFixation(t *testing.T) {
	f := newFirm(t)
	a := f.invite("nina")
	name := f.site.sessions.Cookie.Name
	seen := map[string]string{"planted": "planted-by-an-attacker"}
	b := f.stranger()
	b.cookies[name] = seen["planted"]
	step := func(what string, do func()) {
		t.Helper()
		do()
		for before, token := range seen {
			if b.cookie() == token {
				t.Errorf("after %s the token is that of %s", what, before)
			}
			old := f.stranger()
			old.cookies[name] = token
			old.get("/account").leads(signInPath + "?next=%2Faccount")
			old.get(choosePath).leads(signInPath + "?next=%2Fpassword%2Fchoose")
		}
		seen[what] = b.cookie()
	}
	step("the given password", func() { b.signIn(a.Email, f.secret(a.ID, "invitation")).leads(choosePath) })
	step("activation", func() { b.choose(ownPassword).leads("/") })
	step("signing in again", func() { b.signIn(a.Email, ownPassword).leads("/") })
	step("a reset", func() {
		b.forget(a.Email)
		b.reset(a.Email, f.secret(a.ID, "reset"), ownPassword).leads("/")
	})
	// A session of somebody else's in the browser is worth nothing afterwards.
	b = f.as("ada")
	seen = map[string]string{"ada's": b.cookie()}
	step("signing in as another", func() { b.signIn(a.Email, ownPassword).leads("/") })
	b.get("/account").says(http.StatusOK, "Nina")
}

// Tokens cannot be guessed, and a copy of the database opens nothing: neither what it
// keeps of a session nor anything else in it is a cookie, a password or a code.
func TestTokensRestHashed(t *testing.T) {
	f := newFirm(t)
	b := f.activated("nina")
	a := f.account("nina")
	f.stranger().forget(a.Email)
	code, given := f.secret(a.ID, "reset"), f.secret(a.ID, "invitation")
	name, cookie := f.site.sessions.Cookie.Name, b.cookie()
	if len(cookie) < 43 { // 256 bits in base64
		t.Errorf("the token has %d characters, want 43 or more", len(cookie))
	}
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(f.path + suffix)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	for what, secret := range map[string]string{"token": cookie, "code": code, "given password": given, "password": ownPassword} {
		if bytes.Contains(all, []byte(secret)) {
			t.Errorf("the database holds the %s", what)
		}
	}
	for _, kept := range regexp.MustCompile(`[A-Za-z0-9+/_-]{43}=?`).FindAll(all, -1) {
		thief := f.stranger()
		thief.cookies[name] = string(kept)
		if got := thief.get("/account"); got.status == http.StatusOK {
			t.Fatalf("%s, which the database keeps, opens a session", kept)
		}
	}
	for _, guess := range []string{"", "a", cookie[:42], cookie + "a", strings.ToLower(cookie), strings.Repeat("A", 43), strings.Repeat("x", 4000), "' OR 1=1 --"} {
		thief := f.stranger()
		thief.cookies[name] = url.QueryEscape(guess)
		thief.get("/account").leads(signInPath + "?next=%2Faccount")
	}
}

// Whether there is an account, and in what state, shows neither in the answer nor in
// the work done for it.
func TestAccountsCannotBeEnumerated(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	f.invite("ivo")
	f.invite("rita")
	f.write("rita.yaml", "")
	f.apply()
	var runs atomic.Int64
	f.site.hasher.ran = func() { runs.Add(1) }
	people := map[string]string{
		"active": "nina@acme.example", "adopted": "eve@acme.example", "invited": "ivo@acme.example", "suspended": "sam@acme.example",
		"removed": "rita@acme.example", "unknown": "nobody@acme.example", "elsewhere": "nobody@evil.example",
	}
	type try struct {
		Status  int
		Body    string
		Headers http.Header
		Runs    int64
	}
	ways := map[string]func(b *browser, email string) *reply{
		"signing in":     func(b *browser, email string) *reply { return b.signIn(email, "not the password") },
		"a wrong code":   func(b *browser, email string) *reply { return b.reset(email, "AAAA-BBBB-CCCC-DDDD", ownPassword) },
		"a bad password": func(b *browser, email string) *reply { return b.reset(email, "AAAA-BBBB-CCCC-DDDD", "short") },
		"forgetting":     func(b *browser, email string) *reply { return b.forget(email) },
		"the page after": func(b *browser, email string) *reply { return b.get(resetPath + "?user=" + email) },
	}
	for way, ask := range ways {
		answers := map[string]try{}
		for who, email := range people {
			runs.Store(0)
			got := ask(f.stranger(), email)
			for name, values := range got.header {
				got.header[name] = []string{strings.ReplaceAll(strings.ReplaceAll(values[0], email, "EMAIL"), url.QueryEscape(email), "EMAIL")}
			}
			answers[who] = try{got.status, strings.ReplaceAll(strings.ReplaceAll(got.body, email, "EMAIL"), url.QueryEscape(email), "EMAIL"), got.header, runs.Load()}
		}
		for who := range people {
			if diff := cmp.Diff(answers["unknown"], answers[who]); diff != "" {
				t.Errorf("%s: who is %s gets another answer (-unknown +%s):\n%s", way, who, who, diff)
			}
		}
		if way == "signing in" && answers["unknown"].Runs != 1 {
			t.Errorf("signing in took %d runs of argon2id, want 1", answers["unknown"].Runs)
		}
	}
}

// After a few wrong tries each has to wait, longer and longer, be there an account or
// not; the right password opens once the wait is over.
func TestTriesAreLimited(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	for _, email := range []string{"nina@acme.example", "nobody@acme.example"} {
		for i := range byBoth.free {
			f.stranger().signIn(email, fmt.Sprint("wrong ", i)).says(http.StatusUnprocessableEntity)
		}
		got := f.stranger().signIn(strings.ToUpper(email), ownPassword)
		got.says(http.StatusTooManyRequests, "Try again in a second")
		if wait := got.header.Get("Retry-After"); wait != "1" {
			t.Errorf("Retry-After %q, want 1", wait)
		}
	}
	f.stranger().signIn("eve@acme.example", "wrong").says(http.StatusUnprocessableEntity) // another account, the same address
	f.pass(time.Second)
	f.stranger().signIn("nina@acme.example", "wrong").says(http.StatusUnprocessableEntity)
	f.stranger().signIn("nina@acme.example", ownPassword).says(http.StatusTooManyRequests, "in 2 seconds")
	f.pass(2 * time.Second)
	f.stranger().signIn("nina@acme.example", ownPassword).leads("/")
	f.stranger().signIn("nina@acme.example", ownPassword).leads("/")
}

// Many tries at once get no further than many in a row, and one address with many
// accounts no further than with one.
func TestTriesAtOnce(t *testing.T) {
	now := time.Now()
	a := newAttempts(func() time.Time { return now })
	let := 0
	for i := range 1000 {
		if a.begin("sign-in ada", fmt.Sprint("address ", i)) == 0 {
			let++
		}
	}
	if let != byAccount.free {
		t.Errorf("%d of a thousand at one account were let through, want %d", let, byAccount.free)
	}
	let = 0
	for i := range 1000 {
		if a.begin(fmt.Sprint("sign-in ", i), "192.0.2.1") == 0 {
			let++
		}
	}
	if let != byAddress.free {
		t.Errorf("%d of a thousand from one address were let through, want %d", let, byAddress.free)
	}
	var waited time.Duration
	for range 60 {
		wait := a.begin("sign-in ada", "192.0.2.2")
		if wait > byBoth.longest {
			t.Fatalf("a wait of %s, want at most %s", wait, byBoth.longest)
		}
		waited += wait
		now = now.Add(wait)
	}
	if waited < time.Hour {
		t.Errorf("thirty more tries took %s, want over an hour", waited)
	}
	now = now.Add(forgetTries)
	if wait := a.begin("sign-in ada", "192.0.2.3"); wait != 0 {
		t.Errorf("an hour later: wait %s, want none", wait)
	}
	for i := range 3 * mostTries {
		a.begin(fmt.Sprint("sign-in ", i), fmt.Sprint("address ", i))
	}
	if len(a.tries) > mostTries+2 { // each try is counted three times
		t.Errorf("%d are remembered, want at most %d", len(a.tries), mostTries)
	}
}

// A stranger who keeps trying somebody's account from one address waits for minutes
// each time; who has the account waits for seconds, if at all.
func TestStrangersShutNobodyOut(t *testing.T) {
	now := time.Now()
	a := newAttempts(func() time.Time { return now })
	var longest time.Duration
	for range 200 {
		wait := a.begin("sign-in ada", "203.0.113.9")
		now = now.Add(wait)
		if wait > 0 {
			a.begin("sign-in ada", "203.0.113.9") // the moment it may
		}
		hers := max(0, a.tries[tallyOf("sign-in ada")].until.Sub(now))
		longest = max(longest, hers)
	}
	const patience = 30 * time.Second
	if longest == 0 || longest > patience {
		t.Errorf("she waits %s at most, want some, and no more than %s", longest, patience)
	}
	now = now.Add(patience)
	if wait := a.begin("sign-in ada", "192.0.2.1"); wait != 0 {
		t.Errorf("half a minute later she still waits %s", wait)
	}
	a.passed("sign-in ada", "192.0.2.1")
	if wait := a.begin("sign-in ada", "203.0.113.9"); wait < time.Minute {
		t.Errorf("her getting in lets the stranger try again in %s", wait)
	}
}

// A sign-in under way while the password is changed, or the account activated, comes to
// nothing: what ended with that does not begin again after it.
func TestSigningInBesideAChangeOfPassword(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	ivo := f.invite("ivo")
	tests := []struct {
		name, email, password string
		meanwhile             func(hash string) error
	}{
		{"changed", "nina@acme.example", ownPassword, func(hash string) error {
			return f.control.SetPassword(t.Context(), f.owner, f.account("nina"), hash)
		}},
		{"activated", ivo.Email, f.secret(ivo.ID, "invitation"), func(hash string) error {
			return f.owner.Activate(t.Context(), ivo.ID, ivo.Issue, hash)
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			hash, err := f.site.hasher.hash(t.Context(), "another sentence to keep")
			f.must(err)
			f.site.hasher.ran = func() { // after the former password was read, before it is known to be right
				f.site.hasher.ran = nil
				f.must(tt.meanwhile(hash))
			}
			b := f.stranger()
			refused := b.signIn(tt.email, tt.password)
			refused.says(http.StatusConflict, "This account changed at this very moment", "Sign in once more")
			if b.cookie() != "" {
				t.Errorf("a browser that is not signed in keeps %q", b.cookie())
			}
			b.get("/account").leads(signInPath + "?next=%2Faccount")
			b.get(choosePath).leads(signInPath + "?next=%2Fpassword%2Fchoose")
			b.signIn(tt.email, "another sentence to keep").leads("/")
			b.get("/account").says(http.StatusOK)
		})
	}
}

// A client is counted by its own address; only a proxy nearby is believed to speak for
// another.
func TestWhoseTriesTheyAre(t *testing.T) {
	tests := []struct {
		name, remote, forwarded string
		proxied                 bool
		want                    string
	}{
		{"by itself", "192.0.2.7:5555", "", false, "192.0.2.7"},
		{"claims of a client", "192.0.2.7:5555", "203.0.113.9", false, "192.0.2.7"},
		{"a proxy on this machine", "127.0.0.1:5555", "203.0.113.9", true, "203.0.113.9"},
		{"the nearest of several", "10.0.0.3:5555", "203.0.113.1, 198.51.100.2", true, "198.51.100.2"},
		{"a far proxy", "192.0.2.7:5555", "203.0.113.9", true, "192.0.2.7"},
		{"nonsense", "127.0.0.1:5555", "unknown", true, "127.0.0.1"},
		{"a network of IPv6", "[2001:db8:1:2:3:4:5:6]:5555", "", false, "2001:db8:1:2::/64"},
		{"IPv4 in IPv6", "[::ffff:192.0.2.7]:5555", "", false, "192.0.2.7"},
	}
	for _, tt := range tests {
		s := &site{Options: Options{Proxied: tt.proxied}}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.remote
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		if got := s.clientOf(r); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// A name is text wherever it stands, and so is whatever an address of ours is given.
func TestNothingIsMarkup(t *testing.T) {
	const evil = `<script>alert(1)</script><img src=x onerror=alert(2)>"'`
	f := newFirm(t)
	quoted, err := json.Marshal(evil)
	f.must(err)
	f.write("people.yaml", strings.Replace(firmPeople(), "firstName: Ada", "firstName: "+string(quoted), 1))
	f.apply()
	ada := f.as("ada")
	pages := map[string]*reply{
		"account":   ada.get("/account"),
		"home":      ada.get(ada.get("/").to()),
		"sign-in":   f.stranger().get(signInPath + "?user=" + url.QueryEscape(evil) + "&next=" + url.QueryEscape("/"+evil)),
		"activate":  f.stranger().get("/activate?user=" + url.QueryEscape(evil)),
		"reset":     f.stranger().get(resetPath + "?user=" + url.QueryEscape(evil)),
		"forgotten": f.stranger().get(forgottenPath + "?user=" + url.QueryEscape(evil)),
		"a try":     f.stranger().signIn(evil, evil),
		"no page":   ada.get("/" + url.PathEscape(evil)),
	}
	for name, page := range pages {
		for _, element := range append(page.elements("script", ""), page.elements("img", "")...) {
			if !strings.HasPrefix(attribute(element, "src"), staticRoot) {
				t.Errorf("%s: the page has %s", name, rendered(t, element))
			}
		}
		if got := page.header.Get("Content-Security-Policy"); got != contentPolicy {
			t.Errorf("%s: content security policy %q", name, got)
		}
	}
	if !strings.Contains(pages["account"].text(), `<script>alert(1)</script>`) {
		t.Errorf("the name is not shown as it is:\n%s", pages["account"].text())
	}
}

func rendered(t *testing.T, n *html.Node) string {
	t.Helper()
	var b strings.Builder
	if err := html.Render(&b, n); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// No page has a script or a style of its own, which the policy would refuse.
func TestPagesHaveNothingInline(t *testing.T) {
	f := newFirm(t)
	ada := f.as("ada")
	for _, row := range f.site.routes {
		if row.method != http.MethodGet || row.identify != nil {
			continue
		}
		page := ada.get(concrete(row.pattern))
		if !strings.HasPrefix(page.header.Get("Content-Type"), "text/html") {
			continue
		}
		if n := len(page.elements("style", "")); n > 0 {
			t.Errorf("%s has %d style elements", row.pattern, n)
		}
		for _, element := range page.elements("script", "") {
			if attribute(element, "src") == "" {
				t.Errorf("%s has an inline script", row.pattern)
			}
		}
		tree, err := html.Parse(strings.NewReader(page.body))
		f.must(err)
		for n := range tree.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.HasPrefix(a.Key, "hx-on") || strings.HasPrefix(strings.TrimSpace(a.Val), "javascript:") {
					t.Errorf("%s: %s has the attribute %s=%q", row.pattern, n.Data, a.Key, a.Val)
				}
			}
		}
	}
}

// Whatever is served tells browsers how to treat it, refusals included.
func TestSecurityHeaders(t *testing.T) {
	f := newFirm(t)
	for _, secure := range []bool{false, true} {
		f.furnish(Options{Secure: secure})
		for _, path := range []string{"/livez", "/metrics", "/sign-in", "/account", "/nowhere", f.site.static.paths["portal.css"]} {
			h := f.stranger().get(path).header
			for name, want := range map[string]string{
				"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin",
				"Cross-Origin-Opener-Policy": "same-origin", "Content-Security-Policy": contentPolicy,
			} {
				if got := h.Get(name); got != want {
					t.Errorf("%s: %s is %q, want %q", path, name, got, want)
				}
			}
			if got := h.Get("Strict-Transport-Security") != ""; got != secure {
				t.Errorf("%s: HSTS %v, want %v", path, got, secure)
			}
		}
		if got := f.stranger().get(signInPath).header.Get("Cache-Control"); !strings.Contains(got, "no-store") {
			t.Errorf("a page may be kept: %q", got)
		}
		if got := f.stranger().get(f.site.static.paths["portal.css"]).header.Get("Cache-Control"); !strings.Contains(got, "immutable") {
			t.Errorf("a static file may not be kept: %q", got)
		}
	}
}

func TestSessionCookies(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	for secure, want := range map[bool]string{
		false: "usher=TOKEN; Path=/; HttpOnly; SameSite=Lax",
		true:  "__Host-usher=TOKEN; Path=/; HttpOnly; Secure; SameSite=Lax",
	} {
		f.furnish(Options{Secure: secure})
		b := f.stranger()
		got := strings.Replace(b.signIn("nina@acme.example", ownPassword).header.Get("Set-Cookie"), b.cookie(), "TOKEN", 1)
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	// Nobody has a cookie, or a row, who has not signed in.
	for _, path := range []string{"/", signInPath, "/activate?user=x", forgottenPath, "/nowhere"} {
		if got := f.stranger().get(path).header.Get("Set-Cookie"); got != "" {
			t.Errorf("%s gives a stranger %q", path, got)
		}
	}
}

// A body over its limit is refused without being read to its end, on every route that
// takes one.
func TestOversizeBodies(t *testing.T) {
	f := newFirm(t)
	f.invite("nina")
	for _, row := range f.site.routes {
		if row.method == http.MethodGet || row.identify != nil || row.pattern == "/sign-out" || row.pattern == "/sign-out-everywhere" {
			continue
		}
		b := f.as("ada")
		if row.need == choosing {
			b = f.signedIn("nina", 1)
		}
		limit := row.body
		if limit == 0 {
			limit = defaultBody
		}
		body := &counted{Reader: io.LimitReader(endless{}, 64*limit)}
		r := httptest.NewRequest(row.method, concrete(row.pattern), body)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		got := b.send(r)
		if body.n > 2*limit+1<<20 {
			t.Errorf("%s %s read %d bytes of a body, its limit being %d", row.method, row.pattern, body.n, limit)
		}
		if got.status != http.StatusRequestEntityTooLarge && body.n > 0 {
			t.Errorf("%s %s: got %d, want 413", row.method, row.pattern, got.status)
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

type counted struct {
	io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n += int64(n)
	return n, err
}

// A hundred clients that send their form a byte at a time, or never to its end, keep
// nobody else from signing in.
func TestSlowForms(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	server := Server(f.handler)
	go server.Serve(listener)
	defer server.Close()
	for range 100 {
		c, err := net.Dial("tcp", listener.Addr().String())
		f.must(err)
		defer c.Close()
		fmt.Fprintf(c, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail=nina")
	}
	client := http.Client{Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.PostForm("http://"+listener.Addr().String()+signInPath, url.Values{"email": {"nina@acme.example"}, "password": {ownPassword}})
	f.must(err)
	response.Body.Close()
	if response.StatusCode != http.StatusSeeOther {
		t.Errorf("got %d, want 303", response.StatusCode)
	}
}

// A session that was left in a browser does not come back by what the browser was doing
// when it ended.
func TestRequestsInFlightReviveNothing(t *testing.T) {
	f := newFirm(t)
	eve := f.as("eve")
	a := f.account("eve")
	slow := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.must(f.db.EndSessions(r.Context(), a.ID)) // signed out elsewhere, meanwhile
		f.site.sessions.Put(r.Context(), noticeKey, "late")
	})
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.AddCookie(&http.Cookie{Name: f.site.sessions.Cookie.Name, Value: eve.cookie()})
	f.site.sessions.LoadAndSave(slow).ServeHTTP(httptest.NewRecorder(), r)
	eve.get("/account").leads(signInPath + "?next=%2Faccount")
}

func TestUnmatched(t *testing.T) {
	f := newFirm(t)
	f.as("eve").get("/nowhere").says(http.StatusNotFound, "no such page")
	got := f.as("eve").post("/account", nil)
	got.says(http.StatusMethodNotAllowed, "That cannot be done here")
	if allow := got.header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow: %q", allow)
	}
	f.stranger().get("/static/../portal.go").says(http.StatusNotFound)
	f.stranger().get("/static/portal.css").says(http.StatusNotFound)
}
