package state

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher/spec"
)

// PeopleQuery is which people are asked for. The zero value asks for everybody.
type PeopleQuery struct {
	Text     string   // words, each the beginning of a word of a name or of the e-mail; case and accents do not count
	Status   Status   // Invited, Active, Expired or Suspended; "": any
	Product  string   // who has it, now or on a day to come; "": any
	Contract string   // under which Product is had; "": any of Contracts
	Under    []string // only who has access or a role under one of these contracts, or none at all; nil: everybody
	After    string   // PeoplePage.Next of the page before; "": the first page
	Limit    int      // people a page; 0: 50, at most 200
}

// PeoplePage is one page of people in the order of their last names, first names
// and addresses.
type PeoplePage struct {
	People []Person
	// Next begins the next page; "" after the last one. A page may be short, or
	// empty, and yet have a next: a search that finds next to nothing stops after a
	// while and goes on from there.
	Next string
}

// Person is one person in force with all that is theirs.
type Person struct {
	Account
	Origin spec.Origin  // the manifest line that declares them
	Access []spec.Grant // sorted as a User's is
	Roles  []PersonRole // sorted by contract and role
	Teams  []string     // of which they are a member, by whatever way; sorted

	Delivery      MessageState // of the message with the newest invitation; "": there was none
	DeliveryError string       // why it did not get through so far
}

// PersonRole is a role of one person under a contract.
type PersonRole struct {
	Contract string
	Role     spec.Role
}

const (
	defaultPage = 50
	maxPage     = 200
	maxWords    = 8
)

// bounds are what a page of people may cost, whatever their number. The rarest
// condition leads to who fulfils it where that are few; else people are gone through
// in their order, which fills a page soon. It does not where many fulfil each of
// several conditions and few all of them, such as who is under a contract of
// thousands, never activated the account and has a name with A: no index knows of two
// conditions. Then the rarest leads after all, to as many people as that takes, and
// where even these are too many, a page ends before it is full. Such pages take longer
// among many people than among few.
type bounds struct {
	few     int // led to, or gone through, at first
	led     int // led to, where going through the first does not fill the page
	scanned int // gone through in all
}

var searchBounds = bounds{few: 2_000, led: 8_000, scanned: 10_000}

// People finds people in the database, one page at a time.
func (db *DB) People(ctx context.Context, q PeopleQuery) (PeoplePage, error) {
	var page PeoplePage
	err := db.look(ctx, func(tx *sql.Tx) (err error) {
		s := peopleSearch{ctx, tx, q.conditions(db.now()), min(cmp.Or(q.Limit, defaultPage), maxPage)}
		page, err = s.page(q.After, db.now())
		return err
	})
	if err != nil {
		return PeoplePage{}, fmt.Errorf("searching people: %w", fault(err))
	}
	return page, nil
}

// look reads in one transaction, which sees one state whatever is written meanwhile.
func (db *DB) look(ctx context.Context, read func(*sql.Tx) error) error {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return err
	}
	defer tx.Rollback()
	return read(tx)
}

// peopleSearch is a search under way.
type peopleSearch struct {
	ctx        context.Context
	tx         *sql.Tx
	conditions []condition
	limit      int
}

func (s *peopleSearch) page(after string, now time.Time) (page PeoplePage, err error) {
	key, err := s.sortKeyOf(after)
	if err != nil {
		return page, err
	}
	ids, next, err := s.find(key)
	if err != nil {
		return page, err
	}
	page.Next = next
	page.People, err = peopleByID(s.ctx, s.tx, ids, now)
	return page, err
}

// find returns the accounts of one page after a sort key, and the one after which the
// next goes on.
func (s *peopleSearch) find(after string) (ids []string, next string, err error) {
	leader, err := s.leader(searchBounds.few)
	if err != nil {
		return nil, "", err
	}
	if leader != nil {
		return s.led(leader, after)
	}
	w := walk{peopleSearch: s, at: after}
	if err := w.on(searchBounds.few); err != nil || w.done() {
		return w.page(err)
	}
	if leader, err = s.leader(min(searchBounds.led, w.ahead())); err != nil {
		return nil, "", err
	}
	if leader != nil {
		return s.led(leader, after)
	}
	return w.page(w.on(searchBounds.scanned - searchBounds.few))
}

