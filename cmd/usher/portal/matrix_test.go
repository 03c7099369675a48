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
// yet; x: a suspended person, in whose browser a session was left; a: anonymous.
// A scope stands for an API token with that scope alone.
//
// Everybody else is refused: pages lead who has not signed in to signing in (303),
// and show anybody else that they are not open to them (403). What is about eve, who
// has access under design, is not there (404) for those of unseen.
var matrix = []struct{ method, pattern, may, unseen string }{
	{"GET", "/livez", everyone, ""},
	{"GET", "/readyz", everyone, ""},
	{"GET", "/metrics", everyone, ""},
	{"GET", "/static/{file}", everyone, ""},

	{"GET", "/products", "m c o e", ""},
	{"GET", "/products/{contract}/{product}/downloads/{file}", "m c o e", ""},
	{"GET", "/support", "m c o e", ""},
	{"POST", "/support", "m c o e", ""},
	{"GET", "/credits", "m c o e", ""},
	{"GET", "/seats", "m c o", ""},
	{"GET", "/holds", "m c o", ""},
	{"GET", "/holds/{plan}", "m c o", ""},
	{"POST", "/holds/{plan}/approve", "m", ""},
	{"GET", "/revisions", "m c o", ""},
	{"GET", "/revisions/{number}", "m c o", ""},
	{"GET", "/contracts", "m", ""},
	{"GET", "/contracts/{contract}", "m", ""},

	{"GET", "/{$}", "m c o e", ""},
	{"GET", "/account", "m c o e", ""},
	{"POST", "/account/password", "m c o e", ""},
	{"POST", "/sign-out", everyone, ""},
	{"POST", "/sign-out-everywhere", "m c o e", ""},

	{"GET", "/users", "m c o", ""},
	{"POST", "/users/{user}/resend", "m c o", "o"},
	{"GET", "/users/{user}/access", "m c o", "o"},
	{"POST", "/users/{user}/access", "m c o", "o"},
	{"GET", "/users/add", "m c o", ""},
	{"POST", "/users/add", "m c o", ""},
	{"GET", "/users/add/list", "m c o", ""},
	{"POST", "/users/add/list", "m c o", ""},
	{"GET", "/proposals/{branch...}", "m c o", "o"},

	{"GET", "/sign-in", everyone, ""},
	{"POST", "/sign-in", everyone, ""},
	{"GET", "/activate", everyone, ""},
	{"GET", "/password/choose", "n", ""},
	{"POST", "/password/choose", "n", ""},
	{"GET", "/password/forgotten", everyone, ""},
	{"POST", "/password/forgotten", everyone, ""},
	{"GET", "/password/reset", everyone, ""},
	{"POST", "/password/reset", everyone, ""},

	{"GET", "/api/v1/openapi.json", everyone, ""},
	{"GET", "/api/v1/users", "read:users", ""},
	{"GET", "/api/v1/users/{user}", "read:users", ""},
	{"GET", "/api/v1/access", "read:access", ""},
	{"GET", "/api/v1/seats", "read:seats", ""},
	{"GET", "/api/v1/revisions", "read:revisions", ""},
	{"GET", "/api/v1/revisions/{number}", "read:revisions", ""},
	{"GET", "/api/v1/credits", "read:credits", ""},
	{"POST", "/api/v1/credits", "write:credits", ""},
	{"GET", "/api/v1/holds", "read:holds", ""},
	{"GET", "/api/v1/holds/{plan}", "read:holds", ""},
	{"POST", "/api/v1/holds/{plan}/approval", "approve:holds", ""},
	{"POST", "/api/v1/plan", "plan", ""},
}

// everyone is every column.
var everyone = "m c o e n x a " + strings.Join(scopeNames(), " ")

func scopeNames() []string {
	var names []string
	for _, scope := range state.Scopes {
		names = append(names, string(scope))
	}
	return names
}

// viewers are the columns of the matrix as the one function sees them.
func viewers() map[string]viewer {
	post := func(contract string, role spec.Role) []state.Post {
		return []state.Post{{Contract: contract, Role: role}}
	}
	columns := map[string]viewer{
		"m": {kind: member, posts: post("design", spec.ContractManager)},
		"c": {kind: member, posts: post("design", spec.SoftwareCoordinator)},
		"o": {kind: member, posts: post("plant", spec.SoftwareCoordinator)},
		"e": {kind: member},
		"n": {kind: newcomer},
		"x": {},
		"a": {},
	}
	for _, scope := range state.Scopes {
		columns[string(scope)] = viewer{kind: machine, scopes: []state.Scope{scope}}
	}
	return columns
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
			for name, who := range viewers() {
				want := slices.Contains(strings.Fields(row.may), name)
				if got := allowed(who, r.need, contract); got != want {
					t.Errorf("%s %s for %s: got %v, want %v", row.method, row.pattern, name, got, want)
				}
			}
		}
	}
}

// The same through HTTP: who is let through gets something else than a refusal, and who
// is not to know of eve finds nobody.
func TestMatrixByHTTP(t *testing.T) {
	f := newFirm(t)
	f.repository(Tree{})
	proposal := strings.TrimPrefix(f.as("grace").post("/users/eve/access", ticks("design/cad", "")).to(), proposalsPath)
	if proposal == "" {
		t.Fatal("nothing was proposed")
	}
	people := f.columns()
	for _, row := range matrix {
		for name, b := range people {
			r := httptest.NewRequest(row.method, strings.Replace(concrete(row.pattern), "{branch...}", proposal, 1), nil)
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			got := b().send(r)
			want := slices.Contains(strings.Fields(row.may), name)
			if refused := isRefused(got, row.pattern); refused == want {
				t.Errorf("%s %s for %s: got %d to %q, want let through: %v", row.method, row.pattern, name, got.status, got.to(), want)
			}
			unseen := slices.Contains(strings.Fields(row.unseen), name)
			if there := got.status != http.StatusNotFound; row.unseen != "" && want && there == unseen {
				t.Errorf("%s %s for %s: got %d, want it there: %v", row.method, row.pattern, name, got.status, !unseen)
			}
		}
	}
}

// columns makes a browser for each kind of viewer, a new one each time.
func (f *firm) columns() map[string]func() *browser {
	f.invite("nina")
	f.write("people.yaml", strings.Replace(firmPeople(), "Testida\n", "Testida\n  suspended: true\n", 1))
	was := f.as("ida")
	f.apply()
	columns := map[string]func() *browser{
		"m": func() *browser { return f.as("ada") },
		"c": func() *browser { return f.as("grace") },
		"o": func() *browser { return f.as("thora") },
		"e": func() *browser { return f.as("eve") },
		"n": func() *browser { return f.signedIn("nina", 1) },
		"x": func() *browser { return &browser{firm: f, cookies: maps.Clone(was.cookies)} },
		"a": f.stranger,
	}
	for _, scope := range state.Scopes {
		token := f.program(scope).token
		columns[string(scope)] = func() *browser {
			b := f.stranger()
			b.bearer = token
			return b
		}
	}
	return columns
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
