package state_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// everybody asks page by page until there is no next.
func (h *house) everybody(q state.PeopleQuery) []string {
	h.t.Helper()
	names := []string{}
	for {
		page, err := h.db.People(context.Background(), q)
		must(h.t, err)
		for _, p := range page.People {
			names = append(names, p.Name)
		}
		if page.Next == "" {
			return names
		}
		q.After = page.Next
	}
}

// named declares a person whose e-mail is made of the name.
func named(name, first, last string) *spec.User {
	u := user(name)
	u.Email, u.EmailKey, u.FirstName, u.LastName = name+"@acme.example", name+"@acme.example", first, last
	return u
}

func TestPeopleAreFoundByTheBeginningsOfWords(t *testing.T) {
	h := newHouse(t)
	h.update(func(tx *state.Tx) error {
		for _, u := range []*spec.User{
			named("ada.lovelace", "Ada", "Lovelace"), named("grace", "Grace Brewster", "Hopper"),
			named("dirk", "Dirk", "van der Berg"), named("oe", "Åsa", "Öberg"), named("miura", "健", "三浦"),
			named("jo", "Jo", "Jones-Smith"), named("zed", "<b>", "100%_o'Neill"),
		} {
			if _, err := tx.AddAccount(u, false); err != nil {
				return err
			}
		}
		return nil
	})
	tests := []struct{ text, want string }{
		{"", "zed grace jo ada.lovelace oe dirk miura"},
		{"lov", "ada.lovelace"},
		{"ADA lov", "ada.lovelace"},
		{"Lovelace, Ada <ada.lovelace@acme.example>", "ada.lovelace"},
		{"ada.love", "ada.lovelace"},
		{"grace@", "grace"},
		{"brew hop", "grace"},
		{"berg", "dirk"},
		{"van der berg", "dirk"},
		{"oberg", "oe"},
		{"ÖBERG åsa", "oe"},
		{"三", "miura"},
		{"smith", "jo"},
		{"jones-smith", "jo"},
		{"100%_o'n", "zed"},
		{"%", ""},
		{"_", ""},
		{"<b>", "zed grace dirk"},
		{"'; DROP TABLE person; --", ""},
		{"ovelace", ""},
		{"ada hopper", ""},
		{"o", "zed oe"},
	}
	for _, tt := range tests {
		got := strings.Join(h.everybody(state.PeopleQuery{Text: tt.text}), " ")
		if got != tt.want {
			t.Errorf("people found by %q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestPeopleArePickedAsTheirLivesSay compares every filter with the roster, page
// by page, after people came, went, changed, and time has passed.
func TestPeopleArePickedAsTheirLivesSay(t *testing.T) {
	h := newHouse(t)
	random := rand.New(rand.NewPCG(7, 7))
	contracts := []string{"design", "build", "plant"}
	put := func(from, to int) {
		h.update(func(tx *state.Tx) error {
			for i := from; i < to; i++ {
				u := named(fmt.Sprintf("p%03d", i), string(rune('A'+random.IntN(4)))+"nn", string(rune('A'+random.IntN(4)))+"son")
				u.Suspended = random.IntN(8) == 0
				a, err := tx.AddAccount(u, random.IntN(3) == 0)
				if err != nil {
					return err
				}
				for _, c := range contracts {
					if !u.Suspended && random.IntN(3) == 0 {
						g := grant([]string{"cad", "bim"}[random.IntN(2)])
						g.Contract = c
						err = noError(err, tx.Grant(a.ID, g))
					}
				}
				if random.IntN(10) == 0 {
					err = noError(err, tx.Assign(contracts[random.IntN(3)], a.ID, spec.SoftwareCoordinator))
				}
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	h.update(func(tx *state.Tx) error { // contracts, each with a manager
		boss, err := tx.AddAccount(named("boss", "Max", "Mann"), true)
		for _, c := range contracts {
			err = noError(err, tx.PutContract(&spec.Contract{Name: c}), tx.Assign(c, boss.ID, spec.ContractManager))
		}
		return err
	})
	put(0, 60)
	h.pass(80 * 24 * time.Hour)
	put(60, 110)
	truth := h.truth()
	h.update(func(tx *state.Tx) error {
		for i := 0; i < 110; i += 9 {
			a := truth.Accounts[fmt.Sprintf("p%03d", i)]
			switch {
			case i%2 == 0:
				if err := tx.RemoveAccount(a.ID, nil); err != nil {
					return err
				}
			case a.Status == state.Invited:
				if err := tx.Uninvite(a.ID); err != nil {
					return err
				}
			default:
				if err := tx.ChangeAccount(a.ID, named(a.Name, "Zoe", "de la Zorn")); err != nil {
					return err
				}
			}
		}
		return nil
	})
	h.pass(30 * 24 * time.Hour)
	h.pickEverybody()
	// Among so few people as if they were many: what leads to more than a few, those
	// who are gone through a part at a time, and pages that end before they are full.
	for _, most := range [][3]int{{3, 12, 20}, {3, 3, 20}, {1, 60, 5}} {
		undo := state.BoundSearch(most[0], most[1], most[2])
		h.pickEverybody()
		undo()
	}
	must(t, h.verify())
}

// pickEverybody asks by every filter.
func (h *house) pickEverybody() {
	h.t.Helper()
	truth := h.truth()
	for _, status := range []state.Status{"", state.Invited, state.Active, state.Expired, state.Suspended, state.Removed} {
		for _, product := range []string{"", "cad", "none"} {
			for _, under := range [][]string{nil, {}, {"design"}, {"build", "plant"}} {
				for _, text := range []string{"", "a", "zorn z"} {
					q := state.PeopleQuery{Status: status, Product: product, Under: under, Text: text, Limit: 7}
					if diff := cmp.Diff(expectedPeople(truth, q), h.everybody(q)); diff != "" {
						h.t.Errorf("%+v (-want +got):\n%s", q, diff)
					}
				}
			}
		}
	}
}

// expectedPeople is the answer worked out the slow way.
func expectedPeople(t *state.Truth, q state.PeopleQuery) []string {
	names := []string{}
	users := slices.Clone(t.Roster.Users)
	slices.SortFunc(users, func(a, b spec.User) int {
		key := func(u spec.User) string { return strings.ToLower(u.LastName + "\t" + u.FirstName + "\t" + u.Email) }
		return strings.Compare(key(a), key(b))
	})
	for _, u := range users {
		has := q.Product == ""
		var related []string
		for _, g := range u.Access {
			related = append(related, g.Contract)
			has = has || g.Product == q.Product && (q.Under == nil || slices.Contains(q.Under, g.Contract))
		}
		for _, c := range t.Roster.Contracts {
			if c.Steward(u.Name) {
				related = append(related, c.Name)
			}
		}
		under := q.Under == nil || len(related) == 0 ||
			slices.ContainsFunc(related, func(c string) bool { return slices.Contains(q.Under, c) })
		if !under || !has || q.Status != "" && t.Accounts[u.Name].Status != q.Status {
			continue
		}
		found := true
		for word := range strings.FieldsSeq(q.Text) {
			found = found && slices.ContainsFunc(strings.Fields(strings.ToLower(u.Name+" "+u.FirstName+" "+u.LastName)), func(w string) bool {
				return strings.HasPrefix(w, word)
			})
		}
		if found {
			names = append(names, u.Name)
		}
	}
	return names
}
