package portal

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/html"

	"usher/reconciler"
	"usher/reconciler/notice"
	"usher/reconciler/source"
	"usher/state"
)

// firm is an organisation with a portal: manifests applied to a real database.
type firm struct {
	*testing.T
	dir     string
	path    string       // of the database
	later   atomic.Int64 // nanoseconds that its clock is ahead of the machine's
	db      *state.DB
	owner   *state.Owner
	control *reconciler.Controller
	site    *site
	handler http.Handler
}

// firmManifests: ada manages design and grace coordinates it; olu manages plant and
// thora coordinates it; eve and ida have access under design; sam is suspended.
const firmManifests = `apiVersion: usher/v1
kind: Product
metadata: {name: cad}
spec:
  title: CAD 2027
  downloads:
    - {title: Windows 64-bit, url: "https://downloads.acme.example/cad.exe", sha256: "` + firmSum + `", size: 2147483648}
---
apiVersion: usher/v1
kind: Product
metadata: {name: pipes}
spec: {title: Pipes 2027, type: service}
---
apiVersion: usher/v1
kind: Contract
metadata: {name: design}
spec:
  contractManager: ada
  softwareCoordinators: [grace]
  products: [{name: cad, seats: 10}]
  cloudCredits: {pool: 1000, expires: 2037-06-30}
  supportEmail: design-help@acme.example
---
apiVersion: usher/v1
kind: Contract
metadata: {name: plant}
spec:
  contractManager: olu
  softwareCoordinators: [thora]
  products: [{name: pipes}]
  supportEmail: plant-help@acme.example
`

const firmSum = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

// firmPerson is the manifest of somebody; more is further lines of its spec.
func firmPerson(name, more string) string {
	title := strings.ToUpper(name[:1]) + name[1:]
	return fmt.Sprintf("---\napiVersion: usher/v1\nkind: User\nmetadata: {name: %s}\nspec:\n  email: %s@acme.example\n  firstName: %s\n  lastName: Test%s\n%s",
		name, name, title, name, more)
}

func firmPeople() string {
	return firmPerson("ada", "") + firmPerson("grace", "") + firmPerson("olu", "") + firmPerson("thora", "") +
		firmPerson("eve", "  access: [cad]\n") + firmPerson("ida", "  access: [cad]\n") + firmPerson("sam", "  suspended: true\n  access: [cad]\n")
}

// newFirm makes a firm whose people have accounts in use.
func newFirm(t *testing.T) *firm {
	t.Helper()
	return firmSince(t, 0)
}

// firmSince is a firm that began some time ago, so that days can go by: how long a
// browser keeps its session is measured by the machine's clock.
func firmSince(t *testing.T, ago time.Duration) *firm {
	t.Helper()
	f := &firm{T: t, dir: t.TempDir()}
	f.pass(-ago)
	f.write("firm.yaml", firmManifests)
	f.write("people.yaml", firmPeople())
	f.open()
	f.control.Adopt = true
	f.apply()
	f.control.Adopt = false
	return f
}

func (f *firm) open() {
	f.Helper()
	var err error
	f.path = filepath.Join(f.TempDir(), "usher.db")
	f.db, err = state.Open(f.Context(), "sqlite:"+f.path, state.Options{Now: f.now, Command: "usher watch"})
	f.must(err)
	f.Cleanup(func() { f.db.Close() })
	f.owner, err = f.db.Own(f.Context())
	f.must(err)
	f.Cleanup(func() { f.owner.Close() })
	compose, err := notice.New(notice.Options{From: "usher@acme.example", URL: "https://accounts.acme.example"})
	f.must(err)
	f.control = &reconciler.Controller{
		DB: f.db, Source: source.Dir(f.dir, source.Options{Settle: time.Nanosecond}), Compose: compose,
		Now: f.now, By: "tester", From: "usher@acme.example",
	}
	f.furnish(Options{})
}

// furnish opens the portal, with what the options add to the usual.
func (f *firm) furnish(o Options) {
	f.Helper()
	o.Status = func() reconciler.Status { return reconciler.Status{} }
	o.Beat, o.Now, o.Metrics = f.now, f.now, NewMetrics(o.Status)
	o.DB, o.Owner, o.Compose, o.From = f.db, f.owner, f.control.Compose, f.control.From
	o.Control = f.control
	var err error
	f.site, f.handler, err = build(o)
	f.must(err)
	f.site.hasher = cheapHasher(f)
	f.Cleanup(f.site.doing.Wait)
}

func (f *firm) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *firm) now() time.Time { return time.Now().Add(time.Duration(f.later.Load())) }

// pass lets time go by.
func (f *firm) pass(d time.Duration) { f.later.Add(int64(d)) }

func (f *firm) write(name, content string) {
	f.Helper()
	f.must(os.WriteFile(filepath.Join(f.dir, name), []byte(content), 0o644))
}

// apply carries the manifests out; limits hold nothing in tests of the portal.
func (f *firm) apply() *reconciler.Outcome {
	f.Helper()
	f.control.Limits = reconciler.Limits{Removals: reconciler.Limit{Number: 100, Percent: true, Set: true}, Mail: 1000}
	out, err := f.control.Apply(f.Context(), f.owner, "")
	f.must(err)
	return out
}

// account is somebody's account as it is now.
func (f *firm) account(name string) state.Account {
	f.Helper()
	account, err := f.db.Account(f.Context(), name)
	f.must(err)
	return account
}

