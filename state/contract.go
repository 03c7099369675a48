package state

import (
	"context"
	"fmt"

	"usher/spec"
)

// contractBody is what is kept of a contract, but for roles, which are rows of
// their own, for its support address, and for where it is declared.
type contractBody struct {
	Offers  []offerBody  `json:"offers,omitempty"`
	Credits *creditsBody `json:"credits,omitempty"`
}

type offerBody struct {
	Product string `json:"product"`
	Seats   int    `json:"seats"` // spec.Unlimited, or how many
}

type creditsBody struct {
	Pool    int64 `json:"pool"`
	Expires int32 `json:"expires"` // a spec.Day, whose own JSON does not tell the ends of time apart
}

// contractLines is where a contract and its offers are declared.
type contractLines struct {
	Contract spec.Origin            `json:"contract"`
	Offers   map[string]spec.Origin `json:"offers,omitempty"`
}

func (l *contractLines) each(fn func(*spec.Origin) error) error {
	if err := fn(&l.Contract); err != nil {
		return err
	}
	for _, product := range sortedKeys(l.Offers) {
		o := l.Offers[product]
		if err := fn(&o); err != nil {
			return err
		}
		l.Offers[product] = o
	}
	return nil
}

// PutContract makes the contract's offers, credits and support address what they
// are given as; who manages it is [Tx.Assign]'s. Where only manifest lines moved,
// that is corrected in place.
func (tx *Tx) PutContract(c *spec.Contract) error {
	var body contractBody
	lines := contractLines{Contract: c.Origin, Offers: map[string]spec.Origin{}}
	for _, o := range c.Offers {
		body.Offers = append(body.Offers, offerBody{o.Product, o.Seats})
		lines.Offers[o.Product] = o.Origin
	}
	if c.Credits != nil {
		body.Credits = &creditsBody{c.Credits.Pool, int32(c.Credits.Expires)}
	}
	text, err := encode(body)
	if err != nil {
		return err
	}
	tx.stewards = true
	err = tx.put(thing{
		table: "contract", about: aboutContract, name: c.Name, body: text,
		column: "support_email", aside: c.SupportEmail,
		personal: &personal{Support: c.SupportEmail},
	}, &lines, &contractLines{})
	if err != nil {
		return fmt.Errorf("writing contract %s: %w", c.Name, err)
	}
	return nil
}

// RemoveContract ends the contract, and the roles under it that nothing else in
// the transaction withdraws; [ErrNotFound] where there is none.
func (tx *Tx) RemoveContract(name string) error {
	tx.stewards = true
	return tx.drop("contract", aboutContract, name, &contractLines{})
}

// contractsAt returns the contracts at a revision, without their stewards.
func contractsAt(ctx context.Context, q querier, revision int64) ([]spec.Contract, error) {
	rows, lines, err := thingsAt[contractLines](ctx, q, thing{table: "contract", column: "support_email"}, revision)
	if err != nil {
		return nil, fmt.Errorf("reading contracts: %w", err)
	}
	var contracts []spec.Contract
	for i, r := range rows {
		one, err := r.contract(&lines[i])
		if err != nil {
			return nil, fmt.Errorf("reading contracts: %w", err)
		}
		contracts = append(contracts, one)
	}
	return contracts, nil
}

func (r *storedThing) contract(lines *contractLines) (spec.Contract, error) {
	var body contractBody
	if err := decode(r.body, &body); err != nil {
		return spec.Contract{}, err
	}
	c := spec.Contract{Name: r.name, SupportEmail: r.aside, Origin: lines.Contract}
	for _, o := range body.Offers {
		c.Offers = append(c.Offers, spec.Offer{Product: o.Product, Seats: o.Seats, Origin: lines.Offers[o.Product]})
	}
	if body.Credits != nil {
		c.Credits = &spec.Credits{Pool: body.Credits.Pool, Expires: spec.Day(body.Credits.Expires)}
	}
	return c, nil
}
