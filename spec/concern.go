package spec

import (
	"maps"
	"slices"
)

// Concern is whom an edit concerns, as they are called by what is true so far.
type Concern struct {
	People []string // names of those whose manifests, teams or roles differ, or who may clash with one who comes
	Emails []string // folded e-mails of those who come: who has them is concerned
}

// Concerned returns whom the edit concerns. It is not sure of edits that can
// change what others' manifests mean: of products and contracts that come or go,
// and of what a contract offers.
func (d *Draft) Concerned() (Concern, bool) {
	c := &concerned{Draft: d, people: map[string]bool{}}
	sure := c.things() && c.teams()
	for _, of := range []map[declaration]bool{d.gone, d.news} {
		for _, name := range d.names(of, declaresUser) {
			c.people[name] = true
		}
	}
	c.clashes()
	return Concern{slices.Sorted(maps.Keys(c.people)), c.emails}, sure
}

// concerned gathers whom an edit concerns.
type concerned struct {
	*Draft
	people map[string]bool
	emails []string
}

// clashes adds who may have what somebody who comes has as well: the name, the
// e-mail, a signing key, a former name.
func (c *concerned) clashes() {
	for _, f := range c.came {
		for u := range f.people {
			c.emails = append(c.emails, FoldEmail(u.Spec.Email.Value))
			c.add(c.register.former[u.name()])
			for _, name := range u.Spec.Previously {
				c.add(name.Value)
				c.add(c.register.former[name.Value])
			}
			for _, key := range u.Spec.SigningKeys {
				c.add(c.register.keys[keyAlone(key.Value)])
			}
		}
	}
}

func (c *concerned) add(name string) {
	if name != "" {
		c.people[name] = true
	}
}

// things looks at products and contracts, and adds the stewards of contracts that
// differ.
func (c *concerned) things() bool {
	for n := range c.gone {
		if (n.kind == declaresProduct || n.kind == declaresContract) && !c.news[n] {
			return false
		}
	}
	for n := range c.news {
		_, known := c.register.products[n.name]
		if n.kind == declaresProduct && known != c.gone[n] || n.kind == declaresContract && !c.gone[n] {
			return false
		}
	}
	for _, f := range c.came {
		for i := range f.contracts {
			if !c.contract(&f.contracts[i].Spec, c.register.contracts[f.contracts[i].Metadata.Name.Value].resolved) {
				return false
			}
		}
	}
	return true
}

func (c *concerned) contract(is *contractSpec, was *Contract) bool {
	c.add(was.Manager)
	c.add(is.ContractManager.Value)
	for _, name := range was.Coordinators {
		c.add(name)
	}
	for _, name := range is.SoftwareCoordinators {
		c.add(name.Value)
	}
	var offered []string
	for _, o := range is.Products {
		offered = append(offered, o.Name.Value)
	}
	slices.Sort(offered)
	return slices.EqualFunc(offered, was.Offers, func(name string, o Offer) bool { return name == o.Product })
}

// teams adds the people whose membership differs; where what a team gives differs,
// or through which teams, all of its members, before and after.
func (c *concerned) teams() bool {
	for _, name := range c.names(c.gone, declaresTeam) {
		if !c.news[declaration{declaresTeam, name}] {
			c.closure(name, c.before)
		}
	}
	for _, f := range c.came {
		for i := range f.teams {
			name := f.teams[i].Metadata.Name.Value
			was, known := c.register.teams[name]
			if known != c.gone[declaration{declaresTeam, name}] {
				return false
			}
			roll, once := c.roll(&f.teams[i])
			if !once {
				return false
			}
			if known && f.Path == was.file && c.sameButMembers(f.Path, was.manifest, &f.teams[i]) {
				for _, name := range slices.Concat(roll.joined, roll.left) {
					c.add(name)
				}
				continue
			}
			c.closure(name, c.before)
			c.closure(name, c.after)
		}
	}
	return true
}

