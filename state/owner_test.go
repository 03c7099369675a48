package state_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"usher/state"
)

// TestMain lets this test binary be another process: with USHER_TEST_OWN set it
// takes ownership of that database, says so, and waits to be killed.
func TestMain(m *testing.M) {
	if path := os.Getenv("USHER_TEST_OWN"); path != "" {
		ownUntilKilled(path)
	}
	flag.Set("rapid.checks", "40") // each makes a database on disk and a long history
	flag.Parse()
	os.Exit(m.Run())
}

func ownUntilKilled(path string) {
	ctx := context.Background()
	db, err := state.Open(ctx, path, state.Options{Command: "usher watch"})
	if err == nil {
		var owner *state.Owner
		if owner, err = db.Own(ctx); err == nil {
			_, err = owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 0, func(tx *state.Tx) error {
				a, err := tx.AddAccount(user("ada"), false)
				if err != nil {
					return err
				}
				_, err = tx.Queue(message("m@x", a.ID, 1))
				return err
			})
		}
		if err == nil {
			_, err = owner.Due(ctx, 0)
		}
		if err == nil {
			_, err = owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 1, func(tx *state.Tx) error {
				if _, err := tx.AddAccount(user("bo"), false); err != nil {
					return err
				}
				fmt.Println("owned")
				select {}
			})
		}
	}
	fmt.Println(err)
	os.Exit(1)
}

func TestAnotherProcessOwnsUntilItIsKilled(t *testing.T) {
	h := newHouse(t)
	must(t, h.owner.Close())
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "USHER_TEST_OWN="+h.path)
	out, err := other.StdoutPipe()
	must(t, err)
	must(t, other.Start())
	said := make([]byte, 6)
	if n, _ := out.Read(said); string(said[:n]) != "owned\n" {
		t.Fatalf("the other process said %q", said[:n])
	}
	_, err = h.db.Own(context.Background())
	var busy *state.BusyError
	if !errors.Is(err, state.ErrBusy) || !errors.As(err, &busy) {
		t.Fatalf("Own: %v; want a *BusyError", err)
	}
	if busy.Command != "usher watch" || busy.PID != other.Process.Pid {
		t.Errorf("held by %+v; want usher watch, pid %d", busy, other.Process.Pid)
	}
	must(t, other.Process.Kill())
	other.Wait()

	h.owner = h.own(h.db)
	truth := h.truth()
	if got := names(truth.Roster.Users); got != "ada" || truth.Newest.Number != 1 {
		t.Errorf("after kill -9: users %q, revision %d; want ada, 1", got, truth.Newest.Number)
	}
	messages, err := h.db.Messages(context.Background(), state.MessageQuery{})
	must(t, err)
	if len(messages) != 1 || messages[0].State != state.MessageQueued {
		t.Errorf("messages: %+v; want the one that was being sent, queued again", messages)
	}
	must(t, h.verify())
}

func TestBusyErrorSaysWho(t *testing.T) {
	h := newHouse(t)
	_, err := h.open(state.Options{Command: "usher watch"}).Own(context.Background())
	host, _ := os.Hostname()
	want := fmt.Sprintf("usher apply, pid %d on %s, since 10:15:02", os.Getpid(), host)
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("Own: %v; want %q in it", err, want)
	}
}

