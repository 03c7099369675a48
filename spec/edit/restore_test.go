package edit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"usher/spec"
)

// apart compares what two trees ask for, wherever it is written.
func apart(want, got *spec.Roster) string {
	return cmp.Diff(want, got, cmpopts.IgnoreTypes(spec.Origin{}), cmpopts.EquateEmpty())
}

func rosterOf(t interface {
	Helper()
	Fatalf(string, ...any)
}, files map[string][]byte) *spec.Roster {
	t.Helper()
	tr, err := Open(files, today)
	if err != nil {
		t.Fatalf("a tree of the test is not valid: %v", err)
	}
	return tr.roster
}

// commented is the organisation of these tests as it was, then gives the files
// that are otherwise since; "" removes.
func commented(since map[string]string) (then, now map[string][]byte) {
	then = map[string][]byte{"base.yaml": []byte(base), "teams/plotters.yaml": []byte(team), "people/ada.yaml": []byte(person("  access: [autocad, revit]\n"))}
	now = maps.Clone(then)
	for name, text := range since {
		if now[name] = []byte(text); text == "" {
			delete(now, name)
		}
	}
	return then, now
}

// TestRestore: each change since is undone, and nothing else: what people wrote
// since stands where the thing itself does.
func TestRestore(t *testing.T) {
	ada := person("  access: [autocad, revit]\n")
	for name, tt := range map[string]struct {
		since map[string]string
		want  map[string]string // files that are not as they were then; "" for none
	}{
		"nothing": {},
		"comments stay": {
			map[string]string{"people/ada.yaml": person("  # agreed with Max\n  access: [revit, autocad]   # both\n")},
			map[string]string{"people/ada.yaml": person("  # agreed with Max\n  access: [revit, autocad]   # both\n")},
		},
		"access in its place": {
			map[string]string{"people/ada.yaml": person("  access:   # agreed with Max\n    - autocad   # until the move\n    - {product: plot, reason: X}\n  suspended: true\n")},
			map[string]string{"people/ada.yaml": person("  access:   # agreed with Max\n    - autocad   # until the move\n    - revit\n")},
		},
		"a reordered team": {
			map[string]string{"teams/plotters.yaml": strings.Replace(team, "    # the night shift\n    - ada   # since May\n    - max", "    - max   # first\n    - ada", 1)},
			map[string]string{"teams/plotters.yaml": strings.Replace(team, "    # the night shift\n    - ada   # since May\n    - max", "    - max   # first\n    - ada", 1)},
		},
		"a person who went": {
			map[string]string{"people/ada.yaml": "", "teams/plotters.yaml": strings.Replace(team, "    - ada   # since May\n", "", 1)},
			map[string]string{"teams/plotters.yaml": strings.Replace(strings.Replace(team, "    - ada   # since May\n", "", 1), "    - max\n", "    - max\n    - ada\n", 1)},
		},
		"a person who came": {
			map[string]string{"people/bo.yaml": "apiVersion: usher/v1\nkind: User\nmetadata: {name: bo}\nspec: {email: bo@acme.example, firstName: Bo, lastName: Ek}\n"},
			nil,
		},
		"a person who moved": {
			map[string]string{"people/ada.yaml": "", "all.yaml": "# everybody\n\n" + strings.Replace(ada, "autocad, ", "", 1)},
			map[string]string{"people/ada.yaml": "", "all.yaml": "# everybody\n\n" + strings.Replace(ada, "[autocad, revit]", "[revit, autocad]", 1)},
		},
		"a person who was renamed": {
			map[string]string{
				"people/ada.yaml":     strings.Replace(person("  access: [autocad, revit]   # agreed\n  previously: [ada]   # married\n"), "{name: ada}", "{name: ada.king}", 1),
				"teams/plotters.yaml": strings.Replace(team, "- ada ", "- ada.king ", 1),
			},
			map[string]string{
				"people/ada.yaml":     person("  access: [autocad, revit]   # agreed\n"),
				"teams/plotters.yaml": strings.Replace(strings.Replace(team, "    - ada   # since May\n", "", 1), "    - max\n", "    - max\n    - ada\n", 1),
			},
		},
		"a contract": {
			map[string]string{"base.yaml": strings.NewReplacer(
				"seats: 3}   # three", "seats: 30}   # thirty", "    - name: plot\n", "    - name: plot\n      seats: 9\n",
				"softwareCoordinators: [max], ", "cloudCredits: {pool: 5}, ").Replace(base)},
			map[string]string{"base.yaml": strings.NewReplacer("# three", "# thirty",
				"softwareCoordinators: [max], products: [{name: training}]}", "products: [{name: training}], softwareCoordinators: [max]}").Replace(base)},
		},
		"one of several documents": {
			map[string]string{"base.yaml": strings.Replace(base, `{apiVersion: usher/v1, kind: Product, metadata: {name: plot}}`+"\n---\n", "", 1), "plot.yaml": "# ours\napiVersion: usher/v1\nkind: Product\nmetadata: {name: plot}\nspec: {title: Plotting}\n"},
			map[string]string{
				"base.yaml": strings.Replace(base, `{apiVersion: usher/v1, kind: Product, metadata: {name: plot}}`+"\n---\n", "", 1),
				"plot.yaml": "# ours\napiVersion: usher/v1\nkind: Product\nmetadata: {name: plot}\n",
			},
		},
		"fields that were not there": {
			map[string]string{"base.yaml": strings.Replace(base, `"metadata": {"name": "autocad"}}`, `"metadata": {"name": "autocad"}, "spec": {"downloads": [{"title": "a", "url": "https://a.example"}]}}`, 1)},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			then, now := commented(tt.since)
			want := map[string]string{}
			for name, data := range then {
				want[name] = string(data)
			}
			for name, text := range tt.want {
				if want[name] = text; text == "" {
					delete(want, name)
				}
			}
			tr, err := Open(now, today)
			if err != nil {
				t.Fatal(err)
			}
			if err := tr.Restore(then); err != nil {
				t.Fatal(err)
			}
			got := map[string]string{}
			for name, data := range tr.files {
				got[name] = string(data)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			roster, err := tr.Check()
			if err != nil {
				t.Fatal(err)
			}
			if diff := apart(rosterOf(t, then), roster); diff != "" {
				t.Errorf("it asks for something else (-then +restored):\n%s", diff)
			}
		})
	}
}

