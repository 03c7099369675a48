package reconciler

import (
	"fmt"
	"slices"

	"usher/spec"
)

// products compares the products.
func (d *differ) products() {
	name := func(p *spec.Product) string { return p.Name }
	both(d.True.Roster.Products, d.Wanted.Products, name, func(from, to *spec.Product) {
		a, b := orZero(from), orZero(to)
		var f fields
		f.value("title", a.Title, b.Title)
		f.value("type", string(a.Type), string(b.Type))
		f.elements("downloads", downloads(a), downloads(b))
		p := orOther(to, from)
		if action := toward(from, to); action != Alter || len(f) > 0 {
			d.add(Change{Action: action, Kind: KindProduct, Subject: p.Name, Fields: f, Because: []spec.Origin{p.Origin}})
		} else if from.Origin != to.Origin {
			d.moved(KindProduct, p.Name)
		}
	})
}

// downloads writes each download as one element, sorted.
func downloads(p *spec.Product) []string {
	var list []string
	for _, d := range p.Downloads {
		text := d.Title + " " + d.URL
		if d.SHA256 != "" {
			text += " sha256:" + d.SHA256
		}
		if d.Size > 0 {
			text += fmt.Sprintf(" %d bytes", d.Size)
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return list
}
