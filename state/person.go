package state

import (
	"context"
	"fmt"
	"slices"
	"time"

	"usher/spec"
)

// identity is what is personal of an account, and can be forgotten.
type identity struct {
	Name        string   `json:"name"`
	Email       string   `json:"email"`
	EmailKey    string   `json:"emailKey"`
	FirstName   string   `json:"firstName"`
	LastName    string   `json:"lastName"`
	SigningKeys []string `json:"signingKeys,omitempty"`
}

// life is what an account keeps while the person changes.
type life struct {
	created, activated time.Time
	issue              int
	invited, expires   time.Time
}

// person is who an account belongs to, with the account's life.
type person struct {
	id string
	identity
	suspended  bool
	generation int
	origin     spec.Origin
	since      int64
	inForce    bool
	life

	begins    bool // in this transaction, with nothing, and is not written yet
	relations int  // if so, how much access and how many roles it has been given
}

func personFor(id string, u *spec.User) *person {
	p := &person{
		id: id,
		identity: identity{
			Name: u.Name, Email: u.Email, EmailKey: u.EmailKey,
			FirstName: u.FirstName, LastName: u.LastName, SigningKeys: u.SigningKeys,
		},
		suspended:  u.Suspended,
		generation: u.Generation,
		origin:     u.Origin,
	}
	if len(p.SigningKeys) == 0 {
		p.SigningKeys = nil // one way to write none, in the table as in the audit
	}
	return p
}

func (p *person) same(q *person) bool {
	a, b := p.identity, q.identity
	return slices.Equal(a.SigningKeys, b.SigningKeys) && a.Name == b.Name && a.Email == b.Email && a.EmailKey == b.EmailKey &&
		a.FirstName == b.FirstName && a.LastName == b.LastName &&
		p.suspended == q.suspended && p.generation == q.generation
}

// account is the person as the account it is, at a time.
func (p *person) account(now time.Time) Account {
	a := Account{
		ID: p.id, Name: p.Name, Email: p.Email, EmailKey: p.EmailKey, FirstName: p.FirstName, LastName: p.LastName,
		Generation: p.generation, Issue: p.issue,
		Created: p.created, Invited: p.invited, Expires: p.expires, Activated: p.activated,
	}
	if a.Activated.After(now) {
		a.Activated = time.Time{}
	}
	a.Status = a.statusAt(now, p.suspended)
	return a
}

// user is the person in spec's words, without access.
func (p *person) user() spec.User {
	return spec.User{
		Name: p.Name, Email: p.Email, EmailKey: p.EmailKey, FirstName: p.FirstName, LastName: p.LastName,
		Suspended: p.suspended, SigningKeys: p.SigningKeys, Generation: p.generation, Origin: p.origin,
	}
}

const (
	personColumns = `p.account, p.name, p.email, p.email_key, p.first_name, p.last_name, p.signing_keys,
		p.suspended, p.generation, p.origin, p.since, p.until IS NULL, a.created, a.activated,
		COALESCE(i.issue, 0), COALESCE(i.issued, 0), COALESCE(i.expires, 0)`
	peopleInForce = `SELECT ` + personColumns + ` FROM person p
		JOIN account a ON a.id = p.account
		LEFT JOIN invitation i ON i.account = p.account AND i.until IS NULL
		WHERE p.until IS NULL`
	peopleAt = `SELECT ` + personColumns + ` FROM person p
		JOIN account a ON a.id = p.account
		LEFT JOIN invitation i ON i.account = p.account AND i.since <= ? AND (i.until IS NULL OR i.until > ?)
		WHERE p.since <= ? AND (p.until IS NULL OR p.until > ?)`
)

// scanPerson reads a person. One who was forgotten goes by the id of the account.
func scanPerson(scan scanner) (*person, error) {
	p := &person{}
	var keys, origin string
	var created, activated, invited, expires int64
	err := scan(&p.id, &p.Name, &p.Email, &p.EmailKey, &p.FirstName, &p.LastName, &keys,
		&p.suspended, &p.generation, &origin, &p.since, &p.inForce, &created, &activated, &p.issue, &invited, &expires)
	if err != nil {
		return nil, err
	}
	if p.Name == "" {
		p.Name, p.Email = p.id, erased
	}
	p.created, p.activated, p.invited, p.expires = moment(created), moment(activated), moment(invited), moment(expires)
	if err := decode(keys, &p.SigningKeys); err != nil {
		return nil, err
	}
	return p, decode(origin, &p.origin)
}

// peopleOf returns everybody in force at a revision.
func peopleOf(ctx context.Context, q querier, revision int64) ([]*person, error) {
	people, err := peopleWhere(ctx, q, peopleAt, []any{revision, revision, revision, revision})
	if err != nil {
		return nil, fmt.Errorf("reading accounts: %w", err)
	}
	return people, nil
}

// peopleWhere reads people, with the lines that declare them where these stand now.
func peopleWhere(ctx context.Context, q querier, query string, args []any) ([]*person, error) {
	people, err := collect(ctx, q, query, args, scanPerson)
	if err != nil {
		return nil, err
	}
	return people, current(ctx, q, func(yield func(*spec.Origin) bool) {
		for _, p := range people {
			if p.inForce && !yield(&p.origin) {
				return
			}
		}
	})
}

