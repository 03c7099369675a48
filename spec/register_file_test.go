package spec

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// studio is a tree in which there is something of everything that a register keeps.
func studio() map[string]string {
	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
	return map[string]string{
		"firm.yaml": productYAML("autocad") +
			"spec: {type: service, downloads: [{title: W, url: 'https://acme.example/w', size: 12}]}\n" + productYAML("revit") +
			contractYAML("acme", "ada", "softwareCoordinators: [ada, bo]", "products: [{name: autocad, seats: 25}, {name: revit}]",
				"cloudCredits: {pool: 10, expires: 2027-06-30}", "supportEmail: cad-help@acme.example"),
		"people.yaml": userYAML("ada", "signingKeys: ['"+key+"']") + userYAML("bo", "previously: [bob]", "access: [{product: revit, until: 2027-01-31, reason: R}]"),
		"list.yaml":   "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec: {users: 'cy@acme.example, Cy, Lee', access: [autocad]}\n",
		"teams.yaml":  teamYAML("outer", "members: [ada]", "teams: [inner]", "access: [{product: autocad, from: 2026-12-01}]") + teamYAML("inner", "members: [bo]"),
		"empty.yaml":  "---\n---\n",
	}
}

// registerOf registers a tree, which must be valid.
func registerOf(t testing.TB, tree map[string]string) *Register {
	t.Helper()
	var files []*File
	var parsed []ParsedFile
	for _, path := range slices.Sorted(maps.Keys(tree)) {
		parts, errs := ParseParts(path, []byte(tree[path]), nil)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, p := range parts {
			files = append(files, p.File)
		}
		parsed = append(parsed, ParsedFile{Path: path, Parts: parts})
	}
	roster, errs := Resolve(files, today)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	return NewRegister(parsed, roster)
}

// A register that is packed and unpacked is the same.
func TestPackedRegister(t *testing.T) {
	r := registerOf(t, studio())
	u := Unpack(string(r.Pack(nil)))
	got := UnpackRegister(u)
	if !u.Whole() {
		t.Fatal("what was packed is not whole")
	}
	if !reflect.DeepEqual(r, got) {
		t.Errorf("unpacked:\n%+v\nwant:\n%+v", got, r)
	}
	for path := range r.files {
		if len(r.documents(path)) == 0 && path != "empty.yaml" {
			t.Errorf("%s has no documents", path)
		}
	}
}

// What is sealed is read whole or not at all: not with one byte less, or another one.
func TestSealedRegister(t *testing.T) {
	const mark = "a register\n"
	whole := Seal(registerOf(t, studio()).Pack([]byte(mark)))
	if u, sealed := Unseal(whole, mark); !sealed || UnpackRegister(u) == nil || !u.Whole() {
		t.Fatal("what was sealed is not whole")
	}
	for i := range whole {
		other := bytes.Clone(whole)
		other[i] ^= 0x20
		for what, content := range map[string][]byte{"cut": whole[:i], "flipped": other} {
			if _, sealed := Unseal(content, mark); sealed {
				t.Errorf("%s at %d: taken for good", what, i)
			}
		}
	}
}

// FuzzUnpackRegister: whatever stands in the place of a register is refused, or is one
// that is packed into as many bytes and unpacked from them the same.
func FuzzUnpackRegister(f *testing.F) {
	f.Add([]byte(""))
	f.Add((&Register{census: &Census{}}).Pack(nil))
	f.Add(registerOf(f, studio()).Pack(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		u := Unpack(string(data))
		r := UnpackRegister(u)
		if !u.Whole() {
			return
		}
		for path := range r.files {
			r.documents(path)
		}
		r.Things()
		packed := r.Pack(nil)
		again := Unpack(string(packed))
		if other := UnpackRegister(again); !again.Whole() || len(packed) != len(data) || !reflect.DeepEqual(r, other) {
			t.Fatalf("%q is taken for %+v, which is packed as %q", data, r, packed)
		}
	})
}

// Values that a field cannot hold, and what no program packs, are refused.
func TestUnpackRefuses(t *testing.T) {
	type small struct{ N int32 }
	for name, test := range map[string]struct {
		packed string
		into   any
	}{
		"a number too large":             {string(Pack(nil, int64(1)<<40)), new(small)},
		"a number longer than it is":     {"\x82\x00", new(int)},
		"a number without an end":        {strings.Repeat("\xff", 12), new(int)},
		"a boolean that is neither":      {"\x02", new(bool)},
		"a text cut short":               {"\x05abc", new(string)},
		"more elements than there is of": {"\x7f\x01a", new([]string)},
		"something left over":            {"\x01ab", new(string)},
	} {
		u := Unpack(test.packed)
		if u.Into(test.into); u.Whole() {
			t.Errorf("%s: taken for %+v", name, reflect.ValueOf(test.into).Elem())
		}
	}
}

// BenchmarkUnpackRegister reads the register of so many people, 1,000 a file.
func BenchmarkUnpackRegister(b *testing.B) {
	const people = 100_000
	tree := map[string]string{"firm.yaml": productYAML("autocad") + contractYAML("acme", "person-0", "products: [{name: autocad}, {name: revit}]") + productYAML("revit")}
	for from := 0; from < people; from += 1000 {
		var text, members strings.Builder
		for i := from; i < from+1000; i++ {
			text.WriteString("---\n" + person(i))
			fmt.Fprintf(&members, "person-%d, ", i)
		}
		tree[fmt.Sprintf("people/%d.yaml", from)] = text.String()
		tree[fmt.Sprintf("teams/%d.yaml", from)] = teamYAML(fmt.Sprint("t", from), "members: ["+members.String()+"]")
	}
	packed := string(registerOf(b, tree).Pack(nil))
	for b.Loop() {
		u := Unpack(packed)
		if UnpackRegister(u); !u.Whole() {
			b.Fatal("not whole")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*people), "ns/person")
	b.ReportMetric(float64(len(packed))/people, "B/person")
}
