package spec

import (
	"crypto/sha256"
	"maps"
	"slices"
)

// Register knows of a valid tree what each of its documents declares: enough to
// tell whom an edit concerns, and to resolve them without the rest (see [Draft]).
// Of people it keeps the names alone; who they are and what they have is true by
// then and stands in the state. Contracts, products and teams, to which many
// refer, it keeps as they were written and as they resolved.
//
// It is no second judge of what is valid: whatever a draft cannot be sure of is
// for [Resolve] and the whole tree.
type Register struct {
	files map[string]registeredFile // by path
	things
	within map[string][]string // team -> teams that name it among theirs
	keys   map[string]string   // signing key, without its options -> who signs with it
	former map[string]string   // earlier name -> name
	census *Census
}

// things are what others refer to, by name.
type things struct {
	products  map[string]registered[productManifest, Product]
	contracts map[string]registered[contractManifest, Contract]
	teams     map[string]registered[teamManifest, Team]
}

func newThings() things {
	return things{
		map[string]registered[productManifest, Product]{},
		map[string]registered[contractManifest, Contract]{},
		map[string]registered[teamManifest, Team]{},
	}
}

// lower takes over some of those that stand by so many lines lower.
func (t *things) lower(from things, names []declaration, by int32) {
	for _, d := range names {
		switch d.kind {
		case declaresProduct:
			t.products[d.name] = from.products[d.name].lowered(by)
		case declaresContract:
			t.contracts[d.name] = from.contracts[d.name].lowered(by)
		case declaresTeam:
			t.teams[d.name] = from.teams[d.name].lowered(by)
		}
	}
}

// registered is something that others refer to.
type registered[M, T any] struct {
	file     string
	manifest *M
	resolved *T
}

func (r registered[M, T]) lowered(by int32) registered[M, T] {
	return registered[M, T]{r.file, lowered(r.manifest, by), lowered(r.resolved, by)}
}

type registeredFile struct {
	sum       [sha256.Size]byte
	documents string // in the order of the file: see packDocuments
}

// registeredDocument is a Part without what it was parsed to.
type registeredDocument struct {
	sum      [sha256.Size]byte
	above    int
	declares []declaration
}

// declaration is the name that a document declares.
type declaration struct {
	kind declaredKind
	name string
}

type declaredKind uint8

const (
	declaresUser declaredKind = iota
	declaresTeam
	declaresProduct
	declaresContract
)

// declares lists what a file declares, people of lists included.
func (f *File) declares() []declaration {
	var all []declaration
	f.people(func(u *userManifest) bool {
		all = append(all, declaration{declaresUser, u.name()})
		return true
	})
	for i := range f.teams {
		all = append(all, declaration{declaresTeam, f.teams[i].Metadata.Name.Value})
	}
	for i := range f.products {
		all = append(all, declaration{declaresProduct, f.products[i].Metadata.Name.Value})
	}
	for i := range f.contracts {
		all = append(all, declaration{declaresContract, f.contracts[i].Metadata.Name.Value})
	}
	return slices.Clip(all)
}

// people yields everybody whom a file declares.
func (f *File) people(yield func(*userManifest) bool) {
	for i := range f.users {
		if !yield(&f.users[i]) {
			return
		}
	}
	for i := range f.lists {
		for j := range f.lists[i].people {
			if !yield(&f.lists[i].people[j]) {
				return
			}
		}
	}
}

// ParsedFile is a file of a tree, parsed.
type ParsedFile struct {
	Path  string
	Sum   [sha256.Size]byte // of its bytes
	Parts []Part
}

// NewRegister registers a tree that resolved to a roster without any error.
func NewRegister(tree []ParsedFile, roster *Roster) *Register {
	r := &Register{
		files: make(map[string]registeredFile, len(tree)), things: newThings(),
		within: map[string][]string{}, keys: map[string]string{}, former: map[string]string{},
		census: roster.Census(),
	}
	things := &Roster{Products: roster.Products, Contracts: roster.Contracts, Teams: roster.Teams}
	for _, f := range tree {
		r.files[f.Path] = registeredFile{f.Sum, packDocuments(registerParts(f.Parts))}
		for _, p := range f.Parts {
			r.enter(p.File, things)
		}
	}
	return r
}