// closure adds all members of a team, by way of others too. manifest finds a team,
// nil where there is none.
func (c *concerned) closure(name string, manifest func(name string) *teamManifest) {
	seen := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		t := manifest(name)
		if t == nil || seen[name] {
			return
		}
		seen[name] = true
		for _, m := range t.Spec.Members {
			c.add(m.Value)
		}
		for _, sub := range t.Spec.Teams {
			visit(sub.Value)
		}
	}
	visit(name)
}

// before finds a team as it was registered.
func (d *Draft) before(name string) *teamManifest { return d.team(name).manifest }

// product, contract and team find what was registered, where it stands now.

func (d *Draft) product(name string) registered[productManifest, Product] {
	return either(d.moved.products, d.register.products, name)
}

func (d *Draft) contract(name string) registered[contractManifest, Contract] {
	return either(d.moved.contracts, d.register.contracts, name)
}

func (d *Draft) team(name string) registered[teamManifest, Team] {
	return either(d.moved.teams, d.register.teams, name)
}

func either[T any](first, second map[string]T, name string) T {
	if t, ok := first[name]; ok {
		return t
	}
	return second[name]
}

// after finds a team as it is by the edit.
func (d *Draft) after(name string) *teamManifest {
	if t := d.teams[name]; t != nil {
		return t
	}
	if d.gone[declaration{declaresTeam, name}] {
		return nil
	}
	return d.before(name)
}

// things are the documents of what others refer to and the edit leaves as it
// stands: products; contracts, with those of the people present among their
// stewards; and the teams that people present belong to or that a team which
// differs has to do with, with those of the people present among their members.
func (d *Draft) things(present map[string]bool) []*File {
	var files []*File
	for name := range d.register.products {
		if p := d.product(name); !d.gone[declaration{declaresProduct, name}] {
			files = append(files, &File{Path: p.file, products: []productManifest{*p.manifest}})
		}
	}
	for name := range d.register.contracts {
		if c := d.contract(name); !d.gone[declaration{declaresContract, name}] {
			m := *c.manifest
			m.Spec.SoftwareCoordinators = among(present, m.Spec.SoftwareCoordinators)
			if !present[m.Spec.ContractManager.Value] {
				m.Spec.ContractManager = text{}
			}
			files = append(files, &File{Path: c.file, contracts: []contractManifest{m}})
		}
	}
	teams := d.teamsConcerned()
	members := map[string][]text{}
	for name, of := range d.memberOf {
		for _, team := range of {
			members[team] = append(members[team], text{Value: name})
		}
	}
	for name := range teams {
		t := d.team(name)
		if t.manifest == nil || d.gone[declaration{declaresTeam, name}] {
			continue
		}
		m := *t.manifest
		m.Spec.Members = members[name]
		m.Spec.Teams = slices.DeleteFunc(slices.Clone(m.Spec.Teams), func(sub text) bool { return !teams[sub.Value] })
		files = append(files, &File{Path: t.file, teams: []teamManifest{m}})
	}
	return files
}

func among(present map[string]bool, names []text) []text {
	return slices.DeleteFunc(slices.Clone(names), func(name text) bool { return !present[name.Value] })
}

// teamsConcerned are the teams that differ, those of the people concerned, all
// that have one of these within, and all within those that differ.
func (d *Draft) teamsConcerned() map[string]bool {
	found := map[string]bool{}
	var above, below func(name string)
	above = func(name string) {
		if found[name] {
			return
		}
		found[name] = true
		for _, parent := range d.register.within[name] {
			above(parent)
		}
	}
	seen := map[string]bool{}
	below = func(name string) {
		if t := d.after(name); t != nil && !seen[name] {
			seen[name] = true
			for _, sub := range t.Spec.Teams {
				above(sub.Value)
				below(sub.Value)
			}
		}
	}
	for _, teams := range d.memberOf {
		for _, name := range teams {
			above(name)
		}
	}
	for _, of := range []map[declaration]bool{d.gone, d.news} {
		for _, name := range d.names(of, declaresTeam) {
			above(name)
			below(name)
		}
	}
	return found
}
