package reconciler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// scribe composes messages that tests can read, those to stewards too.
type scribe struct{ plain }

func (s scribe) Compose(n *reconciler.Notice, stamp reconciler.Stamp) ([]byte, error) {
	if n.Report == nil {
		return s.plain.Compose(n, stamp)
	}
	return fmt.Appendf(nil, "Message-ID: <%s>\r\n\r\n%s to %s:%s", stamp.MessageID, n.Kind, n.To, reported(n.Report)), nil
}

// reported writes what a report says on one line.
func reported(r *reconciler.Report) string {
	var b strings.Builder
	for _, l := range r.Lapsed {
		fmt.Fprintf(&b, " %s%v", l.Name, l.Contracts)
	}
	if h := r.Held; h != nil {
		for _, rule := range h.Rules {
			fmt.Fprintf(&b, " %s", strings.TrimSpace(rule.Rule+" "+rule.Scope))
		}
		fmt.Fprintf(&b, " others %d changes %d common %d %v", h.Others, h.Changes, h.Common, h.Release)
	}
	for _, l := range r.Refused {
		fmt.Fprintf(&b, " %s %s", l.Place, l.Message)
	}
	for _, l := range r.Undelivered {
		fmt.Fprintf(&b, " %s %s %s", l.Kind, l.To, l.Error)
	}
	for _, l := range r.Seats {
		fmt.Fprintf(&b, " %s/%s %d of %d", l.Contract, l.Title, l.Used, l.Of)
	}
	for _, l := range r.Terms {
		fmt.Fprintf(&b, " %s until %s, %d left", l.Contract, l.Until, l.Left)
	}
	return b.String()
}

// office is a world with stewards who read what they are told.
type office struct {
	*world
	read int64 // the last message read
}

// twoFirms is ada's and grace's design, and eve's plant, of which none knows the
// other's; al has no access at all.
func twoFirms() tree {
	f := firm()
	f["firm.yaml"] += contract("plant", "contractManager: eve", "products: [{name: pump, seats: 10}]") + product("pump")
	f["people.yaml"] += user("eve") + user("mo", "access: [pump]") + user("al")
	return f
}

// newOffice opens an office in which everyone's account is active.
func newOffice(t *testing.T, manifests tree) *office {
	t.Helper()
	return furnish(newWorld(t, manifests))
}

func furnish(w *world) *office {
	w.Helper()
	w.ctl.Compose = scribe{}
	w.ctl.Adopt = true
	w.apply()
	w.ctl.Adopt = false
	return &office{world: w}
}

// round applies the tree, whatever comes of it, tells the stewards ten times, and
// returns what they were told. A moment passes, as it does.
func (o *office) round() []string {
	o.Helper()
	o.now = o.now.Add(time.Millisecond)
	owner := o.own()
	defer owner.Close()
	out, applyErr := o.ctl.Apply(context.Background(), owner, "")
	for range 10 {
		if _, err := o.ctl.TellStewards(context.Background(), owner, out, applyErr); err != nil {
			o.Fatalf("telling stewards: %v", err)
		}
	}
	return o.letters()
}

// stewardKinds are the kinds of messages that have a report.
var stewardKinds = []reconciler.NoticeKind{
	reconciler.NoticeExpired, reconciler.NoticeHeld, reconciler.NoticeRefused, reconciler.NoticeUndeliverable,
	reconciler.NoticeSeats, reconciler.NoticeTerm,
}

// letters returns what stewards were told since it was last called.
func (o *office) letters() []string {
	o.Helper()
	list, err := o.db.Messages(context.Background(), state.MessageQuery{})
	if err != nil {
		o.Fatal(err)
	}
	var said []string
	for _, m := range list {
		if m.ID <= o.read || !slices.Contains(stewardKinds, reconciler.NoticeKind(m.Kind)) {
			continue
		}
		full, err := o.db.Message(context.Background(), m.ID)
		if err != nil {
			o.Fatal(err)
		}
		_, body, _ := strings.Cut(string(full.Body), "\r\n\r\n")
		said = append(said, body)
		if a, err := o.db.Account(context.Background(), strings.TrimSuffix(m.To, "@acme.example")); err != nil || a.ID != m.Account {
			o.Errorf("message %s is to account %q, want that of %s", m.MessageID, m.Account, m.To)
		}
	}
	if len(list) > 0 {
		o.read = list[len(list)-1].ID
	}
	return said
}

