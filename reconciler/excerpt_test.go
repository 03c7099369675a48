package reconciler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/reconciler"
	"usher/spec"
)

// town is a tree in which every manifest has its place, so that most stay as they
// are from one edit to the next. Now and then an edit is careless.
type town struct {
	d      dice
	people map[string]*citizen
	order  []int // in which they stand in their files
	teams  map[string]*club
	deals  map[string]*deal
	titles map[string]string
	remark bool // a line above contracts and products
}

type citizen struct {
	name, email, last, former string
	access                    []string
	key, generation           int
	suspended                 bool
	listed                    bool
	guests                    int  // people with a document each above
	note                      bool // a line of its own moves what comes after it
}

type club struct {
	members, teams, access []string
	note                   bool // a line of its own moves what comes after it
	long                   bool // each member has a line
}

type deal struct {
	manager     string
	coordinator string
	offers      map[string]int // product -> seats; 0: unlimited
}

var goods = []string{"cad", "cloud", "render"}

const citizens, clubs = 14, 5

func newTown(d dice) *town {
	t := &town{d: d, people: map[string]*citizen{}, teams: map[string]*club{}, deals: map[string]*deal{}, titles: map[string]string{}}
	for i := range citizens {
		name := fmt.Sprintf("p%d", i)
		p := &citizen{name: name, email: name + "@acme.example", last: "Lee", listed: i%5 == 4}
		if p.listed {
			p.name = p.email
		}
		t.people[name] = p
		t.order = append(t.order, i)
	}
	for i := range clubs {
		t.teams[fmt.Sprintf("t%d", i)] = &club{}
	}
	t.deals["north"] = &deal{manager: "p0", offers: map[string]int{"cad": 0, "cloud": 9}}
	t.deals["south"] = &deal{manager: "p1", offers: map[string]int{"render": 6}}
	return t
}

func (t *town) citizen() *citizen { return t.people[fmt.Sprintf("p%d", t.d(citizens))] }

func (t *town) club() (int, *club) {
	i := t.d(clubs)
	return i, t.teams[fmt.Sprintf("t%d", i)]
}

func (t *town) good() string {
	text := goods[t.d(len(goods))]
	switch t.d(8) {
	case 0:
		return fmt.Sprintf("{product: %s, until: 2026-12-%02d}", text, 1+t.d(20))
	case 1:
		return fmt.Sprintf("{product: %s, from: 2026-11-%02d, reason: R-%d}", text, 1+t.d(28), t.d(3))
	}
	return text
}

// edit does one thing to the town.
func (t *town) edit() {
	p := t.citizen()
	_, c := t.club()
	switch t.d(29) {
	case 0, 1:
		p.access = toggle(p.access, t.good())
	case 2, 3:
		c.members = toggle(c.members, t.citizen().name)
	case 4, 5:
		c.access = toggle(c.access, t.good())
	case 6:
		i, c := t.club()
		c.teams = toggle(c.teams, fmt.Sprintf("t%d", min(clubs-1, i+1+t.d(2)))) // the last has itself within: a cycle
	case 7:
		p.last = fmt.Sprintf("Lee%c", 'a'+t.d(3))
	case 8:
		p.email = fmt.Sprintf("p%d@acme.example", t.d(citizens+10))
		if p.listed {
			t.replace(p.name, p.email)
			p.name = p.email
		}
	case 9:
		p.suspended = !p.suspended
	case 10:
		p.former, p.name = p.name, fmt.Sprintf("q%d", t.d(30))
		t.replace(p.former, p.name)
	case 11:
		p.former = ""
	case 12:
		p.former = t.citizen().name
	case 13:
		p.key = t.d(5)
	case 14:
		p.name = fmt.Sprintf("q%d", t.d(30)) // who refers to them is not told
	case 15:
		t.deals["north"].offers["cloud"] = t.d(12)
	case 16:
		t.deals["south"].offers["render"] = t.d(8)
	case 17:
		t.deals["south"].manager = t.citizen().name
	case 18:
		t.deals["north"].coordinator = []string{"", t.citizen().name}[t.d(2)]
	case 19:
		t.titles[goods[t.d(len(goods))]] = fmt.Sprintf("Title %d", t.d(5))
	case 20:
		c.note = !c.note
	case 22, 23:
		p.guests = t.d(3)
	case 24:
		p.note = !p.note
	case 25:
		i, j := t.d(citizens), t.d(citizens)
		t.order[i], t.order[j] = t.order[j], t.order[i]
	case 26:
		c.long = !c.long
	case 27:
		t.remark = !t.remark
	case 21:
		t.deals["south"].offers = map[string]int{"render": 6, goods[t.d(len(goods))]: t.d(20)}
	case 28:
		p.generation = t.d(4)
	}
}

