package state_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher/spec"
	"usher/state"
)

// oracle is what ought to be true, kept the simple way.
type oracle struct {
	users    map[string]spec.User // by account id
	removed  map[string]bool
	fresh    map[string]bool            // added in the revision being made: removed again, they never were
	active   map[string]bool            // accounts whose owner chose a password, or was adopted
	members  map[string]map[string]bool // team: account ids
	managers map[string]string          // contract: account id
	products map[string]string          // name: title
}

func (o *oracle) roster() *spec.Roster {
	r := &spec.Roster{Users: []spec.User{}}
	for _, id := range slices.Sorted(maps.Keys(o.users)) {
		u := o.users[id]
		u.Access = slices.Clone(u.Access)
		slices.SortFunc(u.Access, func(a, b spec.Grant) int { return int(a.Product[0]) - int(b.Product[0]) })
		if len(u.Access) == 0 {
			u.Access = nil
		}
		r.Users = append(r.Users, u)
	}
	slices.SortFunc(r.Users, func(a, b spec.User) int { return compare(a.Name, b.Name) })
	for _, team := range slices.Sorted(maps.Keys(o.members)) {
		t := spec.Team{Name: team}
		for id := range o.members[team] {
			t.Members = append(t.Members, o.users[id].Name)
		}
		slices.Sort(t.Members)
		r.Teams = append(r.Teams, t)
	}
	for _, c := range slices.Sorted(maps.Keys(o.managers)) {
		r.Contracts = append(r.Contracts, spec.Contract{Name: c, Manager: o.users[o.managers[c]].Name})
	}
	for _, p := range slices.Sorted(maps.Keys(o.products)) {
		r.Products = append(r.Products, spec.Product{Name: p, Title: o.products[p], Type: spec.TypeProduct})
	}
	return r
}

func compare(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// act makes one random change in the transaction and in the oracle alike.
func (o *oracle) act(t *rapid.T, tx *state.Tx, step int) error {
	ids := slices.Sorted(maps.Keys(o.users))
	kinds := []string{"add", "product"}
	if len(ids) > 0 {
		kinds = append(kinds, "change", "grant", "grant", "regrant", "revoke", "team", "contract", "remove", "invite")
	}
	if len(o.removed) > 0 {
		kinds = append(kinds, "return")
	}
	kind := rapid.SampledFrom(kinds).Draw(t, "kind")
	var id string
	if len(ids) > 0 {
		id = rapid.SampledFrom(ids).Draw(t, "account")
	}
	product := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "product")
	switch kind {
	case "add":
		u := user(fmt.Sprintf("n%d", step))
		active := rapid.Bool().Draw(t, "active")
		a, err := tx.AddAccount(u, active)
		o.users[a.ID], o.fresh[a.ID], o.active[a.ID] = *u, true, active
		return err
	case "return":
		id := rapid.SampledFrom(slices.Sorted(maps.Keys(o.removed))).Draw(t, "returning")
		u := user(fmt.Sprintf("r%d", step))
		delete(o.removed, id)
		o.users[id] = *u
		_, err := tx.ReviveAccount(id, u)
		return err
	case "change":
		u := user(fmt.Sprintf("m%d", step))
		u.Suspended = rapid.Bool().Draw(t, "suspended")
		err := tx.ChangeAccount(id, u)
		u.Access = o.users[id].Access
		o.users[id] = *u
		return err
	case "remove":
		return o.remove(tx, id)
	case "invite":
		if o.active[id] {
			return nil
		}
		_, err := tx.Invite(id, 0)
		return err
	case "product":
		o.products[product] = fmt.Sprint("Title ", step)
		return tx.PutProduct(&spec.Product{Name: product, Title: o.products[product], Type: spec.TypeProduct})
	case "team":
		was, is := o.members[product], map[string]bool{id: true, ids[0]: true}
		o.members[product] = is
		return tx.PutTeam(&spec.Team{Name: product}, without(is, was), without(was, is))
	case "contract":
		return o.handOver(tx, product, id)
	}
	return o.changeAccess(tx, kind, id, product, day(step))
}

// without lists what is in one set and not in another.
func without(set, other map[string]bool) []string {
	var left []string
	for name := range set {
		if !other[name] {
			left = append(left, name)
		}
	}
	return left
}

