package state

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"usher/spec"
)

// productBody is what is kept of a product, but for where it is declared.
type productBody struct {
	Title     string           `json:"title"`
	Type      spec.ProductType `json:"type"`
	Downloads []spec.Download  `json:"downloads,omitempty"`
}

// PutProduct makes the product what it is given as. Where only its manifest line
// moved, that is corrected in place.
func (tx *Tx) PutProduct(p *spec.Product) error {
	body, err := encode(productBody{p.Title, p.Type, p.Downloads})
	if err != nil {
		return err
	}
	err = tx.put(thing{table: "product", about: aboutProduct, name: p.Name, body: body}, p.Origin)
	if err != nil {
		return fmt.Errorf("writing product %s: %w", p.Name, err)
	}
	return nil
}

// RemoveProduct ends the product; [ErrNotFound] where there is none.
func (tx *Tx) RemoveProduct(name string) error {
	return tx.drop("product", aboutProduct, name)
}

func productsAt(ctx context.Context, q querier, revision int64) ([]spec.Product, error) {
	const query = `SELECT name, body, origin FROM product WHERE since <= ? AND (until IS NULL OR until > ?)`
	products, err := collect(ctx, q, query, []any{revision, revision}, func(scan scanner) (p spec.Product, err error) {
		var text, origin string
		if err := scan(&p.Name, &text, &origin); err != nil {
			return p, err
		}
		var body productBody
		if err := decode(text, &body); err != nil {
			return p, err
		}
		p.Title, p.Type, p.Downloads = body.Title, body.Type, body.Downloads
		return p, decode(origin, &p.Origin)
	})
	if err != nil {
		return nil, fmt.Errorf("reading products: %w", err)
	}
	slices.SortFunc(products, func(a, b spec.Product) int { return strings.Compare(a.Name, b.Name) })
	return products, nil
}
