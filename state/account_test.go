package state_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestAddAccount(t *testing.T) {
	h := newHouse(t)
	got := h.add("ada", false, grant("cad"))
	if !regexp.MustCompile(`^u[0-9a-hjkmnp-tv-z]{26}$`).MatchString(got.ID) {
		t.Errorf("id %q is not a u and a ULID", got.ID)
	}
	want := state.Account{
		ID: got.ID, Name: "ada", Email: "Ada@acme.example", EmailKey: "ada@acme.example",
		FirstName: "Firstada", LastName: "Lastada", Status: state.Invited, Issue: 1,
		Created: dayOne, Invited: dayOne, Expires: dayOne.Add(90 * 24 * time.Hour),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("AddAccount (-want +got):\n%s", diff)
	}
	read, err := h.db.Account(context.Background(), "ada")
	must(t, err)
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("Account (-want +got):\n%s", diff)
	}
	wantUser := *user("ada")
	wantUser.Access = []spec.Grant{grant("cad")}
	if diff := cmp.Diff([]spec.User{wantUser}, h.truth().Roster.Users); diff != "" {
		t.Errorf("Truth (-want +got):\n%s", diff)
	}
}

func TestAdoptedAccountIsActive(t *testing.T) {
	h := newHouse(t)
	a := h.add("ada", true)
	if a.Status != state.Active || a.Issue != 0 || !a.Activated.Equal(dayOne) {
		t.Errorf("adopted account: %+v; want active, without an invitation", a)
	}
}

// DOMAIN.md row 17: an invitation not accepted within 90 days must be resent.
func TestInvitationExpires(t *testing.T) {
	h := newHouse(t)
	h.add("ada", false)
	for _, step := range []struct {
		pass time.Duration
		want state.Status
	}{
		{90*24*time.Hour - time.Millisecond, state.Invited},
		{time.Millisecond, state.Expired},
	} {
		h.pass(step.pass)
		a, err := h.db.Account(context.Background(), "ada")
		must(t, err)
		if a.Status != step.want {
			t.Errorf("after %v more: %s; want %s", step.pass, a.Status, step.want)
		}
	}
}

func TestInviteReplacesTheInvitation(t *testing.T) {
	h := newHouse(t)
	a := h.add("ada", false)
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(message("first@x", a.ID, 1))
		return err
	})
	h.pass(time.Hour)
	var again state.Account
	h.update(func(tx *state.Tx) (err error) {
		again, err = tx.Invite(a.ID, 2)
		return err
	})
	if again.Issue != 2 || again.Generation != 2 || !again.Expires.Equal(dayOne.Add(91*24*time.Hour-23*time.Hour)) {
		t.Errorf("invited again: %+v; want issue 2, generation 2 and 90 days from now", again)
	}
	messages, err := h.db.Messages(context.Background(), state.MessageQuery{})
	must(t, err)
	if messages[0].State != state.MessageCancelled {
		t.Errorf("the former invitation is %s; want cancelled", messages[0].State)
	}
	first, err := h.db.Fill(message("", a.ID, 1))
	must(t, err)
	second, err := h.db.Fill(message("", a.ID, 2))
	must(t, err)
	if string(first) == string(second) {
		t.Error("both invitations have one password")
	}
	must(t, h.verify())
}

func TestRemoveAccountEndsEverything(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	bo := h.add("bo", true)
	ada := h.add("ada", false, grant("cad"), grant("bim"))
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(message("a@x", ada.ID, 1))
		return noError(err,
			tx.PutContract(&spec.Contract{Name: "design"}),
			tx.Assign("design", bo.ID, spec.ContractManager),
			tx.Assign("design", ada.ID, spec.SoftwareCoordinator),
			tx.PutTeam(&spec.Team{Name: "cad"}, []string{ada.ID, bo.ID}, nil))
	})
	h.pass(time.Hour)
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	truth := h.truth()
	if got := names(truth.Roster.Users); got != "bo" {
		t.Errorf("users: %s; want bo", got)
	}
	if got := truth.Roster.Contract("design").Coordinators; len(got) != 0 {
		t.Errorf("coordinators: %v; want none", got)
	}
	if diff := cmp.Diff([]string{"bo"}, truth.Roster.Team("cad").Members); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	messages, err := h.db.Messages(ctx, state.MessageQuery{Account: ada.ID})
	must(t, err)
	if messages[0].State != state.MessageCancelled {
		t.Errorf("her invitation is %s; want cancelled", messages[0].State)
	}
	removed, err := h.db.RemovedAccounts(ctx)
	must(t, err)
	if len(removed) != 1 || removed[0].ID != ada.ID || removed[0].Status != state.Removed || !removed[0].Removed.Equal(dayOne.Add(time.Hour)) {
		t.Errorf("tombstones: %+v; want ada's", removed)
	}
	if _, err := h.db.Account(ctx, "ada"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Account of a removed name: %v; want ErrNotFound", err)
	}
	must(t, h.verify())
}

