package portal

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"usher/spec"
	"usher/state"
)

func (s *site) productRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: productsPath, need: signedIn, serve: s.products, menu: "My products"},
		{method: http.MethodGet, pattern: productsPath + "/{contract}/{product}/downloads/{file}", need: signedIn, serve: s.download},
	}
}

const productsPath = "/products"

// productsPage is what somebody may use, what they may not use yet, and whom to ask
// (DOMAIN.md rows 5 to 7, 13 and 19).
type productsPage struct {
	Have      []shelfItem // in force today
	Coming    []shelfItem // from a day to come
	Stewarded []shelfItem // downloads that the role alone opens (row 6)
	Missing   []offering  // what contracts offer beside that
}

// Empty reports whether nothing at all is theirs.
func (p productsPage) Empty() bool { return len(p.Have)+len(p.Coming)+len(p.Stewarded) == 0 }

// shelfItem is one product, service or benefit of somebody.
type shelfItem struct {
	Name      string
	Title     string
	Type      string // "service", "benefit", or empty for a product
	Contract  string
	Days      string // "from 1 December 2026 until the end of 31 March 2027"; empty: without limits
	Downloads []download
}

// offering is what one contract offers that somebody does not have, and its stewards.
type offering struct {
	Contract string
	Items    []shelfItem
	Ask      []contact
}

// contact is a person to ask.
type contact struct {
	Name  string
	Email string
	Role  string // "contract manager"
}

func (s *site) products(w http.ResponseWriter, r *http.Request) {
	who := viewerOf(r)
	catalogue, grants, err := s.holdings(r.Context(), who)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	shelf := shelf{catalogue, grants, spec.DayOf(s.Now())}
	s.render(w, r, "product", "My products", shelf.page(who))
}

// holdings reads what there is and what of it is somebody's.
func (s *site) holdings(ctx context.Context, who viewer) (*state.Catalogue, []spec.Grant, error) {
	catalogue, err := s.DB.Catalogue(ctx)
	if err != nil {
		return nil, nil, err
	}
	grants, err := s.DB.Access(ctx, who.account.ID)
	return catalogue, grants, err
}

// shelf sorts what there is by whose it is.
type shelf struct {
	*state.Catalogue
	grants []spec.Grant
	today  spec.Day
}

func (s shelf) page(who viewer) productsPage {
	var p productsPage
	for _, g := range s.grants {
		switch {
		case g.Contains(s.today):
			item := s.item(g.Contract, g.Product, g.Span)
			item.Downloads = s.downloads(g.Contract, g.Product)
			p.Have = append(p.Have, item)
		case g.From > s.today:
			p.Coming = append(p.Coming, s.item(g.Contract, g.Product, g.Span))
		}
	}
	for _, contract := range who.contracts(stewardOf) {
		p.Stewarded = append(p.Stewarded, s.stewarded(contract)...)
	}
	for _, contract := range s.concerned(who) {
		if o := s.missing(contract); len(o.Items) > 0 {
			p.Missing = append(p.Missing, o)
		}
	}
	for _, list := range [][]shelfItem{p.Have, p.Coming, p.Stewarded} {
		sortByTitle(list, shelfTitle)
	}
	return p
}

func shelfTitle(i *shelfItem) string { return i.Title }

func (s shelf) item(contract, product string, days spec.Span) shelfItem {
	item := shelfItem{Name: product, Title: product, Contract: contract, Days: daysInWords(days)}
	if p := s.Roster.Product(product); p != nil {
		item.Title = p.Title
		if p.Type != spec.TypeProduct {
			item.Type = string(p.Type)
		}
	}
	return item
}

// stewarded lists what a steward may download without using a seat for it.
func (s shelf) stewarded(contract string) []shelfItem {
	var items []shelfItem
	for _, o := range s.offers(contract) {
		item := s.item(contract, o.Product, spec.AllTime)
		item.Downloads = s.downloads(contract, o.Product)
		if len(item.Downloads) > 0 && !s.has(contract, o.Product) {
			items = append(items, item)
		}
	}
	return items
}

// has reports whether something is in force today.
func (s shelf) has(contract, product string) bool {
	return slices.ContainsFunc(s.grants, func(g spec.Grant) bool {
		return g.Contract == contract && g.Product == product && g.Contains(s.today)
	})
}

func (s shelf) offers(contract string) []spec.Offer {
	if c := s.Roster.Contract(contract); c != nil {
		return c.Offers
	}
	return nil
}

// concerned lists the contracts that have to do with somebody, sorted: under which
// they have access or a role; all of them for who has neither, because nothing says
// yet which will be theirs.
func (s shelf) concerned(who viewer) []string {
	var names []string
	for _, g := range s.grants {
		names = append(names, g.Contract)
	}
	names = append(names, who.contracts(stewardOf)...)
	if len(names) == 0 {
		for _, c := range s.Roster.Contracts {
			names = append(names, c.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// missing is what a contract offers and the person has neither now nor later.
func (s shelf) missing(contract string) offering {
	o := offering{Contract: contract, Ask: contactsOf(s.Catalogue, contract)}
	for _, offer := range s.offers(contract) {
		theirs := slices.ContainsFunc(s.grants, func(g spec.Grant) bool {
			return g.Contract == contract && g.Product == offer.Product && g.Until >= s.today
		})
		if !theirs {
			o.Items = append(o.Items, s.item(contract, offer.Product, spec.AllTime))
		}
	}
	sortByTitle(o.Items, shelfTitle)
	return o
}

// contactsOf lists the stewards of a contract, its manager first.
func contactsOf(c *state.Catalogue, contract string) []contact {
	found := c.Roster.Contract(contract)
	if found == nil {
		return nil
	}
	people := []contact{contactOf(c, found.Manager, "contract manager")}
	for _, name := range found.Coordinators {
		if name != found.Manager {
			people = append(people, contactOf(c, name, "software coordinator"))
		}
	}
	return people
}

func contactOf(c *state.Catalogue, name, role string) contact {
	a := c.Stewards[name]
	return contact{Name: cmp.Or(strings.TrimSpace(a.FirstName+" "+a.LastName), name), Email: a.Email, Role: role}
}

// daysInWords writes a span as people say it; the last day counts, so it is its end
// that is named. "" for all time.
func daysInWords(days spec.Span) string {
	from, until := dayInWords(days.From), dayInWords(days.Until)
	switch {
	case days == spec.AllTime:
		return ""
	case until == "":
		return "from " + from
	case from == "":
		return "until the end of " + until
	case from == until:
		return "on " + from
	}
	return "from " + from + " until the end of " + until
}
