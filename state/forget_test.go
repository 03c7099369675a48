package state_test

import (
	"errors"
	"mime/quotedprintable"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

// letter is a message as usher writes them: two parts, quoted-printable, its lines
// folded.
func letter(subject, text string) []byte {
	var b strings.Builder
	b.WriteString("Subject: " + subject + "\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n")
	for _, kind := range []string{"text/plain", "text/html"} {
		b.WriteString("--x\r\nContent-Type: " + kind + "; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n")
		w := quotedprintable.NewWriter(&b)
		_, _ = w.Write([]byte(strings.Repeat("=", 70) + " " + text)) // a strings.Builder never fails
		_ = w.Close()
		b.WriteString("\r\n")
	}
	b.WriteString("--x--\r\n")
	return []byte(b.String())
}

// gossip sends messages in a house that lived: to ada, who was removed, and to bo.
func gossip(h *house) {
	h.t.Helper()
	ada, bo := h.truth().Gone[0], *h.truth().Roster.User("bo")
	h.update(func(tx *state.Tx) error {
		for _, m := range []state.Message{
			{MessageID: "hers", Kind: "removed", To: ada.Email, Subject: "Dear Firstada", Account: ada.ID, Body: letter("x", "hello Firstada")},
			{MessageID: "her address", Kind: "roles", To: bo.Email, Body: letter("x", "Somebody <Ada@Acme.example> is no longer")},
			{MessageID: "her name", Kind: "held", To: bo.Email, Body: letter("x", "removing Firstada\nLovelace, until today")},
			{MessageID: "her subject", Kind: "refused", To: bo.Email, Body: letter("=?utf-8?q?of_Firstada_Lovelace?=", "news")},
			{MessageID: "a namesake", Kind: "access", To: bo.Email, Body: letter("x", "Hello Firstada Lovelace")},
			{MessageID: "her manifest", Kind: "refused", To: bo.Email, Body: letter("x", "grant access of ada to cad")},
			{MessageID: "her file", Kind: "refused", To: bo.Email, Body: letter("x", "people/ada.yaml:3:1: unknown field")},
			{MessageID: "a word", Kind: "access", To: bo.Email, Body: letter("x", "the ada language")},
			{MessageID: "another", Kind: "roles", To: bo.Email, Body: letter("x", "Firstada Lovelaces <dada@acme.example>, ada@acme.example.org")},
		} {
			if _, err := tx.Queue(m); err != nil {
				return err
			}
		}
		return nil
	})
}

// deliver takes everything that is queued as sent.
func (h *house) deliver() {
	h.t.Helper()
	for {
		due, err := h.owner.Due(h.t.Context(), 0)
		must(h.t, err)
		if len(due) == 0 {
			return
		}
		for _, m := range due {
			must(h.t, h.owner.Sent(h.t.Context(), m.ID))
		}
	}
}

// bodies are the messages that have a text still, by their ids.
func (h *house) bodies() []string {
	h.t.Helper()
	list, err := h.db.Messages(h.t.Context(), state.MessageQuery{})
	must(h.t, err)
	var left []string
	for _, m := range list {
		whole, err := h.db.Message(h.t.Context(), m.ID)
		must(h.t, err)
		if len(whole.Body) > 0 {
			left = append(left, m.MessageID)
		}
	}
	return left
}

// DOMAIN.md, "Forgetting": chain and replay still verify and show (erased).
func TestForget(t *testing.T) {
	h := lived(t)
	gossip(h)
	h.hold("p1")
	h.deliver()
	id := h.truth().Gone[0].ID
	_, err := h.db.Ask(t.Context(), "resend", "ada", "olu")
	must(t, err)
	requests, err := h.db.Requests(t.Context(), true)
	must(t, err)
	must(t, h.owner.Answer(t.Context(), requests[0].ID, "ada is removed"))
	must(t, h.owner.Report(t.Context(), []byte(`{"message":"users.yaml:3:1: User ada: there is no product bim"}`)))

	messages, err := h.owner.Forget(t.Context(), []string{id}, "olu")
	must(t, err)
	if messages != 6 {
		t.Errorf("%d messages lost their text; want 6", messages)
	}
	if diff := cmp.Diff([]string{"a namesake", "a word", "another"}, h.bodies()); diff != "" {
		t.Errorf("messages with a text (-want +got):\n%s", diff)
	}
	if err := h.verify(); err != nil {
		t.Errorf("Verify: %v", err)
	}
	events, err := h.db.History(t.Context(), id)
	must(t, err)
	first, last := events[0], events[len(events)-1]
	if first.To != "(erased)" || last.Action != "forget" {
		t.Errorf("the history begins with %q and ends with %q; want (erased) and forget", first.To, last.Action)
	}
	if got := h.truth().Gone[0]; got.Name != id || got.Email != "(erased)" {
		t.Errorf("the tombstone names %s <%s>", got.Name, got.Email)
	}
	past, err := h.db.TruthAt(t.Context(), 1)
	must(t, err)
	if past.Accounts[id].ID != id || past.Roster.User(id) == nil {
		t.Errorf("at revision 1 there were %v", past.Accounts)
	}
	h.silent("lastada", "users/ada.yaml", "AAAAada", "dear firstada", "grant access of ada", "user ada")
}

// silent fails where a file of the database contains any of these, in whatever case.
func (h *house) silent(words ...string) {
	h.t.Helper()
	files, err := filepath.Glob(h.path + "*")
	must(h.t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(h.t, err)
		for _, word := range words {
			if strings.Contains(strings.ToLower(string(content)), strings.ToLower(word)) {
				h.t.Errorf("%s still contains %q", filepath.Base(file), word)
			}
		}
	}
}

func TestForgetRefuses(t *testing.T) {
	ada := func(h *house) string { return h.truth().Gone[0].ID }
	bo := func(h *house) string { return h.truth().Accounts["bo"].ID }
	tests := []struct {
		name   string
		who    func(*house) string
		before func(*house)
		want   error
	}{
		{"who is there", bo, func(*house) {}, state.ErrPresent},
		{"who never was", func(*house) string { return "u01" }, func(*house) {}, state.ErrNotFound},
		{"whose message waits", ada, gossip, state.ErrMentioned},
		{"of whom a plan speaks that is held", ada, func(h *house) {
			hold := held("p1")
			hold.Plan = []byte(`{"changes":[{"action":"add","kind":"user","subject":"ada"}]}`)
			must(h.t, h.owner.Hold(h.t.Context(), hold))
		}, state.ErrMentioned},
		{"of whom a message to another speaks that waits", ada, func(h *house) {
			gossip(h)
			h.tamper("UPDATE outbox SET state = 'sent' WHERE message_id <> 'her name'")
		}, state.ErrMentioned},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := lived(t)
			tt.before(h)
			before := h.bodies()
			messages, err := h.owner.Forget(t.Context(), []string{tt.who(h)}, "olu")
			if !errors.Is(err, tt.want) || messages > 0 {
				t.Errorf("Forget: %d, %v; want %v", messages, err, tt.want)
			}
			if !slices.Equal(before, h.bodies()) || h.truth().Gone[0].Name != "ada" {
				t.Error("something was erased nonetheless")
			}
			must(t, h.verify())
		})
	}
}

