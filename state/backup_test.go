package state_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/state"
)

// queue puts a message to an account into the outbox, in a revision of its own.
func (h *house) queueTo(a state.Account, id string) {
	h.t.Helper()
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(state.Message{MessageID: id, Kind: "access", To: a.Email, Account: a.ID, Body: []byte("hello")})
		return err
	})
}

func (h *house) messageStates() []state.MessageState {
	h.t.Helper()
	list, err := h.db.Messages(context.Background(), state.MessageQuery{})
	if err != nil {
		h.t.Fatal(err)
	}
	var states []state.MessageState
	for _, m := range list {
		states = append(states, m.State)
	}
	return states
}

func TestBackupAndRestore(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	ada := h.add("ada", true)
	h.queueTo(ada, "1@x")
	t.Chdir(t.TempDir())
	file := "copy.db" // as somebody types it
	if err := h.db.Backup(ctx, file); err != nil {
		t.Fatalf("Backup: %v", err)
	}
	for _, f := range []string{file, file + ".key"} {
		if info, err := os.Stat(f); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v; want 0600", f, err, info.Mode())
		}
	}
	if err := h.db.Backup(ctx, file); err == nil || !strings.Contains(err.Error(), "exists") {
		t.Errorf("backing up over a backup: %v, want it refused", err)
	}
	h.add("bo", true) // after the backup: goes when it is restored

	if _, err := state.Restore(ctx, h.path, file, state.Options{Now: h.clock}); !errors.Is(err, state.ErrBusy) {
		t.Fatalf("Restore beside an owner: %v, want ErrBusy", err)
	}
	h.owner.Close()
	h.db.Close()
	kept, err := state.Restore(ctx, h.path, file, state.Options{Now: h.clock})
	if err != nil {
		t.Fatalf("Restore: %v", err)
	}
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	if got := len(h.truth().Roster.Users); got != 1 {
		t.Errorf("%d users after restoring, want 1", got)
	}
	if diff := cmp.Diff([]state.MessageState{state.MessageHeld}, h.messageStates()); diff != "" {
		t.Errorf("messages of a restored backup: %s", diff)
	}
	if err := h.verify(); err != nil {
		t.Error(err)
	}
	before, err := state.Open(ctx, kept, state.Options{ReadOnly: true})
	if err != nil {
		t.Fatalf("what was kept: %v", err)
	}
	defer before.Close()
	truth, err := before.Truth(ctx)
	if err != nil || len(truth.Roster.Users) != 2 {
		t.Errorf("what was kept has %v users (%v), want 2", truth, err)
	}
}

func TestRestoreRefusesWhatIsNoBackup(t *testing.T) {
	ctx := context.Background()
	h := newHouse(t)
	h.add("ada", true)
	h.owner.Close()
	good := filepath.Join(t.TempDir(), "good.db")
	if err := h.db.Backup(ctx, good); err != nil {
		t.Fatal(err)
	}
	text := filepath.Join(t.TempDir(), "text.db")
	os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600)
	keyless := filepath.Join(t.TempDir(), "keyless.db")
	data, _ := os.ReadFile(good)
	os.WriteFile(keyless, data, 0o600)
	altered := filepath.Join(t.TempDir(), "altered.db")
	os.WriteFile(altered, data, 0o600)
	key, _ := os.ReadFile(good + ".key")
	os.WriteFile(altered+".key", key, 0o600)
	(&house{t: t, path: altered}).tamper("UPDATE person SET email = 'eve@acme.example'")
	for _, file := range []string{text, keyless, altered, filepath.Join(t.TempDir(), "absent.db")} {
		if _, err := state.Restore(ctx, h.path, file, state.Options{Now: h.clock}); err == nil {
			t.Errorf("%s was restored", filepath.Base(file))
		}
	}
	if got := len(h.truth().Roster.Users); got != 1 {
		t.Errorf("%d users after refused restores, want 1", got)
	}
}

// A copy put in the database's place is older than the head file: everything it
// would send may have been sent.
func TestDatabaseThatWentBackHoldsMail(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.queueTo(ada, "1@x")
	h.tamper("PRAGMA wal_checkpoint(TRUNCATE)")
	old, err := os.ReadFile(h.path)
	if err != nil {
		t.Fatal(err)
	}
	h.queueTo(ada, "2@x")
	h.owner.Close()
	h.db.Close()
	for _, suffix := range []string{"-wal", "-shm"} {
		os.Remove(h.path + suffix)
	}
	if err := os.WriteFile(h.path, old, 0o600); err != nil {
		t.Fatal(err)
	}
	h.db = h.open(state.Options{})
	findings, err := h.db.Examine(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !has(findings, "head", state.Failure) {
		t.Errorf("doctor does not see it: %v", findings)
	}
	h.owner = h.own(h.db)
	if diff := cmp.Diff([]state.MessageState{state.MessageHeld}, h.messageStates()); diff != "" {
		t.Error(diff)
	}
}

func has(findings []state.Finding, check string, s state.Severity) bool {
	for _, f := range findings {
		if f.Check == check && f.Severity == s {
			return true
		}
	}
	return false
}

func TestExamine(t *testing.T) {
	h := newHouse(t)
	h.add("ada", true)
	check := func(check string, want state.Severity) {
		t.Helper()
		findings, err := h.db.Examine(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if !has(findings, check, want) {
			t.Errorf("no %s of %s in %v", want, check, findings)
		}
	}
	for _, c := range []string{"audit", "head", "permissions", "disk", "clock", "mail"} {
		check(c, state.Fine)
	}
	os.Chmod(h.path+".key", 0o644)
	check("permissions", state.Warning)
	h.pass(-2 * time.Hour)
	check("clock", state.Failure)
	h.tamper("UPDATE person SET email = 'eve@acme.example'")
	check("audit", state.Failure)
}

// The same news is told once, or again after a while; other news at once.
func TestTell(t *testing.T) {
	h := newHouse(t)
	tell := func(news string, again time.Duration) bool {
		told, err := h.owner.Tell(context.Background(), "held", news, again, func(revision int64, now time.Time) ([]state.Message, error) {
			return []state.Message{{MessageID: news + now.Format(time.RFC3339Nano), Kind: "held", To: "ada@acme.example", Body: []byte("x")}}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return told
	}
	day := 24 * time.Hour
	steps := []struct {
		pass time.Duration
		news string
		want bool
	}{{0, "a", true}, {time.Hour, "a", false}, {23 * time.Hour, "a", true}, {time.Hour, "b", true}, {time.Hour, "b", false}}
	for i, s := range steps {
		h.pass(s.pass)
		if got := tell(s.news, day); got != s.want {
			t.Errorf("step %d: told %v, want %v", i, got, s.want)
		}
	}
	if err := h.owner.Untell(context.Background(), "held"); err != nil {
		t.Fatal(err)
	}
	if !tell("b", 0) || tell("b", 0) {
		t.Error("after it was forgotten it is news, once")
	}
	if got := len(h.messageStates()); got != 4 {
		t.Errorf("%d messages, want 4", got)
	}
}

// What cannot be looked at is not said to exist: here, what lies below a file.
func TestBackupWhereNothingCanBe(t *testing.T) {
	h := newHouse(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := h.db.Backup(context.Background(), filepath.Join(file, "copy.db"))
	if err == nil || strings.Contains(err.Error(), "exists") || !strings.Contains(err.Error(), "name a file in a directory") {
		t.Errorf("Backup below a file = %v; want to be told to name a directory", err)
	}
}