// expect compares what stewards were told, each line by what it begins with.
func (o *office) expect(when string, want ...string) {
	o.Helper()
	got := o.round()
	equalLetters(o, when, want, got)
}

func equalLetters(t tester, when string, want, got []string) {
	t.Helper()
	if len(want) != len(got) {
		t.Fatalf("%s: told\n  %s\nwant\n  %s", when, strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("%s: told %q, want %q", when, got[i], want[i])
		}
	}
}

// holders is people with access to a product.
func holders(product string, n int) (manifests string) {
	for i := range n {
		manifests += user(fmt.Sprintf("%s-%02d", product, i), "access: ["+product+"]")
	}
	return manifests
}

// "Who is told": a plan held, once on entering, then daily, about their contracts.
func TestStewardsHearOfAHold(t *testing.T) {
	f := twoFirms()
	f["plant.yaml"] = holders("pump", 8)
	o := newOffice(t, f)
	o.expect("at first")
	full := o.tree["plant.yaml"]
	delete(o.tree, "plant.yaml")
	id := o.plan().ID
	held := "held to eve@acme.example: access removals others 0 changes 16 common 0 [usher approve " + id + "]"
	o.expect("entering", held)
	o.now = o.now.Add(24*time.Hour - time.Second)
	o.expect("within a day")
	o.now = o.now.Add(time.Second)
	o.expect("a day later", held)
	o.now = o.now.Add(30 * time.Minute)
	o.tree["plant.yaml"] = user("pump-00", "access: [pump]")
	o.expect("another plan", "held to eve@acme.example: access removals others 0 changes 14 common 0")
	o.tree["plant.yaml"] = full
	o.expect("nothing is held")
	delete(o.tree, "plant.yaml")
	o.expect("held again", held)
	o.tree["plant.yaml"] = full
	o.expect("nothing is held any more")
	delete(o.tree, "plant.yaml")
	o.expect("the same plan comes back", held)
	o.approve(id)
	o.expect("approved")
	if got := len(o.truth().Roster.Users); got != 6 {
		t.Errorf("%d users after approval, want 6", got)
	}
}

// A steward is told of the rules about their contracts and those about everyone,
// and how many others there are.
func TestStewardsHearOfRulesAboutTheirContracts(t *testing.T) {
	for _, test := range []struct {
		name string
		edit func(*world)
		want []string
	}{
		{"a handover of the one, a grant under the other", func(w *world) {
			w.edit("firm.yaml", "contractManager: eve", "contractManager: mo")
			w.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cad, cloud]"))
		}, []string{
			"held to ada@acme.example: others 1 changes 1 common 0",
			"held to eve@acme.example: handover plant others 0 changes 4 common 0",
			"held to grace@acme.example: others 1 changes 1 common 0",
		}},
		{"a handover alone", func(w *world) {
			w.edit("firm.yaml", "contractManager: eve", "contractManager: mo")
		}, []string{"held to eve@acme.example: handover plant others 0 changes 4 common 0"}},
		{"a new contract is for contract managers", func(w *world) {
			w.tree["new.yaml"] = contract("rail", "contractManager: al", "products: [{name: cloud}]")
			w.edit("firm.yaml", "{name: cloud}]", "{name: cloud, seats: 3}]")
		}, []string{
			"held to ada@acme.example: new-contract rail others 0 changes 1 common 0",
			"held to eve@acme.example: new-contract rail others 0 changes 0 common 0",
			"held to grace@acme.example: others 1 changes 1 common 0",
		}},
		{"changes that concern no contract are told to all", func(w *world) {
			for i := range 12 {
				w.tree["people.yaml"] += user(fmt.Sprintf("new-%d", i))
			}
			w.ctl.Limits.Mail = 5
		}, []string{
			"held to ada@acme.example: mail others 0 changes 0 common 12",
			"held to eve@acme.example: mail others 0 changes 0 common 12",
			"held to grace@acme.example: mail others 0 changes 0 common 12",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOffice(t, twoFirms())
			test.edit(o.world)
			for _, c := range changes(o.plan()) {
				t.Log(c)
			}
			o.expect("held", test.want...)
		})
	}
}

