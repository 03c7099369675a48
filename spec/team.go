package spec

// Team gives access by membership.
type Team struct {
	Name    string
	Members []string // names of users, sorted; direct members only
	Teams   []string // names of teams whose members are members of this one too, sorted
	Access  []Grant  // what membership gives, as declared; contract always filled in
	Origin  Origin
}