// TestRestoreLists: a list of people takes its earlier words, because an entry
// has no place of its own, and a person who left it for a manifest returns to it.
func TestRestoreLists(t *testing.T) {
	list := "# interns\napiVersion: usher/v1\nkind: UserList\nmetadata: {name: interns}\nspec:\n  users: |\n    bo@acme.example, Bo, Ek;\n    cy@acme.example, Cy, Lee;\n  access: [revit]\n"
	then, now := commented(map[string]string{
		"bo.yaml":      "apiVersion: usher/v1\nkind: User\nspec: {email: bo@acme.example, firstName: Bo, lastName: Ek}\n",
		"interns.yaml": strings.Replace(list, "    bo@acme.example, Bo, Ek;\n", "", 1),
	})
	then["interns.yaml"] = []byte(list)
	tr, err := Open(now, today)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Restore(then); err != nil {
		t.Fatal(err)
	}
	if got := string(tr.files["interns.yaml"]); got != list {
		t.Errorf("the list is\n%s", got)
	}
	if _, left := tr.files["bo.yaml"]; left {
		t.Error("the person still has a manifest")
	}
}

// TestRestoreOrder: downloads are offered in the order of the manifest, so their
// order is restored as well.
func TestRestoreOrder(t *testing.T) {
	product := func(titles ...string) []byte {
		text := "apiVersion: usher/v1\nkind: Product\nmetadata: {name: sketch}\nspec:\n  downloads:\n"
		for _, title := range titles {
			text += "    - {title: " + title + ", url: \"https://a.example/" + title + "\"}\n"
		}
		return []byte(text)
	}
	then, now := commented(nil)
	then["sketch.yaml"], now["sketch.yaml"] = product("b", "a", "c"), product("a", "b")
	tr, err := Open(now, today)
	if err != nil {
		t.Fatal(err)
	}
	if err := tr.Restore(then); err != nil {
		t.Fatal(err)
	}
	if got, want := string(tr.files["sketch.yaml"]), string(then["sketch.yaml"]); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// drawTree is an organisation at some time: people with access in some style, in
// some files, a team and a list of some of them.
func drawTree(t *rapid.T) map[string][]byte {
	files := map[string][]byte{}
	put := func(name, text string) {
		if len(files[name]) > 0 {
			text = "---\n" + text
		}
		files[name] = append(files[name], text...)
	}
	put("base.yaml", base)
	var names []string
	for _, who := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"ada", "bo", "cy", "di"}), func(s string) string { return s }).Draw(t, "people") {
		d := drawFile(t)
		name := who + rapid.SampledFrom([]string{"", "", ".x"}).Draw(t, "name")
		text := strings.NewReplacer("{name: ada}", "{name: "+name+"}", "ada@acme.example", who+"@acme.example", "[a.b]", "["+who+".b]").Replace(d.before + d.list + d.after)
		put(rapid.SampledFrom([]string{"a.yaml", "b.yaml", who + ".yaml"}).Draw(t, "file"), text)
		names = append(names, name)
	}
	if rapid.Bool().Draw(t, "team") && len(names) > 0 {
		members := rapid.SliceOfNDistinct(rapid.SampledFrom(names), 1, len(names), func(s string) string { return s }).Draw(t, "members")
		put("team.yaml", "apiVersion: usher/v1\nkind: Team\nmetadata: {name: t}\nspec:\n  members: # who\n    - "+strings.Join(members, "\n    - ")+"\n  access: [plot]\n")
	}
	if rapid.Bool().Draw(t, "list") {
		entries := rapid.SliceOfNDistinct(rapid.IntRange(1, 5), 1, 4, func(i int) int { return i }).Draw(t, "entries")
		text := "apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l}\nspec:\n  users: |\n"
		for _, i := range entries {
			text += fmt.Sprintf("    n%d@acme.example, N, Lee;\n", i)
		}
		put(rapid.SampledFrom([]string{"a.yaml", "list.yaml"}).Draw(t, "list's file"), text)
	}
	return files
}

