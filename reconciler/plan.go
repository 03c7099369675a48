package reconciler

import (
	"usher/spec"
	"usher/state"
)

// Action is what a change does.
type Action string

// The actions of a change.
const (
	Add      Action = "add"
	Alter    Action = "change"
	Remove   Action = "remove"
	Rename   Action = "rename"
	Suspend  Action = "suspend"
	Restore  Action = "restore"
	Resend   Action = "resend"
	Grant    Action = "grant"
	Revoke   Action = "revoke"
	Assign   Action = "assign"
	Unassign Action = "unassign"
)

// Kind is what a change is about.
type Kind string

// The kinds of things that change, in the order in which a plan lists them;
// user, role and access come together, person by person.
const (
	KindContract Kind = "contract"
	KindProduct  Kind = "product"
	KindTeam     Kind = "team"
	KindUser     Kind = "user"
	KindRole     Kind = "role"
	KindAccess   Kind = "access"
)

// Plan is everything that would happen: each change, each message, each reason
// to hold it back. What `usher plan` prints, what a pull request shows and what
// `usher apply` carries out is one and the same Plan.
type Plan struct {
	Format    int               `json:"format"`         // 1
	ID        string            `json:"id"`             // see Identify
	Basis     int64             `json:"basis"`          // number of the revision last applied from manifests; 0: none
	Base      *Base             `json:"base,omitempty"` // the commit compared with, where no state is; nil: the state
	Revision  Snapshot          `json:"revision"`
	Summary   Summary           `json:"summary"`
	Changes   []Change          `json:"changes"`             // sorted: see Kind
	Seats     []Seats           `json:"seats"`               // of every limited offer whose use changes, sorted
	Mail      []Mail            `json:"mail"`                // in the order in which they are queued
	Held      []state.HeldRule  `json:"held"`                // empty: nothing holds it back
	Authority []Judgement       `json:"authority,omitempty"` // of a proposal's changes: what each takes, and whether its commits have it
	Notes     []Note            `json:"notes"`               // hints and warnings; never part of the id
	People    map[string]string `json:"people,omitempty"`    // full names of those whom changes are about, by name; never part of the id
	Adopt     bool              `json:"adopt,omitempty"`     // people who are added have accounts elsewhere
	Approved  bool              `json:"approved,omitempty"`  // a person let through what holds it
	explain   []explanation     // provenance that moved without any change
	moved     []thing           // contracts, products and teams that only stand elsewhere now
	shifts    []spec.Shift      // lines of files that moved with all that is declared there; of an excerpt
	heeded    []string          // people of whom the next plan has something to note though nothing differs; sorted
	retired   []string          // accounts whose invitation ends, and which get no other yet
	wanted    *spec.Roster      // what the plan leads to; of those whom it concerns
	census    *spec.Census      // see Comparison
	losers    *state.Excerpt    // see Controller.losers

	provenance state.Provenance // who made and signed its commit

	accountOf func(name string) string // id of the account of a person as wanted; "" where it is yet to be made
}

// Change is one difference between what is wanted and what is true.
type Change struct {
	Action   Action        `json:"action"`
	Kind     Kind          `json:"kind"`
	Subject  string        `json:"subject"`            // the user's name; for contract, product and team theirs
	Email    string        `json:"email,omitempty"`    // the user's, as wanted; as true for a removal
	Contract string        `json:"contract,omitempty"` // of a role or access
	Product  string        `json:"product,omitempty"`  // of access
	Role     spec.Role     `json:"role,omitempty"`     // of a role
	Fields   []Field       `json:"fields,omitempty"`   // what differs, and the days of access
	Because  []spec.Origin `json:"because,omitempty"`  // the manifest lines that ask for it

	account string      // id of the account concerned; "" where it is yet to be made
	user    *spec.User  // wanted; nil on removal
	was     *spec.Grant // access as it is; nil on Grant
	is      *spec.Grant // access as wanted; nil on Revoke
	roll    *roll       // of a team; nil for others
}

// Field is one value that differs. An empty From is a value that was not there;
// an empty To one that goes. Lists (members, offers, keys) have one Field an element.
type Field struct {
	Name string `json:"name"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Seats is how many people hold a product under a contract on its busiest day
// from today on, before and after the plan.
type Seats struct {
	Contract string `json:"contract"`
	Product  string `json:"product"`
	Before   int    `json:"before"`
	After    int    `json:"after"`
	Of       *int   `json:"of"` // null: unlimited
}

// Note is something a reader of the plan should know that changes nothing.
type Note struct {
	Message string `json:"message"`
	File    string `json:"file,omitempty"`
	Line    int32  `json:"line,omitempty"`
	Column  int32  `json:"column,omitempty"`
}

// Summary counts the changes by kind, and the messages.
type Summary struct {
	User     Counts       `json:"user"`
	Access   AccessCounts `json:"access"`
	Role     RoleCounts   `json:"role"`
	Team     Counts       `json:"team"`
	Product  Counts       `json:"product"`
	Contract Counts       `json:"contract"`
	Mail     int          `json:"mail"`
}

// Counts is how many of a kind are added, changed and removed. Rename, suspend,
// restore and resend count as changes.
type Counts struct {
	Add    int `json:"add"`
	Change int `json:"change"`
	Remove int `json:"remove"`
}

// AccessCounts is how much access is granted, changed and revoked.
type AccessCounts struct {
	Grant  int `json:"grant"`
	Change int `json:"change"`
	Revoke int `json:"revoke"`
}

// RoleCounts is how many roles are assigned and withdrawn.
type RoleCounts struct {
	Assign   int `json:"assign"`
	Unassign int `json:"unassign"`
}

// Empty reports whether the plan changes nothing and tells nobody anything.
func (p *Plan) Empty() bool { return len(p.Changes) == 0 && len(p.Mail) == 0 }

// Wanted is the roster that the plan leads to.
func (p *Plan) Wanted() *spec.Roster { return p.wanted }