// "Who is told": manifests refused, once a digest, to all stewards.
func TestStewardsHearOfRefusedManifests(t *testing.T) {
	o := newOffice(t, twoFirms())
	sound := o.tree["people.yaml"]
	o.edit("people.yaml", "firstName: Bo", "firstNam: Bo")
	refused := func(what string) []string {
		return []string{
			"refused to ada@acme.example: people.yaml:" + what, "refused to eve@acme.example: people.yaml:" + what,
			"refused to grace@acme.example: people.yaml:" + what,
		}
	}
	o.expect("broken", refused("23:")...)
	o.days(3)
	o.expect("still broken")
	broken := o.tree["people.yaml"]
	o.edit("people.yaml", "firstName: Mo", "firstNam: Mo")
	o.expect("broken otherwise", refused("23:")...)
	o.tree["people.yaml"] = broken
	o.expect("half mended", refused("23:")...)
	o.tree["people.yaml"] = sound
	o.expect("mended")
	o.tree["people.yaml"] = broken
	o.expect("broken again", refused("23:")...)
}

// Manifests that could not be read are not manifests that were refused.
func TestStewardsDoNotHearOfFaultyReading(t *testing.T) {
	o := newOffice(t, twoFirms())
	owner := o.own()
	defer owner.Close()
	unreadable := spec.Errors{{File: "people.yaml", Code: "unreadable", Reason: "permission denied"}}
	for _, out := range []*reconciler.Outcome{nil, {}} {
		if _, err := o.ctl.TellStewards(context.Background(), owner, out, unreadable); err != nil {
			t.Fatal(err)
		}
	}
	equalLetters(o, "unreadable", nil, o.letters())
}

// folder is a source of its own beside a world.
type folder struct{ *world }

// private gives an office contract information.
func (o *office) private(text string) *folder {
	f := &folder{&world{tester: o.tester, tree: tree{"information.yaml": text}}}
	o.ctl.Private = f
	return f
}

func information(contract, until string) string {
	return fmt.Sprintf("apiVersion: usher/v1\nkind: ContractInformation\nmetadata: {name: %s}\nspec:\n  number: \"110-3391\"\n  term: {from: 2020-01-01, until: %s}\n---\n", contract, until)
}

// DOMAIN.md row 5: what is wrong with contract information is named by place and
// rule, and quoted to nobody.
func TestStewardsDoNotReadContractInformation(t *testing.T) {
	o := newOffice(t, twoFirms())
	f := o.private(information("plant", "2019-06-30"))
	got := o.round()
	if len(got) != 3 {
		t.Fatalf("told %q, want all three stewards told", got)
	}
	for _, letter := range got {
		if !strings.HasSuffix(letter, "contract information: invalid-span") || strings.Contains(letter, "2019") {
			t.Errorf("told %q, want the rule and no date", letter)
		}
	}
	f.edit("information.yaml", "2019-06-30", "2018-06-30")
	o.edit("people.yaml", "firstName: Bo", "firstName: Bob")
	if got := o.round(); len(got) != 3 {
		t.Errorf("after an edit told %q, want all three told again", got)
	}
	f.edit("information.yaml", "2018-06-30", "2098-06-30")
	o.expect("mended")
}

// "Who is told": contract about to end, to the contract manager only, 90, 30 and 7
// days before.
func TestManagersHearOfTheEndOfATerm(t *testing.T) {
	o := newOffice(t, twoFirms())
	o.expect("without contract information")
	f := o.private(information("design", "2027-06-30") + information("plant", "2031-12-31"))
	for _, visit := range []struct {
		on   string
		want []string
	}{
		{"2027-03-31", nil},
		{"2027-04-01", []string{"term to ada@acme.example: design until 2027-06-30, 90 left"}},
		{"2027-04-02", nil}, {"2027-05-30", nil},
		{"2027-05-31", []string{"term to ada@acme.example: design until 2027-06-30, 30 left"}},
		{"2027-06-22", nil},
		{"2027-06-25", []string{"term to ada@acme.example: design until 2027-06-30, 5 left"}},
		{"2027-06-30", nil}, {"2027-07-01", nil}, {"2028-01-01", nil},
		{"2031-12-31", []string{"term to eve@acme.example: plant until 2031-12-31, 0 left"}},
	} {
		o.now = at(visit.on)
		o.expect(visit.on, visit.want...)
	}
	f.edit("information.yaml", "2031-12-31", "2032-01-31")
	o.now = at("2032-01-01")
	o.expect("renewed for a month", "term to eve@acme.example: plant until 2032-01-31, 30 left")
	for _, table := range o.record() {
		if strings.Contains(table, "2027-06-30") || strings.Contains(table, "110-3391") {
			t.Errorf("the record holds contract information: %s", table)
		}
	}
}

