package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/reconciler/source"
	"usher/spec"
)

func TestServerURL(t *testing.T) {
	tests := []struct{ text, err string }{
		{"https://usher.acme.example", ""},
		{"https://acme.example/usher/", ""},
		{"http://127.0.0.1:8080", ""},
		{"http://[::1]:8080", ""},
		{"http://localhost:8080", ""},
		{"http://usher.acme.example", "in the clear"},
		{"http://10.0.0.1", "in the clear"},
		{"http://localhost.acme.example", "in the clear"},
		{"http://127.0.0.1.acme.example", "in the clear"},
		{"https://ada:secret@acme.example", "an address alone"},
		{"https://acme.example?x=1", "an address alone"},
		{"https://acme.example#x", "an address alone"},
		{"ftp://acme.example", "no address of a server"},
		{"https://", "no address of a server"},
		{"acme.example", "no address of a server"},
		{"https://acme.example:port", "no address of a server"},
	}
	for _, tt := range tests {
		_, err := serverURL(tt.text)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("serverURL(%q): %v, want %q", tt.text, err, tt.err)
		}
	}
}

// manifestsSent are what the tests below send.
var manifestsSent = &reconciler.Manifests{
	Snapshot: reconciler.Snapshot{Source: "git", Path: "/srv/acme.git", Ref: "refs/heads/main", Commit: strings.Repeat("5", 40)},
	Files:    []reconciler.ManifestFile{{Path: "a.yaml", Data: []byte("a")}},
}

// planned is a plan as a server answers it.
func planned() []byte {
	body, err := json.Marshal(&reconciler.Plan{Format: 1, ID: "sha256:" + strings.Repeat("a", 64), Basis: 7})
	if err != nil {
		panic(err) // numbers and strings
	}
	return body
}

// TestPlanOfServer: what is sent is whole, with the token, and the answer is a plan.
func TestPlanOfServer(t *testing.T) {
	var got *reconciler.Manifests
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if got, err = source.Unpack(r.Body, true); err != nil {
			t.Error(err)
		}
		if r.Method != http.MethodPost || r.URL.Path != "/below/api/v1/plan" || r.Header.Get("Authorization") != "Bearer usher_x" {
			t.Errorf("got %s %s with %q", r.Method, r.URL.Path, r.Header.Get("Authorization"))
		}
		w.Write(planned())
	}))
	defer server.Close()
	base, err := serverURL(server.URL + "/below")
	if err != nil {
		t.Fatal(err)
	}
	p, err := remote{base, "usher_x"}.plan(t.Context(), manifestsSent)
	if err != nil || p.Basis != 7 {
		t.Fatalf("plan %+v, %v; want basis 7", p, err)
	}
	if got.Commit != manifestsSent.Commit || got.Path != "/srv/acme.git" || got.Ref != "refs/heads/main" || len(got.Files) != 1 {
		t.Errorf("sent: %+v", got)
	}
}

// TestStrangeServers: whatever answers, the error says what happened and what to do,
// and the token goes nowhere else.
func TestStrangeServers(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the token went elsewhere") }))
	defer elsewhere.Close()
	answer := func(status int, kind, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			io.WriteString(w, body)
		}
	}
	tests := []struct {
		name      string
		answer    http.HandlerFunc
		err, hint string
	}{
		{"an older usher", answer(404, "text/html", "<h1>There is no such page</h1>"), "has no API that plans", "an older usher"},
		{"an even older one", answer(404, "text/plain; charset=utf-8", "404 page not found\n"), "has no API that plans", "an older usher"},
		{"another site", answer(200, "text/html", "<h1>Welcome</h1>"), "reading the answer of", ""},
		{"something else in JSON", answer(200, "application/json", `{"format":2}`), "no plan of format 1", "a newer usher"},
		{"half a plan", answer(200, "application/json", string(planned()[:40])), "reading the answer of", ""},
		{"a proxy", answer(502, "text/html", "<h1>Bad Gateway</h1>"), "answered 502 Bad Gateway", "between here and the usher"},
		{"a redirection", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "leads to " + elsewhere.URL, "give --server that address"},
		{"a problem", answer(403, "application/problem+json", `{"title":"The token is not for this","status":403,"detail":"it takes the scope plan","advice":"Make one."}`), ": the token is not for this: it takes the scope plan", "Make one."},
		{"a problem that would paint", answer(409, "application/problem+json", `{"title":"Red\u001b[31m","status":409}`), ": red\uFFFD[31m", ""},
		{"a problem without words", answer(500, "application/problem+json", `{}`), "answered 500", "between here and the usher"},
		{"a problem that is none", answer(500, "application/problem+json", `{`), "answered 500", ""},
		{"one that hangs up", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, "asking http://127.0.0.1", "is usher watch running there"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(tt.answer)
			defer server.Close()
			base, err := url.Parse(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			_, err = remote{base, "usher_x"}.plan(t.Context(), manifestsSent)
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Fatalf("got %v, want %q", err, tt.err)
			}
			var hinted hintError
			if errors.As(err, &hinted); !strings.Contains(hinted.hint, tt.hint) {
				t.Errorf("hint %q, want %q", hinted.hint, tt.hint)
			}
			if strings.Contains(err.Error(), "usher_x") {
				t.Errorf("the error quotes the token: %v", err)
			}
		})
	}
}

// TestServerErrorsHavePlaces: what a server finds wrong with manifests is what a plan
// here would find, with its exit code.
func TestServerErrorsHavePlaces(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, `{"title":"x","status":422,"errors":[{"file":"a.yaml","line":3,"column":5,"code":"unknown-kind","message":"unknown kind \"Usr\"","hint":"did you mean User?"}]}`)
	}))
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = remote{base, "x"}.plan(t.Context(), manifestsSent)
	var errs spec.Errors
	if !errors.As(err, &errs) || exitCode(err) != exitInvalid || errs[0].Error() != `a.yaml:3:5: unknown kind "Usr"` || errs[0].Hint != "did you mean User?" {
		t.Errorf("got %v, exit code %d", err, exitCode(err))
	}
}

// TestServerThatIsSilent: one that answers too late is given up, and said to be late.
func TestServerThatIsSilent(t *testing.T) {
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { <-done }))
	defer server.Close()
	defer close(done)
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err = (remote{base, "x"}).plan(ctx, manifestsSent); err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("got %v", err)
	}
}

// TestServerWithAnUnknownCertificate is not talked to.
func TestServerWithAnUnknownCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	if _, err = (remote{base, "x"}).plan(t.Context(), manifestsSent); err == nil || !strings.Contains(fmt.Sprint(err), "certificate") {
		t.Errorf("got %v, want the certificate refused", err)
	}
}
