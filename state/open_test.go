package state_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

func TestReadOnlyOpenOfNothingShowsNothingAndCreatesNothing(t *testing.T) {
	dir := t.TempDir()
	ctx := context.Background()
	db, err := state.Open(ctx, filepath.Join(dir, "usher.db"), state.Options{ReadOnly: true})
	must(t, err)
	defer db.Close()
	truth, err := db.Truth(ctx)
	must(t, err)
	want := &state.Truth{Roster: &spec.Roster{Users: []spec.User{}}, Accounts: map[string]state.Account{}, CalendarDay: spec.Always}
	if diff := cmp.Diff(want, truth); diff != "" {
		t.Errorf("Truth (-want +got):\n%s", diff)
	}
	holds, err := db.Holds(ctx, true)
	if err != nil || holds != nil {
		t.Errorf("Holds: %v, %v; want none", holds, err)
	}
	if err := db.Verify(ctx); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if _, err := db.Own(ctx); err == nil {
		t.Error("Own succeeded on a database opened for reading")
	}
	if _, err := db.Ask(ctx, "approve", "x", "root"); err == nil {
		t.Error("Ask succeeded on a database opened for reading")
	}
	entries, err := os.ReadDir(dir)
	must(t, err)
	if len(entries) != 0 {
		t.Errorf("it left %v behind", entries)
	}
}

func TestReadOnlyReadsWhatIsWritten(t *testing.T) {
	h := newHouse(t)
	h.add("ada", true)
	reader := h.open(state.Options{ReadOnly: true})
	truth, err := reader.Truth(context.Background())
	must(t, err)
	if got := names(truth.Roster.Users); got != "ada" {
		t.Errorf("users: %s; want ada", got)
	}
}

func TestOpenRefusesWhatIsNotUshers(t *testing.T) {
	text := func(path string) { os.WriteFile(path, bytes.Repeat([]byte("not a database\n"), 100), 0o600) }
	foreign := func(path string) {
		db, err := sql.Open("sqlite", path)
		must(t, err)
		defer db.Close()
		_, err = db.Exec("CREATE TABLE album (title TEXT)")
		must(t, err)
	}
	for name, make := range map[string]func(string){"text": text, "another program's": foreign} {
		for _, readOnly := range []bool{true, false} {
			path := filepath.Join(t.TempDir(), "usher.db")
			make(path)
			before, err := os.ReadFile(path)
			must(t, err)
			_, err = state.Open(context.Background(), path, state.Options{ReadOnly: readOnly})
			if !errors.Is(err, state.ErrDamaged) {
				t.Errorf("%s file, read-only %v: %v; want ErrDamaged", name, readOnly, err)
			}
			after, err := os.ReadFile(path)
			must(t, err)
			if !bytes.Equal(before, after) {
				t.Errorf("%s file, read-only %v: it was altered", name, readOnly)
			}
			if _, err := os.Stat(path + ".key"); err == nil {
				t.Errorf("%s file, read-only %v: a key was made for it", name, readOnly)
			}
		}
	}
}

func TestOpenRefusesANewerDatabase(t *testing.T) {
	h := newHouse(t)
	h.tamper("PRAGMA user_version = 99")
	for _, readOnly := range []bool{true, false} {
		_, err := state.Open(context.Background(), h.path, state.Options{ReadOnly: readOnly})
		if !errors.Is(err, state.ErrNewer) {
			t.Errorf("read-only %v: %v; want ErrNewer", readOnly, err)
		}
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for where, want := range map[string]string{
		"postgres://db/usher": "write sqlite:PATH",
		"sqlite:":             "no path is given",
		"sqlite:" + dir:       "it is a directory",
		"sqlite:" + filepath.Join(dir, "no", "x.db"): "no such file or directory",
	} {
		_, err := state.Open(context.Background(), where, state.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%q): %v; want %q in it", where, err, want)
		}
	}
}

func TestOpenTakesAnyPath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state of things? 100% #1.db")
	db, err := state.Open(context.Background(), path, state.Options{})
	must(t, err)
	must(t, db.Close())
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}

func TestTheKeyBelongsToTheDatabase(t *testing.T) {
	ctx := context.Background()
	for name, alter := range map[string]func(path string) error{
		"missing": func(path string) error { return os.Remove(path + ".key") },
		"another": func(path string) error {
			return os.WriteFile(path+".key", []byte(hex.EncodeToString(make([]byte, 32))), 0o600)
		},
		"broken": func(path string) error { return os.WriteFile(path+".key", []byte("zz\n"), 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHouse(t)
			must(t, alter(h.path))
			_, err := state.Open(ctx, h.path, state.Options{})
			if !errors.Is(err, state.ErrDamaged) || !strings.Contains(err.Error(), "back") {
				t.Errorf("Open: %v; want ErrDamaged that says to put the key back", err)
			}
			reader := h.open(state.Options{ReadOnly: true})
			if _, err := reader.Fill(message("m@x", "u", 1)); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("Fill by a reader: %v; want ErrDamaged", err)
			}
		})
	}
}

func TestFilesAreTheOwnersAlone(t *testing.T) {
	h := newHouse(t)
	h.add("ada", false)
	entries, err := os.ReadDir(filepath.Dir(h.path))
	must(t, err)
	if len(entries) < 3 {
		t.Fatalf("files: %v; want database, key and lock at least", entries)
	}
	for _, entry := range entries {
		info, err := entry.Info()
		must(t, err)
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v; want 0600", entry.Name(), info.Mode().Perm())
		}
	}
}

// DOMAIN.md, "Given password": no plaintext rests anywhere.
func TestTheGivenPasswordRestsNowhere(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", false)
	h.update(func(tx *state.Tx) error {
		_, err := tx.Queue(message("m@x", ada.ID, 1))
		return err
	})
	due, err := h.owner.Due(context.Background(), 0)
	must(t, err)
	filled, err := h.db.Fill(due[0])
	must(t, err)
	again, err := h.db.Fill(due[0])
	must(t, err)
	if !bytes.Equal(filled, again) {
		t.Error("filled twice, the bytes differ")
	}
	if bytes.Contains(filled, []byte(state.Placeholder)) || len(filled) != len(due[0].Body) {
		t.Errorf("filled: %q; want every placeholder replaced by as many bytes", filled)
	}
	i := bytes.Index(due[0].Body, []byte(state.Placeholder))
	password := filled[i : i+len(state.Placeholder)]
	if bytes.Contains(h.db.Redacted(due[0]), []byte(state.Placeholder)) || bytes.Contains(h.db.Redacted(due[0]), password) {
		t.Errorf("redacted: %q", h.db.Redacted(due[0]))
	}
	files, err := filepath.Glob(filepath.Join(filepath.Dir(h.path), "*"))
	must(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		must(t, err)
		for _, secret := range [][]byte{password, bytes.ReplaceAll(password, []byte("-"), nil)} {
			if bytes.Contains(content, secret) {
				t.Errorf("%s holds the given password", filepath.Base(file))
			}
		}
	}
}

func TestFillWithoutAPlaceIsAnError(t *testing.T) {
	h := newHouse(t)
	if got, err := h.db.Fill(state.Message{Issue: 1, Account: "u", Body: []byte("nothing")}); err == nil {
		t.Errorf("Fill: %q; want an error", got)
	}
	if got, err := h.db.Fill(state.Message{Body: []byte("nothing")}); err != nil || string(got) != "nothing" {
		t.Errorf("Fill of another kind: %q, %v; want it as it is", got, err)
	}
}
