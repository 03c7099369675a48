package state_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// queue puts messages to accounts into the outbox, in one revision.
func (h *house) queue(accounts ...string) {
	h.t.Helper()
	h.update(func(tx *state.Tx) error {
		for i, account := range accounts {
			m := message(fmt.Sprintf("r%d-%d@x", tx.Revision, i), account, 0)
			if _, err := tx.Queue(m); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *house) due() []int64 {
	h.t.Helper()
	messages, err := h.owner.Due(context.Background(), 0)
	must(h.t, err)
	var ids []int64
	for _, m := range messages {
		ids = append(ids, m.ID)
	}
	return ids
}

func TestAMessageStaysWhatItIs(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	ada := h.add("ada", false)
	m := message("m@x", ada.ID, 1)
	r := h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(m)
		return err
	})
	if r.Messages != 1 {
		t.Errorf("the revision has %d messages; want 1", r.Messages)
	}
	want := m
	want.ID, want.Revision, want.State, want.CreatedAt, want.NextAt = 1, 2, state.MessageQueued, dayOne, dayOne
	got, err := h.db.Message(ctx, 1)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("queued (-want +got):\n%s", diff)
	}
	h.due()
	must(t, h.owner.Retry(ctx, 1, dayOne.Add(time.Minute), "421 later"))
	want.Attempts, want.LastError, want.NextAt = 1, "421 later", dayOne.Add(time.Minute)
	got, err = h.db.Message(ctx, 1)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("retried (-want +got):\n%s", diff)
	}
	if ids := h.due(); ids != nil {
		t.Errorf("due before its time: %v", ids)
	}
	h.pass(time.Minute)
	h.due()
	must(t, h.owner.Sent(ctx, 1))
	want.Attempts, want.LastError, want.State, want.SentAt = 2, "", state.MessageSent, dayOne.Add(time.Minute)
	got, err = h.db.Message(ctx, 1)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
	if _, err := h.db.Message(ctx, 9); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Message(9): %v; want ErrNotFound", err)
	}
	if err := h.owner.Sent(ctx, 9); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Sent(9): %v; want ErrNotFound", err)
	}
}

func TestOrderPerPersonIsKept(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.queue("ada", "bo", "ada", "", "")
	if diff := cmp.Diff([]int64{1, 2, 4, 5}, h.due()); diff != "" {
		t.Errorf("due first (-want +got):\n%s", diff)
	}
	if ids := h.due(); ids != nil {
		t.Errorf("due while being sent: %v", ids)
	}
	must(t, h.owner.Retry(ctx, 1, dayOne.Add(time.Hour), "421"))
	if ids := h.due(); ids != nil {
		t.Errorf("due behind a retry: %v", ids)
	}
	h.pass(time.Hour)
	if diff := cmp.Diff([]int64{1}, h.due()); diff != "" {
		t.Errorf("due at the retry (-want +got):\n%s", diff)
	}
	must(t, h.owner.Failed(ctx, 1, "550 no such user"))
	if diff := cmp.Diff([]int64{3}, h.due()); diff != "" {
		t.Errorf("due after the failure (-want +got):\n%s", diff)
	}
}

func TestRequeue(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.queue("a", "b", "c", "d")
	h.due()
	must(t, h.owner.Failed(ctx, 1, "550"))
	must(t, h.owner.Sent(ctx, 2))
	h.tamper("UPDATE outbox SET state = 'held' WHERE id = 3")
	n, err := h.owner.Requeue(ctx, 1, 2, 3, 4, 9)
	must(t, err)
	if n != 3 {
		t.Errorf("requeued %d; want the failed, the held and the untried one", n)
	}
	if diff := cmp.Diff([]int64{1, 3, 4}, h.due()); diff != "" {
		t.Errorf("due (-want +got):\n%s", diff)
	}
}

func TestSuppressedIsNeverSent(t *testing.T) {
	h := newHouse(t)
	h.update(func(tx *state.Tx) error {
		m := message("m@x", "", 0)
		m.State = state.MessageSuppressed
		_, err := tx.Queue(m)
		return err
	})
	if n, err := h.owner.Requeue(context.Background(), 1); n != 0 || err != nil || h.due() != nil {
		t.Errorf("requeued %d, %v; want a suppressed message to stay", n, err)
	}
}

func TestACancelledMessageStaysCancelled(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	ada := h.add("ada", false)
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(message("m@x", ada.ID, 1))
		return err
	})
	h.due()
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	must(t, h.owner.Retry(ctx, 1, dayOne, "421"))
	must(t, h.owner.Failed(ctx, 1, "550"))
	m, err := h.db.Message(ctx, 1)
	must(t, err)
	if m.State != state.MessageCancelled {
		t.Errorf("it is %s; want cancelled", m.State)
	}
	must(t, h.owner.Sent(ctx, 1))
	if m, _ = h.db.Message(ctx, 1); m.State != state.MessageSent {
		t.Errorf("accepted all the same, it is %s; want sent", m.State)
	}
}

// DOMAIN.md, "Invitation": resend raises the issue number alone.
func TestResend(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	ada := h.add("ada", false, grant("cad"))
	h.pass(100 * 24 * time.Hour)
	compose := func(a state.Account, u *spec.User, revision int64, now time.Time) (state.Message, error) {
		if a.Issue != 2 || len(u.Access) != 1 || revision != 2 || !now.Equal(h.clock()) {
			t.Errorf("compose got %+v, %+v, %d, %v", a, u, revision, now)
		}
		return message("again@x", "", 0), nil
	}
	must(t, h.owner.Resend(ctx, "ada", "grace", compose))
	m, err := h.db.Message(ctx, 1)
	must(t, err)
	if m.Account != ada.ID || m.Issue != 2 || m.State != state.MessageQueued {
		t.Errorf("message: %+v; want her second invitation queued", m)
	}
	truth := h.truth()
	if a := truth.Accounts["ada"]; a.Status != state.Invited || a.Generation != 0 {
		t.Errorf("account: %+v; want invited, generation 0", a)
	}
	if truth.Newest.Kind != state.CauseRequest || truth.Newest.By != "grace" || truth.Basis != 1 {
		t.Errorf("revision %+v on basis %d; want a request by grace on basis 1", truth.Newest, truth.Basis)
	}
	must(t, h.verify())
}

func TestResendRefuses(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.add("ada", true)
	none := func(state.Account, *spec.User, int64, time.Time) (state.Message, error) {
		return state.Message{}, errors.New("not composed")
	}
	if err := h.owner.Resend(ctx, "ada", "grace", none); err == nil || errors.Is(err, state.ErrNotFound) {
		t.Errorf("Resend to an active account: %v; want an error", err)
	}
	if err := h.owner.Resend(ctx, "eve", "grace", none); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("Resend to nobody: %v; want ErrNotFound", err)
	}
	h.add("bo", false)
	if err := h.owner.Resend(ctx, "bo", "grace", none); err == nil || h.truth().Accounts["bo"].Issue != 1 {
		t.Errorf("Resend that cannot be composed: %v, issue %d; want an error and issue 1", err, h.truth().Accounts["bo"].Issue)
	}
}