func TestUpdateIsFenced(t *testing.T) {
	ctx := context.Background()
	nothing := func(*state.Tx) error { return nil }
	t.Run("by a revision", func(t *testing.T) {
		h := newHouse(t)
		h.update(nothing)
		_, err := h.owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 0, nothing)
		if !errors.Is(err, state.ErrFenced) {
			t.Errorf("Update on revision 0 of 1: %v; want ErrFenced", err)
		}
	})
	t.Run("by another owner", func(t *testing.T) {
		h := newHouse(t)
		h.tamper("UPDATE owner SET epoch = epoch + 1")
		_, err := h.owner.Update(ctx, state.Cause{Kind: state.CauseManifests}, 0, nothing)
		if !errors.Is(err, state.ErrFenced) {
			t.Errorf("Update: %v; want ErrFenced", err)
		}
		if _, err := h.owner.Due(ctx, 1); !errors.Is(err, state.ErrFenced) {
			t.Errorf("Due: %v; want ErrFenced", err)
		}
		if h.truth().Newest.Number != 0 {
			t.Error("a fenced owner wrote")
		}
	})
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	h := newHouse(t)
	h.add("ada", true)
	add := func(tx *state.Tx) {
		for i := range 60 {
			if _, err := tx.AddAccount(user(fmt.Sprintf("u%d", i)), false); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tx.Queue(message("m@x", "", 0)); err != nil {
			t.Fatal(err)
		}
	}
	failure := errors.New("no")
	err := h.refused(func(tx *state.Tx) error { add(tx); return failure })
	if !errors.Is(err, failure) {
		t.Errorf("Update: %v; want fn's error", err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		h.owner.Update(context.Background(), state.Cause{}, 1, func(tx *state.Tx) error { add(tx); panic("no") })
	}()
	truth := h.truth()
	messages, err := h.db.Messages(context.Background(), state.MessageQuery{})
	must(t, err)
	if names(truth.Roster.Users) != "ada" || truth.Newest.Number != 1 || len(messages) != 0 {
		t.Errorf("left behind: %s, revision %d, %d messages", names(truth.Roster.Users), truth.Newest.Number, len(messages))
	}
	h.add("bo", true) // and the writer is free again
	must(t, h.verify())
}

func TestTimeNeverGoesBack(t *testing.T) {
	h := newHouse(t)
	first := h.update(func(*state.Tx) error { return nil })
	h.pass(-time.Hour)
	second := h.update(func(*state.Tx) error { return nil })
	if second.At.Before(first.At) {
		t.Errorf("revision 2 is of %v, revision 1 of %v", second.At, first.At)
	}
	must(t, h.verify())
}

func TestRequests(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	visitor := h.open(state.Options{Command: "usher approve"}) // beside the owner, without the lock
	id, err := visitor.Ask(ctx, "approve", "sha256:1", "grace")
	must(t, err)
	open, err := h.db.Requests(ctx, true)
	must(t, err)
	if len(open) != 1 || open[0].ID != id || open[0].Argument != "sha256:1" || open[0].By != "grace" {
		t.Fatalf("open: %+v", open)
	}
	must(t, h.owner.Answer(ctx, id, "no such plan"))
	if err := h.owner.Answer(ctx, id, ""); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("answered twice: %v; want ErrNotFound", err)
	}
	open, err = visitor.Requests(ctx, true)
	must(t, err)
	all, err := visitor.Requests(ctx, false)
	must(t, err)
	if len(open) != 0 || len(all) != 1 || all[0].Result != "no such plan" || !all[0].DoneAt.Equal(dayOne) {
		t.Errorf("open %+v, all %+v", open, all)
	}
	if one, err := visitor.Request(ctx, id); err != nil || one != all[0] {
		t.Errorf("request %d: %+v, %v; want %+v", id, one, err, all[0])
	}

	h.now = h.now.Add(state.RequestMemory + time.Second)
	later, err := visitor.Ask(ctx, "resend", "bo", "grace")
	must(t, err)
	must(t, h.owner.Answer(ctx, later, ""))
	if _, err := visitor.Request(ctx, id); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("a request answered long ago: %v; want ErrNotFound", err)
	}
	if one, err := visitor.Request(ctx, later); err != nil || one.DoneAt.IsZero() {
		t.Errorf("the one answered just now: %+v, %v", one, err)
	}
}

func TestClosingAnOwnerTwiceLeavesTheNextOneAlone(t *testing.T) {
	h := newHouse(t)
	first := h.owner
	must(t, first.Close())
	h.own(h.open(state.Options{Command: "usher watch"}))
	must(t, first.Close())
	_, err := h.db.Own(context.Background())
	var busy *state.BusyError
	if !errors.As(err, &busy) || busy.Command != "usher watch" {
		t.Errorf("Own: %v; want it held by usher watch", err)
	}
}