// browser is one browser of somebody, with its cookies.
type browser struct {
	*firm
	cookies map[string]string
	bearer  string // a token of the API that it sends along; empty: none
}

// stranger is a browser in which nobody has signed in.
func (f *firm) stranger() *browser { return &browser{firm: f, cookies: map[string]string{}} }

// as is a browser in which somebody has signed in.
func (f *firm) as(name string) *browser {
	f.Helper()
	return f.signedIn(name, 0)
}

// signedIn is a browser in which somebody has signed in: with the given password of an
// invitation, by its number, or with 0 by their own.
func (f *firm) signedIn(name string, given int) *browser {
	f.Helper()
	ctx, err := f.site.sessions.Load(f.Context(), "")
	f.must(err)
	who := opened{account: f.account(name), given: given}
	who.hash, err = f.db.Password(ctx, who.account.ID)
	f.must(err)
	f.must(f.site.begin(ctx, who))
	token, _, err := f.site.sessions.Commit(ctx)
	f.must(err)
	b := f.stranger()
	b.cookies[f.site.sessions.Cookie.Name] = token
	return b
}

// reply is what the portal answered.
type reply struct {
	*testing.T
	status int
	header http.Header
	body   string
}

func (b *browser) get(path string) *reply {
	b.Helper()
	return b.send(httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
}

// post sends a form as a page of the portal does.
func (b *browser) post(path string, form url.Values) *reply {
	b.Helper()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.send(r)
}

func (b *browser) send(r *http.Request) *reply {
	b.Helper()
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if b.bearer != "" {
		r.Header.Set("Authorization", "Bearer "+b.bearer)
	}
	w := httptest.NewRecorder()
	b.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		} else {
			b.cookies[c.Name] = c.Value
		}
	}
	return &reply{b.T, w.Code, w.Header(), w.Body.String()}
}

// to is where the reply leads.
func (r *reply) to() string { return r.header.Get("Location") }

// text is the words of the page, a blank between.
func (r *reply) text() string {
	r.Helper()
	tree, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		r.Fatal(err)
	}
	return textOf(tree)
}

// textOf is the words in an element.
func textOf(n *html.Node) string {
	var words []string
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			words = append(words, strings.Fields(d.Data)...)
		}
	}
	return strings.Join(words, " ")
}

// elements returns every element of a page with the name and, where it is not
// empty, the class.
func (r *reply) elements(name, class string) []*html.Node {
	r.Helper()
	tree, err := html.Parse(strings.NewReader(r.body))
	if err != nil {
		r.Fatal(err)
	}
	var found []*html.Node
	for d := range tree.Descendants() {
		if d.Type == html.ElementNode && d.Data == name && (class == "" || strings.Contains(" "+attribute(d, "class")+" ", " "+class+" ")) {
			found = append(found, d)
		}
	}
	return found
}

// attribute is the value of an element's attribute, "" where it has none.
func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// menuOf is what the menu of a page offers.
func menuOf(r *reply) []string {
	r.Helper()
	var titles []string
	for _, nav := range r.elements("nav", "menu") {
		for d := range nav.Descendants() {
			if d.Type == html.ElementNode && d.Data == "a" {
				titles = append(titles, textOf(d))
			}
		}
	}
	return titles
}

// says fails the test where the page lacks any of the words.
func (r *reply) says(status int, words ...string) {
	r.Helper()
	if r.status != status {
		r.Errorf("got %d, want %d:\n%s", r.status, status, r.text())
	}
	for _, w := range words {
		if !strings.Contains(r.text(), w) {
			r.Errorf("the page lacks %q:\n%s", w, r.text())
		}
	}
}

// leads fails the test where the reply is not a redirection there.
func (r *reply) leads(to string) {
	r.Helper()
	if r.status != http.StatusSeeOther || r.to() != to {
		r.Errorf("got %d to %q, want 303 to %q", r.status, r.to(), to)
	}
}

// invite declares somebody new, who is sent a given password.
func (f *firm) invite(name string) state.Account {
	f.Helper()
	f.write(name+".yaml", strings.TrimPrefix(firmPerson(name, "  access: [cad]\n"), "---\n"))
	f.apply()
	return f.account(name)
}

// secretCode is how given passwords and reset codes look.
var secretCode = regexp.MustCompile(`\b[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}\b`)

// letters are the messages to an account of a kind, as they are sent, oldest first.
func (f *firm) letters(account, kind string) []string {
	f.Helper()
	messages, err := f.db.Messages(f.Context(), state.MessageQuery{Account: account})
	f.must(err)
	var all []string
	for _, m := range messages {
		if m.Kind != kind {
			continue
		}
		m, err := f.db.Message(f.Context(), m.ID)
		f.must(err)
		filled, err := f.db.Fill(m)
		f.must(err)
		all = append(all, string(filled))
	}
	return all
}

// secret is what opens an account in the last message of a kind to it.
func (f *firm) secret(account, kind string) string {
	f.Helper()
	letters := f.letters(account, kind)
	if len(letters) == 0 {
		f.Fatalf("there is no %s message to %s", kind, account)
	}
	return secretCode.FindString(letters[len(letters)-1])
}

// signIn fills in the sign-in page.
func (b *browser) signIn(email, password string) *reply {
	b.Helper()
	return b.post(signInPath, url.Values{"email": {email}, "password": {password}, "next": {"/"}})
}

// cookie is what the browser holds of its session.
func (b *browser) cookie() string { return b.cookies[b.site.sessions.Cookie.Name] }
