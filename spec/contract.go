package spec

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
