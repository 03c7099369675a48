package state

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"usher/spec"
)

// Event is one line of an account's history.
type Event struct {
	Revision int64
	At       time.Time
	// add, change, rename, suspend, restore, remove, return, invite, resend,
	// activate, forget, grant, revoke, assign, unassign, join, leave
	Action   string
	Kind     string // user, access, role, team
	Contract string // of access and roles
	Product  string // of access
	Role     string // of roles
	Field    string // what a change is of: name, email, firstName, lastName, signingKeys, generation, days, team
	From, To string // for people to read; "(erased)" once forgotten
	Because  []spec.Origin
}

const erased = "(erased)"

// auditRow is one row of the audit with its personal part, "" where that is
// erased or there is none.
type auditRow struct {
	link
	hash  []byte
	salt  []byte
	value string
}

const auditRows = `SELECT a.seq, a.revision, a.at, a.subject, a.entries, a.commitment, a.hash, p.salt, p.value
	FROM audit a LEFT JOIN audit_personal p ON p.seq = a.seq`

func scanAuditRow(scan scanner) (r auditRow, err error) {
	var value sql.NullString
	err = scan(&r.seq, &r.revision, &r.at, &r.subject, &r.entries, &r.commitment, &r.hash, &r.salt, &value)
	r.value = value.String
	return r, err
}

// parse returns the row's entries, each with its personal part where that is
// still known.
func (r auditRow) parse() ([]entry, error) {
	var entries []entry
	if err := json.Unmarshal([]byte(r.entries), &entries); err != nil {
		return nil, fmt.Errorf("%w: audit row %d cannot be read: %w", ErrDamaged, r.seq, err)
	}
	if r.value == "" {
		return entries, nil
	}
	var parts []*personal
	if err := json.Unmarshal([]byte(r.value), &parts); err != nil || len(parts) != len(entries) {
		return nil, fmt.Errorf("%w: the personal part of audit row %d does not fit it", ErrDamaged, r.seq)
	}
	for i, part := range parts {
		entries[i].personal = part
	}
	return entries, nil
}

// History returns what happened to one account, by its id, oldest first. It is
// read from the audit.
func (db *DB) History(ctx context.Context, accountID string) ([]Event, error) {
	rows, err := collect(ctx, db.reader, auditRows+" WHERE a.subject = ? ORDER BY a.seq", []any{aboutAccount + accountID}, scanAuditRow)
	if err != nil {
		return nil, fmt.Errorf("reading the history of account %s: %w", accountID, err)
	}
	var h historian
	for _, row := range rows {
		entries, err := row.parse()
		if err != nil {
			return nil, fmt.Errorf("reading the history of account %s: %w", accountID, err)
		}
		for _, e := range entries {
			h.tell(row, e)
		}
	}
	return h.events, nil
}

// historian tells what the entries of one account come to. It remembers who the
// account was, because an entry says only who it is.
type historian struct {
	events     []Event
	identity   *identity // nil: erased
	suspended  bool
	generation int
}

func (h *historian) tell(row auditRow, e entry) {
	event := Event{Revision: row.revision, At: moment(row.at), Kind: "user", Action: string(e.Do)}
	if e.personal != nil {
		event.Because = e.personal.Because
	}
	switch e.Do {
	case doAdd, doReturn:
		h.become(e)
		event.To = h.identity.String()
	case doChange:
		h.tellChange(event, e)
		return
	case doRemove:
		event.From = h.identity.String()
	case doForget:
		event.From = erased
	case doInvite:
		if e.Issue > 1 {
			event.Action = "resend"
		}
		event.To = fmt.Sprintf("invitation %d, good before %s", e.Issue, moment(e.Expires).Format(time.DateTime))
	case doUninvite:
		return // told by the removal
	case doGrant, doRegrant, doRevoke:
		tellAccess(&event, e)
	case doAssign, doUnassign:
		event.Kind, event.Contract, event.Role = "role", e.Contract, string(e.Role)
	case doJoin:
		event.Kind, event.Field, event.To = "team", "team", e.Team
	case doLeave:
		event.Kind, event.Field, event.From = "team", "team", e.Team
	}
	h.events = append(h.events, event)
}

// become takes over what the entry says the account is.
func (h *historian) become(e entry) {
	h.identity, h.suspended, h.generation = nil, e.Suspended, e.Generation
	if e.personal != nil {
		h.identity = e.personal.Person
	}
}

// tellChange tells each field that an entry changes.
func (h *historian) tellChange(event Event, e entry) {
	was := *h
	h.become(e)
	for _, f := range changes(was.identity, h.identity) {
		event.Action, event.Field, event.From, event.To = f.action, f.field, f.from, f.to
		h.events = append(h.events, event)
	}
	event.Field, event.From, event.To = "", "", ""
	if was.suspended != h.suspended {
		event.Action = "restore"
		if h.suspended {
			event.Action = "suspend"
		}
		h.events = append(h.events, event)
	}
	if was.generation != h.generation {
		event.Action, event.Field = string(doChange), "generation"
		event.From, event.To = strconv.Itoa(was.generation), strconv.Itoa(h.generation)
		h.events = append(h.events, event)
	}
}

type fieldChange struct{ action, field, from, to string }

// changes returns the fields in which two identities differ. Of what is erased
// nobody knows.
func changes(was, is *identity) []fieldChange {
	if was == nil || is == nil {
		return []fieldChange{{string(doChange), "", erased, erased}}
	}
	var differ []fieldChange
	for _, f := range []fieldChange{
		{"rename", "name", was.Name, is.Name},
		{string(doChange), "email", was.Email, is.Email},
		{string(doChange), "firstName", was.FirstName, is.FirstName},
		{string(doChange), "lastName", was.LastName, is.LastName},
		{string(doChange), "signingKeys", countKeys(was), countKeys(is)},
	} {
		if f.from != f.to {
			differ = append(differ, f)
		}
	}
	return differ
}

func countKeys(i *identity) string {
	switch n := len(i.SigningKeys); n {
	case 0:
		return "none"
	case 1:
		return "1 key: " + i.SigningKeys[0]
	default:
		return fmt.Sprintf("%d keys: %q", n, i.SigningKeys)
	}
}

// String writes who somebody is, as in an address.
func (i *identity) String() string {
	if i == nil {
		return erased
	}
	return fmt.Sprintf("%s %s <%s>", i.FirstName, i.LastName, i.Email)
}

func tellAccess(event *Event, e entry) {
	event.Kind, event.Contract, event.Product = "access", e.Contract, e.Product
	if e.Days == nil || e.Do == doRegrant && e.Was == nil {
		return // an altered row: Verify says which
	}
	span := spanText(*e.Days)
	switch e.Do {
	case doGrant:
		event.To = span
	case doRevoke:
		event.From = span
	default:
		event.Action, event.Field = string(doChange), "days"
		event.From, event.To = spanText(e.Was.Days), span
		if e.Was.Contract != e.Contract {
			event.From, event.To = e.Was.Contract+", "+event.From, e.Contract+", "+event.To
		}
	}
}

// spanText writes the days of access in words.
func spanText(days [2]int32) string {
	span := spec.Span{From: spec.Day(days[0]), Until: spec.Day(days[1])}
	if span == spec.AllTime {
		return "without end"
	}
	return span.String()
}
