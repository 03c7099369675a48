package spec

import (
	"slices"
	"strings"

	"gopkg.in/yaml.v3"
)

// Team gives access by membership.
type Team struct {
	Name    string
	Members []string // names of users, sorted; direct members only
	Teams   []string // names of teams whose members are members of this one too, sorted
	Access  []Grant  // what membership gives, not merged, sorted; contract always filled in
	Origin  Origin
}

// teamManifest is what a document of kind Team may contain.
type teamManifest struct {
	typeMeta
	Metadata requiredName `yaml:"metadata" validate:"required"`
	Spec     teamSpec     `yaml:"spec"`
	Line     int32
	Column   int32
}

type teamSpec struct {
	Members []text       `yaml:"members" validate:"dive,required,resourcename" doc:"names of Users"`
	Teams   []text       `yaml:"teams" validate:"dive,required,resourcename" doc:"names of Teams whose members are members of this one too"`
	Access  []accessItem `yaml:"access" validate:"dive" doc:"what each member may use"`
}

func (m *teamManifest) finish(_ *decoder, root *yaml.Node) {
	m.Line, m.Column = int32(root.Line), int32(root.Column)
}

// declaredTeam is one team as a manifest declares it.
type declaredTeam struct {
	*teamManifest
	file string
}

func (t *declaredTeam) subject() string { return "Team " + t.Metadata.Name.Value }

// teamVia is a person's membership of a team: directly, or through teams of its
// members, in which case via names the team they are a member of.
type teamVia struct {
	team int // index into resolver.teams
	via  string
}

func (r *resolver) declareTeams() {
	for _, f := range r.files {
		for i := range f.teams {
			r.teams = append(r.teams, declaredTeam{&f.teams[i], f.Path})
		}
	}
	r.teams = unique(r, "Team", r.teams, func(t *declaredTeam) (string, Origin) {
		return t.Metadata.Name.Value, Origin{File: t.file, Line: t.Line, Column: t.Column}
	})
	for i := range r.teams {
		t := &r.teams[i]
		r.roster.Teams = append(r.roster.Teams, Team{
			Name: t.Metadata.Name.Value, Origin: Origin{File: t.file, Line: t.Line, Column: t.Column},
		})
	}
	for i := range r.teams {
		r.members(&r.teams[i], &r.roster.Teams[i])
		r.subteams(&r.teams[i], &r.roster.Teams[i])
	}
	if !r.teamCycles() {
		r.memberships()
	}
}

func (r *resolver) members(t *declaredTeam, team *Team) {
	seen := make(map[string]bool, len(t.Spec.Members))
	for _, m := range t.Spec.Members {
		if seen[m.Value] {
			r.fail(m.at(t.file), "duplicate-name", t.subject(), "%s is named twice under members", m.Value)
			continue
		}
		seen[m.Value] = true
		if r.roster.User(m.Value) == nil {
			r.unknownUser(m.at(t.file), t.subject(), m.Value)
			continue
		}
		team.Members = append(team.Members, m.Value)
	}
	slices.Sort(team.Members)
}

func (r *resolver) subteams(t *declaredTeam, team *Team) {
	seen := make(map[string]bool, len(t.Spec.Teams))
	for _, sub := range t.Spec.Teams {
		if seen[sub.Value] {
			r.fail(sub.at(t.file), "duplicate-name", t.subject(), "%s is named twice under teams", sub.Value)
			continue
		}
		seen[sub.Value] = true
		if r.roster.Team(sub.Value) == nil {
			r.unknown(sub.at(t.file), "unknown-team", t.subject(), "team", sub.Value, names(r.roster.Teams))
			continue
		}
		team.Teams = append(team.Teams, sub.Value)
	}
	slices.Sort(team.Teams)
}

// teamCycles reports each team that is, by way of its teams, part of itself: one
// cycle at a time, at the entry that closes it.
func (r *resolver) teamCycles() (found bool) {
	const unseen, open, done = 0, 1, 2
	states := make([]int, len(r.roster.Teams))
	var path []string
	var visit func(i int)
	visit = func(i int) {
		t := &r.roster.Teams[i]
		states[i] = open
		path = append(path, t.Name)
		for _, sub := range t.Teams {
			j := r.teamIndex(sub)
			if states[j] == open {
				r.teamCycle(&r.teams[i], path[slices.Index(path, sub):])
				found = true
				break
			}
			if states[j] == unseen {
				visit(j)
			}
		}
		path = path[:len(path)-1]
		states[i] = done
	}
	for i := range states {
		if states[i] == unseen {
			visit(i)
		}
	}
	return found
}

// teamIndex is where a declared team stands in r.teams and in the roster.
func (r *resolver) teamIndex(name string) int {
	i, _ := slices.BinarySearchFunc(r.roster.Teams, name, func(t Team, name string) int { return strings.Compare(t.Name, name) })
	return i
}

// maxCycle is how many teams of a cycle an error names.
const maxCycle = 10

// teamCycle reports a cycle whose last team, t, names the first one.
func (r *resolver) teamCycle(t *declaredTeam, cycle []string) {
	first := cycle[0]
	if len(cycle) > maxCycle {
		cycle = append(slices.Clone(cycle[:maxCycle]), "…")
	}
	i := slices.IndexFunc(t.Spec.Teams, func(sub text) bool { return sub.Value == first })
	r.fail(t.Spec.Teams[i].at(t.file), "team-cycle", t.subject(), "a team cannot be part of itself: %s > %s", strings.Join(cycle, " > "), first).
		hint("take one of these teams out of the teams of another")
}

// memberships notes for every person each team they belong to, once: directly
// if they are a member, else through the first team, by name, that makes them one.
func (r *resolver) memberships() {
	for i := range r.roster.Teams {
		if len(r.teams[i].Spec.Access) == 0 {
			continue
		}
		seen := map[string]bool{}
		var add func(t *Team, via string)
		add = func(t *Team, via string) {
			for _, m := range t.Members {
				if !seen[m] {
					seen[m] = true
					r.memberOf[m] = append(r.memberOf[m], teamVia{i, via})
				}
			}
			for _, sub := range t.Teams {
				if !seen["team "+sub] {
					seen["team "+sub] = true
					add(r.roster.Team(sub), sub)
				}
			}
		}
		add(&r.roster.Teams[i], "")
	}
}
