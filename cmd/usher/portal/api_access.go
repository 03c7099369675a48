package portal

import (
	"errors"
	"net/http"

	"usher/spec"
	"usher/state"
)

// Why somebody may use a product, or may not. Names are a public interface.
const (
	accessGranted   = "granted"
	accessUnknown   = "unknown-user"    // nobody in force has that name or address
	accessNoProduct = "unknown-product" // no contract offers it, or not that one
	accessSuspended = "suspended"       // the person is
	accessInactive  = "not-activated"   // the account was not activated, or its invitation expired
	accessNone      = "not-granted"     // nobody gave it to them
	accessComing    = "not-yet"         // it begins on a day to come
	accessEnded     = "ended"           // its last day has passed
)

// permission answers whether a person may use a product now. Whatever is not certain
// is no.
type permission struct {
	Format   int               `json:"format"`
	Revision int64             `json:"revision"`
	Allowed  bool              `json:"allowed"`
	Code     string            `json:"code"`
	Why      string            `json:"why"`
	User     string            `json:"user"`  // name; empty: unknown
	Email    string            `json:"email"` // as in the manifests
	Product  string            `json:"product"`
	Until    spec.Day          `json:"until"` // last day of what is in force, in UTC; empty: no end, or nothing is
	Grants   []permissionGrant `json:"grants"`
}

// permissionGrant is one span of access to the product, past and coming ones included.
type permissionGrant struct {
	Contract string        `json:"contract"`
	From     spec.Day      `json:"from"`
	Until    spec.Day      `json:"until"`
	Reason   string        `json:"reason"`
	Because  []spec.Origin `json:"because"`
}

// askAccess answers other systems whether somebody may use something now, until when,
// and why. Who or what is unknown gets the same kind of answer as who may not: a
// program that only looks at allowed is right.
func (s *site) askAccess(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "user", "product", "contract")
	if err != nil {
		return err
	}
	user, product, contract := query.Get("user"), query.Get("product"), query.Get("contract")
	if user == "" || product == "" {
		return unasked("user and product are needed: ?user=ada@acme.example&product=autocad")
	}
	catalogue, err := s.DB.Catalogue(r.Context())
	if err != nil {
		return err
	}
	p := permission{Format: 1, Revision: catalogue.Newest.Number, Product: product, Grants: []permissionGrant{}}
	person, err := s.find(r, user)
	switch {
	case errors.Is(err, state.ErrNotFound):
		p.refuse(accessUnknown, "nobody has the name or address "+user)
		return answerJSON(w, r, p.Revision, p)
	case err != nil:
		return err
	}
	p.User, p.Email = person.Name, person.Email
	for _, g := range person.Access {
		if g.Product == product && (contract == "" || g.Contract == contract) {
			p.Grants = append(p.Grants, permissionGrant{g.Contract, g.From, g.Until, g.Reason, g.Because})
		}
	}
	p.judge(person.Status, offered(catalogue.Roster, contract, product), spec.DayOf(s.Now()))
	return answerJSON(w, r, p.Revision, p)
}

func (p *permission) refuse(code, why string) {
	p.Allowed, p.Code, p.Why, p.Until = false, code, why, spec.Forever
}

// offered reports whether the contract, or any where it is empty, offers the product.
func offered(r *spec.Roster, contract, product string) bool {
	for i := range r.Contracts {
		for _, o := range r.Contracts[i].Offers {
			if o.Product == product && (contract == "" || r.Contracts[i].Name == contract) {
				return true
			}
		}
	}
	return false
}

// judge decides by the account's status, and the grants on the given day.
func (p *permission) judge(status state.Status, offered bool, today spec.Day) {
	switch {
	case !offered:
		p.refuse(accessNoProduct, "no contract that was asked about offers "+p.Product)
		return
	case status == state.Suspended:
		p.refuse(accessSuspended, p.User+" is suspended")
		return
	case len(p.Grants) == 0:
		p.refuse(accessNone, p.User+" was not given "+p.Product)
		return
	}
	p.inForce(today)
	if p.Allowed && status != state.Active {
		p.refuse(accessInactive, p.User+" was given "+p.Product+", and has yet to activate the account")
	}
}

// inForce finds what the grants, in the order of their days, come to on a day.
func (p *permission) inForce(today spec.Day) {
	next := spec.Forever
	for _, g := range p.Grants {
		switch {
		case g.From <= today && today <= g.Until && (!p.Allowed || g.Until > p.Until):
			p.Allowed, p.Code, p.Until = true, accessGranted, g.Until
			p.Why = p.User + " has " + p.Product + " under " + g.Contract
		case g.From > today:
			next = min(next, g.From)
		}
	}
	switch {
	case p.Allowed:
	case next < spec.Forever:
		p.refuse(accessComing, p.User+" has "+p.Product+" from "+next.String())
	default:
		p.refuse(accessEnded, "what "+p.User+" had of "+p.Product+" has ended")
	}
}