// replace renames somebody wherever others refer to them.
func (t *town) replace(was, is string) {
	for _, c := range t.teams {
		for i := range c.members {
			if c.members[i] == was {
				c.members[i] = is
			}
		}
	}
	for _, d := range t.deals {
		if d.manager == was {
			d.manager = is
		}
		if d.coordinator == was {
			d.coordinator = is
		}
	}
}

func (t *town) clone() *town {
	c := newTown(t.d)
	for key, p := range t.people {
		q := *p
		q.access = slices.Clone(p.access)
		c.people[key] = &q
	}
	for key, k := range t.teams {
		c.teams[key] = &club{slices.Clone(k.members), slices.Clone(k.teams), slices.Clone(k.access), k.note, k.long}
	}
	for key, d := range t.deals {
		c.deals[key] = &deal{d.manager, d.coordinator, maps.Clone(d.offers)}
	}
	c.titles, c.order, c.remark = maps.Clone(t.titles), slices.Clone(t.order), t.remark
	return c
}

// tree writes the manifests, each in its place.
func (t *town) tree() tree {
	f := tree{}
	if t.remark {
		f["firm.yaml"] = "# what was bought\n---\n"
	}
	for _, i := range t.order {
		p := t.people[fmt.Sprintf("p%d", i)]
		path := fmt.Sprintf("people/%d.yaml", i%4)
		if p.listed && p.former == "" && p.key == 0 && p.generation == 0 && !p.suspended && p.name == p.email {
			path = "people/lists.yaml"
			f[path] += p.list(i)
			continue
		}
		for n := range p.guests {
			f[path] += user(fmt.Sprintf("guest%d-%d", i, n), "access: [cad]")
		}
		f[path] += p.manifest()
	}
	for i := range clubs {
		c := t.teams[fmt.Sprintf("t%d", i)]
		lines := []string{c.roll(), "teams: [" + strings.Join(c.teams, ", ") + "]", "access: [" + strings.Join(c.access, ", ") + "]"}
		if c.note {
			lines = slices.Insert(lines, 1, "# who is in it")
		}
		f["teams.yaml"] += team(fmt.Sprintf("t%d", i), lines...)
	}
	for _, name := range []string{"north", "south"} {
		f["firm.yaml"] += t.deals[name].manifest(name)
	}
	for _, name := range goods {
		f["firm.yaml"] += strings.Replace(product(name), "---\n", "spec: {title: "+max(t.titles[name], name)+"}\n---\n", 1)
	}
	return f
}

// roll lists the members of a team.
func (c *club) roll() string {
	if !c.long || len(c.members) == 0 {
		return "members: [" + strings.Join(c.members, ", ") + "]"
	}
	return "members:\n    - " + strings.Join(c.members, "\n    - ")
}

// list declares somebody and their guests as a list, one a line.
func (p *citizen) list(i int) string {
	entries := ""
	for n := range p.guests {
		entries += fmt.Sprintf("    y%d-%d@acme.example, Y, Lee;\n", i, n)
	}
	entries += fmt.Sprintf("    %s, P%s, %s;\n    x%d@acme.example, X, Lee", p.email, strings.Repeat("p", 1+i%2), p.last, i)
	return fmt.Sprintf("apiVersion: usher/v1\nkind: UserList\nmetadata: {name: l%d}\nspec:\n  users: |\n%s\n  access: [%s]\n---\n", i, entries, strings.Join(p.access, ", "))
}

func (p *citizen) manifest() string {
	lines := []string{"access: [" + strings.Join(p.access, ", ") + "]"}
	if p.note {
		lines = slices.Insert(lines, 0, "# who is meant")
	}
	if p.suspended {
		lines = append(lines, "suspended: true")
	}
	if p.generation > 0 {
		lines = append(lines, fmt.Sprintf("invitation: {generation: %d}", p.generation))
	}
	if p.former != "" {
		lines = append(lines, "previously: ["+p.former+"]")
	}
	if p.key > 0 {
		lines = append(lines, fmt.Sprintf("signingKeys: ['%s']", signingKey(fmt.Sprint(p.key))))
	}
	return who(p.name, p.email, "P", p.last, lines...)
}

