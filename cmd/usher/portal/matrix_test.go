package portal

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"usher/spec"
	"usher/state"
)

// Who may open what: one row for each route of the table, one column for each kind
// of viewer. A route without a row fails, and so does a row without a route.
//
// m: the manager of contract design; c: its coordinator; o: the coordinator of
// another contract; e: an end user; n: a newcomer, who has not chosen a password
// yet; x: a suspended person, in whose browser a session was left; a: anonymous;
// t: an API token with the scope of the route.
//
// Everybody else is refused: pages lead who has not signed in to signing in (303),
// and show anybody else that they are not open to them (403).
var matrix = []struct{ method, pattern, may string }{
	{"GET", "/livez", "m c o e n x a t"},
	{"GET", "/readyz", "m c o e n x a t"},
	{"GET", "/metrics", "m c o e n x a t"},
	{"GET", "/static/{file}", "m c o e n x a t"},

	{"GET", "/products", "m c o e"},
	{"GET", "/products/{contract}/{product}/downloads/{file}", "m c o e"},
	{"GET", "/support", "m c o e"},
	{"POST", "/support", "m c o e"},
	{"GET", "/credits", "m c o e"},
	{"GET", "/seats", "m c o"},
	{"GET", "/holds", "m c o"},
	{"GET", "/holds/{plan}", "m c o"},
	{"POST", "/holds/{plan}/approve", "m"},
	{"GET", "/revisions", "m c o"},
	{"GET", "/revisions/{number}", "m c o"},
	{"GET", "/contracts", "m"},
	{"GET", "/contracts/{contract}", "m"},

	{"GET", "/{$}", "m c o e"},
	{"GET", "/account", "m c o e"},
	{"POST", "/account/password", "m c o e"},
	{"POST", "/sign-out", "m c o e n x a t"},
	{"POST", "/sign-out-everywhere", "m c o e"},

	{"GET", "/users", "m c o"},
	{"POST", "/users/{user}/resend", "m c o"},
	{"GET", "/users/{user}/access", "m c o"},
	{"POST", "/users/{user}/access", "m c o"},
	{"GET", "/users/add", "m c o"},
	{"POST", "/users/add", "m c o"},
	{"GET", "/users/add/list", "m c o"},
	{"POST", "/users/add/list", "m c o"},
	{"GET", "/proposals/{branch...}", "m c o"},
	{"GET", "/sign-in", "m c o e n x a t"},
	{"POST", "/sign-in", "m c o e n x a t"},
	{"GET", "/activate", "m c o e n x a t"},
	{"GET", "/password/choose", "n"},
	{"POST", "/password/choose", "n"},
	{"GET", "/password/forgotten", "m c o e n x a t"},
	{"POST", "/password/forgotten", "m c o e n x a t"},
	{"GET", "/password/reset", "m c o e n x a t"},
	{"POST", "/password/reset", "m c o e n x a t"},

	{"GET", "/api/v1/openapi.json", "m c o e n x a t"},
	{"GET", "/api/v1/users", "t"},
	{"GET", "/api/v1/users/{user}", "t"},
	{"GET", "/api/v1/access", "t"},
	{"GET", "/api/v1/seats", "t"},
	{"GET", "/api/v1/revisions", "t"},
	{"GET", "/api/v1/revisions/{number}", "t"},
	{"GET", "/api/v1/credits", "t"},
	{"POST", "/api/v1/credits", "t"},
	{"GET", "/api/v1/holds", "t"},
	{"GET", "/api/v1/holds/{plan}", "t"},
	{"POST", "/api/v1/holds/{plan}/approval", "t"},
	{"POST", "/api/v1/plan", "t"},
}

// viewers are the columns of the matrix as the one function sees them.
func viewers(scope state.Scope) map[string]viewer {
	post := func(contract string, role spec.Role) []state.Post {
		return []state.Post{{Contract: contract, Role: role}}
	}
	return map[string]viewer{
		"m": {kind: member, posts: post("design", spec.ContractManager)},
		"c": {kind: member, posts: post("design", spec.SoftwareCoordinator)},
		"o": {kind: member, posts: post("plant", spec.SoftwareCoordinator)},
		"e": {kind: member},
		"n": {kind: newcomer},
		"x": {},
		"a": {},
		"t": {kind: machine, scopes: []state.Scope{scope}},
	}
}

