package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

var code = regexp.MustCompile(`[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}`)

// secret is the given password or reset code of the last message to an account.
func (h *house) secret(account string) string {
	h.t.Helper()
	messages, err := h.db.Messages(h.t.(*testing.T).Context(), state.MessageQuery{Account: account})
	must(h.t, err)
	m, err := h.db.Message(h.t.(*testing.T).Context(), messages[len(messages)-1].ID)
	must(h.t, err)
	filled, err := h.db.Fill(m)
	must(h.t, err)
	return string(code.Find(filled))
}

// invite makes an account that was sent its given password.
func (h *house) invite(name string) state.Account {
	h.t.Helper()
	var account state.Account
	h.update(func(tx *state.Tx) (err error) {
		if account, err = tx.AddAccount(user(name), false); err == nil {
			_, err = tx.Queue(message("invited."+name+"@x", account.ID, account.Issue))
		}
		return err
	})
	return account
}

func told(id string) func(int64, time.Time) (state.Message, error) {
	return func(int64, time.Time) (state.Message, error) {
		return state.Message{MessageID: id, Kind: "password", To: "ada@acme.example", Body: []byte("changed")}, nil
	}
}

// An activation is on record and makes no revision: what manifests ask is as it was,
// and a plan that was made before it can still be carried out.
func TestActivationStandsBesideTheRevisions(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada := h.invite("ada")
	before := h.truth()
	h.pass(time.Hour)
	must(t, h.owner.Activate(ctx, ada.ID, 1, "$argon2id$one"))
	after := h.truth()
	if got := after.Accounts["ada"]; got.Status != state.Active || !got.Activated.Equal(dayOne.Add(time.Hour)) {
		t.Errorf("the account is %s, activated %v", got.Status, got.Activated)
	}
	if after.Newest != before.Newest {
		t.Errorf("newest revision: got %v, want %v", after.Newest, before.Newest)
	}
	must(t, h.verify())
	h.pass(time.Hour)
	_, err := h.owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, before.Newest.Number, func(tx *state.Tx) error {
		_, err := tx.AddAccount(user("bo"), false)
		return err
	})
	must(t, err)
	must(t, h.verify())
	history, err := h.db.History(ctx, ada.ID)
	must(t, err)
	var got []string
	for _, e := range history {
		got = append(got, e.Action)
	}
	if diff := cmp.Diff([]string{"add", "invite", "activate"}, got); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
	if then, err := h.db.TruthAt(ctx, 1); err != nil || then.Accounts["ada"].Status != state.Invited {
		t.Errorf("at revision 1 she is %s (%v), want invited", then.Accounts["ada"].Status, err)
	}
}

// An activation that nobody audited, and one that the tables lack, are found.
func TestAlteredActivationsAreFound(t *testing.T) {
	for name, statement := range map[string]string{
		"made up":  "UPDATE account SET activated = 1799057702000 WHERE activated = 0",
		"taken":    "UPDATE account SET activated = 0 WHERE activated > 0",
		"moved":    "UPDATE account SET activated = activated + 1 WHERE activated > 0",
		"unlinked": "UPDATE audit SET revision = 1 WHERE entries LIKE '%activate%'",
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada, _ := h.invite("ada"), h.invite("bo")
			must(t, h.owner.Activate(t.Context(), ada.ID, 1, "$argon2id$one"))
			must(t, h.verify())
			h.tamper(statement)
			if err := h.verify(); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("verified: %v; want ErrDamaged", err)
			}
		})
	}
}