// record is what the state says of its history: revisions, and each account's.
func (o *office) record() []string {
	o.Helper()
	revisions, err := o.db.Revisions(context.Background(), 0)
	if err != nil {
		o.Fatal(err)
	}
	record := []string{fmt.Sprint(revisions)}
	for _, a := range o.truth().Accounts {
		events, err := o.db.History(context.Background(), a.ID)
		if err != nil {
			o.Fatal(err)
		}
		record = append(record, fmt.Sprint(events))
	}
	return record
}

// deliver hands every message out; those that fail says so are given up.
func (o *office) deliver(fails func(state.Message) bool) {
	o.Helper()
	owner := o.own()
	defer owner.Close()
	for {
		due, err := owner.Due(context.Background(), 0)
		if err != nil {
			o.Fatal(err)
		}
		if len(due) == 0 {
			return
		}
		for _, m := range due {
			if fails(m) {
				err = owner.Failed(context.Background(), m.ID, "550 no such user")
			} else {
				err = owner.Sent(context.Background(), m.ID)
			}
			if err != nil {
				o.Fatal(err)
			}
		}
	}
}

func to(names ...string) func(state.Message) bool {
	return func(m state.Message) bool { return slices.Contains(names, strings.TrimSuffix(m.To, "@acme.example")) }
}

// "Who is told": mail undeliverable, to the stewards of the contracts where the
// person has or had access.
func TestStewardsHearOfUndeliverableMail(t *testing.T) {
	o := newOffice(t, twoFirms())
	o.edit("people.yaml", user("bo", "access: [cad]"), user("bo", "access: [cad, cloud]"))
	o.edit("people.yaml", user("mo", "access: [pump]"), "")
	o.tree["people.yaml"] += user("new")
	o.expect("nothing failed yet")
	o.deliver(to("bo", "mo", "new"))
	const (
		bo  = " access bo@acme.example 550 no such user"
		mo  = " removed mo@acme.example 550 no such user"
		one = " invitation new@acme.example 550 no such user"
	)
	o.expect("three failed",
		"undeliverable to ada@acme.example:"+bo+one, "undeliverable to eve@acme.example:"+mo+one,
		"undeliverable to grace@acme.example:"+bo+one)
	o.days(2)
	o.expect("no news")
	o.deliver(to("ada"))
	o.expect("what cannot be delivered is not told of what cannot be delivered")
	o.retry("bo")
	o.expect("tried again")
	o.deliver(to("bo"))
	o.expect("failed again", "undeliverable to ada@acme.example:"+bo, "undeliverable to grace@acme.example:"+bo)
	o.retry("bo")
	o.deliver(to("bo"))
	o.expect("failed again unseen", "undeliverable to ada@acme.example:"+bo, "undeliverable to grace@acme.example:"+bo)
}

// retry has the failed messages to somebody tried again.
func (o *office) retry(name string) {
	o.Helper()
	failed, err := o.db.Messages(context.Background(), state.MessageQuery{State: state.MessageFailed})
	if err != nil {
		o.Fatal(err)
	}
	owner := o.own()
	defer owner.Close()
	for _, m := range failed {
		if to(name)(m) {
			if _, err := owner.Requeue(context.Background(), m.ID); err != nil {
				o.Fatal(err)
			}
		}
	}
}

// "Who is told": a product over nine tenths of its seats, once on crossing.
func TestStewardsHearOfScarceSeats(t *testing.T) {
	f := twoFirms()
	f["more.yaml"] = holders("pump", 8)
	o := newOffice(t, f)
	o.expect("nine of ten")
	o.tree["later.yaml"] = user("zoe", "access: [{product: pump, from: 2027-05-01}]")
	o.expect("ten of ten in spring", "seats to eve@acme.example: plant/pump 10 of 10")
	o.days(40)
	o.expect("no news")
	o.edit("firm.yaml", "{name: pump, seats: 10}", "{name: pump, seats: 11}")
	o.expect("ten of eleven")
	o.edit("firm.yaml", "{name: pump, seats: 11}", "{name: pump, seats: 10}")
	o.edit("firm.yaml", "{name: cad, seats: 10}", "{name: cad, seats: 2}")
	o.expect("another, and the first is still scarce",
		"seats to ada@acme.example: design/cad 2 of 2", "seats to grace@acme.example: design/cad 2 of 2")
	delete(o.tree, "later.yaml")
	o.expect("one leaves")
	o.tree["later.yaml"] = user("zoe", "access: [pump]")
	o.expect("crossed again", "seats to eve@acme.example: plant/pump 10 of 10")
	o.edit("firm.yaml", "{name: pump, seats: 10}", "{name: pump}")
	o.expect("unlimited")
}

