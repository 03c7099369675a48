package state

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

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
	// The rarest condition leads where so few fulfil it; else people are gone
	// through in their order, so many a page. Both bound what a page can cost,
	// whatever the number of people.
	maxLed     = 2_000
	maxScanned = 10_000
)

// beyond comes after every text with the same beginning.
const beyond = "\U0010FFFF"

// condition is one thing that people found must fulfil.
type condition struct {
	check     string // SQL about p, a row of person in force
	checkArgs []any
	lead      string // a query of the accounts that may fulfil it, by an index; "": there is none
	leadArgs  []any
}

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
	leader, err := s.leader()
	if err != nil {
		return page, err
	}
	var ids []string
	if leader != nil {
		ids, page.Next, err = s.led(leader, key)
	} else {
		ids, page.Next, err = s.inOrder(key)
	}
	if err == nil {
		page.People, err = peopleByID(s.ctx, s.tx, ids, now)
	}
	return page, err
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

// leader is the condition that the fewest may fulfil, nil where none is rare.
func (s *peopleSearch) leader() (*condition, error) {
	var best *condition
	fewest := maxLed + 1
	for i := range s.conditions {
		c := &s.conditions[i]
		if c.lead == "" {
			continue
		}
		var n int
		count := fmt.Sprintf("SELECT COUNT(*) FROM (%s LIMIT %d) AS led", c.lead, fewest)
		if err := s.tx.QueryRowContext(s.ctx, count, c.leadArgs...).Scan(&n); err != nil {
			return nil, err
		}
		if n < fewest {
			best, fewest = c, n
		}
	}
	return best, nil
}

// led looks at those alone who may fulfil the leading condition. Nothing is
// gained by an index on their order, so it is hidden from the planner.
func (s *peopleSearch) led(leader *condition, after string) (ids []string, next string, err error) {
	check, args := all(s.conditions)
	query := "SELECT p.account FROM person p WHERE p.until IS NULL AND p.account IN (" + leader.lead + ")" +
		" AND p.sort_key || '' > ? AND " + check + " ORDER BY p.sort_key || ''"
	args = slices.Concat(leader.leadArgs, []any{after}, args)
	ids, err = collect(s.ctx, s.tx, limited(query, s.limit+1), args, scanText)
	if err == nil && len(ids) > s.limit {
		ids = ids[:s.limit]
		next = ids[s.limit-1]
	}
	return ids, next, err
}

// inOrder goes through people in their order until the page is full.
func (s *peopleSearch) inOrder(after string) (ids []string, next string, err error) {
	check, args := all(s.conditions)
	query := "SELECT p.account, CASE WHEN " + check + " THEN 1 ELSE 0 END FROM person p" +
		" WHERE p.until IS NULL AND p.sort_key > ? ORDER BY p.sort_key"
	rows, err := s.tx.QueryContext(s.ctx, limited(query, maxScanned), append(args, after)...)
	if err != nil {
		return nil, "", err
	}
	defer rows.Close()
	scanned, last := 0, ""
	for rows.Next() {
		var id string
		var fits bool
		if err := rows.Scan(&id, &fits); err != nil {
			return nil, "", err
		}
		if fits && len(ids) == s.limit {
			return ids, ids[s.limit-1], nil
		}
		if fits {
			ids = append(ids, id)
		}
		scanned, last = scanned+1, id
	}
	if scanned == maxScanned {
		next = last
	}
	return ids, next, rows.Err()
}

func scanText(scan scanner) (s string, err error) {
	err = scan(&s)
	return s, err
}

// all joins the checks of the conditions.
func all(conditions []condition) (check string, args []any) {
	checks := []string{"1 = 1"}
	for _, c := range conditions {
		checks = append(checks, "("+c.check+")")
		args = append(args, c.checkArgs...)
	}
	return strings.Join(checks, " AND "), args
}

func (q *PeopleQuery) conditions(now time.Time) []condition {
	var list []condition
	for _, word := range searchWords(q.Text) {
		list = append(list, beginsWith(word))
	}
	if q.Status != "" {
		list = append(list, hasStatus(q.Status, now))
	}
	if q.Product != "" {
		list = append(list, q.hasProduct())
	}
	if q.Under != nil {
		list = append(list, isUnder(q.Under))
	}
	return list
}

// searchWords splits what somebody types or pastes: "Lovelace, Ada <ada@…>".
func searchWords(text string) []string {
	words := strings.FieldsFunc(foldForSearch(text), func(r rune) bool {
		return unicode.IsSpace(r) || strings.ContainsRune(`,;<>()"`, r)
	})
	slices.Sort(words)
	words = slices.Compact(words)
	return words[:min(len(words), maxWords)]
}