func TestWhatActivates(t *testing.T) {
	tests := []struct {
		name  string
		issue int
		first func(h *house, id string)
		want  error
	}{
		{"invited", 1, func(*house, string) {}, nil},
		{"another number", 2, func(*house, string) {}, state.ErrClosed},
		{"active already", 1, func(h *house, id string) {
			must(h.t, h.owner.Activate(h.t.(*testing.T).Context(), id, 1, "$argon2id$zero"))
		}, state.ErrClosed},
		{"expired", 1, func(h *house, _ string) { h.pass(90 * 24 * time.Hour) }, state.ErrClosed},
		{"superseded", 1, func(h *house, id string) {
			h.update(func(tx *state.Tx) error { _, err := tx.Invite(id, 0); return err })
		}, state.ErrClosed},
		{"removed", 1, func(h *house, id string) {
			h.update(func(tx *state.Tx) error { return tx.RemoveAccount(id, nil) })
		}, state.ErrClosed},
		{"suspended", 1, func(h *house, id string) {
			h.update(func(tx *state.Tx) error {
				u := user("ada")
				u.Suspended = true
				return tx.ChangeAccount(id, u)
			})
		}, state.ErrClosed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := newHouse(t)
			ada := h.invite("ada")
			tt.first(h, ada.ID)
			err := h.owner.Activate(t.Context(), ada.ID, tt.issue, "$argon2id$one")
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			must(t, h.verify())
		})
	}
}

// An account that was activated since a plan was made gets no other invitation.
func TestWhoIsActiveIsNotInvited(t *testing.T) {
	h := newHouse(t)
	ada := h.invite("ada")
	must(t, h.owner.Activate(t.Context(), ada.ID, 1, "$argon2id$one"))
	h.refused(func(tx *state.Tx) error { _, err := tx.Invite(ada.ID, 2); return err })
	must(t, h.verify())
}

// A given password is known however it is typed, and tells which invitation it is of.
func TestGivenPasswords(t *testing.T) {
	h := newHouse(t)
	ada, bo := h.invite("ada"), h.invite("bo")
	first := h.secret(ada.ID)
	h.update(func(tx *state.Tx) error {
		_, err := tx.Invite(ada.ID, 0)
		if err == nil {
			_, err = tx.Queue(message("again@x", ada.ID, 2))
		}
		return err
	})
	second := h.secret(ada.ID)
	tests := []struct {
		name, account, typed string
		want                 int
	}{
		{"the first", ada.ID, first, 1},
		{"the second", ada.ID, second, 2},
		{"small letters and blanks", ada.ID, " " + string(bytes.ToLower(bytes.ReplaceAll([]byte(second), []byte("-"), []byte(" ")))) + " ", 2},
		{"no hyphens", ada.ID, string(bytes.ReplaceAll([]byte(second), []byte("-"), nil)), 2},
		{"letters for digits", ada.ID, string(bytes.ReplaceAll(bytes.ReplaceAll([]byte(second), []byte("0"), []byte("o")), []byte("1"), []byte("l"))), 2},
		{"of somebody else", bo.ID, second, 0},
		{"the placeholder", ada.ID, state.Placeholder, 0},
		{"nothing", ada.ID, "", 0},
		{"nobody's", "unone", second, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := h.db.Given(t.Context(), tt.account, tt.typed)
			if err != nil || got != tt.want {
				t.Errorf("got %d (%v), want %d", got, err, tt.want)
			}
		})
	}
}

