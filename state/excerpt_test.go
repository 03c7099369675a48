package state_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"usher/spec"
	"usher/state"
)

// An excerpt says of some what the whole truth says of them, and of nobody else.
func TestExcerpt(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"), grant("cloud"))
	bo := h.add("bo", false, grant("cad"))
	h.add("cy", false)
	dan := h.add("dan", true)
	gone := h.add("eve", true)
	h.update(func(tx *state.Tx) error {
		return noError(
			tx.PutTeam(&spec.Team{Name: "west"}, []string{ada.ID, bo.ID}, nil),
			tx.PutTeam(&spec.Team{Name: "east"}, []string{ada.ID, dan.ID}, nil),
			tx.RemoveAccount(gone.ID, nil),
		)
	})
	h.pass(time.Hour)
	for _, test := range []struct {
		name   string
		who    state.Who
		people string
		of     map[string][]string
		gone   int
	}{
		{"nobody", state.Who{}, "", nil, 0},
		{"by name", state.Who{Names: []string{"bo", "ada", "eve", "nobody"}}, "ada bo", map[string][]string{"ada": {"east", "west"}, "bo": {"west"}}, 0},
		{"by e-mail", state.Who{Emails: []string{"cy@acme.example", "eve@acme.example"}, Gone: true}, "cy", nil, 1},
		{"all by name", state.Who{Names: []string{"bo", "ada"}, Gone: true}, "ada bo", map[string][]string{"ada": {"east", "west"}, "bo": {"west"}}, 0},
		{"one is gone", state.Who{Names: []string{"bo", "eve"}, Gone: true}, "bo", map[string][]string{"bo": {"west"}}, 1},
		{"by account", state.Who{Accounts: []string{dan.ID, gone.ID}}, "dan", map[string][]string{"dan": {"east"}}, 0},
		{"in more than one way", state.Who{Names: []string{"bo"}, Emails: []string{"bo@acme.example"}, Accounts: []string{bo.ID}}, "bo", map[string][]string{"bo": {"west"}}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := h.db.Excerpt(context.Background(), test.who)
			if err != nil {
				t.Fatal(err)
			}
			truth := h.truth()
			want := &state.Excerpt{Truth: *truth, MemberOf: test.of}
			want.Roster, want.Accounts, want.Gone = &spec.Roster{}, map[string]state.Account{}, truth.Gone[:test.gone]
			for _, u := range truth.Roster.Users {
				if names(e.Roster.Users) == test.people && e.Roster.User(u.Name) != nil {
					want.Roster.Users = append(want.Roster.Users, u)
					want.Accounts[u.Name] = truth.Accounts[u.Name]
				}
			}
			if diff := cmp.Diff(want, e, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("people %q, want %q (-want +got):\n%s", names(e.Roster.Users), test.people, diff)
			}
		})
	}
}
