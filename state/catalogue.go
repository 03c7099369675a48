package state

import (
	"context"
	"database/sql"
	"fmt"

	"usher/spec"
)

// Catalogue is what can be given and who is asked for it. It leaves out to whom
// it is given, so reading it costs no more with a million users than with ten.
type Catalogue struct {
	Roster   *spec.Roster       // contracts with their stewards, and products; teams and users are left out
	Stewards map[string]Account // by name: whoever holds a role
	Newest   Revision           // the last revision of any cause; zero before the first
}

// Catalogue returns what can be given now.
func (db *DB) Catalogue(ctx context.Context) (*Catalogue, error) {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", fault(err))
	}
	defer tx.Rollback()
	c := &Catalogue{Roster: &spec.Roster{}, Stewards: map[string]Account{}}
	if err := db.fillCatalogue(ctx, tx, c); err != nil {
		return nil, fmt.Errorf("reading the catalogue: %w", fault(err))
	}
	return c, nil
}

func (db *DB) fillCatalogue(ctx context.Context, tx *sql.Tx, c *Catalogue) (err error) {
	if c.Newest, _, err = newestRevision(ctx, tx); err != nil {
		return err
	}
	if c.Roster.Products, err = productsAt(ctx, tx, c.Newest.Number); err != nil {
		return err
	}
	if c.Roster.Contracts, err = contractsAt(ctx, tx, c.Newest.Number); err != nil {
		return err
	}
	const stewards = peopleInForce + " AND p.account IN (SELECT account FROM role WHERE until IS NULL)"
	people, err := collect(ctx, tx, stewards, nil, scanPerson)
	if err != nil {
		return err
	}
	names := make(map[string]string, len(people))
	for _, p := range people {
		names[p.id] = p.Name
		c.Stewards[p.Name] = p.account(db.now())
	}
	truth := &Truth{Newest: c.Newest, Roster: c.Roster}
	return truth.fillStewards(ctx, tx, names)
}

// Access returns what an account has, by its id, sorted as a User's Access is;
// nothing for an account that is not in force.
func (db *DB) Access(ctx context.Context, id string) ([]spec.Grant, error) {
	var grants []spec.Grant
	err := db.look(ctx, func(tx *sql.Tx) (err error) {
		grants, err = accessOf(ctx, tx, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("reading what account %s has: %w", id, err)
	}
	return grants, nil
}