// TestRestoreProperty: whatever stood then and stands now, the restored tree asks
// for what was asked then; and restored again, not a byte differs.
func TestRestoreProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		then, now := drawTree(rt), drawTree(rt)
		seats := func(files map[string][]byte) {
			files["base.yaml"] = []byte(strings.Replace(string(files["base.yaml"]), "seats: 3", "seats: 300", 1))
		}
		seats(then)
		seats(now)
		want := rosterOf(rt, then)
		tr, err := Open(now, today)
		if err != nil {
			rt.Fatalf("a tree of the test is not valid: %v", err)
		}
		if err := tr.Restore(then); err != nil {
			rt.Fatalf("%v\nthen:\n%s\nnow:\n%s", err, show(then), show(now))
		}
		got, err := tr.Check()
		if err != nil {
			rt.Fatalf("the restored tree is not valid: %v\nthen:\n%s\nnow:\n%s\nrestored:\n%s", err, show(then), show(now), show(tr.files))
		}
		if diff := apart(want, got); diff != "" {
			rt.Fatalf("(-then +restored):\n%s\nthen:\n%s\nnow:\n%s\nrestored:\n%s", diff, show(then), show(now), show(tr.files))
		}
		again, err := Open(tr.files, today)
		if err != nil {
			rt.Fatal(err)
		}
		if err := again.Restore(then); err != nil || len(again.Changes()) > 0 {
			rt.Fatalf("restored again: %v, %s", err, changed(again.Changes()))
		}
	})
}

func show(files map[string][]byte) string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(&b, "-- %s --\n%s", name, files[name])
	}
	return b.String()
}
