package portal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"usher/state"
)

// program is a client of the API. Whatever it is answered is held against the
// description.
type program struct {
	*firm
	token string
}

// program is one with a token for some scopes.
func (f *firm) program(scopes ...state.Scope) *program {
	f.Helper()
	token, _, err := f.db.CreateToken(f.Context(), state.Token{
		Name: fmt.Sprintf("t%d", time.Now().UnixNano()), Scopes: scopes, By: "tester", Expires: f.now().Add(time.Hour),
	})
	f.must(err)
	return &program{f, token}
}

func (p *program) get(path string, headers ...string) *reply {
	p.Helper()
	return p.ask(http.MethodGet, path, nil, headers...)
}

// ask sends a request; headers are names and values in turn.
func (p *program) ask(method, path string, body []byte, headers ...string) *reply {
	p.Helper()
	r := httptest.NewRequestWithContext(p.Context(), method, path, bytes.NewReader(body))
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	got := &reply{p.T, w.Code, w.Header(), w.Body.String()}
	described(got, method, r.URL.Path)
	return got
}

// into reads the JSON of an answer that must have the status.
func into[T any](r *reply, status int) T {
	r.Helper()
	var v T
	if r.status != status {
		r.Fatalf("got %d, want %d:\n%s", r.status, status, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		r.Fatalf("reading the answer: %v\n%s", err, r.body)
	}
	return v
}

// complains fails the test where the answer is not a problem with the status that
// says the words.
func (r *reply) complains(status int, words ...string) {
	r.Helper()
	p := into[problem](r, status)
	if p.Status != status || p.Title == "" || p.Advice == "" {
		r.Errorf("the problem lacks its status, title or advice: %s", r.body)
	}
	for _, w := range words {
		if !strings.Contains(r.body, w) {
			r.Errorf("the problem lacks %q:\n%s", w, r.body)
		}
	}
}

// names are those of the items of a list.
type itemNames struct {
	Revision int64
	Items    []struct{ Name string }
	Next     string
}

func (l itemNames) String() string {
	var names []string
	for _, i := range l.Items {
		names = append(names, i.Name)
	}
	return strings.Join(names, " ")
}

// paths is the description, its schemas closed: what they do not name is an error.
var paths = sync.OnceValues(func() (map[string]any, error) {
	var doc map[string]any
	if err := json.Unmarshal(description, &doc); err != nil {
		return nil, err
	}
	closeSchemas(doc)
	return doc, nil
})

func closeSchemas(v any) {
	switch v := v.(type) {
	case map[string]any:
		if _, schema := v["properties"]; schema && v["additionalProperties"] == nil {
			v["additionalProperties"] = false
		}
		for _, x := range v {
			closeSchemas(x)
		}
	case []any:
		for _, x := range v {
			closeSchemas(x)
		}
	}
}

// described fails the test where an answer is not as the description says.
func described(r *reply, method, path string) {
	r.Helper()
	doc, err := paths()
	if err != nil {
		r.Fatal(err)
	}
	if r.status == http.StatusNotModified {
		return
	}
	pointer := "#/components/responses/problem"
	kind := "application/problem+json"
	if r.status < 400 {
		kind = "application/json"
		pointer = fmt.Sprintf("#/paths/%s/%s/responses/%d", strings.ReplaceAll(templateOf(doc, path), "/", "~1"), strings.ToLower(method), r.status)
		pointer = resolved(doc, pointer)
	}
	if got := r.header.Get("Content-Type"); got != kind {
		r.Errorf("%s %s: Content-Type %q, want %s", method, path, got, kind)
		return
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", doc); err != nil {
		r.Fatal(err)
	}
	schema, err := compiler.Compile("openapi.json" + pointer + "/content/" + strings.ReplaceAll(kind, "/", "~1") + "/schema")
	if err != nil {
		r.Fatalf("%s %s answers %d, which is not described: %v", method, path, r.status, err)
	}
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(r.body))
	if err != nil {
		r.Fatal(err)
	}
	if err := schema.Validate(value); err != nil {
		r.Errorf("%s %s answers %d unlike its description: %v\n%s", method, path, r.status, err, r.body)
	}
}

// resolved follows the reference that may stand at a pointer.
func resolved(doc map[string]any, pointer string) string {
	at := any(doc)
	for _, part := range strings.Split(strings.TrimPrefix(pointer, "#/"), "/") {
		m, ok := at.(map[string]any)
		if !ok {
			return pointer
		}
		at = m[strings.ReplaceAll(part, "~1", "/")]
	}
	if m, ok := at.(map[string]any); ok {
		if ref, ok := m["$ref"].(string); ok {
			return ref
		}
	}
	return pointer
}

var wildcard = regexp.MustCompile(`\\\{[a-z]+\\\}`)

