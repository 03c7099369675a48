package edit

import (
	"strings"

	"gopkg.in/yaml.v3"

	"usher/spec"
)

// SetNames makes a list of names hold exactly those wanted: the members and
// teams of a Team, the softwareCoordinators of a Contract, what a User was called
// previously. Names that are there stay where they are, new ones come last, and a
// list without names is left out.
func (t *Tree) SetNames(kind, name, fieldPath string, want []string) error {
	d, err := t.find(kind, name)
	if err != nil {
		return err
	}
	var have []string
	for _, n := range itemsAt(d.root(), strings.Split(fieldPath, ".")) {
		have = append(have, n.Value)
	}
	one := func(s string, from int) item {
		return item{fields: []field{{"", Text(s)}}, short: true, from: from}
	}
	return t.setList(kind, name, fieldPath, match(have, want, one, func(string, string) bool { return false }))
}

// Offer is one product of a contract and its seats, or [spec.Unlimited].
type Offer struct {
	Product string
	Seats   int
}

// SetOffers makes a contract offer exactly what is wanted. An offer whose seats
// differ is altered in its place.
func (t *Tree) SetOffers(contract string, want []Offer) error {
	const products = "spec.products"
	d, err := t.find("Contract", contract)
	if err != nil {
		return err
	}
	var have []Offer
	for _, n := range itemsAt(d.root(), strings.Split(products, ".")) {
		have = append(have, offerOf(n))
	}
	sameProduct := func(a, b Offer) bool { return a.Product == b.Product }
	return t.setList("Contract", contract, products, match(have, want, Offer.item, sameProduct))
}

func offerOf(n *yaml.Node) Offer {
	o := Offer{Product: valueAt(n, "name"), Seats: spec.Unlimited}
	if seats, _ := child(n, "seats"); seats != nil && seats.Decode(&o.Seats) != nil {
		o.Seats = spec.Unlimited
	}
	return o
}

func (o Offer) item(from int) item {
	it := item{fields: []field{{"name", Text(o.Product)}}, from: from}
	if o.Seats != spec.Unlimited {
		it.fields = append(it.fields, field{"seats", Number(int64(o.Seats))})
	}
	return it
}