// DOMAIN.md, "Coming back": within 30 days it is the same account.
func TestComingBack(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true, grant("cad"))
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	h.pass(30*24*time.Hour - time.Millisecond)
	if gone := h.truth().Gone; len(gone) != 1 || gone[0].ID != ada.ID {
		t.Fatalf("gone before 30 days: %+v; want ada", gone)
	}
	h.pass(time.Millisecond)
	if gone := h.truth().Gone; len(gone) != 0 {
		t.Errorf("gone after 30 days: %+v; want nobody", gone)
	}
	h.update(func(tx *state.Tx) error {
		back, err := tx.ReviveAccount(ada.ID, user("ada"))
		if back.Status != state.Active {
			t.Errorf("back: %s; want active", back.Status)
		}
		return err
	})
	truth := h.truth()
	if got := truth.Accounts["ada"]; got.ID != ada.ID || got.Status != state.Active || len(truth.Gone) != 0 {
		t.Errorf("returned: %+v, gone %v; want the same id, active", got, truth.Gone)
	}
	if got := truth.Roster.User("ada").Access; len(got) != 0 {
		t.Errorf("access after the return: %v; want none", got)
	}
	must(t, h.verify())
}

func TestReviveNeedsARemovedAccount(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.refused(func(tx *state.Tx) error {
		_, err := tx.ReviveAccount(ada.ID, user("ada"))
		return err
	})
}

func TestComingBackWithoutActivationIsExpired(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", false)
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	var back, invited state.Account
	h.update(func(tx *state.Tx) (err error) {
		if back, err = tx.ReviveAccount(ada.ID, user("ada")); err == nil {
			invited, err = tx.Invite(ada.ID, 0)
		}
		return err
	})
	if back.Status != state.Expired || invited.Status != state.Invited || invited.Issue != 2 {
		t.Errorf("back as %s, then %s with issue %d; want expired, invited, 2", back.Status, invited.Status, invited.Issue)
	}
	must(t, h.verify())
}

func TestNamesAndAddressesCanBeSwapped(t *testing.T) {
	h := newHouse(t)
	ada, bo := h.add("ada", true), h.add("bo", true)
	h.update(func(tx *state.Tx) error {
		return noError(tx.ChangeAccount(ada.ID, user("bo")), tx.ChangeAccount(bo.ID, user("ada")))
	})
	truth := h.truth()
	if truth.Accounts["ada"].ID != bo.ID || truth.Accounts["bo"].ID != ada.ID {
		t.Errorf("accounts after the swap: %+v", truth.Accounts)
	}
	must(t, h.verify())
}

func TestTwoAccountsCannotShareANameOrAddress(t *testing.T) {
	sameEmail := user("bo")
	sameEmail.EmailKey = "ada@acme.example"
	for name, second := range map[string]*spec.User{"name": user("ada"), "address": sameEmail} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			h.add("ada", true)
			h.refused(func(tx *state.Tx) error {
				_, err := tx.AddAccount(second, true)
				return err
			})
			if got := names(h.truth().Roster.Users); got != "ada" {
				t.Errorf("users: %s; want ada alone", got)
			}
		})
	}
}

func TestChangeAccount(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	wanted := user("ada")
	wanted.LastName, wanted.Suspended, wanted.SigningKeys = "Lovelace", true, nil
	h.update(func(tx *state.Tx) error { return tx.ChangeAccount(ada.ID, wanted) })
	if diff := cmp.Diff(*wanted, *h.truth().Roster.User("ada")); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	if got := h.truth().Accounts["ada"].Status; got != state.Suspended {
		t.Errorf("status %s; want suspended", got)
	}
	moved := *wanted
	moved.Origin.Line = 99
	r := h.update(func(tx *state.Tx) error { return tx.ChangeAccount(ada.ID, &moved) })
	if r.Changes != 0 {
		t.Errorf("a moved line counts as %d changes; want 0", r.Changes)
	}
	if got := h.truth().Roster.User("ada").Origin.Line; got != 99 {
		t.Errorf("line %d; want 99", got)
	}
	must(t, h.verify())
}
