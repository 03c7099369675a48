package state_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"usher/state"
)

func TestSendKeepsToItsQuota(t *testing.T) {
	h := newHouse(t)
	ada, bo := h.add("ada", true), h.add("bo", true)
	made := 0
	send := func(account, kind string) error {
		made++
		q := state.Quota{Account: account, Kind: kind, Most: 2, Within: time.Hour}
		return h.owner.Send(context.Background(), q, func(revision int64, now time.Time) (state.Message, error) {
			if revision != 2 || !now.Equal(h.clock()) {
				t.Errorf("composed at revision %d, %s; want 2, %s", revision, now, h.clock())
			}
			return message(fmt.Sprintf("m%d@acme.example", made), "somebody else", 0), nil
		})
	}
	must(t, noError(send(ada.ID, "support"), send(ada.ID, "support")))
	if err := send(ada.ID, "support"); !errors.Is(err, state.ErrTooMany) {
		t.Errorf("the third within the hour: %v; want ErrTooMany", err)
	}
	must(t, noError(send(bo.ID, "support"), send(ada.ID, "reset")))
	h.pass(time.Hour)
	must(t, send(ada.ID, "support"))
	queued, err := h.db.Messages(context.Background(), state.MessageQuery{Account: ada.ID})
	must(t, err)
	got := ""
	for _, m := range queued {
		got += fmt.Sprintf("%s %s %d; ", m.Kind, m.State, m.Revision)
	}
	if want := "support queued 2; support queued 2; reset queued 2; support queued 2; "; got != want {
		t.Errorf("queued %q; want %q", got, want)
	}
}

func TestSendQueuesNothingWhereComposingFails(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	fault := errors.New("no")
	q := state.Quota{Account: ada.ID, Kind: "support", Most: 2, Within: time.Hour}
	err := h.owner.Send(context.Background(), q, func(int64, time.Time) (state.Message, error) { return state.Message{}, fault })
	if !errors.Is(err, fault) {
		t.Errorf("Send: %v; want %v", err, fault)
	}
	if queued, err := h.db.Messages(context.Background(), state.MessageQuery{}); err != nil || len(queued) != 0 {
		t.Errorf("queued %v, %v; want nothing", queued, err)
	}
}

// What somebody asked a support desk does not wait for their own mailbox.
func TestSupportDoesNotWaitForThePersonsMailbox(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	ctx := context.Background()
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(message("own@acme.example", ada.ID, 0))
		return err
	})
	due, err := h.owner.Due(ctx, 0)
	must(t, err)
	must(t, h.owner.Retry(ctx, due[0].ID, h.clock().Add(time.Hour), "452 mailbox full"))
	for id, to := range map[string]string{"later@acme.example": "ada@acme.example", "desk@acme.example": "help@acme.example"} {
		q := state.Quota{Account: ada.ID, Kind: "support", Most: 9, Within: time.Hour}
		must(t, h.owner.Send(ctx, q, func(int64, time.Time) (state.Message, error) {
			m := message(id, ada.ID, 0)
			m.To = to
			return m, nil
		}))
	}
	due, err = h.owner.Due(ctx, 0)
	must(t, err)
	if len(due) != 1 || due[0].MessageID != "desk@acme.example" {
		t.Errorf("due: %+v; want the message to the desk alone", due)
	}
}