// templateOf is the path of the description that a path is one of.
func templateOf(doc map[string]any, path string) string {
	for template := range doc["paths"].(map[string]any) {
		pattern := wildcard.ReplaceAllString(regexp.QuoteMeta(template), `[^/]+`)
		if regexp.MustCompile("^" + pattern + "$").MatchString(path) {
			return template
		}
	}
	return path
}

// TestDescriptionHasEveryRoute: each route of the API with the scope that it needs,
// and no other.
func TestDescriptionHasEveryRoute(t *testing.T) {
	f := newFirm(t)
	var doc struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []map[string][]string
		}
	}
	if err := json.Unmarshal(description, &doc); err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range f.site.routes {
		if strings.HasPrefix(r.pattern, apiPath) {
			want = append(want, fmt.Sprintf("%s %s %s", r.method, r.pattern, r.need.scope))
		}
	}
	for path, operations := range doc.Paths {
		for method, o := range operations {
			scope := ""
			if len(o.Security) == 1 && len(o.Security[0]["token"]) == 1 {
				scope = o.Security[0]["token"][0]
			}
			got = append(got, fmt.Sprintf("%s %s %s", strings.ToUpper(method), path, scope))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("description (-routes +described):\n%s", diff)
	}
	served := f.stranger().get("/api/v1/openapi.json")
	if served.status != http.StatusOK || served.body != string(description) {
		t.Errorf("serving it: got %d", served.status)
	}
}

// TestAPIByScope: each route lets through a token with its own scope alone; no cookie
// opens it, and no token a page.
func TestAPIByScope(t *testing.T) {
	f := newFirm(t)
	programs := map[state.Scope]*program{}
	for _, scope := range state.Scopes {
		programs[scope] = f.program(scope)
	}
	for _, route := range f.site.routes {
		if !strings.HasPrefix(route.pattern, apiPath) || route.need.scope == "" {
			continue
		}
		path := concrete(route.pattern)
		for scope, p := range programs {
			got := p.ask(route.method, path, nil)
			if refused := got.status == http.StatusForbidden; refused == (scope == route.need.scope) {
				t.Errorf("%s %s with %s: got %d", route.method, path, scope, got.status)
			}
			if got.status == http.StatusForbidden {
				got.complains(http.StatusForbidden, "it takes the scope "+string(route.need.scope))
				if challenge := got.header.Get("WWW-Authenticate"); !strings.Contains(challenge, `error="insufficient_scope", scope="`+string(route.need.scope)+`"`) {
					t.Errorf("%s %s: challenge %q", route.method, path, challenge)
				}
			}
		}
		request := httptest.NewRequest(route.method, path, nil)
		if got := f.as("ada").send(request); got.status != http.StatusUnauthorized {
			t.Errorf("%s %s with a cookie: got %d, want 401", route.method, path, got.status)
		}
	}
	page := f.stranger()
	request := httptest.NewRequest(http.MethodGet, "/account", nil)
	request.Header.Set("Authorization", "Bearer "+f.program(state.Scopes...).token)
	page.send(request).leads("/sign-in?next=%2Faccount")
}

// TestTokensThatOpenNothing: each is told why, with a challenge.
func TestTokensThatOpenNothing(t *testing.T) {
	f := newFirm(t)
	revoked := f.program(state.ScopeReadUsers)
	tokens, err := f.db.Tokens(t.Context(), false)
	f.must(err)
	f.must(f.db.RevokeToken(t.Context(), tokens[0].Name, "tester"))
	good := f.program(state.ScopeReadUsers)
	tests := []struct {
		name    string
		headers []string
		title   string
		error   string
	}{
		{"none", nil, "A token is missing", ""},
		{"another scheme", []string{"Authorization", "Basic dXNoZXI6dXNoZXI="}, "The token opens nothing", "invalid_token"},
		{"two", []string{"Authorization", "Bearer " + good.token, "Authorization", "Bearer " + good.token}, "The token opens nothing", "invalid_token"},
		{"empty", []string{"Authorization", "Bearer"}, "The token opens nothing", "invalid_token"},
		{"cut short", []string{"Authorization", "Bearer " + good.token[:44]}, "The token opens nothing", "invalid_token"},
		{"made up", []string{"Authorization", "Bearer usher_" + strings.Repeat("a", 39)}, "The token opens nothing", "invalid_token"},
		{"revoked", []string{"Authorization", "Bearer " + revoked.token}, "The token has been revoked", "invalid_token"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := (&program{f, ""}).get("/api/v1/users", tt.headers...)
			got.complains(http.StatusUnauthorized, tt.title)
			challenge := got.header.Get("WWW-Authenticate")
			if !strings.HasPrefix(challenge, `Bearer realm="usher"`) || strings.Contains(challenge, "error=") != (tt.error != "") {
				t.Errorf("challenge %q, want the error %q", challenge, tt.error)
			}
		})
	}
	if got := good.get("/api/v1/users"); got.status != http.StatusOK {
		t.Fatalf("the token that works: got %d", got.status)
	}
	f.pass(2 * time.Hour)
	good.get("/api/v1/users").complains(http.StatusUnauthorized, "The token has expired")
}