func TestCredentials(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada := h.invite("ada")
	want := func(key string, status state.Status, hash string) {
		t.Helper()
		got, err := h.db.Credential(ctx, key)
		if err != nil || got.Account.Status != status || got.Hash != hash {
			t.Errorf("%s: got %s with %q (%v), want %s with %q", key, got.Account.Status, got.Hash, err, status, hash)
		}
	}
	want("ada@acme.example", state.Invited, "")
	must(t, h.owner.Activate(ctx, ada.ID, 1, "$argon2id$one"))
	want("ada@acme.example", state.Active, "$argon2id$one")
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	want("ada@acme.example", state.Removed, "$argon2id$one")

	// The address belongs to whoever gets it next; a leaver's password opens nothing.
	h.update(func(tx *state.Tx) error { _, err := tx.AddAccount(user("ada"), false); return err })
	want("ada@acme.example", state.Invited, "")

	moved := user("ada")
	moved.Email, moved.EmailKey = "ada@new.example", "ada@new.example"
	h.update(func(tx *state.Tx) error { return tx.ChangeAccount(h.truth().Accounts["ada"].ID, moved) })
	want("ada@new.example", state.Invited, "")
	// Of the two who had the address, one is gone and the other has a new one.
	want("ada@acme.example", state.Removed, "$argon2id$one")
	if _, err := h.db.Credential(ctx, "nobody@acme.example"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
}

// offer makes a reset code as the portal does.
func (h *house) offer(id string, messageID string) error {
	quota := state.Quota{Account: id, Kind: "reset", Most: 3, Within: time.Hour}
	return h.owner.OfferReset(h.t.(*testing.T).Context(), quota, func(issue int, _ int64, _ time.Time) (state.Message, error) {
		return message(messageID, id, issue), nil
	})
}

// A reset code opens once, for an hour, until a newer one is made; it rests nowhere.
func TestResets(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada := h.add("ada", true)
	must(t, h.offer(ada.ID, "r1@x"))
	first := h.secret(ada.ID)
	must(t, h.offer(ada.ID, "r2@x"))
	second := h.secret(ada.ID)
	messages, err := h.db.Messages(ctx, state.MessageQuery{State: state.MessageCancelled})
	if err != nil || len(messages) != 1 || messages[0].MessageID != "r1@x" {
		t.Errorf("cancelled: %v (%v), want the first", messages, err)
	}
	tries := 0
	try := func(code string, want error) {
		t.Helper()
		tries++
		opens, err := h.db.ResetOpens(ctx, ada.ID, code)
		if err != nil || opens != (want == nil) {
			t.Errorf("%s opens: %v (%v)", code, opens, err)
		}
		if err := h.owner.Reset(ctx, ada.ID, code, "$argon2id$new", told(fmt.Sprint("p", tries, "@x"))); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", code, err, want)
		}
	}
	try(first, state.ErrClosed)
	try("", state.ErrClosed)
	try(second, nil)
	try(second, state.ErrClosed) // used
	must(t, h.offer(ada.ID, "r3@x"))
	third := h.secret(ada.ID)
	if err := h.offer(ada.ID, "r4@x"); !errors.Is(err, state.ErrTooMany) {
		t.Errorf("the fourth within the hour: %v, want ErrTooMany", err)
	}
	h.pass(state.ResetLife)
	try(third, state.ErrClosed) // too old
	seen := map[string]bool{first: true, second: true, third: true}
	for _, m := range []string{"r5@x", "r6@x"} {
		must(t, h.offer(ada.ID, m))
		if last := h.secret(ada.ID); seen[last] {
			t.Errorf("code %s came again", last)
		} else {
			seen[last] = true
		}
	}
	for code := range seen {
		if h.contains(code) {
			t.Errorf("the database holds the code %s", code)
		}
	}
	must(t, h.verify())
}

// A reset code dies with the address it was sent to, and with the account.
func TestResetCodesEnd(t *testing.T) {
	tests := map[string]func(tx *state.Tx, id string) error{
		"another address": func(tx *state.Tx, id string) error {
			u := user("ada")
			u.Email, u.EmailKey = "ada@new.example", "ada@new.example"
			return tx.ChangeAccount(id, u)
		},
		"suspended and restored": func(tx *state.Tx, id string) error {
			u := user("ada")
			u.Suspended = true
			if err := tx.ChangeAccount(id, u); err != nil {
				return err
			}
			return tx.ChangeAccount(id, user("ada"))
		},
		"removed and returned": func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada := h.add("ada", true)
			must(t, h.offer(ada.ID, "r1@x"))
			first := h.secret(ada.ID)
			must(t, h.db.AddSession(t.Context(), "hash", state.Session{Account: ada.ID, Body: []byte("{}"), Expires: dayOne.Add(time.Hour)}))
			h.update(func(tx *state.Tx) error { return change(tx, ada.ID) })
			if _, back := h.truth().Accounts["ada"]; !back {
				h.update(func(tx *state.Tx) error { _, err := tx.ReviveAccount(ada.ID, user("ada")); return err })
			}
			if err := h.owner.Reset(t.Context(), ada.ID, first, "$argon2id$new", told("p@x")); !errors.Is(err, state.ErrClosed) {
				t.Errorf("reset: %v, want ErrClosed", err)
			}
			if _, err := h.db.Session(t.Context(), "hash"); !errors.Is(err, state.ErrNotFound) {
				t.Errorf("session: %v, want ErrNotFound", err)
			}
			must(t, h.verify())
		})
	}
}
