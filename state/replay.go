package state

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// errUnfit marks an entry that does not fit what came before it.
var errUnfit = errors.New("it does not fit what came before it")

// replay makes the tables again from the audit, as lines of text that can be
// compared with lines of the tables.
type replay struct {
	inForce   map[string]fact
	past      []fact
	created   map[string]fact // accounts, by id; they never end
	forgotten map[string]bool // accounts, by id
}

// fact is one row as the audit has it.
type fact struct {
	table    string
	account  string // whose it is; "" for none
	clear    []any
	personal []any // what can be forgotten
	since    int64 // revision; 0 for rows that have none
	until    int64 // revision; 0: in force
}

func newReplay() *replay {
	return &replay{inForce: map[string]fact{}, created: map[string]fact{}, forgotten: map[string]bool{}}
}

// line writes a fact as the text it is compared by. Of an account that was
// forgotten the personal part reads the same, whatever it was.
func (f fact) line(forgotten map[string]bool) string {
	parts := append([]any{}, f.clear...)
	if len(f.personal) > 0 {
		if forgotten[f.account] {
			parts = append(parts, erased)
		} else {
			parts = append(parts, f.personal...)
		}
	}
	text, _ := canonical(append(parts, f.since, f.until)) // strings and numbers always marshal
	return f.table + " " + f.account + " " + string(text)
}

// isErased reports whether nothing personal is left of a row.
func (f fact) isErased() bool {
	return !slices.ContainsFunc(f.personal, func(part any) bool { return part != "" && part != "null" })
}

// begin puts a fact in force; what was in force under the key ends.
func (r *replay) begin(key string, f fact) {
	r.end(key, f.since)
	r.inForce[key] = f
}

// end ends a fact, and reports whether it was in force. One that began in the
// same revision was never true: the tables may hold its row or not.
func (r *replay) end(key string, revision int64) bool {
	f, ok := r.inForce[key]
	delete(r.inForce, key)
	if ok && f.since != revision {
		f.until = revision
		r.past = append(r.past, f)
	}
	return ok
}

// expected returns the lines that the tables must hold, and how often.
func (r *replay) expected(forgotten map[string]bool) map[string]int {
	lines := map[string]int{}
	for _, facts := range []map[string]fact{r.inForce, r.created} {
		for _, f := range facts {
			lines[f.line(forgotten)]++
		}
	}
	for _, f := range r.past {
		lines[f.line(forgotten)]++
	}
	return lines
}

func factKey(parts ...any) string {
	text, _ := canonical(parts)
	return string(text)
}

// apply replays one entry.
func (r *replay) apply(row auditRow, e entry) error {
	about, name, _ := strings.Cut(row.subject, "/")
	if e.personal == nil {
		e.personal = &personal{}
	}
	if about+"/" == aboutAccount {
		return r.applyAccount(row, name, e)
	}
	switch {
	case e.Do == doDrop && r.end(factKey(about, name), row.revision):
	case e.Do == doPut:
		r.begin(factKey(about, name), fact{
			table: about, clear: []any{name, string(e.Body)},
			personal: asideOf(about, e.personal), since: row.revision,
		})
	default:
		return errUnfit
	}
	return nil
}

// asideOf is what stands beside the body of a contract or a team.
func asideOf(about string, p *personal) []any {
	switch about + "/" {
	case aboutContract:
		return []any{p.Support}
	case aboutTeam:
		reasons, _ := canonical(append([]string{}, p.Reasons...))
		return []any{string(reasons)}
	}
	return nil
}