// A message to a steward is one of its own, however often the same is told.
func TestStewardsMessagesAreDistinct(t *testing.T) {
	o := newOffice(t, twoFirms())
	o.edit("firm.yaml", "contractManager: eve", "contractManager: mo")
	for range 5 {
		o.days(1)
		o.round()
	}
	list, err := o.db.Messages(context.Background(), state.MessageQuery{})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for _, m := range list {
		if !strings.HasSuffix(m.MessageID, "@acme.example") || strings.ContainsAny(m.MessageID, " <>\r\n") {
			t.Errorf("Message-ID %q", m.MessageID)
		}
		ids[m.MessageID] = true
	}
	if len(ids) != 5 || len(list) != 5 {
		t.Errorf("%d messages with %d Message-IDs, want 5", len(list), len(ids))
	}
}

// Where messages cannot be composed nothing counts as told, and one topic does
// not keep the others back.
func TestStewardsAreToldLater(t *testing.T) {
	o := newOffice(t, twoFirms())
	o.edit("firm.yaml", "{name: cad, seats: 10}", "{name: cad, seats: 2}")
	o.ctl.Compose = mute{}
	owner := o.own()
	out, err := o.ctl.Apply(context.Background(), owner, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.ctl.TellStewards(context.Background(), owner, out, nil); !errors.Is(err, errMute) {
		t.Errorf("telling stewards: %v, want %v", err, errMute)
	}
	owner.Close()
	o.ctl.Compose = scribe{}
	o.expect("later", "seats to ada@acme.example", "seats to grace@acme.example")
}

var errMute = errors.New("no words")

// mute composes nothing for stewards.
type mute struct{ scribe }

func (m mute) Compose(n *reconciler.Notice, stamp reconciler.Stamp) ([]byte, error) {
	if n.Report != nil {
		return nil, errMute
	}
	return m.scribe.Compose(n, stamp)
}

// discreet checks each message to a steward as it is composed.
type discreet struct {
	scribe
	office *office
	mu     sync.Mutex // messages are composed side by side
	seen   map[reconciler.NoticeKind]int
}

func (d *discreet) Compose(n *reconciler.Notice, stamp reconciler.Stamp) ([]byte, error) {
	if n.Report != nil && n.Kind != reconciler.NoticeRefused {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.seen[n.Kind]++
		d.check(n)
	}
	return d.scribe.Compose(n, stamp)
}

// check looks for the names of contracts that are not the steward's.
func (d *discreet) check(n *reconciler.Notice) {
	text, err := json.Marshal(n.Report)
	if err != nil {
		d.office.Fatal(err)
	}
	roster := d.office.truth().Roster
	for _, l := range n.Report.Lapsed {
		has := map[string]bool{}
		for _, g := range roster.User(l.Name).Access {
			has[g.Contract] = true
		}
		if len(has) > 0 && len(l.Contracts) == 0 || slices.ContainsFunc(l.Contracts, func(c string) bool { return !has[c] }) {
			d.office.Errorf("%s is told of %s under %v, who has access under %v", n.Person.Name, l.Name, l.Contracts, has)
		}
	}
	for i := range roster.Contracts {
		c := &roster.Contracts[i]
		theirs := c.Steward(n.Person.Name)
		if n.Kind == reconciler.NoticeTerm {
			theirs = c.Manager == n.Person.Name
		}
		if !theirs && strings.Contains(string(text), c.Name) {
			d.office.Errorf("%s is told of %s: %s", n.Person.Name, c.Name, text)
		}
	}
}

// No steward is told of a contract that is not theirs, whatever happens.
func TestStewardsAreToldOfTheirContractsAlone(t *testing.T) {
	seen := map[reconciler.NoticeKind]int{}
	for seed := range uint64(8) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			o := newOffice(t, rivals())
			o.ctl.Compose = &discreet{office: o, seen: seen}
			o.private(information("red-hall", "2027-02-01") + information("blue-hall", "2027-01-15") + information("green-hall", "2027-03-01"))
			chance := rand.New(rand.NewPCG(seed, 0))
			for range 12 {
				o.happen(chance)
				o.round()
				o.deliver(func(m state.Message) bool { return m.ID%3 == 0 })
				o.round()
			}
		})
	}
	for _, kind := range stewardKinds {
		if kind != reconciler.NoticeRefused && seen[kind] == 0 {
			t.Errorf("no %s message was ever sent: the check proves nothing about it", kind)
		}
	}
}

