package spec

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Unlimited is the number of seats of an offer that does not limit them.
const Unlimited = -1

// Role is what a steward is to a contract (DOMAIN.md rows 1 to 4). Who holds
// none is an end user.
type Role string

// The roles.
const (
	ContractManager     Role = "contractManager"
	SoftwareCoordinator Role = "softwareCoordinator"
)

// Contract is what one organisation bought, and who may manage whom under it.
type Contract struct {
	Name         string
	Manager      string   // exactly one, a declared user
	Coordinators []string // sorted, at least one; the manager alone where the manifest names none
	Offers       []Offer  // sorted by product
	Credits      *Credits // nil: none
	SupportEmail string   // as written; empty: none
	Origin       Origin
}

// Offer is one product of a contract.
type Offer struct {
	Product string
	Seats   int // Unlimited, or how many people may have access on one day
	Origin  Origin
}

// Credits is a contract's pool of cloud credits.
type Credits struct {
	Pool    int64 `json:"pool"`
	Expires Day   `json:"expires"` // last day; Forever where not given
}

// Offer returns what the contract says of the product, or nil.
func (c *Contract) Offer(product string) *Offer {
	for i := range c.Offers {
		if c.Offers[i].Product == product {
			return &c.Offers[i]
		}
	}
	return nil
}

// Steward reports whether the user manages people under the contract: its
// manager, or one of its coordinators.
func (c *Contract) Steward(user string) bool {
	if c.Manager == user {
		return true
	}
	for _, name := range c.Coordinators {
		if name == user {
			return true
		}
	}
	return false
}

// ContractInformation is what only the contract manager may see (DOMAIN.md
// row 5). It is read from the private folder alone and has no place in a Roster.
type ContractInformation struct {
	Contract string // metadata.name: the contract it belongs to
	Number   string
	Term     Span
	Billing  string
	Renewal  string
	Price    string
	Origin   Origin
}

// contractManifest is what a document of kind Contract may contain.
type contractManifest struct {
	typeMeta
	Metadata requiredName `yaml:"metadata" validate:"required"`
	Spec     contractSpec `yaml:"spec" validate:"required"`
	Line     int32
	Column   int32
}

type contractSpec struct {
	ContractManager      text         `yaml:"contractManager" validate:"required,resourcename" hint:"exactly one person manages a contract; name others under softwareCoordinators" doc:"name of the one User who answers for the contract"`
	SoftwareCoordinators []text       `yaml:"softwareCoordinators" validate:"omitempty,min=1,dive,required,resourcename" doc:"names of Users who may give access under it; left out: the contract manager"`
	Products             []offerSpec  `yaml:"products" validate:"dive" doc:"what was bought, each product once"`
	CloudCredits         *creditsSpec `yaml:"cloudCredits" doc:"credits bought with the contract"`
	SupportEmail         text         `yaml:"supportEmail" validate:"omitempty,address" doc:"whom people ask; stands in their messages"`
}

type offerSpec struct {
	Name  text `yaml:"name" validate:"required,resourcename" doc:"name of a Product"`
	Seats *int `yaml:"seats" validate:"omitempty,min=0,max=100000000" doc:"how many people may have it on any day; left out: any number"`
}

type creditsSpec struct {
	Pool    int64    `yaml:"pool" validate:"min=0" doc:"how many there are to use"`
	Expires dayField `yaml:"expires" doc:"last day on which they count, in UTC"`
}

func (m *contractManifest) finish(_ *decoder, root *yaml.Node) {
	m.Line, m.Column = int32(root.Line), int32(root.Column)
}

// requiredName is the metadata of kinds that have no other name to go by.
type requiredName struct {
	Name text `yaml:"name" validate:"required,resourcename" doc:"what other manifests call it: lower-case letters, digits, - and ."`
}

// informationManifest is what a document of kind ContractInformation may contain.
type informationManifest struct {
	typeMeta
	Metadata requiredName    `yaml:"metadata" validate:"required"`
	Spec     informationSpec `yaml:"spec"`
	Line     int32
	Column   int32
}

type informationSpec struct {
	Number  text     `yaml:"number" validate:"max=200,line" doc:"number of the contract"`
	Term    termSpec `yaml:"term" doc:"how long it runs"`
	Billing text     `yaml:"billing" validate:"max=1000" doc:"how it is paid"`
	Renewal text     `yaml:"renewal" validate:"max=1000" doc:"how it goes on or ends"`
	Price   text     `yaml:"price" validate:"max=200,line" doc:"what it costs"`
}

type termSpec struct {
	From  dayField `yaml:"from" doc:"first day, in UTC"`
	Until dayField `yaml:"until" doc:"last day, in UTC"`
}

func (m *informationManifest) finish(d *decoder, root *yaml.Node) {
	m.Line, m.Column = int32(root.Line), int32(root.Column)
	if term := m.Spec.Term; term.From.Line > 0 && term.Until.Line > 0 && term.Until.Day < term.From.Day {
		d.fail(int(term.Until.Line), int(term.Until.Column), "invalid-span", "the term ends on %s, before it begins on %s", term.Until, term.From)
	}
}