// beginsWith: a word of the name or e-mail begins with this one. Addresses are
// kept with their domains in ASCII, which is how they are compared too.
func beginsWith(word string) condition {
	address := word
	if strings.Contains(word, "@") {
		address = spec.FoldEmail(word)
	}
	var c condition
	var checks, leads []string
	for _, column := range []struct{ name, from string }{
		{"sort_key", word}, {"first_key", word}, {"name", word}, {"email_key", address},
	} {
		bounds := []any{column.from, column.from + beyond}
		checks = append(checks, "p."+column.name+" >= ? AND p."+column.name+" < ?")
		leads = append(leads, "SELECT account FROM person WHERE until IS NULL AND "+column.name+" >= ? AND "+column.name+" < ?")
		c.checkArgs = append(c.checkArgs, bounds...)
		c.leadArgs = append(c.leadArgs, bounds...)
	}
	bounds := []any{word, word + beyond}
	checks = append(checks, "EXISTS (SELECT 1 FROM person_word w WHERE w.account = p.account AND w.word >= ? AND w.word < ?)")
	leads = append(leads, "SELECT account FROM person_word WHERE word >= ? AND word < ?")
	c.checkArgs, c.leadArgs = append(c.checkArgs, bounds...), append(c.leadArgs, bounds...)
	c.check, c.lead = strings.Join(checks, " OR "), strings.Join(leads, " UNION ALL ")
	return c
}

// hasStatus says in SQL what [Account.statusAt] says.
func hasStatus(status Status, now time.Time) condition {
	const (
		activated = "EXISTS (SELECT 1 FROM account a WHERE a.id = p.account AND a.activated > 0 AND a.activated <= ?)"
		opens     = "EXISTS (SELECT 1 FROM invitation i WHERE i.account = p.account AND i.until IS NULL AND i.expires > ?)"
	)
	at := millis(now)
	switch status {
	case Suspended:
		return condition{
			check: "p.suspended = 1", lead: "SELECT account FROM person WHERE until IS NULL AND suspended = 1",
		}
	case Active:
		return condition{
			check: "p.suspended = 0 AND " + activated, checkArgs: []any{at},
			lead: "SELECT id FROM account WHERE activated > 0",
		}
	case Invited:
		return condition{
			check: "p.suspended = 0 AND NOT " + activated + " AND " + opens, checkArgs: []any{at, at},
			lead: "SELECT account FROM invitation WHERE until IS NULL AND expires > ?", leadArgs: []any{at},
		}
	case Expired: // who was never invited is active or suspended; so an invitation has passed or was ended
		return condition{
			check: "p.suspended = 0 AND NOT " + activated + " AND NOT " + opens, checkArgs: []any{at, at},
			lead: `SELECT account FROM invitation WHERE until IS NULL AND expires <= ?
				UNION ALL SELECT account FROM invitation WHERE until IS NOT NULL`, leadArgs: []any{at},
		}
	}
	return condition{check: "1 = 0", lead: "SELECT account FROM person WHERE 1 = 0"}
}

// hasProduct: has the product under one contract, or any of those looked at. Who it
// leads to is found by an index of products; whether one person has it, by that of
// accounts, and the other is hidden from the planner, which takes it for as good.
func (q *PeopleQuery) hasProduct() condition {
	contract, args := "", []any{q.Product}
	switch {
	case q.Contract != "":
		contract, args = " AND contract = ?", append(args, q.Contract)
	case q.Under != nil:
		contract, args = " AND contract IN ("+marks(len(q.Under))+")", append(args, texts(q.Under)...)
	}
	return condition{
		check: "EXISTS (SELECT 1 FROM access WHERE account = p.account AND until IS NULL AND product || '' = ?" + contract + ")", checkArgs: args,
		lead: "SELECT account FROM access WHERE until IS NULL AND product = ?" + contract, leadArgs: args,
	}
}

// isUnder: has access or a role under one of the contracts, or under none at all,
// so that whoever may change a person finds them (DOMAIN.md, "Authority"). What is
// held under a contract is in the figures, and who holds that is in an index.
func isUnder(contracts []string) condition {
	const of = "account = p.account AND until IS NULL"
	in := "contract IN (" + marks(len(contracts)) + ")"
	under := texts(contracts)
	return condition{
		check: "p.idle = 1 OR EXISTS (SELECT 1 FROM access WHERE " + of + " AND " + in + ")" +
			" OR EXISTS (SELECT 1 FROM role WHERE " + of + " AND " + in + ")",
		checkArgs: slices.Concat(under, under),
		lead: "SELECT account FROM access WHERE until IS NULL AND (product, contract) IN" +
			" (SELECT product, contract FROM holding WHERE until IS NULL AND " + in + ")" +
			" UNION ALL SELECT account FROM role WHERE until IS NULL AND " + in +
			" UNION ALL SELECT account FROM person WHERE until IS NULL AND idle = 1",
		leadArgs: slices.Concat(under, under),
	}
}

// marks is the list of n parameters; of none, one that nothing equals.
func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.Repeat("?, ", n-1) + "?"
}

func texts(list []string) []any {
	values := make([]any, len(list))
	for i, s := range list {
		values[i] = s
	}
	return values
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
	rows, err := collect(ctx, q, peopleInForce+" AND p.account"+in, args, scanPerson)
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