var (
	colours = []string{"red", "blue", "green"}
	tools   = []string{"saw", "plane", "drill"}
)

// rivals are three contracts with a manager and a coordinator each, who have a
// product each in common with the next.
func rivals() tree {
	f := tree{"products.yaml": product("saw") + product("plane") + product("drill")}
	for i, colour := range colours {
		own, next := tools[i], tools[(i+1)%3]
		f[colour+".yaml"] = contract(colour+"-hall", "contractManager: m"+fmt.Sprint(i), "softwareCoordinators: [c"+fmt.Sprint(i)+"]",
			"products: [{name: "+own+", seats: 10}, {name: "+next+", seats: 10}]")
		f["stewards.yaml"] += user(fmt.Sprintf("m%d", i)) + user(fmt.Sprintf("c%d", i))
	}
	for i := range 24 {
		f[fmt.Sprintf("p%02d.yaml", i)] = rival(i, i%3)
	}
	return f
}

// rival is a person with access under one of the three contracts, or under none.
func rival(i, of int) string {
	name := fmt.Sprintf("p%02d", i)
	if of == 3 {
		return user(name)
	}
	return user(name, fmt.Sprintf("access: [{product: %s, contract: %s-hall}]", tools[of], colours[of]))
}

// happen edits manifests, lets days pass, or lets a plan through.
func (o *office) happen(chance *rand.Rand) {
	switch chance.IntN(7) {
	case 0:
		o.days(1 + chance.IntN(95))
	case 1: // people go, few or many
		for range 1 + chance.IntN(12) {
			delete(o.tree, fmt.Sprintf("p%02d.yaml", chance.IntN(30)))
		}
	case 2, 3: // people come or change
		for range 1 + chance.IntN(6) {
			i := chance.IntN(30)
			o.tree[fmt.Sprintf("p%02d.yaml", i)] = rival(i, chance.IntN(4))
		}
	case 4: // the coordinator takes over
		i := chance.IntN(3)
		file := colours[i] + ".yaml"
		o.tree[file] = strings.Replace(o.tree[file], fmt.Sprintf("Manager: m%d", i), fmt.Sprintf("Manager: c%d", i), 1)
	case 5: // broken, or mended
		if _, broken := o.tree["broken.yaml"]; broken {
			delete(o.tree, "broken.yaml")
		} else {
			o.tree["broken.yaml"] = "kind: Nothing\n"
		}
	case 6:
		for _, hold := range o.holds() {
			o.approve(hold.PlanID)
		}
	}
}

func (o *office) holds() []state.Hold {
	o.Helper()
	holds, err := o.db.Holds(context.Background(), false)
	if err != nil {
		o.Fatal(err)
	}
	return holds
}

// A loop tells stewards after each look, has the messages delivered, and tells of
// the same hold again after a day, though nothing else happened.
func TestLoopTellsStewards(t *testing.T) {
	f := twoFirms()
	f["plant.yaml"] = holders("pump", 8)
	o := newOffice(t, f)
	delete(o.tree, "plant.yaml")
	owner := o.own()
	defer owner.Close()
	looked, resume := make(chan bool), make(chan bool)
	delivered := 0
	loop := &reconciler.Loop{
		Controller: o.ctl, Owner: owner, Log: slog.New(slog.DiscardHandler), Timing: reconciler.Timing{Resync: time.Millisecond},
		Applied: func() { delivered++ },
		Looked:  func() { looked <- true; <-resume },
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- loop.Run(ctx) }()
	held := "held to eve@acme.example: access removals"
	for _, visit := range []struct {
		on        string
		want      []string
		delivered int
		next      time.Duration
	}{
		{"entering", []string{held}, 1, time.Hour},
		{"an hour later", nil, 1, 23 * time.Hour},
		{"a day later", []string{held}, 2, time.Hour},
		{"an hour after that", nil, 2, 0},
	} {
		<-looked
		equalLetters(o, visit.on, visit.want, o.letters())
		if delivered != visit.delivered {
			t.Errorf("%s: asked %d times to deliver, want %d", visit.on, delivered, visit.delivered)
		}
		if o.now = o.now.Add(visit.next); visit.next > 0 {
			resume <- true
		}
	}
	stop()
	close(resume)
	if err := <-ended; err != nil {
		t.Errorf("run: %v", err)
	}
}