// person returns the person of an account as this transaction leaves it.
func (tx *Tx) person(id string) (*person, error) {
	if p, touched := tx.people[id]; touched {
		if p == nil {
			return nil, ErrNotFound
		}
		return p, nil
	}
	if err := tx.settleNewcomers(); err != nil {
		return nil, err
	}
	s, err := tx.statement(peopleInForce + " AND p.account = ?")
	if err != nil {
		return nil, err
	}
	p, err := scanPerson(s.QueryRowContext(tx.ctx, id).Scan)
	if err != nil {
		return nil, noRows(err)
	}
	return p, tx.placed(&p.origin)
}

// replacePerson ends the row in force, which is that of was, and keeps the new one
// until the end of the transaction: two people who swap names or addresses meet in the
// middle only if one row is written before the other has ended.
func (tx *Tx) replacePerson(p, was *person) error {
	if err := tx.endPersonRow(was); err != nil {
		return err
	}
	tx.related[p.id] = true
	tx.people[p.id] = p
	return nil
}

// endPerson ends the person of an account, which is its removal.
func (tx *Tx) endPerson(id string) error {
	was, err := tx.person(id)
	if err != nil {
		return err
	}
	if err := tx.endPersonRow(was); err != nil {
		return err
	}
	tx.people[id] = nil
	return nil
}

// endPersonRow ends the row in force, unless this transaction has already.
func (tx *Tx) endPersonRow(p *person) error {
	if _, touched := tx.people[p.id]; touched {
		return nil
	}
	if never, err := tx.unwrite(p.id); never || err != nil {
		return err
	}
	origin, err := encode(p.origin)
	if err != nil {
		return err
	}
	const end = "UPDATE person SET until = ?, origin = ?, sort_key = '', first_key = '' WHERE account = ? AND until IS NULL"
	if err := tx.end(&tx.rows.person, end, tx.Revision, origin, p.id); err != nil {
		return err
	}
	_, err = tx.exec("DELETE FROM person_word WHERE account = ?", p.id)
	return err
}

// movePerson corrects the manifest line that declares the person.
func (tx *Tx) movePerson(p *person, origin spec.Origin) error {
	if p.origin == origin {
		return nil
	}
	if kept := tx.people[p.id]; kept != nil {
		kept.origin = origin
		return nil
	}
	text, err := tx.encodeOrigin(origin)
	if err != nil {
		return err
	}
	_, err = tx.exec("UPDATE person SET origin = ? WHERE account = ? AND until IS NULL", text, p.id)
	return err
}

// newcomersAtOnce is how many people with new accounts are kept before they are
// written: it bounds what a revision of a million keeps in memory.
var newcomersAtOnce = 1000

// writeNewcomers writes the people with new accounts, once there are so many. Whatever
// they get is mostly known by then, and what is not is added to their rows.
func (tx *Tx) writeNewcomers(least int) error {
	if len(tx.newcomers) < max(1, least) {
		return nil
	}
	for _, p := range tx.newcomers {
		if tx.people[p.id] != p {
			continue // changed or removed in this very transaction
		}
		delete(tx.people, p.id)
		if err := tx.writePerson(p); err != nil {
			return err
		}
	}
	clear(tx.newcomers)
	tx.newcomers, tx.wrote = tx.newcomers[:0], true
	return nil
}

// settleNewcomers has newcomers who were written, and all about them, where queries
// see them.
func (tx *Tx) settleNewcomers() error {
	if !tx.wrote {
		return nil
	}
	return tx.flush()
}

// unwrite takes the row of a newcomer back who changes in the same revision, and
// reports whether it was one: what does not outlast its revision never was.
func (tx *Tx) unwrite(id string) (bool, error) {
	if !tx.wrote {
		return false, nil
	}
	err := tx.readHolders() // while the row says what they count for
	if err == nil {
		err = tx.settleNewcomers()
	}
	if err != nil {
		return false, err
	}
	n, err := tx.exec("DELETE FROM person WHERE account = ? AND since = ?", id, tx.Revision)
	if err != nil || n == 0 {
		return false, err
	}
	_, err = tx.exec("DELETE FROM person_word WHERE account = ?", id)
	return true, err
}

// writeEverybody writes the persons that are not written yet, in a stable order.
func (tx *Tx) writeEverybody() error {
	if err := tx.writeNewcomers(0); err != nil {
		return err
	}
	for _, id := range sortedKeys(tx.people) {
		if p := tx.people[id]; p != nil {
			if err := tx.writePerson(p); err != nil {
				return err
			}
		}
	}
	return nil
}

func (tx *Tx) writePerson(p *person) error {
	keys, err := tx.encode(p.SigningKeys)
	if err != nil {
		return err
	}
	origin, err := tx.encodeOrigin(p.origin)
	if err != nil {
		return err
	}
	err = tx.insert(&tx.rows.person, p.id, p.Name, p.Email, p.EmailKey, p.FirstName, p.LastName, keys, p.suspended, p.generation, origin, tx.Revision,
		p.sortKey(), p.firstKey(), p.begins && p.relations == 0)
	p.begins = false
	for _, word := range p.words() {
		if err == nil {
			err = tx.insert(&tx.rows.word, p.id, word)
		}
	}
	if err != nil {
		return fmt.Errorf("writing account %s: %w", p.id, err)
	}
	return nil
}
