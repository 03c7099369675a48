package spec

import (
	"cmp"
	"sort"
	"strings"
)

// Roster is the whole of who there is and who may use what: what manifests
// resolve to, and equally what the state holds true.
//
// A Roster made by [Resolve] guarantees: slices are sorted by name; names and
// folded e-mails are unique; every name mentioned anywhere resolves; each
// contract has exactly one manager and at least one coordinator, all of them
// declared users; each user's Access is the merged union of their own and their
// teams' (see [Grant]); no product of a contract is ever over its seats.
type Roster struct {
	Contracts []Contract
	Products  []Product
	Teams     []Team
	Users     []User
}

// User returns the user of that name, or nil.
func (r *Roster) User(name string) *User { return find(r.Users, name) }

// Team returns the team of that name, or nil.
func (r *Roster) Team(name string) *Team { return find(r.Teams, name) }

// Product returns the product of that name, or nil.
func (r *Roster) Product(name string) *Product { return find(r.Products, name) }

// Contract returns the contract of that name, or nil.
func (r *Roster) Contract(name string) *Contract { return find(r.Contracts, name) }

// named is what a Roster's sorted slices hold.
type named[T any] interface {
	*T
	name() string
}

// Files are the files in which anything is declared.
func (r *Roster) Files() map[string]bool {
	files := map[string]bool{}
	for i := range r.Users {
		files[r.Users[i].Origin.File] = true
	}
	for i := range r.Teams {
		files[r.Teams[i].Origin.File] = true
	}
	for i := range r.Products {
		files[r.Products[i].Origin.File] = true
	}
	for i := range r.Contracts {
		files[r.Contracts[i].Origin.File] = true
	}
	return files
}

func (u *User) name() string     { return u.Name }
func (t *Team) name() string     { return t.Name }
func (p *Product) name() string  { return p.Name }
func (c *Contract) name() string { return c.Name }

// find looks name up in a slice sorted by name.
func find[T any, P named[T]](sorted []T, name string) *T {
	i := sort.Search(len(sorted), func(i int) bool { return P(&sorted[i]).name() >= name })
	if i == len(sorted) || P(&sorted[i]).name() != name {
		return nil
	}
	return &sorted[i]
}

// Origin is a place in the manifests that something comes from. Line and Column
// count from 1. Via says through which team a grant came, "team structural" or
// "team structural by way of team detailing"; it is empty for a person's own.
type Origin struct {
	File   string `json:"file"`
	Line   int32  `json:"line"`
	Column int32  `json:"column"`
	Via    string `json:"via,omitempty"`
}

// CompareOrigins orders the lines that something comes from: by file, line and column,
// then by the way.
func CompareOrigins(a, b Origin) int {
	return cmp.Or(
		strings.Compare(a.File, b.File),
		cmp.Compare(a.Line, b.Line),
		cmp.Compare(a.Column, b.Column),
		strings.Compare(a.Via, b.Via),
	)
}
