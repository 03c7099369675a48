package spec

import (
	"crypto/sha256"
	"encoding/binary"
)

// Pack appends a register, for [UnpackRegister] of the same program.
func (r *Register) Pack(b []byte) []byte {
	b = packMap(b, r.files, func(b []byte, f registeredFile) []byte { return PackText(append(b, f.sum[:]...), f.documents) })
	b = packMap(b, r.products, packRegistered)
	b = packMap(b, r.contracts, packRegistered)
	b = packMap(b, r.teams, packRegistered)
	b = packMap(b, r.within, func(b []byte, parents []string) []byte { return Pack(b, parents) })
	b = packMap(b, r.keys, PackText)
	b = packMap(b, r.former, PackText)
	return r.census.pack(b)
}

// UnpackRegister reads a register; what is no register leaves the unpacker broken.
func UnpackRegister(u *Unpacker) *Register {
	r := &Register{}
	r.files = unpackMap(u, func(u *Unpacker) (f registeredFile) {
		copy(f.sum[:], u.Bytes(len(f.sum)))
		f.documents = u.Text()
		u.broken = u.broken || !packedDocuments(f.documents)
		return f
	})
	r.products = unpackMap(u, unpackRegistered[productManifest, Product])
	r.contracts = unpackMap(u, unpackRegistered[contractManifest, Contract])
	r.teams = unpackMap(u, unpackRegistered[teamManifest, Team])
	r.within = unpackMap(u, func(u *Unpacker) (parents []string) {
		u.Into(&parents)
		return parents
	})
	r.keys = unpackMap(u, (*Unpacker).Text)
	r.former = unpackMap(u, (*Unpacker).Text)
	r.census = unpackCensus(u)
	return r
}

// packMap appends what a map has by name, in no order.
func packMap[V any](b []byte, m map[string]V, value func([]byte, V) []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(m)))
	for name, v := range m {
		b = value(PackText(b, name), v)
	}
	return b
}

func unpackMap[V any](u *Unpacker, value func(*Unpacker) V) map[string]V {
	n := u.Count()
	m := make(map[string]V, n)
	for range n {
		name := u.Text()
		if m[name] = value(u); u.broken {
			break
		}
	}
	u.broken = u.broken || len(m) < n
	return m
}

func packRegistered[M, T any](b []byte, r registered[M, T]) []byte {
	return Pack(Pack(PackText(b, r.file), *r.manifest), *r.resolved)
}

func unpackRegistered[M, T any](u *Unpacker) registered[M, T] {
	r := registered[M, T]{file: u.Text(), manifest: new(M), resolved: new(T)}
	u.Into(r.manifest)
	u.Into(r.resolved)
	return r
}

// packDocuments are the documents of a file, as a register keeps them: a quarter of
// what they take unpacked, and nothing to do for those that nobody edits.
func packDocuments(documents []registeredDocument) string {
	var b []byte
	for _, d := range documents {
		b = binary.AppendUvarint(append(b, d.sum[:]...), uint64(d.above))
		b = binary.AppendUvarint(b, uint64(len(d.declares)))
		for _, n := range d.declares {
			b = PackText(append(b, byte(n.kind)), n.name)
		}
	}
	return string(b)
}

// unpackDocuments reads what packDocuments wrote.
func unpackDocuments(packed string) []registeredDocument {
	var documents []registeredDocument
	for u := Unpack(packed); u.text != ""; {
		var d registeredDocument
		copy(d.sum[:], u.Bytes(len(d.sum)))
		d.above = int(u.Uvarint())
		if n := u.Count(); n > 0 {
			d.declares = make([]declaration, n)
		}
		for i := range d.declares {
			d.declares[i] = declaration{u.kind(), u.Text()}
		}
		documents = append(documents, d)
	}
	return documents
}

// packedDocuments reports whether packDocuments may have written it.
func packedDocuments(packed string) bool {
	u := Unpack(packed)
	for u.text != "" {
		u.Bytes(sha256.Size)
		u.Uvarint()
		for range u.Count() {
			u.kind()
			u.Text()
		}
	}
	return u.Whole()
}

func (u *Unpacker) kind() declaredKind {
	b := u.Bytes(1)
	if b == "" || declaredKind(b[0]) > declaresContract {
		u.broken = true
		return 0
	}
	return declaredKind(b[0])
}

func (c *Census) pack(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(c.Seats)))
	for seat, use := range c.Seats {
		b = packNumber(Pack(b, seat), use.first)
		b = binary.AppendUvarint(b, uint64(len(use.edges)))
		for _, e := range use.edges {
			b = packNumber(packNumber(b, int(e.day)), e.delta)
		}
	}
	b = packMap(b, c.Contracts, packNumber)
	b = packMap(b, c.Products, packNumber)
	return packNumber(packNumber(b, c.People), c.Members)
}

func unpackCensus(u *Unpacker) *Census {
	c := &Census{}
	seats := u.Count()
	c.Seats = make(SeatBook, seats)
	for range seats {
		var seat Seat
		u.Into(&seat)
		use := c.Seats.use(seat)
		use.first = u.number()
		if n := u.Count(); n > 0 {
			use.edges = make([]edge, n)
		}
		for i := range use.edges {
			use.edges[i] = edge{Day(u.Varint()), u.number()}
		}
	}
	u.broken = u.broken || len(c.Seats) < seats
	c.Contracts = unpackMap(u, (*Unpacker).number)
	c.Products = unpackMap(u, (*Unpacker).number)
	c.People, c.Members = u.number(), u.number()
	return c
}

func packNumber(b []byte, n int) []byte { return binary.AppendVarint(b, int64(n)) }

func (u *Unpacker) number() int { return int(u.Varint()) }
