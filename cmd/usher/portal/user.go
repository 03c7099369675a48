package portal

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"usher/reconciler"
	"usher/reconciler/render"
	"usher/spec"
	"usher/state"
)

const (
	usersPath  = "/users"
	usersAPage = 50
)

func (s *site) userRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: usersPath, need: stewardOf, serve: s.users, menu: "Users"},
		{method: http.MethodPost, pattern: usersPath + "/{user}/resend", need: stewardOf, serve: s.resend},
		{method: http.MethodGet, pattern: usersPath + "/{user}/access", need: stewardOf, serve: s.accessForm},
		{method: http.MethodPost, pattern: usersPath + "/{user}/access", need: stewardOf, serve: s.saveAccess},
		{method: http.MethodGet, pattern: usersPath + "/add", need: stewardOf, serve: s.addForm},
		{method: http.MethodPost, pattern: usersPath + "/add", need: stewardOf, serve: s.add},
		{method: http.MethodGet, pattern: usersPath + "/add/list", need: stewardOf, serve: s.addListForm},
		{method: http.MethodPost, pattern: usersPath + "/add/list", need: stewardOf, serve: s.addList},
		{method: http.MethodGet, pattern: proposalsPath + "{branch...}", need: stewardOf, serve: s.proposal},
	}
}

// usersPage is the list of people, in the order of their names.
type usersPage struct {
	Query    string
	Status   state.Status
	Product  string
	Statuses []state.Status
	Products []choice // that can be asked for
	People   []userRow
	Paging   paging
	Back     string // the query of this very page, for a form to come back to it
	Filtered bool   // something is asked for, so that an empty list is no wonder
	Searched bool   // the search stopped on its way, and goes on with the next page
}

// choice is one thing to choose of several.
type choice struct{ Value, Title string }

// userRow is one person as a steward sees them: what they have under contracts of
// others is not shown.
type userRow struct {
	state.Person
	Grants    []grantRow
	Posts     []string // "Contract manager of design"
	Elsewhere bool     // has access or a role under contracts of others
	Resend    bool     // the invitation can be sent again, by this steward
	Path      string   // of the pages about them
}

// grantRow is one grant in words, with each manifest line that gives it.
type grantRow struct {
	Title, Product, Contract, Days, Reason string
	Lines                                  []spec.Origin
}

var listedStatuses = []state.Status{state.Invited, state.Active, state.Expired, state.Suspended}

