package portal

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// serve serves the portal as usher watch does, its times a fraction of what they are,
// and returns its address.
func (f *firm) serve(fraction time.Duration) string {
	f.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	server := Server(f.handler)
	for _, limit := range []*time.Duration{&server.ReadHeaderTimeout, &server.ReadTimeout, &server.WriteTimeout, &server.IdleTimeout} {
		*limit /= fraction
	}
	go server.Serve(listener)
	f.Cleanup(func() { server.Close() })
	return listener.Addr().String()
}

// answers sends bytes as they are, and returns the statuses of what comes back before
// the connection ends, or is silent for a while.
func (f *firm) answers(address, sent string) (statuses []int, closed bool) {
	f.Helper()
	c, err := net.Dial("tcp", address)
	f.must(err)
	defer c.Close()
	f.must(c.SetDeadline(time.Now().Add(2 * time.Second)))
	_, err = io.WriteString(c, sent)
	f.must(err)
	for from := bufio.NewReader(c); ; {
		response, err := http.ReadResponse(from, nil)
		if err != nil {
			e, silent := err.(net.Error)
			return statuses, !silent || !e.Timeout()
		}
		io.Copy(io.Discard, response.Body)
		statuses = append(statuses, response.StatusCode)
	}
}

// Where it is not certain where a request ends, what comes after it is not taken for
// one, whatever a proxy in front made of it.
func TestRequestsAreNotSmuggled(t *testing.T) {
	f := newFirm(t)
	address := f.serve(1)
	const after = "0\r\n\r\nGET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, head := range map[string]string{
		"two lengths":                "Content-Length: 5\r\nContent-Length: 6\r\n",
		"a length and chunks":        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"chunks and a length":        "Transfer-Encoding: chunked\r\nContent-Length: 51\r\n",
		"chunks by another name":     "Transfer-Encoding: xchunked\r\n",
		"chunks twice":               "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"chunks and something else":  "Transfer-Encoding: chunked, identity\r\n",
		"a blank before the colon":   "Transfer-Encoding : chunked\r\n",
		"a length with a sign":       "Content-Length: +5\r\n",
		"a length below zero":        "Content-Length: -5\r\n",
		"a length in another system": "Content-Length: 0x5\r\n",
		"two hosts":                  "Host: evil.example\r\nContent-Length: 5\r\n",
		"a zero byte":                "X: a\x00b\r\nContent-Length: 5\r\n",
		"chunks alone":               "Transfer-Encoding: chunked\r\n",
	} {
		got, closed := f.answers(address, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\n"+head+"\r\n"+after)
		if len(got) != 1 || !closed {
			t.Errorf("%s: answers %v, closed: %v; want one, and the connection closed", name, got, closed)
		}
	}
	got, closed := f.answers(address, "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n"+after)
	if len(got) != 2 || got[1] != http.StatusOK || closed {
		t.Errorf("two proper requests: answers %v, closed: %v; want both", got, closed)
	}
}

// Paths that lead elsewhere in other programs lead nowhere here, and answers to odd
// questions are answers.
func TestPathsLeadNowhereElse(t *testing.T) {
	f := newFirm(t)
	address := f.serve(1)
	cookie := fmt.Sprintf("Cookie: %s=%s\r\n", f.site.sessions.Cookie.Name, f.as("ada").cookie())
	for _, path := range []string{
		"/static/../../../etc/passwd", "/static/..%2f..%2fetc%2fpasswd", "/static/%2e%2e/portal.go", "/static/%00", "/static/con",
		"/products/design/cad/downloads/..%2f..%2f..%2fetc%2fpasswd", "/products/design/cad/downloads/%00",
		"/products/design/cad/downloads/%2fdev%2fzero", "/products/..%2fdesign/cad/downloads/x", "//evil.example/account",
		"/proposals/usher/../../HEAD", "/proposals/usher%2f..%2fHEAD", "/proposals/usher/a%00b", "/proposals/-usher/x",
		"/users/%00/access", "/users/..%2f..%2fada/access", "/revisions/99999999999999999999", "/revisions/-1", "/revisions/1%00",
		"/holds/%0d%0aX-Evil:1", "/account;x", "/%2e%2e/account", "/api/v1/users/..%2f..%2faccount",
	} {
		got, _ := f.answers(address, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+cookie+"\r\n")
		if len(got) != 1 || got[0] != http.StatusNotFound && got[0] != http.StatusUnauthorized {
			t.Errorf("%s: answers %v, want 404", path, got)
		}
	}
	for _, query := range []string{"q=%00", "q=%27%22%3b--%25_", "status=%00&product=%27", "after=%00%ff", "after=" + strings.Repeat("x", 4000), "q=%ff%fe"} {
		got, _ := f.answers(address, "GET /users?"+query+" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"+cookie+"\r\n")
		if len(got) != 1 || got[0] != http.StatusOK {
			t.Errorf("/users?%s: answers %v, want 200", query, got)
		}
	}
}