// applyAccount replays one entry about an account.
func (r *replay) applyAccount(row auditRow, id string, e entry) error {
	at := row.revision
	ok := true
	switch e.Do {
	case doAdd:
		var activated int64
		if e.Active {
			activated = row.at
		}
		_, known := r.created[id]
		ok = !known
		r.created[id] = fact{table: "account", account: id, clear: []any{row.at, activated}}
		r.begin(factKey("person", id), personFact(row, id, e))
	case doReturn, doChange:
		_, known := r.inForce[factKey("person", id)]
		ok = known == (e.Do == doChange)
		r.begin(factKey("person", id), personFact(row, id, e))
	case doRemove:
		ok = r.end(factKey("person", id), at)
	case doInvite:
		r.begin(factKey("invitation", id), fact{
			table: "invitation", account: id, clear: []any{e.Issue, row.at, e.Expires}, since: at,
		})
	case doUninvite:
		r.end(factKey("invitation", id), at)
	case doActivate:
		ok = r.activate(row, id)
	case doForget:
		_, known := r.created[id]
		_, there := r.inForce[factKey("person", id)]
		ok = known && !there
		r.forgotten[id] = true
	default:
		ok = r.applyRelation(row, id, e)
	}
	if !ok {
		return fmt.Errorf("%s: %w", e.Do, errUnfit)
	}
	return nil
}

// activate replays that an account came into use, once.
func (r *replay) activate(row auditRow, id string) bool {
	account, known := r.created[id]
	_, there := r.inForce[factKey("person", id)]
	if !known || !there || account.clear[1] != int64(0) {
		return false
	}
	account.clear = []any{account.clear[0], row.at}
	r.created[id] = account
	return true
}

// applyRelation replays what an account has and is part of.
func (r *replay) applyRelation(row auditRow, id string, e entry) bool {
	at := row.revision
	role := factKey("role", id, e.Contract, e.Role)
	team := factKey("team_member", id, e.Team)
	switch e.Do {
	case doGrant:
		return r.grant(row, id, e)
	case doRegrant:
		return e.Was != nil && r.end(grantKey(id, e.Was.Contract, e.Was.Product, e.Was.Days), at) && r.grant(row, id, e)
	case doRevoke:
		return e.Days != nil && r.end(grantKey(id, e.Contract, e.Product, *e.Days), at)
	case doAssign:
		r.begin(role, fact{table: "role", account: id, clear: []any{e.Contract, e.Role}, since: at})
	case doUnassign:
		return r.end(role, at)
	case doJoin:
		r.begin(team, fact{table: "team_member", account: id, clear: []any{e.Team}, since: at})
	case doLeave:
		return r.end(team, at)
	default:
		return false
	}
	return true
}

func (r *replay) grant(row auditRow, id string, e entry) bool {
	if e.Days == nil {
		return false
	}
	r.begin(grantKey(id, e.Contract, e.Product, *e.Days), fact{
		table: "access", account: id, clear: []any{e.Contract, e.Product, e.Days[0], e.Days[1]},
		personal: []any{e.personal.Reason}, since: row.revision,
	})
	return true
}

func grantKey(id, contract, product string, days [2]int32) string {
	return factKey("access", id, contract, product, days)
}

func personFact(row auditRow, id string, e entry) fact {
	who := identity{}
	if e.personal.Person != nil {
		who = *e.personal.Person
	}
	return fact{
		table: "person", account: id, clear: []any{e.Suspended, e.Generation},
		personal: personalParts(who), since: row.revision,
	}
}

func personalParts(i identity) []any {
	keys, _ := canonical(i.SigningKeys)
	return []any{i.Name, i.Email, i.EmailKey, i.FirstName, i.LastName, string(keys)}
}

// closeRevision replays the row of the revision itself.
func (r *replay) closeRevision(row auditRow, e entry) {
	c, p := e.Revision, e.personal
	if p == nil {
		p = &personal{}
	}
	r.created[factKey("revision", row.revision)] = fact{table: "revision", clear: []any{
		row.revision, row.at, c.Cause, c.Source, p.Path, c.Commit, c.Digest, c.PlanID, c.Approved, p.By, c.Changes, c.Messages, c.CalendarDay,
		p.Author, p.Committer, p.Signer, c.Fingerprint, c.Parents,
	}}
}