// Somebody may have had several accounts, and may have been forgotten before.
func TestForgetAgain(t *testing.T) {
	h := lived(t)
	first := h.truth().Gone[0].ID
	h.pass(40 * 24 * time.Hour)
	second := h.add("ada", false).ID
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(second, nil) })
	for range 2 {
		_, err := h.owner.Forget(t.Context(), []string{first, second}, "olu")
		must(t, err)
		must(t, h.verify())
	}
	for _, a := range h.truth().Gone {
		if a.Name != a.ID {
			t.Errorf("account %s is still %s", a.ID, a.Name)
		}
	}
}

// What was forgotten is held against the audit like everything else.
func TestVerifyNoticesWhatWasForgottenAndAltered(t *testing.T) {
	for name, statement := range map[string]string{
		"access altered":        "UPDATE access SET product = 'bim' WHERE account = (SELECT account FROM person WHERE name = '')",
		"a name again":          "UPDATE person SET name = 'eve' WHERE name = ''",
		"a reason again":        "UPDATE access SET reason = 'x' WHERE account = (SELECT account FROM person WHERE name = '')",
		"the forgetting undone": "DELETE FROM audit WHERE entries LIKE '%forget%'",
	} {
		t.Run(name, func(t *testing.T) {
			h := lived(t)
			_, err := h.owner.Forget(t.Context(), []string{h.truth().Gone[0].ID}, "olu")
			must(t, err)
			h.tamper(statement)
			if err := h.verify(); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("Verify: %v; want ErrDamaged", err)
			}
		})
	}
}

// A report that names nobody who is forgotten stays.
func TestForgetLeavesTheReportOfOthers(t *testing.T) {
	h := lived(t)
	said := `{"message":"User bo: ada-lovelace is no product"}`
	must(t, h.owner.Report(t.Context(), []byte(said)))
	_, err := h.owner.Forget(t.Context(), []string{h.truth().Gone[0].ID}, "olu")
	must(t, err)
	if body, _, err := h.db.Report(t.Context()); err != nil || string(body) != said {
		t.Errorf("the report is %s, %v; want %s", body, err, said)
	}
}

// Who is killed between erasing somebody and writing the file anew leaves that to the
// next owner.
func TestNextOwnerWritesAnewWhatOneWasKilledOver(t *testing.T) {
	h := lived(t)
	must(t, h.owner.ForgetKilled(t.Context(), h.truth().Gone[0].ID))
	must(t, h.owner.Close())
	for _, traces := range []bool{true, false} {
		if got, err := h.db.Traces(t.Context()); err != nil || got != traces {
			t.Errorf("traces are left: %t, %v; want %t", got, err, traces)
		}
		owner, err := h.db.Own(t.Context())
		must(t, err)
		must(t, owner.Close())
	}
	h.silent("lastada", "users/ada.yaml", "AAAAada")
}

// Whoever has the address now, and the name, keeps what was written to them.
func TestForgetLeavesWhoCameAfter(t *testing.T) {
	h := lived(t)
	first := h.truth().Gone[0].ID
	h.pass(40 * 24 * time.Hour)
	second := h.add("ada", false)
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(state.Message{MessageID: "theirs", Kind: "access", To: second.Email, Account: second.ID, Body: letter("x", "You sign in as ada@acme.example")})
		return err
	})
	h.deliver()
	_, err := h.owner.Forget(t.Context(), []string{first}, "olu")
	must(t, err)
	if diff := cmp.Diff([]string{"theirs"}, h.bodies()); diff != "" {
		t.Errorf("messages with a text (-want +got):\n%s", diff)
	}
	must(t, h.verify())
}
