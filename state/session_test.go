package state_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// contains reports whether the database, its journal included, holds a text.
func (h *house) contains(text string) bool {
	h.t.Helper()
	for _, name := range []string{h.path, h.path + "-wal"} {
		content, err := os.ReadFile(name)
		if err != nil && !os.IsNotExist(err) {
			h.t.Fatal(err)
		}
		if bytes.Contains(content, []byte(text)) {
			return true
		}
	}
	return false
}

func (h *house) session(token, account string, life time.Duration) error {
	return h.db.AddSession(h.t.(*testing.T).Context(), token, state.Session{Account: account, Body: []byte("{}"), Expires: h.clock().Add(life)})
}

func (h *house) alive(token string) bool {
	h.t.Helper()
	_, err := h.db.Session(h.t.(*testing.T).Context(), token)
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		h.t.Fatal(err)
	}
	return err == nil
}

// A session begins with the password of now alone: not with a former one, nor with a
// given one where there is one of their own.
func TestSessionsBeginWithThePasswordOfNow(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	for i, tt := range []struct {
		set, with string
		want      bool
	}{
		{"", "", true}, {"", "$first", false}, {"$first", "$first", true}, {"$first", "", false}, {"$second", "$first", false}, {"$second", "$second", true},
	} {
		if tt.set != "" {
			must(t, h.owner.SetPassword(t.Context(), ada.ID, tt.set, told(fmt.Sprint(i, "@x"))))
		}
		err := h.db.AddSession(t.Context(), "token", state.Session{Account: ada.ID, Body: []byte("{}"), Expires: h.clock().Add(time.Hour), Password: tt.with})
		if got := h.alive("token"); got != tt.want || !tt.want && !errors.Is(err, state.ErrNotFound) {
			t.Errorf("%q where the password is %q: began %v (%v), want %v", tt.with, tt.set, got, err, tt.want)
		}
		must(t, h.db.EndSession(t.Context(), "token"))
	}
}

// A session ends with its time, and with an hour in which nobody used it.
func TestSessionsEndInTime(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	must(t, h.session("used", ada.ID, 3*time.Hour))
	must(t, h.session("idle", ada.ID, 3*time.Hour))
	for i := range 5 {
		h.pass(30 * time.Minute)
		if !h.alive("used") {
			t.Errorf("ended after %d half hours, though it was used", i+1)
		}
	}
	if h.alive("idle") {
		t.Error("it goes on after hours without use")
	}
	h.pass(30 * time.Minute)
	if h.alive("used") {
		t.Error("it goes on after its time")
	}
	must(t, h.session("next", ada.ID, time.Hour))
	h.tamper("DELETE FROM session WHERE token = 'next'")
	if h.alive("used") || h.alive("idle") {
		t.Error("what has ended came back")
	}
}

// Whoever is gone or suspended has no session, and begins none.
func TestSessionsEndWithTheAccount(t *testing.T) {
	suspended := user("ada")
	suspended.Suspended = true
	tests := map[string]func(tx *state.Tx, id string) error{
		"removed":   func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) },
		"suspended": func(tx *state.Tx, id string) error { return tx.ChangeAccount(id, suspended) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			ada, bo := h.add("ada", true), h.add("bo", true)
			must(t, noError(h.session("a", ada.ID, time.Hour), h.session("b", bo.ID, time.Hour)))
			h.update(func(tx *state.Tx) error { return change(tx, ada.ID) })
			if h.alive("a") || !h.alive("b") {
				t.Errorf("hers goes on: %v; that of another: %v", h.alive("a"), h.alive("b"))
			}
			if err := h.session("again", ada.ID, time.Hour); !errors.Is(err, state.ErrNotFound) {
				t.Errorf("she begins another: %v, want ErrNotFound", err)
			}
			// What a request in flight writes at its end revives nothing.
			must(t, h.db.UpdateSession(t.Context(), "a", []byte(`{"late":""}`)))
			if h.alive("a") {
				t.Error("it came back by an update")
			}
		})
	}
}