func (d *deal) manifest(name string) string {
	var offers []string
	for _, product := range slices.Sorted(maps.Keys(d.offers)) {
		offer := "{name: " + product
		if seats := d.offers[product]; seats > 0 {
			offer += fmt.Sprintf(", seats: %d", seats)
		}
		offers = append(offers, offer+"}")
	}
	lines := []string{"contractManager: " + d.manager, "products: [" + strings.Join(offers, ", ") + "]"}
	if d.coordinator != "" {
		lines = append(lines, "softwareCoordinators: ["+d.coordinator+"]")
	}
	return contract(name, lines...)
}

// TestExcerptEqualsWhole: a controller that remembers what it applied, and looks at
// those alone whom an edit concerns, plans and refuses in the same words as one
// that compares everybody.
func TestExcerptEqualsWhole(t *testing.T) {
	valid, excerpts := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		town := newTown(drawn(rt))
		w := openWorld(rt, t.TempDir(), town.tree())
		w.apply()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			before := town.clone()
			for range 1 + town.d(2) {
				town.edit()
			}
			w.tree = town.tree()
			if town.d(4) == 0 {
				w.days([]int{1, 2, 20, 90}[town.d(4)])
			}
			was := w.ctl.Excerpts()
			if !w.sameAsWhole() {
				town = before
				continue
			}
			valid++
			if w.ctl.Excerpts() > was {
				excerpts++
			}
		}
		w.tree = town.tree()
		if w.sameAsWhole() {
			w.sameAsNew(t.TempDir())
		}
		w.settled()
	})
	if excerpts < valid/2 {
		t.Errorf("of %d edits %d were applied from excerpts", valid, excerpts)
	}
	t.Logf("of %d valid edits %d were applied from excerpts", valid, excerpts)
}

// sameAsWhole applies the tree, approving what is held, and compares with what a
// controller without a memory says. It reports whether the tree is valid.
func (w *world) sameAsWhole() bool {
	w.Helper()
	stranger := &reconciler.Controller{DB: w.db, Source: w, Compose: plain{}, Now: w.ctl.Now, Limits: w.ctl.Limits, Adopt: w.ctl.Adopt}
	want, wantErr := stranger.Plan(context.Background())
	truth := w.truth()
	var due, sent []string
	for _, n := range reconciler.Calendar(truth, truth.CalendarDay, spec.DayOf(w.now)) {
		due = append(due, told(&n))
	}
	out, err := w.tryApply()
	if out.Calendar != nil {
		sent = w.mailed(out.Calendar.Number)
	}
	if diff := cmp.Diff(due, sent); diff != "" {
		w.Fatalf("by the calendar (-of everybody +told):\n%s", diff)
	}
	if !w.plannedAlike(want, wantErr, out.Plan, err) {
		return false
	}
	if held := (*reconciler.HeldError)(nil); errors.As(err, &held) {
		w.approve(held.Plan.ID)
		w.apply()
	} else if err != nil {
		w.Fatal(err)
	}
	w.sameLines(stranger)
	return true
}

// plannedAlike compares the plan of an excerpt, or the errors instead of it, with
// those of the whole. It reports whether there is one.
func (w *world) plannedAlike(want *reconciler.Plan, wantErr error, got *reconciler.Plan, err error) bool {
	w.Helper()
	if invalid := (spec.Errors)(nil); errors.As(wantErr, &invalid) {
		if diff := cmp.Diff(wantErr, err); diff != "" {
			w.Fatalf("errors (-whole +excerpt):\n%s", diff)
		}
		return false
	}
	if wantErr != nil || got == nil {
		w.Fatalf("planned with %v, applied with %v", wantErr, err)
	}
	if diff := cmp.Diff(inWords(w, want), inWords(w, got)); diff != "" {
		w.Fatalf("plan (-whole +excerpt):\n%s", diff)
	}
	return true
}

// inWords writes all that a plan says.
func inWords(t tester, p *reconciler.Plan) []string {
	text, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return append(strings.Split(string(text), "\n"), notices(p)...)
}
