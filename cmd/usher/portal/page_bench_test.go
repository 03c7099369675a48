package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// city is the portal of an organisation of some size. ada manages design, under which
// most people have access; olu manages plant, under which 120 have; eve has access.
type city struct {
	testing.TB
	people int
	db     *state.DB
	owner  *state.Owner
	site   *site
	serve  http.Handler
	cookie map[string]string // by name of who has signed in
	token  string            // of a program that may read
	amid   string            // account of somebody in the middle of the list
	newest int64
	more   bool // eve has another product
}

const cityProducts = 20

// newCity writes an organisation of so many people into a database, without manifests
// and messages, and opens its portal.
func newCity(b *testing.B, people int) *city {
	c := &city{TB: b, people: people, cookie: map[string]string{}}
	ctx := context.Background()
	var err error
	c.db, err = state.Open(ctx, "sqlite:"+filepath.Join(b.TempDir(), "usher.db"), state.Options{Command: "usher watch"})
	c.must(err)
	b.Cleanup(func() { c.db.Close() })
	c.owner, err = c.db.Own(ctx)
	c.must(err)
	b.Cleanup(func() { c.owner.Close() })
	c.revise(c.found)
	for from := 0; from < people; from += people / 4 {
		c.revise(func(tx *state.Tx) error { return c.settle(tx, from, min(from+people/4, people)) })
	}
	status := func() reconciler.Status { return reconciler.Status{} }
	c.site, c.serve, err = build(Options{Status: status, Beat: time.Now, Now: time.Now, Metrics: NewMetrics(status), DB: c.db, Owner: c.owner})
	c.must(err)
	for _, name := range []string{"ada", "olu", "eve"} {
		c.signIn(name)
	}
	middle, err := c.db.People(ctx, state.PeopleQuery{Text: "last000500"})
	c.must(err)
	c.amid = middle.People[0].ID
	c.token, _, err = c.db.CreateToken(ctx, state.Token{Name: "bench", Scopes: []state.Scope{state.ScopeReadUsers, state.ScopeReadSeats}})
	c.must(err)
	return c
}

func (c *city) must(err error) {
	c.Helper()
	if err != nil {
		c.Fatal(err)
	}
}

// revise writes one revision.
func (c *city) revise(fn func(*state.Tx) error) {
	c.Helper()
	r, err := c.owner.Update(context.Background(), state.Cause{Kind: state.CauseManifests, Source: "dir", By: "tester"}, c.newest, fn)
	c.must(err)
	c.newest = r.Number
}

func (c *city) user(name, last string) *spec.User {
	email := name + "@acme.example"
	return &spec.User{Name: name, Email: email, EmailKey: email, FirstName: "First", LastName: last,
		Origin: spec.Origin{File: "users/" + name + ".yaml", Line: 3, Column: 1}}
}

func (c *city) grant(contract string, product int) spec.Grant {
	return spec.Grant{Contract: contract, Product: fmt.Sprintf("product-%02d", product%cityProducts), Span: spec.AllTime,
		Because: []spec.Origin{{File: "teams.yaml", Line: 7, Column: 5, Via: "team everybody"}}}
}

// found makes the contracts, their products and managers.
func (c *city) found(tx *state.Tx) error {
	var offers []spec.Offer
	for i := range cityProducts {
		g := c.grant("", i)
		offers = append(offers, spec.Offer{Product: g.Product, Seats: c.people})
		if err := tx.PutProduct(&spec.Product{Name: g.Product, Title: "Product " + strconv.Itoa(i), Type: spec.TypeProduct}); err != nil {
			return err
		}
	}
	for contract, manager := range map[string]string{"design": "ada", "plant": "olu"} {
		a, err := tx.AddAccount(c.user(manager, "Manager"), true)
		if err == nil {
			err = tx.PutContract(&spec.Contract{Name: contract, Offers: offers, SupportEmail: "help@acme.example"})
		}
		if err == nil {
			err = tx.Assign(contract, a.ID, spec.ContractManager)
		}
		if err != nil {
			return err
		}
	}
	eve, err := tx.AddAccount(c.user("eve", "Everybody"), true)
	if err != nil {
		return err
	}
	return tx.Grant(eve.ID, c.grant("design", 1))
}