// sortKeyOf is where the list goes on after an account; that of somebody who is
// gone begins anew.
func (s *peopleSearch) sortKeyOf(id string) (key string, err error) {
	if id == "" {
		return "", nil
	}
	row := s.tx.QueryRowContext(s.ctx, "SELECT sort_key FROM person WHERE account = ? AND until IS NULL", id)
	return key, unless(noRows(row.Scan(&key)), ErrNotFound)
}

// leader is the condition that the fewest may fulfil, nil where all lead to more than
// so many. It counts no further than it must: few at first, then eight times as many.
func (s *peopleSearch) leader(most int) (*condition, error) {
	for bound := min(250, most); ; bound = min(8*bound, most) {
		var best *condition
		fewest := bound + 1
		for i := range s.conditions {
			c := &s.conditions[i]
			n, err := s.count(c, fewest)
			if err != nil {
				return nil, err
			}
			if n < fewest {
				best, fewest = c, n
			}
		}
		if best != nil || bound == most {
			return best, nil
		}
	}
}

// count tells to how many a condition leads, counting no further than most; most where
// it leads nowhere.
func (s *peopleSearch) count(c *condition, most int) (n int, err error) {
	if len(c.leads) == 0 {
		return most, nil
	}
	query := "SELECT COUNT(*) FROM (" + limited(c.led("1"), most) + ") AS led"
	return n, s.tx.QueryRowContext(s.ctx, query, c.leadArgs...).Scan(&n)
}

// led looks at those alone who may fulfil the leading condition: they are found first,
// and each then looked up.
func (s *peopleSearch) led(leader *condition, after string) (ids []string, next string, err error) {
	check, args := all(s.conditions, leader)
	query := "SELECT p.account FROM (SELECT DISTINCT account FROM (" + leader.led("account") + ") AS those) AS led" +
		" CROSS JOIN person p WHERE p.account = led.account AND p.until IS NULL AND p.sort_key > ? AND " + check + " ORDER BY p.sort_key"
	args = slices.Concat(leader.leadArgs, []any{after}, args)
	ids, err = collect(s.ctx, s.tx, limited(query, s.limit+1), args, scanText)
	if err == nil && len(ids) > s.limit {
		ids = ids[:s.limit]
		next = ids[s.limit-1]
	}
	return ids, next, err
}

// walk goes through people in their order.
type walk struct {
	*peopleSearch
	at      string // sort key up to which it came
	end     bool   // there is nobody after it
	scanned int
	ids     []string // found, at most one more than a page has
}

// done reports whether the page is full, or everybody was looked at.
func (w *walk) done() bool { return w.end || len(w.ids) > w.limit }

// ahead is how many more have to be looked at, if they are as those who were.
func (w *walk) ahead() int {
	return w.scanned * (w.limit + 1 - len(w.ids)) / max(1, len(w.ids))
}

// on looks at so many more, unless the page is full before.
func (w *walk) on(people int) error {
	const in = " FROM person p WHERE p.until IS NULL AND p.sort_key > ?"
	last := fmt.Sprintf("SELECT p.sort_key%s ORDER BY p.sort_key LIMIT 1 OFFSET %d", in, people-1)
	var until string
	err := noRows(w.tx.QueryRowContext(w.ctx, last, w.at).Scan(&until))
	w.end = errors.Is(err, ErrNotFound)
	if w.end {
		until = beyond
	} else if err != nil {
		return err
	}
	check, args := all(w.conditions, nil)
	query := limited("SELECT p.account"+in+" AND p.sort_key <= ? AND "+check+" ORDER BY p.sort_key", w.limit+1-len(w.ids))
	ids, err := collect(w.ctx, w.tx, query, append([]any{w.at, until}, args...), scanText)
	w.ids, w.at, w.scanned = append(w.ids, ids...), until, w.scanned+people
	return err
}

