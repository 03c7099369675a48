package mail_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
	"usher/state/mail"
)

// database is a real one with an invited user, whose invitation is queued with
// bodies in order, in the words of the outbox.
func database(t *testing.T, now *time.Time, bodies ...string) (*state.DB, *state.Owner) {
	t.Helper()
	ctx := context.Background()
	db, err := state.Open(ctx, filepath.Join(t.TempDir(), "usher.db"), state.Options{Now: func() time.Time { return *now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	owner, err := db.Own(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Close() })
	_, err = owner.Update(ctx, state.Cause{Kind: "manifests"}, 0, func(tx *state.Tx) error {
		account, err := tx.AddAccount(&spec.User{Name: "ada", Email: "ada@acme.example", EmailKey: "ada@acme.example", FirstName: "Ada", LastName: "Lovelace"}, false)
		if err != nil {
			return err
		}
		for i, body := range bodies {
			m := state.Message{
				MessageID: string(rune('a'+i)) + "@acme.example", Kind: "invitation", To: "ada@acme.example", Subject: "Welcome",
				Account: account.ID, State: state.MessageQueued, CreatedAt: tx.Now, Body: []byte(body),
			}
			if strings.Contains(body, state.Placeholder) {
				m.Issue = account.Issue
			}
			if _, err := tx.Queue(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return db, owner
}

var givenPassword = regexp.MustCompile(`^first [0-9A-Z]{4}(-[0-9A-Z]{4}){3}\r\n$`)

func TestDrainsARealOutbox(t *testing.T) {
	now := noon
	db, owner := database(t, &now, "first "+state.Placeholder+"\r\n", "second\r\n")
	dir := t.TempDir()
	result, err := mail.Drain(context.Background(), mail.Box(owner, db), open(t, "dir:"+dir), mail.Options{Now: func() time.Time { return now }})
	if err != nil || result != (mail.Result{Sent: 2}) {
		t.Fatalf("Drain: %+v, %v; want both sent, one after the other", result, err)
	}
	files := names(t, dir)
	if len(files) != 2 {
		t.Fatalf("files: %q", files)
	}
	got, err := os.ReadFile(filepath.Join(dir, files[0]))
	if err != nil || !givenPassword.Match(got) || strings.Contains(string(got), state.Placeholder) {
		t.Errorf("%s has %q, %v; want a given password in it", files[0], got, err)
	}
	sent, err := db.Messages(context.Background(), state.MessageQuery{State: state.MessageSent})
	if err != nil || len(sent) != 2 {
		t.Errorf("sent: %+v, %v", sent, err)
	}
}

// A reply lost after the dot: ten minutes later the same bytes come again.
func TestACopyIsTheSameMessage(t *testing.T) {
	now := noon
	db, owner := database(t, &now, letter+state.Placeholder+"\r\n")
	var dots atomic.Int32
	server := serve(t, func(step string) behaviour {
		if step == "dot" {
			if dots.Add(1) == 1 {
				return hangUp
			}
		}
		return well
	})
	transport := open(t, server.url())
	drain := func() mail.Result {
		result, err := mail.Drain(context.Background(), mail.Box(owner, db), transport, mail.Options{Now: func() time.Time { return now }})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	if got := drain(); got != (mail.Result{Retried: 1}) {
		t.Errorf("first: %+v, want it retried", got)
	}
	now = now.Add(10*time.Minute - time.Second)
	if got := drain(); got != (mail.Result{}) {
		t.Errorf("before ten minutes: %+v, want nothing due", got)
	}
	now = now.Add(time.Second)
	if got := drain(); got != (mail.Result{Sent: 1}) {
		t.Errorf("after ten minutes: %+v, want it sent", got)
	}
	_, _, messages := server.heard()
	if len(messages) != 2 || messages[0] != messages[1] || strings.Contains(messages[0], state.Placeholder) {
		t.Errorf("messages %q, want the same twice, with its password", messages)
	}
}

// A server that refuses us burns no message: all are queued as before.
func TestPausedBurnsNoMessage(t *testing.T) {
	now := noon
	db, owner := database(t, &now, letter)
	transport := open(t, serve(t, at("MAIL", "550 not from you")).url())
	for range 3 {
		result, err := mail.Drain(context.Background(), mail.Box(owner, db), transport, mail.Options{Now: func() time.Time { return now }})
		if err != nil || result.Waiting != 1 || !strings.Contains(result.Paused, "550 not from you") {
			t.Fatalf("%+v, %v; want a pause with the server's words", result, err)
		}
	}
	queued, err := db.Messages(context.Background(), state.MessageQuery{State: state.MessageQueued})
	if err != nil || len(queued) != 1 || queued[0].Attempts != 0 {
		t.Errorf("queued: %+v, %v; want one without attempts", queued, err)
	}
}