// settle adds some of the people, each with three products.
func (c *city) settle(tx *state.Tx, from, to int) error {
	for i := from; i < to; i++ {
		a, err := tx.AddAccount(c.user(fmt.Sprintf("u%06d", i), fmt.Sprintf("Last%06d", i*7919%c.people)), i%10 == 0)
		if err != nil {
			return err
		}
		contract := "design"
		if i%(c.people/120) == 0 && i/(c.people/120) < 120 {
			contract = "plant"
		}
		for product := range 3 {
			if err := tx.Grant(a.ID, c.grant(contract, i+7*product)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *city) signIn(name string) {
	c.Helper()
	ctx, err := c.site.sessions.Load(context.Background(), "")
	c.must(err)
	var who opened
	who.account, err = c.db.Account(ctx, name)
	c.must(err)
	c.must(c.site.begin(ctx, who))
	c.cookie[name], _, err = c.site.sessions.Commit(ctx)
	c.must(err)
}

// get asks for a page as somebody, or of the API as the program.
func (c *city) get(path, as string) time.Duration {
	c.Helper()
	r := httptest.NewRequest(http.MethodGet, strings.ReplaceAll(path, "{amid}", c.amid), nil)
	if as == "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
		c.site.tokens.mu.Lock()
		c.site.tokens.limits = nil // it may ask as often as it likes
		c.site.tokens.mu.Unlock()
	} else {
		r.AddCookie(&http.Cookie{Name: c.site.sessions.Cookie.Name, Value: c.cookie[as]})
	}
	w := httptest.NewRecorder()
	start := time.Now()
	c.serve.ServeHTTP(w, r)
	took := time.Since(start)
	if w.Code != http.StatusOK {
		c.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return took
}

// BenchmarkPages asks for pages of organisations of several sizes, in turns, and
// prints how many times longer each takes than of the smallest.
// USHER_BENCH_PEOPLE lists other sizes than 1000,100000.
func BenchmarkPages(b *testing.B) {
	var cities []*city
	for size := range strings.SplitSeq(max(os.Getenv("USHER_BENCH_PEOPLE"), "1000,100000"), ",") {
		people, err := strconv.Atoi(size)
		if err != nil || people < 1000 {
			b.Fatalf("USHER_BENCH_PEOPLE: %q is not a number of people from 1000", size)
		}
		cities = append(cities, newCity(b, people))
	}
	for _, page := range []struct{ name, as, path string }{
		{"users", "ada", usersPath},
		{"users amid", "ada", usersPath + "?after={amid}"},
		{"search that many fulfil", "ada", usersPath + "?q=last0"},
		{"users of a small contract", "olu", usersPath},
		{"search for one", "ada", usersPath + "?q=" + url.QueryEscape("First Last000777")},
		{"search for nobody", "olu", usersPath + "?q=xyzzy"},
		{"search by status and product", "ada", usersPath + "?status=invited&product=product-03"},
		{"a person by address", "ada", usersPath + "?q=u000500%40acme.example"},
		{"edit access", "ada", usersPath + "/u000500/access"},
		{"seats", "ada", "/seats"},
		{"revisions", "ada", revisionsPath},
		{"a revision", "ada", revisionsPath + "/2"},
		{"contract", "ada", contractsPath + "/design"},
		{"products", "eve", productsPath},
		{"account", "eve", "/account"},
		{"api users", "", apiPath + "v1/users?limit=200"},
		{"api users of a product", "", apiPath + "v1/users?product=product-03&contract=plant"},
		{"api seats", "", apiPath + "v1/seats"},
	} {
		b.Run(page.name, func(b *testing.B) {
			compareCities(b, cities, func(c *city) time.Duration { return c.get(page.path, page.as) })
		})
	}
	b.Run("seats after a change", func(b *testing.B) {
		compareCities(b, cities, func(c *city) time.Duration {
			eve, err := c.db.Account(context.Background(), "eve")
			c.must(err)
			change := (*state.Tx).Grant
			if c.more {
				change = (*state.Tx).Revoke
			}
			c.revise(func(tx *state.Tx) error { return change(tx, eve.ID, c.grant("design", 2)) })
			c.more = !c.more
			return c.get("/seats", "ada")
		})
	})
}

func compareCities(b *testing.B, cities []*city, ask func(*city) time.Duration) {
	spent := make([]time.Duration, len(cities))
	for _, c := range cities {
		c.TB = b
		ask(c) // reads what is not in memory yet
		ask(c)
	}
	for b.Loop() {
		for i, c := range cities {
			spent[i] += ask(c)
		}
	}
	for i, c := range cities {
		b.ReportMetric(float64(spent[i].Microseconds())/float64(b.N), fmt.Sprintf("µs/%d", c.people))
		if i > 0 {
			b.ReportMetric(float64(spent[i])/float64(spent[0]), fmt.Sprintf("times-%d-to-%d", c.people, cities[0].people))
		}
	}
	b.ReportMetric(0, "ns/op")
}
