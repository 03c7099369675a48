package portal

import (
	"fmt"
	"net/http"

	"usher/spec"
)

func (s *site) contractRoutes() []route {
	return []route{
		{method: http.MethodGet, pattern: contractsPath, need: managerOf, serve: s.contracts, menu: "Contract"},
		{method: http.MethodGet, pattern: contractsPath + "/{contract}", need: managerOf, serve: s.contract},
	}
}

const contractsPath = "/contracts"

// contractPage is all there is to know of a contract, for its manager alone
// (DOMAIN.md rows 5 and 20).
type contractPage struct {
	Contract     string
	Information  *information // nil: none is declared, or it cannot be read
	Unreadable   bool
	Support      string
	Coordinators []contact
	Seats        contractSeats
	Credits      *credits // nil: it has none
}

// information is contract information in words.
type information struct {
	Number  string
	Term    string // "from 1 July 2026 until the end of 30 June 2030"
	Left    string // "1,316 days are left"; empty without a last day
	Soon    bool   // it ends within 90 days, or has ended
	Billing string
	Renewal string
	Price   string
}

// contracts lists the contracts that somebody manages, or leads to the only one.
func (s *site) contracts(w http.ResponseWriter, r *http.Request) {
	mine := viewerOf(r).contracts(managerOf)
	if len(mine) == 1 {
		s.lead(w, r, contractsPath+"/"+mine[0])
		return
	}
	s.render(w, r, "contracts", "Your contracts", mine)
}

func (s *site) contract(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("contract")
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		s.fail(w, r, err)
		return
	}
	c := catalogue.Roster.Contract(name)
	if c == nil {
		s.fail(w, r, errNoPage)
		return
	}
	book, err := s.openSeats(r.Context(), catalogue)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	p := contractPage{Contract: name, Support: c.SupportEmail, Seats: book.of(name)}
	for _, coordinator := range c.Coordinators {
		p.Coordinators = append(p.Coordinators, contactOf(catalogue, coordinator, "software coordinator"))
	}
	s.inform(r, &p)
	if c.Credits != nil {
		all, err := s.creditsOf(r.Context(), name)
		if err != nil {
			s.fail(w, r, err)
			return
		}
		sums := creditsAs(c, name, all, nil, spec.DayOf(s.Now()))
		p.Credits = &sums
	}
	s.render(w, r, "contract", "Contract "+name, p)
}

// inform adds the contract information. That it cannot be read leaves the rest of
// the page as it is; why stands in the log of whoever runs usher.
func (s *site) inform(r *http.Request, p *contractPage) {
	if s.Information == nil {
		return
	}
	found, err := s.Information.Of(r.Context(), p.Contract)
	if err != nil {
		p.Unreadable = true
		s.Log.Error("contract information not shown", "error", err)
		return
	}
	if found != nil {
		p.Information = informationOf(found, spec.DayOf(s.Now()))
	}
}

func informationOf(i *spec.ContractInformation, today spec.Day) *information {
	v := &information{Number: i.Number, Term: daysInWords(i.Term), Billing: i.Billing, Renewal: i.Renewal, Price: i.Price}
	if i.Term.Until == spec.Forever {
		return v
	}
	left := int64(i.Term.Until) - int64(today)
	v.Soon = left <= 90
	switch {
	case left < 0:
		v.Left = "it has ended"
	case left == 0:
		v.Left = "today is its last day"
	case left == 1:
		v.Left = "1 day is left"
	default:
		v.Left = fmt.Sprintf("%s days are left", grouped(left))
	}
	return v
}
