package state_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestRevisions(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	causes := []state.Cause{
		{Kind: state.CauseAdopt, Source: "git", Path: "/srv/people", Commit: "c1", Digest: "sha256:1", PlanID: "sha256:p", By: "grace"},
		{Kind: state.CauseTime},
		{Kind: state.CauseManifests, Approved: true},
		{Kind: state.CauseRequest, By: "grace"},
	}
	var want []state.Revision
	for i, cause := range causes {
		r := h.updateBecause(cause, func(tx *state.Tx) error {
			_, err := tx.AddAccount(user(string(rune('a'+i))), true)
			return noError(err, tx.SetCalendarDay(day(i)))
		})
		want = append([]state.Revision{{Number: int64(i + 1), At: h.clock(), Cause: cause, Changes: 1}}, want...)
		if diff := cmp.Diff(want[0], r); diff != "" {
			t.Errorf("Update (-want +got):\n%s", diff)
		}
		h.pass(time.Hour)
	}
	all, err := h.db.Revisions(ctx, 0)
	must(t, err)
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("Revisions (-want +got):\n%s", diff)
	}
	two, err := h.db.Revisions(ctx, 2)
	must(t, err)
	if diff := cmp.Diff(want[:2], two); diff != "" {
		t.Errorf("Revisions(2) (-want +got):\n%s", diff)
	}
	for i, basis := range []int64{0, 1, 1, 3, 3} {
		truth, err := h.db.TruthAt(ctx, int64(i))
		must(t, err)
		calendar := spec.Always
		if i > 0 {
			calendar = day(i - 1)
		}
		if truth.Basis != basis || truth.CalendarDay != calendar || len(truth.Roster.Users) != i {
			t.Errorf("revision %d: basis %d, calendar %v, %d users; want %d, %v, %d", i, truth.Basis, truth.CalendarDay, len(truth.Roster.Users), basis, calendar, i)
		}
	}
	if _, err := h.db.TruthAt(ctx, 5); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("TruthAt(5): %v; want ErrNotFound", err)
	}
	must(t, h.verify())
}

func TestRevisionAt(t *testing.T) {
	h := newHouse(t)
	h.update(func(*state.Tx) error { return nil })
	h.pass(time.Hour)
	h.update(func(*state.Tx) error { return nil })
	for offset, want := range map[time.Duration]int64{
		-time.Millisecond:            0,
		0:                            1,
		time.Hour - time.Millisecond: 1,
		time.Hour:                    2,
		1000 * time.Hour:             2,
	} {
		got, err := h.db.RevisionAt(context.Background(), dayOne.Add(offset))
		must(t, err)
		if got != want {
			t.Errorf("RevisionAt(%v): %d; want %d", offset, got, want)
		}
	}
}

func TestThePastShowsStatusesOfItsTime(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.add("ada", false)
	h.pass(89 * 24 * time.Hour)
	h.update(func(*state.Tx) error { return nil })
	h.pass(24 * time.Hour)
	h.update(func(*state.Tx) error { return nil })
	must(t, h.owner.Resend(ctx, "ada", "grace", func(state.Account, *spec.User, int64, time.Time) (state.Message, error) {
		return message("m@x", "", 0), nil
	}))
	for revision, want := range map[int64]struct {
		status state.Status
		issue  int
	}{1: {state.Invited, 1}, 2: {state.Invited, 1}, 3: {state.Expired, 1}, 4: {state.Invited, 2}} {
		truth, err := h.db.TruthAt(ctx, revision)
		must(t, err)
		if a := truth.Accounts["ada"]; a.Status != want.status || a.Issue != want.issue {
			t.Errorf("revision %d: %s, issue %d; want %s, %d", revision, a.Status, a.Issue, want.status, want.issue)
		}
	}
}