func TestSignOut(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada, bo := h.add("ada", true), h.add("bo", true)
	for token, account := range map[string]string{"a1": ada.ID, "a2": ada.ID, "a3": ada.ID, "b": bo.ID} {
		must(t, h.session(token, account, time.Hour))
	}
	must(t, noError(h.db.EndSession(ctx, "a1"), h.db.EndSession(ctx, "never was")))
	if h.alive("a1") || !h.alive("a2") {
		t.Error("signing out ended another session, or not this one")
	}
	must(t, h.db.EndSessions(ctx, ada.ID))
	if h.alive("a2") || h.alive("a3") || !h.alive("b") {
		t.Error("signing out everywhere left a session, or ended another's")
	}
}

// A new password ends what the former one opened.
func TestPasswordsEndSessions(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	must(t, h.session("a", ada.ID, time.Hour))
	must(t, h.owner.SetPassword(t.Context(), ada.ID, "$argon2id$two", told("p@x")))
	if h.alive("a") {
		t.Error("a session outlives the password")
	}
	if hash, err := h.db.Password(t.Context(), ada.ID); err != nil || hash != "$argon2id$two" {
		t.Errorf("hash %q (%v)", hash, err)
	}
	messages, err := h.db.Messages(t.Context(), state.MessageQuery{Account: ada.ID})
	if err != nil || len(messages) != 1 || messages[0].Kind != "password" {
		t.Errorf("messages: %v (%v), want one about it", messages, err)
	}
	if err := h.owner.SetPassword(t.Context(), h.invite("bo").ID, "$argon2id$x", told("q@x")); !errors.Is(err, state.ErrClosed) {
		t.Errorf("of an invited account: %v, want ErrClosed", err)
	}
}

func TestKnown(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.contracts(ada, "design", "plant")
	_, posts, err := h.db.Known(t.Context(), ada.ID)
	must(t, err)
	want := []state.Post{
		{Contract: "design", Role: spec.ContractManager}, {Contract: "design", Role: spec.SoftwareCoordinator},
		{Contract: "plant", Role: spec.ContractManager}, {Contract: "plant", Role: spec.SoftwareCoordinator},
	}
	if diff := cmp.Diff(want, posts); diff != "" {
		t.Errorf("posts (-want +got):\n%s", diff)
	}
	if _, _, err := h.db.Known(t.Context(), "unone"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("nobody: %v, want ErrNotFound", err)
	}
}

// What was open when a backup was made is closed in what is restored from it, and no
// reset code comes again.
func TestRestoringSignsOut(t *testing.T) {
	h := newHouse(t)
	ctx := t.Context()
	ada := h.add("ada", true)
	must(t, noError(h.session("a", ada.ID, time.Hour), h.offer(ada.ID, "r1@x")))
	first := h.secret(ada.ID)
	file := filepath.Join(t.TempDir(), "copy.db")
	must(t, h.db.Backup(ctx, file))
	h.pass(time.Minute)
	must(t, h.offer(ada.ID, "r2@x"))
	second := h.secret(ada.ID)
	must(t, noError(h.owner.Close(), h.db.Close()))
	_, err := state.Restore(ctx, h.path, file, state.Options{Now: h.clock})
	must(t, err)
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	if h.alive("a") {
		t.Error("a session of the backup goes on")
	}
	for _, code := range []string{first, second} {
		if opens, err := h.db.ResetOpens(ctx, ada.ID, code); err != nil || opens {
			t.Errorf("code %s opens: %v (%v)", code, opens, err)
		}
	}
	h.pass(time.Minute)
	must(t, h.offer(ada.ID, "r3@x"))
	if third := h.secret(ada.ID); third == first || third == second {
		t.Errorf("code %s came again", third)
	}
}