// Whoever signs in is led to a page of this site, whatever the link says that led here.
func TestSigningInLeadsNowhereElse(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	for _, next := range []string{
		"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example", "https:evil.example", "javascript:alert(1)",
		"/\t/evil.example", "/\r\nLocation: https://evil.example", "/.//evil.example", "/..//evil.example", "/x/..//evil.example", " //evil.example", "evil.example",
		"/%5cevil.example", "/%2f/evil.example", "http:///evil.example", "/?next=//evil.example", "/\u2028/evil.example", "",
	} {
		script := foreign(http.MethodGet, signInPath+"?next="+url.QueryEscape(next), map[string]string{"HX-Request": "true"})
		for name, to := range map[string]string{
			"signing in":        f.stranger().post(signInPath, url.Values{"email": {"nina@acme.example"}, "password": {ownPassword}, "next": {next}}).to(),
			"signed in already": f.as("nina").get(signInPath + "?next=" + url.QueryEscape(next)).to(),
			"a script":          f.as("nina").send(script).header.Get("HX-Redirect"),
		} {
			base, _ := url.Parse("https://accounts.acme.example" + signInPath)
			led, err := base.Parse(to)
			if to == "" || err != nil || led.Host != base.Host || led.Scheme != "https" || strings.HasPrefix(to, "//") || strings.Contains(to, `\`) {
				t.Errorf("%s with %q: leads to %q", name, next, to)
			}
		}
	}
}

// A client that is slow with its header, its body, or in reading is let go of.
func TestSlowClientsAreLetGoOf(t *testing.T) {
	f := newFirm(t)
	address := f.serve(50) // 100 ms, 600 ms and 1.2 s
	page := "GET " + f.site.static.paths["portal.css"] + " HTTP/1.1\r\nHost: localhost\r\n\r\n"
	for name, sent := range map[string]string{
		"header":  "GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
		"body":    "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000\r\n\r\nemail=",
		"chunks":  "POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n3e8\r\nemail=",
		"reading": strings.Repeat(page, 2000),
		"nothing": "",
	} {
		c, err := net.Dial("tcp", address)
		f.must(err)
		defer c.Close()
		f.must(c.(*net.TCPConn).SetReadBuffer(4 << 10))
		f.must(c.SetDeadline(time.Now().Add(20 * time.Second)))
		io.WriteString(c, sent) // cut short where the server has closed already
		if name == "reading" {
			time.Sleep(3 * time.Second)
		}
		n, err := io.Copy(io.Discard, c)
		if e, ok := err.(net.Error); ok && e.Timeout() {
			t.Errorf("%s: the connection stands after twenty seconds", name)
		}
		if name == "reading" && n > 1000*int64(len(f.stranger().get(strings.Fields(page)[1]).body)) {
			t.Errorf("somebody who read nothing for long was sent all %d bytes", n)
		}
	}
}

// Guesses that come at once get no further than guesses in a row, from one address and
// from many.
func TestGuessesAtOnce(t *testing.T) {
	f := newFirm(t)
	f.activated("nina")
	var runs atomic.Int64
	f.site.hasher.ran = func() { runs.Add(1) }
	guess := func(guesses int, from func(i int) string) int64 {
		runs.Store(0)
		f.site.attempts = newAttempts(f.now)
		var all sync.WaitGroup
		for i := range guesses {
			all.Go(func() {
				r := foreign(http.MethodPost, signInPath, nil)
				r.Body = io.NopCloser(strings.NewReader(url.Values{"email": {"nina@acme.example"}, "password": {fmt.Sprint("a guess of mine ", i)}}.Encode()))
				r.RemoteAddr = from(i)
				f.stranger().send(r)
			})
		}
		all.Wait()
		return runs.Load()
	}
	if got := guess(100, func(int) string { return "192.0.2.1:5555" }); got > int64(byBoth.free) {
		t.Errorf("of a hundred guesses at once from one address %d were tried, want %d at most", got, byBoth.free)
	}
	if got := guess(100, func(i int) string { return fmt.Sprintf("192.0.2.%d:5555", i+1) }); got > int64(byAccount.free) {
		t.Errorf("of a hundred guesses at once from as many addresses %d were tried, want %d at most", got, byAccount.free)
	}
}
