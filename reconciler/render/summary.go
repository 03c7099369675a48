package render

import (
	"fmt"
	"strings"

	"usher/reconciler"
	"usher/state"
)

// tense holds the words of a summary: to come, or done.
type tense struct {
	add, change, remove, grant, revoke, assign, unassign, mail string
}

var (
	toCome = tense{"to add", "to change", "to remove", "to grant", "to revoke", "to assign", "to withdraw", "to send"}
	done   = tense{"added", "changed", "removed", "granted", "revoked", "assigned", "withdrawn", "queued"}
)

// Summary is the last line of a plan: see the package comment.
func Summary(p *reconciler.Plan) string {
	if p.Empty() {
		return "No changes. " + agreement(p)
	}
	line := "Plan: " + headline(p.Summary, toCome)
	if len(p.Held) > 0 && !p.Approved {
		line += "; held"
	}
	return line + "."
}

// agreement says why there is nothing to do.
func agreement(p *reconciler.Plan) string {
	switch {
	case p.Base != nil:
		return "The commit and its base ask for the same."
	case p.Basis == 0:
		return "The manifests declare nothing, and nothing has been applied."
	}
	return fmt.Sprintf("The manifests and revision %d agree.", p.Basis)
}

// Applied is the last line of an application: the summary in the past tense. A
// nil revision means that nothing was to be done.
func Applied(p *reconciler.Plan, r *state.Revision) string {
	if r == nil {
		return Summary(p)
	}
	if p.Empty() {
		return fmt.Sprintf("No changes. Recorded as revision %d.", r.Number)
	}
	return "Applied: " + headline(p.Summary, done) + "."
}

// headline is the summary without its first word and full stop.
func headline(s reconciler.Summary, t tense) string {
	parts := []string{
		fmt.Sprintf("%s %s, %d %s, %d %s", Count(s.User.Add, "person", "people"), t.add, s.User.Change, t.change, s.User.Remove, t.remove),
		fmt.Sprintf("access: %d %s, %d %s, %d %s", s.Access.Grant, t.grant, s.Access.Change, t.change, s.Access.Revoke, t.revoke),
	}
	if s.Role != (reconciler.RoleCounts{}) {
		parts = append(parts, fmt.Sprintf("roles: %d %s, %d %s", s.Role.Assign, t.assign, s.Role.Unassign, t.unassign))
	}
	for _, k := range []struct {
		name   string
		counts reconciler.Counts
	}{{"contracts", s.Contract}, {"products", s.Product}, {"teams", s.Team}} {
		if k.counts != (reconciler.Counts{}) {
			parts = append(parts, fmt.Sprintf("%s: %d %s, %d %s, %d %s", k.name, k.counts.Add, t.add, k.counts.Change, t.change, k.counts.Remove, t.remove))
		}
	}
	return strings.Join(append(parts, Count(s.Mail, "message", "messages")+" "+t.mail), "; ")
}

// Count writes "1 person", "2 people".
func Count[N int | int64](n N, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}
