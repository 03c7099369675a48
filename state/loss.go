package state

// LossKind is what somebody lost.
type LossKind string

// The kinds of losses.
const (
	LossRemoved LossKind = "removed" // the account
	LossAccess  LossKind = "access"  // one product under one contract
	LossTeam    LossKind = "team"    // a membership
	LossRole    LossKind = "role"    // a role under a contract
)

// Loss is one thing that one account lost and has not been given back.
type Loss struct {
	Account  string // id
	Kind     LossKind
	Contract string // of access and roles
	Product  string // of access
	Team     string // of memberships
}
