package state

import (
	"context"
	"fmt"

	"usher/spec"
)

// productBody is what is kept of a product, but for where it is declared.
type productBody struct {
	Title     string           `json:"title"`
	Type      spec.ProductType `json:"type"`
	Downloads []spec.Download  `json:"downloads,omitempty"`
}

// productLines is where a product is declared.
type productLines struct{ spec.Origin }

func (l *productLines) each(fn func(*spec.Origin) error) error { return fn(&l.Origin) }

// PutProduct makes the product what it is given as. Where only its manifest line
// moved, that is corrected in place.
func (tx *Tx) PutProduct(p *spec.Product) error {
	body, err := encode(productBody{p.Title, p.Type, p.Downloads})
	if err != nil {
		return err
	}
	err = tx.put(thing{table: "product", about: aboutProduct, name: p.Name, body: body}, &productLines{p.Origin}, &productLines{})
	if err != nil {
		return fmt.Errorf("writing product %s: %w", p.Name, err)
	}
	return nil
}

// RemoveProduct ends the product; [ErrNotFound] where there is none.
func (tx *Tx) RemoveProduct(name string) error {
	return tx.drop("product", aboutProduct, name, &productLines{})
}

func productsAt(ctx context.Context, q querier, revision int64) ([]spec.Product, error) {
	rows, lines, err := thingsAt[productLines](ctx, q, thing{table: "product"}, revision)
	if err != nil {
		return nil, fmt.Errorf("reading products: %w", err)
	}
	var products []spec.Product
	for i, r := range rows {
		var body productBody
		if err := decode(r.body, &body); err != nil {
			return nil, fmt.Errorf("reading products: %w", err)
		}
		products = append(products, spec.Product{Name: r.name, Title: body.Title, Type: body.Type, Downloads: body.Downloads, Origin: lines[i].Origin})
	}
	return products, nil
}