func (o *oracle) remove(tx *state.Tx, id string) error {
	for c, manager := range o.managers {
		if manager == id {
			delete(o.managers, c)
			if err := tx.RemoveContract(c); err != nil {
				return err
			}
		}
	}
	for _, members := range o.members {
		delete(members, id)
	}
	delete(o.users, id)
	if !o.fresh[id] {
		o.removed[id] = true
	}
	return tx.RemoveAccount(id, nil)
}

func (o *oracle) handOver(tx *state.Tx, contract, id string) error {
	if was := o.managers[contract]; was != "" {
		if err := tx.Unassign(contract, was, spec.ContractManager); err != nil {
			return err
		}
	}
	o.managers[contract] = id
	return noError(tx.PutContract(&spec.Contract{Name: contract}), tx.Assign(contract, id, spec.ContractManager))
}

func (o *oracle) changeAccess(tx *state.Tx, kind, id, product string, until spec.Day) error {
	u := o.users[id]
	defer func() { o.users[id] = u }()
	i := slices.IndexFunc(u.Access, func(g spec.Grant) bool { return g.Product == product })
	switch {
	case kind == "grant" && i < 0:
		u.Access = append(slices.Clone(u.Access), grant(product))
		return tx.Grant(id, grant(product))
	case kind == "regrant" && i >= 0:
		was := u.Access[i]
		u.Access = slices.Clone(u.Access)
		u.Access[i].Until, u.Access[i].Reason = until, fmt.Sprint("reason ", until)
		return tx.ChangeGrant(id, was, u.Access[i])
	case kind == "revoke" && i >= 0:
		g := u.Access[i]
		u.Access = slices.Delete(slices.Clone(u.Access), i, i+1)
		return tx.Revoke(id, g)
	}
	return nil
}

// activate lets some of those who are invited choose a password, between revisions.
func (o *oracle) activate(t *rapid.T, h *house) {
	for _, id := range slices.Sorted(maps.Keys(o.users)) {
		account, _, err := h.db.Known(context.Background(), id)
		must(h.t, err)
		if account.Status == state.Invited && rapid.Bool().Draw(t, "activated") {
			must(h.t, h.owner.Activate(context.Background(), id, account.Issue, "$argon2id$"+id))
			o.active[id] = true
		}
	}
}

// tombstones are the ids of the accounts that were removed, sorted.
func (h *house) tombstones() []string {
	h.t.Helper()
	gone, err := h.db.RemovedAccounts(context.Background())
	must(h.t, err)
	var ids []string
	for _, a := range gone {
		ids = append(ids, a.ID)
	}
	slices.Sort(ids)
	return ids
}

// Whatever happens, every revision of the past can be read as it was, and the
// audit makes the same tables again.
func TestEveryRevisionCanBeReadAsItWas(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		h := newHouse(outer)
		defer func() { h.owner.Close(); h.db.Close() }()
		defer state.BoundNewcomers(rapid.SampledFrom([]int{1, 2, 1000}).Draw(t, "newcomers at once"))()
		o := &oracle{
			users: map[string]spec.User{}, removed: map[string]bool{}, members: map[string]map[string]bool{},
			managers: map[string]string{}, products: map[string]string{}, active: map[string]bool{},
		}
		want := []*spec.Roster{{Users: []spec.User{}}}
		step := 0
		for range rapid.IntRange(1, 12).Draw(t, "revisions") {
			acts := rapid.IntRange(0, 4).Draw(t, "acts")
			h.pass(time.Minute)
			o.fresh = map[string]bool{}
			_, err := h.owner.Update(outer.Context(), state.Cause{Kind: state.CauseManifests}, int64(len(want)-1), func(tx *state.Tx) error {
				for range acts {
					step++
					if err := o.act(t, tx, step); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatalf("Update: %v", err)
			}
			want = append(want, o.roster())
			o.activate(t, h)
		}
		for revision, roster := range want {
			got, err := h.db.TruthAt(outer.Context(), int64(revision))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(roster, got.Roster); diff != "" {
				t.Fatalf("revision %d (-want +got):\n%s", revision, diff)
			}
		}
		now := h.truth()
		if diff := cmp.Diff(want[len(want)-1], now.Roster); diff != "" {
			t.Fatalf("now (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(slices.Sorted(maps.Keys(o.removed)), h.tombstones()); diff != "" {
			t.Fatalf("removed (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(o.figures(), h.figures()); diff != "" {
			t.Fatalf("figures (-want +got):\n%s", diff)
		}
		if err := h.verify(); err != nil {
			t.Fatal(err)
		}
	})
}
