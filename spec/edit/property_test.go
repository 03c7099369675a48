package edit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/spec"
)

func drawAccess(t *rapid.T) Access {
	a := Access{Product: rapid.SampledFrom([]string{"autocad", "revit", "plot"}).Draw(t, "product"), Span: spec.AllTime}
	if rapid.Bool().Draw(t, "named") {
		a.Contract = "acme"
	}
	if rapid.Bool().Draw(t, "begins") {
		a.From = today + spec.Day(rapid.IntRange(-5, 5).Draw(t, "from"))
	}
	if rapid.Bool().Draw(t, "ends") {
		a.Until = max(a.From, today) + spec.Day(rapid.IntRange(0, 5).Draw(t, "until"))
	}
	a.Reason = rapid.SampledFrom([]string{"", "CAD-1", "it's: so # not", `a "b" \`, "三浦 ok", "null", "- x", "2027-01-01", "1e3"}).Draw(t, "reason")
	return a
}

// drawn is an access list in a style of its own.
type drawn struct {
	before, list, after string // of ada's file
	access              []Access
}

func drawFile(t *rapid.T) drawn {
	var d drawn
	d.access = rapid.SliceOfN(rapid.Custom(drawAccess), 0, 5).Draw(t, "has")
	d.before = person(rapid.SampledFrom([]string{"", "\n", "  # comment\n", "  suspended: false\n"}).Draw(t, "before"))
	d.after = rapid.SampledFrom([]string{"", "\n# end\n", "  previously: [a.b]   # once\n", "---\n# nothing\n", "\n  # deep\n\n"}).Draw(t, "after")
	comment := func() string {
		return rapid.SampledFrom([]string{"", "", "   # why", " # ] } , - 'x\""}).Draw(t, "comment")
	}
	switch style := rapid.SampledFrom([]string{"flow", "block", "indentless", "lines"}).Draw(t, "style"); {
	case len(d.access) == 0 && rapid.Bool().Draw(t, "absent"):
	case len(d.access) == 0 || style == "flow":
		d.list = "  access: [" + strings.Join(drawItems(t, d.access), rapid.SampledFrom([]string{",", ", ", " ,  "}).Draw(t, "comma")) + "]" + comment() + "\n"
	case style == "lines":
		d.list = "  access: [" + comment() + "\n"
		for i, item := range drawItems(t, d.access) {
			d.list += "    " + item
			if i+1 < len(d.access) || rapid.Bool().Draw(t, "trailing comma") {
				d.list += ","
			}
			d.list += comment() + "\n"
		}
		d.list += "  ]" + comment() + "\n"
	default:
		indent := map[string]string{"block": "    ", "indentless": "  "}[style]
		d.list = "  access:" + comment() + "\n"
		for i, item := range drawItems(t, d.access) {
			d.list += rapid.SampledFrom([]string{"", "", "\n", indent + "# note\n"}).Draw(t, "between")
			if m := d.access[i]; rapid.Bool().Draw(t, "block item") && m.Reason != "" {
				fold := rapid.SampledFrom([]string{" ", " >-\n" + indent + "    "}).Draw(t, "fold")
				reason := Text(m.Reason).written(0)
				if fold != " " {
					reason = m.Reason
				}
				item = "product: " + m.Product + comment() + "\n"
				m.Product, m.Reason = "", ""
				for _, f := range m.item(-1).fields[1:] {
					item += indent + "  " + f.name + ": " + f.value.written(0) + comment() + "\n"
				}
				d.list += indent + "- " + item + indent + "  reason:" + fold + reason + "\n"
				continue
			}
			d.list += indent + rapid.SampledFrom([]string{"- ", "-   "}).Draw(t, "dash") + item + comment() + "\n"
		}
	}
	return d
}

func drawItems(t *rapid.T, access []Access) []string {
	items := make([]string, len(access))
	for i, a := range access {
		items[i] = a.item(-1).written(rapid.Bool().Draw(t, "json"))
	}
	return items
}

// TestAccessProperty: in whatever style a list is written, the edit means what
// was asked; every byte before and after the list is what it was; asking again
// changes nothing; what was wanted first can be had back.
func TestAccessProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawFile(rt)
		lineEnds := rapid.SampledFrom([]func(string) string{strings.Clone, crlf}).Draw(rt, "line ends")
		before, list, after := lineEnds(d.before), lineEnds(d.list), lineEnds(d.after)
		tr, err := Open(map[string][]byte{"base.yaml": []byte(base), "ada.yaml": []byte(before + list + after)}, today)
		if err != nil {
			rt.Fatalf("the drawn file is not valid: %v\n%s", err, before+list+after)
		}
		if own, err := tr.Own("ada"); err != nil || !sameAccess(own, d.access) {
			rt.Fatalf("read %v, %v, written %v\n%s", own, err, d.access, list)
		}
		want := rapid.SliceOfN(rapid.Custom(drawAccess), 0, 5).Draw(rt, "wanted")
		want = append(want, rapid.SliceOfN(rapid.SampledFrom(append(d.access, Access{Product: "plot", Span: spec.AllTime})), 0, 3).Draw(rt, "kept")...)
		if err := tr.SetAccess("ada", want); err != nil {
			rt.Fatalf("%v\n%s", err, list)
		}
		edited := string(tr.files["ada.yaml"])
		if own, _ := tr.Own("ada"); !sameAccess(own, want) {
			rt.Fatalf("asked for %v, got %v\n%s", want, own, edited)
		}
		if list != "" && (!strings.HasPrefix(edited, before) || !strings.HasSuffix(edited, after)) || list == "" && !inserted(before+after, edited) {
			rt.Fatalf("bytes outside the list changed:\n%s\nfrom:\n%s", edited, before+list+after)
		}
		if strings.Count(edited, "\r") != strings.Count(edited, "\n") && lineEnds("\n") != "\n" {
			rt.Fatalf("line ends of two kinds: %q", edited)
		}
		if err := tr.SetAccess("ada", want); err != nil || string(tr.files["ada.yaml"]) != edited {
			rt.Fatalf("asked again: %v\n%s\nfrom:\n%s", err, tr.files["ada.yaml"], edited)
		}
		if err := tr.SetAccess("ada", d.access); err != nil {
			rt.Fatalf("back again: %v\n%s", err, edited)
		}
		if own, _ := tr.Own("ada"); !sameAccess(own, d.access) {
			rt.Fatalf("back again: %v, want %v", own, d.access)
		}
	})
}

// inserted reports whether text came into one place of a file and nothing went.
func inserted(first, edited string) bool {
	if len(edited) < len(first) {
		return false
	}
	from, to := 0, 0
	for from < len(first) && from < len(edited) && first[from] == edited[from] {
		from++
	}
	for to < len(first)-from && first[len(first)-1-to] == edited[len(edited)-1-to] {
		to++
	}
	return from+to == len(first)
}

// sameAccess compares lists without regard to order: what is kept keeps its place.
func sameAccess(a, b []Access) bool {
	words := func(all []Access) []string {
		var w []string
		for _, x := range all {
			w = append(w, fmt.Sprintf("%+v", x))
		}
		slices.Sort(w)
		return w
	}
	return slices.Equal(words(a), words(b))
}

// TestUndoProperty: what was added at the end and is taken out again leaves the
// first bytes.
func TestUndoProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d := drawFile(rt)
		first := d.before + d.list + d.after
		tr, err := Open(map[string][]byte{"base.yaml": []byte(base), "ada.yaml": []byte(first)}, today)
		if err != nil {
			rt.Fatal(err)
		}
		added := drawAccess(rt)
		if slices.ContainsFunc(d.access, func(a Access) bool { return tr.sameSeat(a, added) }) || d.list != "" && len(d.access) == 0 {
			rt.Skip("it would alter what is there")
		}
		if err := tr.SetAccess("ada", append(slices.Clone(d.access), added)); err != nil {
			rt.Fatal(err)
		}
		if err := tr.SetAccess("ada", d.access); err != nil {
			rt.Fatal(err)
		}
		got := string(tr.files["ada.yaml"])
		lines := strings.Contains(d.list, "[ ") || strings.Contains(d.list, "[\n") // a comma may stay behind within brackets
		if lines || strings.Contains(d.list, "access: [   #") {
			got, first = strings.ReplaceAll(got, ",", ""), strings.ReplaceAll(first, ",", "")
		}
		if diff := cmp.Diff(first, got); diff != "" {
			rt.Fatalf("after undoing it (-want +got):\n%s", diff)
		}
		if _, err := tr.AddUser("ada.yaml", User{Name: "bo", Email: "bo@acme.example", FirstName: "Bo", LastName: "Ek"}); err != nil {
			rt.Fatal(err)
		}
		if err := tr.Remove("User", "bo"); err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(got, strings.ReplaceAll(string(tr.files["ada.yaml"]), "\x00", "")); diff != "" && !lines {
			rt.Fatalf("after adding and removing a person (-want +got):\n%s", diff)
		}
	})
}

// FuzzSetAccess: on whatever file spec accepts, giving each person in it other
// access either fails and changes nothing, or means what was asked, and the file
// is valid.
func FuzzSetAccess(f *testing.F) {
	examples, _ := filepath.Glob("../../examples/*/*/*.yaml")
	for _, path := range examples {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, "revit", "a reason")
	}
	f.Add([]byte(person("  access: [product: plot, {product: revit, reason: \"a\\\n   b\"}]\n")), "plot", "it's")
	f.Add([]byte(person("  access:\n  - {product: plot, reason: >2-\n    folded\n\n    here}\n")), "autocad", "x: y")
	f.Add([]byte(person("  access:\n  - product: plot\n    reason: |2-\n        literal\n  - plot\n")), "autocad", "#")
	f.Fuzz(func(t *testing.T, data []byte, product, reason string) {
		file, errs := spec.Parse("f.yaml", data)
		if len(errs) > 0 {
			return
		}
		tr, err := Open(map[string][]byte{"f.yaml": data}, today)
		if err != nil {
			// References and seats are no matter here: only what the file says of people.
			roster, _ := spec.Resolve([]*spec.File{file}, today)
			tr = &Tree{today: today, roster: roster, before: map[string][]byte{"f.yaml": data}, files: map[string][]byte{"f.yaml": data},
				parsed: map[string]*spec.File{"f.yaml": file}, homes: map[home]string{}}
			tr.settle()
		}
		want := []Access{{Product: product, Span: spec.AllTime, Reason: reason}, {Product: "plot", Span: spec.Span{From: today, Until: today}}}
		for i := range tr.roster.Users {
			name := tr.roster.Users[i].Name
			before := bytes.Clone(tr.files["f.yaml"])
			err := tr.SetAccess(name, want)
			after := tr.files["f.yaml"]
			var refused *RefusedError
			switch {
			case err == nil:
				if own, err := tr.Own(name); err != nil || !sameAccess(own, want) {
					t.Fatalf("%s: asked for %v, got %v, %v\n%s", name, want, own, err, after)
				}
			case !bytes.Equal(before, after):
				t.Fatalf("%s: %v, and the file changed:\n%s", name, err, after)
			case !errors.As(err, &refused) && !errors.Is(err, ErrElsewhere) && !errors.Is(err, ErrByHand) && !errors.Is(err, ErrUnknown):
				t.Fatalf("%s: %v", name, err)
			}
		}
	})
}