func registerParts(parts []Part) []registeredDocument {
	documents := make([]registeredDocument, len(parts))
	for i, p := range parts {
		documents[i] = registeredDocument{p.Sum, p.Above, p.File.declares()}
	}
	return documents
}

// enter notes what a parsed document declares, beside the names; things is what
// contracts, products and teams resolved to.
func (r *Register) enter(f *File, things *Roster) {
	for i := range f.products {
		m := &f.products[i]
		r.products[m.Metadata.Name.Value] = registered[productManifest, Product]{f.Path, m, copyOf(things.Product(m.Metadata.Name.Value))}
	}
	for i := range f.contracts {
		m := &f.contracts[i]
		r.contracts[m.Metadata.Name.Value] = registered[contractManifest, Contract]{f.Path, m, copyOf(things.Contract(m.Metadata.Name.Value))}
	}
	for i := range f.teams {
		m := &f.teams[i]
		name := m.Metadata.Name.Value
		r.teams[name] = registered[teamManifest, Team]{f.Path, m, copyOf(things.Team(name))}
		for _, sub := range m.Spec.Teams {
			r.within[sub.Value] = append(r.within[sub.Value], name)
		}
	}
	f.people(func(u *userManifest) bool {
		for _, key := range u.Spec.SigningKeys {
			r.keys[keyAlone(key.Value)] = u.name()
		}
		for _, name := range u.Spec.Previously {
			r.former[name.Value] = u.name()
		}
		return true
	})
}

// copyOf keeps one record from holding on to all that it was listed with.
func copyOf[T any](p *T) *T {
	q := *p
	return &q
}

// strike forgets what documents declared. were are people, those among them.
func (r *Register) strike(gone map[declaration]bool, were []User) {
	for d := range gone {
		switch d.kind {
		case declaresProduct:
			delete(r.products, d.name)
		case declaresContract:
			delete(r.contracts, d.name)
		case declaresTeam:
			for _, sub := range r.teams[d.name].manifest.Spec.Teams {
				parents := r.within[sub.Value]
				r.within[sub.Value] = slices.DeleteFunc(parents, func(parent string) bool { return parent == d.name })
			}
			delete(r.teams, d.name)
		}
	}
	for i := range were {
		if gone[declaration{declaresUser, were[i].Name}] {
			for _, key := range were[i].SigningKeys {
				delete(r.keys, keyAlone(key))
			}
		}
	}
	for name, now := range r.former {
		if gone[declaration{declaresUser, now}] {
			delete(r.former, name)
		}
	}
}

// Census is how many people have what by the tree registered.
func (r *Register) Census() *Census { return r.census }

// Things are the contracts and products of the tree registered, as they resolved.
func (r *Register) Things() *Roster {
	things := &Roster{}
	for _, name := range slices.Sorted(maps.Keys(r.products)) {
		things.Products = append(things.Products, *r.products[name].resolved)
	}
	for _, name := range slices.Sorted(maps.Keys(r.contracts)) {
		things.Contracts = append(things.Contracts, *r.contracts[name].resolved)
	}
	return things
}

// Signer is who signs with a key, "TYPE BASE64" as in [SigningKey]; "" where nobody
// is registered who does.
func (r *Register) Signer(key string) string { return r.keys[key] }

// documents are those of a registered file; none where there is no file at that path.
func (r *Register) documents(path string) []registeredDocument {
	return unpackDocuments(r.files[path].documents)
}

// Sum is the sum of a registered file; false where there is none at that path.
func (r *Register) Sum(path string) ([sha256.Size]byte, bool) {
	f, ok := r.files[path]
	return f.sum, ok
}

// Files is how many files are registered.
func (r *Register) Files() int { return len(r.files) }

// Paths yields the path of every registered file, in no order.
func (r *Register) Paths(yield func(string) bool) {
	for path := range r.files {
		if !yield(path) {
			return
		}
	}
}
