package reconciler_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"usher/reconciler"
	"usher/state"
)

// DOMAIN.md row 19: support takes nothing but the contract's address, and takes it
// from one person only so often.
func TestAskSupport(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	owner := w.own()
	defer owner.Close()
	truth := w.truth()
	ask := func(user, subject string) error {
		a := truth.Accounts[user]
		return w.ctl.AskSupport(t.Context(), owner, a.ID, reconciler.SupportRequest{
			From: reconciler.Person{Name: a.Name, Email: a.Email, FirstName: a.FirstName, LastName: a.LastName}, Contract: "design", Subject: subject, Text: "Help!",
		}, truth.Roster.Contract("design"))
	}
	for i := range 5 {
		w.now = w.now.Add(time.Duration(i) * time.Millisecond)
		if err := ask("bo", "it broke"); err != nil {
			t.Fatalf("request %d: %v", i+1, err)
		}
		w.now = w.now.Add(time.Minute)
	}
	if err := ask("bo", "it broke"); !errors.Is(err, state.ErrTooMany) {
		t.Errorf("the sixth within the hour: %v, want ErrTooMany", err)
	}
	if err := ask("grace", "mine did, too"); err != nil {
		t.Errorf("somebody else: %v", err)
	}
	list, err := w.db.Messages(t.Context(), state.MessageQuery{Account: truth.Accounts["bo"].ID})
	if err != nil {
		t.Fatal(err)
	}
	sent := 0
	for _, m := range list {
		if m.Kind != "support" {
			continue
		}
		sent++
		if m.To != "help@acme.example" || m.State != state.MessageQueued || !strings.HasPrefix(m.MessageID, "support.") || !strings.HasSuffix(m.MessageID, "@acme.example") {
			t.Errorf("queued %+v", m)
		}
	}
	if sent != 5 {
		t.Errorf("%d messages to support, want 5", sent)
	}
	w.verify()
}

func TestAskSupportOfNobody(t *testing.T) {
	w := newWorld(t, firm())
	w.edit("firm.yaml", "supportEmail: help@acme.example", "cloudCredits: {pool: 1}")
	w.apply()
	owner := w.own()
	defer owner.Close()
	err := w.ctl.AskSupport(t.Context(), owner, w.truth().Accounts["bo"].ID, reconciler.SupportRequest{Contract: "design"}, w.truth().Roster.Contract("design"))
	if !errors.Is(err, state.ErrNotFound) {
		t.Errorf("no address: %v, want ErrNotFound", err)
	}
}