// TestUseOfTokensIsOnRecord, to the hour.
func TestUseOfTokensIsOnRecord(t *testing.T) {
	f := newFirm(t)
	p := f.program(state.ScopeReadSeats)
	p.get("/api/v1/seats")
	tokens, err := f.db.Tokens(t.Context(), false)
	f.must(err)
	if used := tokens[0].Used; f.now().Sub(used) > time.Hour+time.Minute {
		t.Errorf("used at %v, and it is %v", used, f.now())
	}
}

// TestTooManyRequests: a token that asks too often waits; others do not.
func TestTooManyRequests(t *testing.T) {
	f := newFirm(t)
	eager, other := f.program(state.ScopeReadSeats), f.program(state.ScopeReadSeats)
	var got *reply
	for range 10 * requestBurst {
		if got = eager.get("/api/v1/seats"); got.status != http.StatusOK {
			break
		}
	}
	got.complains(http.StatusTooManyRequests)
	if got.header.Get("Retry-After") != retryAfter {
		t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
	}
	if got := other.get("/api/v1/seats"); got.status != http.StatusOK {
		t.Errorf("another token: got %d, want 200", got.status)
	}
	f.pass(time.Minute)
	if got := eager.get("/api/v1/seats"); got.status != http.StatusOK {
		t.Errorf("a minute later: got %d, want 200", got.status)
	}
}

// TestWhatIsNotThere is a problem, too, and not a page.
func TestWhatIsNotThere(t *testing.T) {
	p := newFirm(t).program(state.Scopes...)
	p.get("/api/v1/nothing").complains(http.StatusNotFound)
	p.get("/api/").complains(http.StatusNotFound)
	got := p.ask(http.MethodDelete, "/api/v1/users", nil)
	got.complains(http.StatusMethodNotAllowed)
	if allow := got.header.Get("Allow"); allow != "GET, HEAD" {
		t.Errorf("Allow: %q", allow)
	}
	p.get("/api/v1/users/nobody").complains(http.StatusNotFound)
	p.get("/api/v1/revisions/99").complains(http.StatusNotFound)
	p.get("/api/v1/revisions/x").complains(http.StatusBadRequest, "not the number")
	p.get("/api/v1/holds/sha256:1").complains(http.StatusNotFound)
	for _, path := range []string{
		"users?status=removed", "users?limit=0", "users?limit=201", "users?limit=x", "users?cursor=*", "users?statsu=active",
		"users?q=a&q=b", "users?contract=design", "users?q=%zz", "access?user=eve", "access?product=cad", "access?user=eve&product=cad&until=x",
		"revisions?cursor=AAAA", "credits?by=year", "holds?all=perhaps", "seats?limit=3",
	} {
		p.get("/api/v1/" + path).complains(http.StatusBadRequest)
	}
	p.get("/api/v1/users?statsu=active").complains(http.StatusBadRequest, "did you mean status?")
}

// TestParametersAreThoseDescribed: each route takes what the description names.
func TestParametersAreThoseDescribed(t *testing.T) {
	p := newFirm(t).program(state.Scopes...)
	doc, err := paths()
	p.must(err)
	asked := 0
	for path, operations := range doc["paths"].(map[string]any) {
		operation, _ := operations.(map[string]any)["get"].(map[string]any)
		parameters, _ := operation["parameters"].([]any)
		for i := range parameters {
			at, _ := parameters[i].(map[string]any)
			if ref, ok := at["$ref"].(string); ok {
				at, _ = doc["components"].(map[string]any)["parameters"].(map[string]any)[strings.TrimPrefix(ref, "#/components/parameters/")].(map[string]any)
			}
			if at["in"] != "query" {
				continue
			}
			asked++
			if got := p.get(concrete(path) + "?" + at["name"].(string) + "=1"); strings.Contains(got.body, "there is no parameter") {
				t.Errorf("%s does not take %s: %s", path, at["name"], got.body)
			}
		}
	}
	if asked < 15 {
		t.Errorf("%d parameters are described; the test reads the description wrong", asked)
	}
}

// TestAPIFromAnotherSite: what a browser sends for another site is refused, as a problem.
func TestAPIFromAnotherSite(t *testing.T) {
	p := newFirm(t).program(state.ScopeWriteCredits)
	p.ask(http.MethodPost, "/api/v1/credits", []byte(`{"items":[]}`), "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site").
		complains(http.StatusForbidden, "This came from another site")
}