func (s *site) users(w http.ResponseWriter, r *http.Request) {
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	who, query := viewerOf(r), r.URL.Query()
	p := usersPage{
		Query: query.Get("q"), Status: state.Status(query.Get("status")), Product: query.Get("product"),
		Statuses: listedStatuses, Products: productsUnder(catalogue, who.contracts(stewardOf)), Back: r.URL.RawQuery,
	}
	p.Filtered = p.Query != "" || p.Status != "" || p.Product != ""
	found, err := s.DB.People(r.Context(), state.PeopleQuery{
		Text: p.Query, Status: p.Status, Product: p.Product, Under: lookedAfter(who, catalogue), After: query.Get(afterField), Limit: usersAPage,
	})
	if err == nil && len(found.People) == 0 && found.Next == "" {
		found.People, err = s.exactly(r, p.Query)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	for i := range found.People {
		p.People = append(p.People, rowOf(&found.People[i], who, catalogue))
	}
	p.Paging, p.Searched = pagingOf(r, found.Next), found.Next != "" && len(found.People) < usersAPage
	s.render(w, r, "user", "Users", p)
}

// Count says how many people the page shows, for those who cannot see it change.
func (p usersPage) Count() string {
	words := render.Count(len(p.People), "person", "people")
	switch {
	case p.Paging.Next != "" && p.Searched:
		return words + " so far"
	case p.Paging.Next != "":
		return words + ", and more on the next page"
	case p.Paging.First != "":
		return words + " on the last page"
	}
	return words
}

// exactly finds a person by their whole address. A steward may give access to
// somebody who has none under their contracts yet, but has to know whom.
func (s *site) exactly(r *http.Request, email string) ([]state.Person, error) {
	if !strings.Contains(email, "@") || r.URL.Query().Has(afterField) {
		return nil, nil
	}
	found, err := s.DB.PersonAt(r.Context(), strings.TrimSpace(email))
	if errors.Is(err, state.ErrNotFound) {
		return nil, nil
	}
	return []state.Person{found}, err
}

// lookedAfter is the contracts that cut the list of people down: nil, so that
// nothing does, for a steward of every contract.
func lookedAfter(who viewer, c *state.Catalogue) []string {
	mine := who.contracts(stewardOf)
	for i := range c.Roster.Contracts {
		if !slices.Contains(mine, c.Roster.Contracts[i].Name) {
			return mine
		}
	}
	return nil
}

// contractsOf is the contracts under which a person has access or a role.
func contractsOf(p *state.Person) []string {
	var names []string
	for _, g := range p.Access {
		names = append(names, g.Contract)
	}
	for _, role := range p.Roles {
		names = append(names, role.Contract)
	}
	return names
}

func productsUnder(c *state.Catalogue, contracts []string) []choice {
	var list []choice
	for i := range c.Roster.Products {
		p := &c.Roster.Products[i]
		offered := slices.ContainsFunc(contracts, func(name string) bool {
			contract := c.Roster.Contract(name)
			return contract != nil && contract.Offer(p.Name) != nil
		})
		if offered {
			list = append(list, choice{p.Name, titleOf(c, p.Name)})
		}
	}
	sortByTitle(list, func(c *choice) string { return c.Title })
	return list
}

// titleOf is what a product is called, its name where it has no title.
func titleOf(c *state.Catalogue, product string) string {
	if p := c.Roster.Product(product); p != nil && p.Title != "" {
		return p.Title
	}
	return product
}

func rowOf(p *state.Person, who viewer, c *state.Catalogue) userRow {
	mine := who.contracts(stewardOf)
	row := userRow{Person: *p, Path: usersPath + "/" + url.PathEscape(p.Name)}
	for i := range p.Access {
		g := &p.Access[i]
		if !slices.Contains(mine, g.Contract) {
			row.Elsewhere = true
			continue
		}
		row.Grants = append(row.Grants, grantRow{titleOf(c, g.Product), g.Product, g.Contract, daysInWords(g.Span), g.Reason, g.Because})
	}
	sortByTitle(row.Grants, func(g *grantRow) string { return g.Title })
	for _, role := range p.Roles {
		if slices.Contains(mine, role.Contract) {
			row.Posts = append(row.Posts, roleInWords(role.Role)+" of "+role.Contract)
		} else {
			row.Elsewhere = true
		}
	}
	related := contractsOf(p)
	row.Resend = invitable(&p.Account) && who.looksAfter(related)
	if !who.looksAfter(related) {
		row.Path = usersPath + "/" + url.PathEscape(p.Email)
	}
	return row
}

func invitable(a *state.Account) bool { return a.Status == state.Invited || a.Status == state.Expired }

func roleInWords(role spec.Role) string {
	if role == spec.ContractManager {
		return "Contract manager"
	}
	return "Software coordinator"
}

// LastDay is the last day on which an invitation opens.
func (u userRow) LastDay() spec.Day { return spec.DayOf(u.Expires.Add(-time.Millisecond)) }

// Badge is the look of a status.
func (u userRow) Badge() string {
	return map[state.Status]string{state.Active: "good", state.Invited: "info", state.Expired: "warn", state.Suspended: "bad"}[u.Account.Status]
}

var errNobody = refusal{http.StatusNotFound, "There is nobody of that name for you",
	"They may have been removed, not be applied yet, or have to do with contracts of others alone. The list of users finds anybody by their whole e-mail address."}

// resend sends an invitation again, in the name of whoever asks (DOMAIN.md row 17).
func (s *site) resend(w http.ResponseWriter, r *http.Request) {
	if !s.form(w, r) {
		return
	}
	p, err := s.personOf(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	switch {
	case !viewerOf(r).looksAfter(contractsOf(&p)):
		err = errNobody
	case !invitable(&p.Account):
		err = refusal{http.StatusConflict, "There is no invitation to send again",
			p.FirstName + " " + p.LastName + " is " + string(p.Status) + ". Only somebody who is invited, or whose invitation has expired, can be invited again."}
	}
	done := false
	if err == nil {
		done, err = s.ask(r, reconciler.RequestResend, p.Name)
	}
	if err != nil {
		s.fail(w, r, err)
		return
	}
	said := p.FirstName + " " + p.LastName + " is invited again as soon as usher comes to it."
	if done {
		said = "A new invitation is on its way to " + p.FirstName + " " + p.LastName + ". The earlier one no longer works."
	}
	back, _ := url.ParseQuery(r.PostForm.Get("back"))
	s.leadSaying(w, r, addressOf(usersPath, back), said)
}

// personOf is the person that a path names, for those who may know of them: by the
// name of their manifest for whoever looks after them; by their whole address for any
// steward, who may give access to somebody who has none under their contracts yet,
// but has to know whom. To everybody else they are nobody, and it takes as long to say
// so as where there is nobody.
func (s *site) personOf(r *http.Request) (state.Person, error) {
	ctx, who, name := r.Context(), viewerOf(r), r.PathValue("user")
	p, err := s.DB.Person(ctx, name)
	if errors.Is(err, state.ErrNotFound) {
		if _, err := s.DB.Person(ctx, who.Name()); err != nil { // for the time it takes
			return state.Person{}, err
		}
	}
	if err == nil && !who.looksAfter(contractsOf(&p)) {
		err = state.ErrNotFound
	}
	if errors.Is(err, state.ErrNotFound) && strings.Contains(name, "@") {
		p, err = s.DB.PersonAt(ctx, name)
	}
	if errors.Is(err, state.ErrNotFound) {
		return state.Person{}, errNobody
	}
	return p, err
}