// page is what was found, and who is the last of it, or of those looked at; "" where
// there is nobody else.
func (w *walk) page(err error) (ids []string, next string, _ error) {
	switch {
	case err != nil:
		return nil, "", err
	case len(w.ids) > w.limit:
		return w.ids[:w.limit], w.ids[w.limit-1], nil
	case w.end:
		return w.ids, "", nil
	}
	err = w.tx.QueryRowContext(w.ctx, "SELECT account FROM person WHERE until IS NULL AND sort_key = ?", w.at).Scan(&next)
	return w.ids, next, err
}

func scanText(scan scanner) (s string, err error) {
	err = scan(&s)
	return s, err
}

// Person returns the person of that name with all that is theirs; [ErrNotFound]
// where there is none.
func (db *DB) Person(ctx context.Context, name string) (Person, error) {
	return db.personWhere(ctx, "name", name)
}

// PersonAt returns the person of that e-mail, in whatever case; [ErrNotFound]
// where there is none.
func (db *DB) PersonAt(ctx context.Context, email string) (Person, error) {
	return db.personWhere(ctx, "email_key", spec.FoldEmail(email))
}

func (db *DB) personWhere(ctx context.Context, column, value string) (Person, error) {
	var people []Person
	err := db.look(ctx, func(tx *sql.Tx) error {
		ids, err := collect(ctx, tx, "SELECT account FROM person WHERE until IS NULL AND "+column+" = ?", []any{value}, scanText)
		if err == nil {
			people, err = peopleByID(ctx, tx, ids, db.now())
		}
		if err == nil && len(people) == 0 {
			err = ErrNotFound
		}
		return err
	})
	if err != nil {
		return Person{}, fmt.Errorf("reading person %s: %w", value, fault(err))
	}
	return people[0], nil
}

// peopleByID reads people in the order of their ids.
func peopleByID(ctx context.Context, q querier, ids []string, now time.Time) ([]Person, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	in, args := " IN ("+marks(len(ids))+")", texts(ids)
	rows, err := peopleWhere(ctx, q, peopleInForce+" AND p.account"+in, args)
	if err != nil {
		return nil, err
	}
	access, err := readAccess(ctx, q, grantColumns+" WHERE until IS NULL AND account"+in, args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[string]*Person, len(rows))
	for _, p := range rows {
		byID[p.id] = &Person{Account: p.account(now), Origin: p.origin, Access: access[p.id]}
	}
	if err := fillRelated(ctx, q, byID, in, args); err != nil {
		return nil, err
	}
	people := make([]Person, 0, len(rows))
	for _, id := range ids {
		people = append(people, *byID[id])
	}
	return people, nil
}

// fillRelated adds roles, teams and what became of invitations.
func fillRelated(ctx context.Context, q querier, people map[string]*Person, in string, args []any) error {
	const of = " WHERE until IS NULL AND account"
	roles, err := collect(ctx, q, "SELECT contract, account, role FROM role"+of+in+" ORDER BY contract, role", args, scanRole)
	if err != nil {
		return err
	}
	for _, r := range roles {
		people[r.account].Roles = append(people[r.account].Roles, PersonRole{r.contract, r.role})
	}
	_, err = collect(ctx, q, "SELECT team, account FROM team_member"+of+in+" ORDER BY team", args, func(scan scanner) (none struct{}, err error) {
		var team, account string
		if err = scan(&team, &account); err == nil {
			people[account].Teams = append(people[account].Teams, team)
		}
		return none, err
	})
	if err != nil {
		return err
	}
	const invitations = "SELECT account, state, last_error FROM outbox WHERE issue > 0 AND account"
	_, err = collect(ctx, q, invitations+in+" ORDER BY id", args, func(scan scanner) (none struct{}, err error) {
		var account, lastError string
		var state MessageState
		if err = scan(&account, &state, &lastError); err == nil {
			people[account].Delivery, people[account].DeliveryError = state, lastError
		}
		return none, err
	})
	return err
}