func TestEveryRouteHasARow(t *testing.T) {
	f := newFirm(t)
	var routes, rows []string
	for _, r := range f.site.routes {
		routes = append(routes, r.method+" "+r.pattern)
	}
	for _, row := range matrix {
		rows = append(rows, row.method+" "+row.pattern)
	}
	for _, r := range routes {
		if !slices.Contains(rows, r) {
			t.Errorf("%s has no row in the matrix", r)
		}
	}
	for _, r := range rows {
		if !slices.Contains(routes, r) {
			t.Errorf("%s has a row in the matrix, and is not in the table", r)
		}
	}
}

// The one function answers as the matrix says. A right under a contract is asked
// about design; one without, about any.
func TestMatrixByTheOneFunction(t *testing.T) {
	f := newFirm(t)
	for _, row := range matrix {
		for _, r := range f.site.routes {
			if r.method != row.method || r.pattern != row.pattern {
				continue
			}
			contract := ""
			if strings.Contains(r.pattern, "{contract}") {
				contract = "design"
			}
			for name, who := range viewers(r.need.scope) {
				want := slices.Contains(strings.Fields(row.may), name)
				if got := allowed(who, r.need, contract); got != want {
					t.Errorf("%s %s for %s: got %v, want %v", row.method, row.pattern, name, got, want)
				}
			}
		}
	}
}

// The same through HTTP: who is let through gets something else than a refusal.
func TestMatrixByHTTP(t *testing.T) {
	f := newFirm(t)
	people := f.columns()
	for _, row := range matrix {
		for name, b := range people {
			r := httptest.NewRequest(row.method, concrete(row.pattern), nil)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			got := b(f.route(row.method, row.pattern).need.scope).send(r)
			want := slices.Contains(strings.Fields(row.may), name)
			if refused := isRefused(got, row.pattern); refused == want {
				t.Errorf("%s %s for %s: got %d to %q, want let through: %v", row.method, row.pattern, name, got.status, got.to(), want)
			}
		}
	}
}

// route is the row of the table.
func (f *firm) route(method, pattern string) route {
	i := slices.IndexFunc(f.site.routes, func(r route) bool { return r.method == method && r.pattern == pattern })
	if i < 0 {
		return route{}
	}
	return f.site.routes[i]
}

// columns makes a browser for each kind of viewer, a new one each time; that of the
// token has one for the scope.
func (f *firm) columns() map[string]func(state.Scope) *browser {
	f.invite("nina")
	f.write("people.yaml", strings.Replace(firmPeople(), "Testida\n", "Testida\n  suspended: true\n", 1))
	was := f.as("ida")
	f.apply()
	return map[string]func(state.Scope) *browser{
		"m": func(state.Scope) *browser { return f.as("ada") },
		"c": func(state.Scope) *browser { return f.as("grace") },
		"o": func(state.Scope) *browser { return f.as("thora") },
		"e": func(state.Scope) *browser { return f.as("eve") },
		"n": func(state.Scope) *browser { return f.signedIn("nina", 1) },
		"x": func(state.Scope) *browser { return &browser{firm: f, cookies: maps.Clone(was.cookies)} },
		"a": func(state.Scope) *browser { return f.stranger() },
		"t": func(scope state.Scope) *browser {
			if scope == "" {
				scope = state.ScopeReadUsers
			}
			b := f.stranger()
			b.bearer = f.program(scope).token
			return b
		},
	}
}

// concrete fills in the wildcards of a pattern.
func concrete(pattern string) string {
	return strings.NewReplacer("{contract}", "design", "{$}", "", "{file}", "none.css",
		"{user}", "eve", "{number}", "1", "{plan}", "sha256:"+strings.Repeat("0", 64)).Replace(pattern)
}

func isRefused(r *reply, pattern string) bool {
	switch r.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return true
	case http.StatusSeeOther:
		return strings.HasPrefix(r.to(), signInPath+"?next=") || r.to() == choosePath && pattern != "/activate"
	}
	return false
}
