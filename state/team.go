package state

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"usher/spec"
)

// teamBody is what is kept of a team, but for its members, which are rows of
// their own, for the reasons of its access, and for where it is declared.
type teamBody struct {
	Teams  []string    `json:"teams,omitempty"`
	Access []teamGrant `json:"access,omitempty"`
}

type teamGrant struct {
	Contract string   `json:"contract"`
	Product  string   `json:"product"`
	Days     [2]int32 `json:"days"`
}

// teamLines is where a team and its access are declared.
type teamLines struct {
	Team   spec.Origin     `json:"team"`
	Access [][]spec.Origin `json:"access,omitempty"` // in step with the body's
}

func (l *teamLines) each(fn func(*spec.Origin) error) error {
	if err := fn(&l.Team); err != nil {
		return err
	}
	for _, because := range l.Access {
		for i := range because {
			if err := fn(&because[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// PutTeam makes the team's access and sub-teams what they are given as. A member is a
// row of its own: joined are the accounts of those who come, left of those who go and
// keep their accounts.
func (tx *Tx) PutTeam(t *spec.Team, joined, left []string) error {
	body := teamBody{Teams: t.Teams}
	lines := teamLines{Team: t.Origin}
	reasons := []string{}
	for _, g := range t.Access {
		body.Access = append(body.Access, teamGrant{g.Contract, g.Product, *days(g.Span)})
		lines.Access = append(lines.Access, slices.Clone(g.Because))
		reasons = append(reasons, g.Reason)
	}
	text, err := encode(body)
	if err != nil {
		return err
	}
	aside, err := encode(reasons)
	if err != nil {
		return err
	}
	err = tx.put(thing{
		table: "team", about: aboutTeam, name: t.Name, body: text,
		column: "reasons", aside: aside,
		personal: &personal{Reasons: reasons},
	}, &lines, &teamLines{})
	if err == nil {
		err = tx.changeMembers(t.Name, joined, left)
	}
	if err != nil {
		return fmt.Errorf("writing team %s: %w", t.Name, err)
	}
	return nil
}

// RemoveTeam ends the team and its memberships; [ErrNotFound] where there is none.
func (tx *Tx) RemoveTeam(name string) error {
	err := tx.endMembers(name)
	if err != nil {
		return fmt.Errorf("removing team %s: %w", name, err)
	}
	return tx.drop("team", aboutTeam, name, &teamLines{})
}

// endMembers ends all memberships of a team.
func (tx *Tx) endMembers(team string) error {
	if tx.rows.member.holds(team) {
		if err := tx.flush(); err != nil {
			return err
		}
	}
	members, err := tx.list("SELECT account FROM team_member WHERE team = ? AND until IS NULL", team)
	if err != nil {
		return err
	}
	return tx.changeMembers(team, nil, members)
}

// changeMembers ends the memberships that go and begins those that come.
func (tx *Tx) changeMembers(team string, joined, left []string) error {
	for _, id := range slices.Sorted(slices.Values(left)) {
		if err := tx.leave(team, id); err != nil {
			return err
		}
	}
	for _, id := range slices.Sorted(slices.Values(joined)) {
		if err := tx.join(team, id); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) join(team, id string) error {
	if err := tx.insert(&tx.rows.member, team, id, tx.Revision); err != nil {
		return err
	}
	return tx.record(aboutAccount+id, entry{Do: doJoin, Team: team})
}

func (tx *Tx) leave(team, id string) error {
	const query = "UPDATE team_member SET until = ? WHERE team = ? AND account = ? AND until IS NULL"
	if err := tx.end(&tx.rows.member, query, tx.Revision, team, id); err != nil {
		return err
	}
	return tx.record(aboutAccount+id, entry{Do: doLeave, Team: team})
}

// endMemberships takes an account out of every team.
func (tx *Tx) endMemberships(id string) error {
	teams, err := tx.list("SELECT team FROM team_member WHERE account = ? AND until IS NULL ORDER BY team", id)
	if err != nil {
		return err
	}
	for _, team := range teams {
		if err := tx.leave(team, id); err != nil {
			return err
		}
	}
	return nil
}

// teamsAt returns the teams at a revision, their members by account id.
func teamsAt(ctx context.Context, q querier, revision int64) ([]spec.Team, error) {
	rows, lines, err := thingsAt[teamLines](ctx, q, thing{table: "team", column: "reasons"}, revision)
	if err != nil {
		return nil, fmt.Errorf("reading teams: %w", err)
	}
	var teams []spec.Team
	for i, r := range rows {
		one, err := r.team(&lines[i])
		if err != nil {
			return nil, fmt.Errorf("reading teams: %w", err)
		}
		teams = append(teams, one)
	}
	roster := spec.Roster{Teams: teams}
	const members = `SELECT team, account FROM team_member WHERE since <= ? AND (until IS NULL OR until > ?)`
	_, err = collect(ctx, q, members, []any{revision, revision}, func(scan scanner) (none struct{}, err error) {
		var team, account string
		err = scan(&team, &account)
		if t := roster.Team(team); t != nil {
			t.Members = append(t.Members, account)
		}
		return none, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading members of teams: %w", err)
	}
	return teams, nil
}

func (r *storedThing) team(lines *teamLines) (spec.Team, error) {
	t := spec.Team{Name: r.name, Origin: lines.Team}
	var body teamBody
	var reasons []string
	if err := errors.Join(decode(r.body, &body), decode(r.aside, &reasons)); err != nil {
		return t, err
	}
	if len(reasons) != len(body.Access) || len(lines.Access) != len(body.Access) {
		return t, fmt.Errorf("%w: team %s does not fit its reasons", ErrDamaged, t.Name)
	}
	t.Teams = body.Teams
	for i, g := range body.Access {
		span := spec.Span{From: spec.Day(g.Days[0]), Until: spec.Day(g.Days[1])}
		t.Access = append(t.Access, spec.Grant{Contract: g.Contract, Product: g.Product, Span: span, Reason: reasons[i], Because: lines.Access[i]})
	}
	return t, nil
}