func (r *resolver) declareContracts() {
	type declared struct {
		*contractManifest
		file string
	}
	var all []declared
	for _, f := range r.files {
		for i := range f.contracts {
			all = append(all, declared{&f.contracts[i], f.Path})
		}
	}
	all = unique(r, "Contract", all, func(c *declared) (string, Origin) {
		return c.Metadata.Name.Value, Origin{File: c.file, Line: c.Line, Column: c.Column}
	})
	for _, c := range all {
		r.roster.Contracts = append(r.roster.Contracts, r.contract(c.contractManifest, c.file))
	}
}

func (r *resolver) contract(m *contractManifest, file string) Contract {
	c := Contract{
		Name: m.Metadata.Name.Value, Manager: m.Spec.ContractManager.Value, SupportEmail: m.Spec.SupportEmail.Value,
		Origin: Origin{File: file, Line: m.Line, Column: m.Column},
	}
	if cc := m.Spec.CloudCredits; cc != nil {
		c.Credits = &Credits{Pool: cc.Pool, Expires: Forever}
		if cc.Expires.Line > 0 {
			c.Credits.Expires = cc.Expires.Day
		}
	}
	r.roles(&c, m, file)
	r.offers(&c, m, file)
	return c
}

// roles fills in the stewards: each must be a declared user, and the manager
// must not be suspended, or nobody could act for the contract.
func (r *resolver) roles(c *Contract, m *contractManifest, file string) {
	subject, manager := "Contract "+c.Name, m.Spec.ContractManager
	switch u := r.roster.User(manager.Value); {
	case u == nil && manager.Value != "":
		r.unknownUser(manager.at(file), subject, manager.Value)
	case u != nil && u.Suspended:
		r.fail(manager.at(file), "suspended-manager", subject, "its contract manager %s is suspended, at %s", u.Name, u.Origin).
			hint("name another contractManager first")
	}
	seen := make(map[string]bool, len(m.Spec.SoftwareCoordinators))
	for _, name := range m.Spec.SoftwareCoordinators {
		if seen[name.Value] {
			r.fail(name.at(file), "duplicate-name", subject, "%s is named twice under softwareCoordinators", name.Value)
			continue
		}
		seen[name.Value] = true
		if r.roster.User(name.Value) == nil && name.Value != "" {
			r.unknownUser(name.at(file), subject, name.Value)
		}
		c.Coordinators = append(c.Coordinators, name.Value)
	}
	if len(c.Coordinators) == 0 {
		c.Coordinators = []string{c.Manager}
	}
	slices.Sort(c.Coordinators)
}

func (r *resolver) offers(c *Contract, m *contractManifest, file string) {
	seen := make(map[string]bool, len(m.Spec.Products))
	for _, o := range m.Spec.Products {
		name := o.Name.Value
		if name == "" {
			continue // reported by Parse
		}
		switch {
		case seen[name]:
			r.fail(o.Name.at(file), "duplicate-name", "Contract "+c.Name, "product %s is offered twice", name)
			continue
		case r.roster.Product(name) == nil:
			r.unknown(o.Name.at(file), "unknown-product", "Contract "+c.Name, "product", name, names(r.roster.Products))
		}
		seen[name] = true
		offer := Offer{Product: name, Seats: Unlimited, Origin: o.Name.at(file)}
		if o.Seats != nil {
			offer.Seats = *o.Seats
		}
		c.Offers = append(c.Offers, offer)
		r.offering[name] = append(r.offering[name], c.Name)
	}
	slices.SortFunc(c.Offers, func(a, b Offer) int { return strings.Compare(a.Product, b.Product) })
}

// ResolveInformation returns the contract information of the private folder,
// sorted by contract; each must belong to a contract of the roster.
func ResolveInformation(files []*File, roster *Roster) ([]ContractInformation, Errors) {
	r := newResolver(files)
	var all []ContractInformation
	for _, f := range r.files {
		for i := range f.information {
			info := f.information[i].contractInformation(f.Path)
			if name := f.information[i].Metadata.Name; roster.Contract(name.Value) == nil {
				r.unknown(name.at(f.Path), "unknown-contract", "ContractInformation "+name.Value, "contract", name.Value, names(roster.Contracts))
			}
			all = append(all, info)
		}
	}
	all = unique(r, "ContractInformation", all, func(c *ContractInformation) (string, Origin) { return c.Contract, c.Origin })
	return all, r.errs.Sort()
}

func (m *informationManifest) contractInformation(file string) ContractInformation {
	info := ContractInformation{
		Contract: m.Metadata.Name.Value, Number: m.Spec.Number.Value, Term: AllTime, Billing: m.Spec.Billing.Value,
		Renewal: m.Spec.Renewal.Value, Price: m.Spec.Price.Value,
		Origin: Origin{File: file, Line: m.Line, Column: m.Column},
	}
	if from := m.Spec.Term.From; from.Line > 0 {
		info.Term.From = from.Day
	}
	if until := m.Spec.Term.Until; until.Line > 0 {
		info.Term.Until = until.Day
	}
	return info
}
