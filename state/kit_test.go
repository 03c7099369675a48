package state_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"usher/spec"
	"usher/state"
)

// house is a database in a directory of its own, with a clock that the test sets.
type house struct {
	t     testing.TB
	path  string
	db    *state.DB
	owner *state.Owner

	mu  sync.Mutex
	now time.Time
}

var dayOne = time.Date(2027, 1, 4, 10, 15, 2, 0, time.UTC)

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "usher.db"), now: dayOne}
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	return h
}

// open opens the database once more, as another process would.
func (h *house) open(o state.Options) *state.DB {
	h.t.Helper()
	o.Now = h.clock
	if o.Command == "" {
		o.Command = "usher apply"
	}
	db, err := state.Open(context.Background(), "sqlite:"+h.path, o)
	if err != nil {
		h.t.Fatalf("Open: %v", err)
	}
	h.t.Cleanup(func() { db.Close() })
	return db
}

func (h *house) own(db *state.DB) *state.Owner {
	h.t.Helper()
	owner, err := db.Own(context.Background())
	if err != nil {
		h.t.Fatalf("Own: %v", err)
	}
	h.t.Cleanup(func() { owner.Close() })
	return owner
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

// update writes one revision on the newest one.
func (h *house) update(fn func(*state.Tx) error) state.Revision {
	h.t.Helper()
	return h.updateBecause(state.Cause{Kind: state.CauseManifests, Source: "dir", Digest: "sha256:1", By: "root"}, fn)
}

func (h *house) updateBecause(cause state.Cause, fn func(*state.Tx) error) state.Revision {
	h.t.Helper()
	r, err := h.owner.Update(context.Background(), cause, h.truth().Newest.Number, fn)
	if err != nil {
		h.t.Fatalf("Update: %v", err)
	}
	return r
}

// refused writes a revision that must fail.
func (h *house) refused(fn func(*state.Tx) error) error {
	h.t.Helper()
	_, err := h.owner.Update(context.Background(), state.Cause{Kind: state.CauseManifests}, h.truth().Newest.Number, fn)
	if err == nil {
		h.t.Fatal("Update succeeded; want an error")
	}
	return err
}

func (h *house) truth() *state.Truth {
	h.t.Helper()
	truth, err := h.db.Truth(context.Background())
	if err != nil {
		h.t.Fatalf("Truth: %v", err)
	}
	return truth
}

// add makes one account in a revision of its own.
func (h *house) add(name string, active bool, access ...spec.Grant) state.Account {
	h.t.Helper()
	var account state.Account
	h.update(func(tx *state.Tx) (err error) {
		account, err = tx.AddAccount(user(name), active)
		for _, g := range access {
			if err == nil {
				err = tx.Grant(account.ID, g)
			}
		}
		return err
	})
	return account
}

func (h *house) verify() error { return h.db.Verify(context.Background()) }

// tamper changes the tables behind usher's back.
func (h *house) tamper(statements ...string) {
	h.t.Helper()
	db, err := sql.Open("sqlite", h.path)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			h.t.Fatalf("%s: %v", s, err)
		}
	}
}

// since is what takes the database back to what it was when a migration was the last
// there was.
func (h *house) since(migration string) []string {
	h.t.Helper()
	is, err := sql.Open("sqlite", h.path)
	must(h.t, err)
	defer is.Close()
	was, err := sql.Open("sqlite", filepath.Join(h.t.TempDir(), "was.db"))
	must(h.t, err)
	defer was.Close()
	names, err := filepath.Glob("migrations/*.sql")
	must(h.t, err)
	for _, name := range names {
		if filepath.Base(name) > migration {
			break
		}
		text, err := os.ReadFile(name)
		must(h.t, err)
		_, err = was.Exec(string(text))
		must(h.t, err)
	}
	const (
		tables  = "SELECT 'DROP TABLE ' || name FROM sqlite_schema WHERE type = 'table' AND sql > ''"
		indexes = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql > ''"
		columns = `SELECT 'ALTER TABLE ' || t.name || ' DROP COLUMN ' || c.name
			FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'`
	)
	var undo, redo []string
	before, now := h.lines(was, indexes), h.lines(is, indexes)
	for _, index := range now {
		if !slices.Contains(before, index) {
			undo = append(undo, "DROP INDEX "+strings.Fields(strings.Replace(index, " UNIQUE", "", 1))[2])
		}
	}
	for _, index := range before {
		if !slices.Contains(now, index) {
			redo = append(redo, index)
		}
	}
	before = h.lines(was, tables)
	for _, line := range h.lines(is, tables) {
		if !slices.Contains(before, line) {
			undo = append(undo, line)
		}
	}
	before = h.lines(was, columns)
	for _, line := range h.lines(is, columns) {
		if table := strings.Fields(line)[2]; !slices.Contains(before, line) && !slices.Contains(undo, "DROP TABLE "+table) {
			undo = append(undo, line)
		}
	}
	return append(undo, redo...)
}

func (h *house) lines(db *sql.DB, query string) []string {
	h.t.Helper()
	rows, err := db.Query(query)
	must(h.t, err)
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		must(h.t, rows.Scan(&line))
		all = append(all, line)
	}
	must(h.t, rows.Err())
	return all
}

// user is a user of that name, with everything declared.
func user(name string) *spec.User {
	return &spec.User{
		Name: name, Email: strings.ToUpper(name[:1]) + name[1:] + "@acme.example", EmailKey: name + "@acme.example",
		FirstName: "First" + name, LastName: "Last" + name,
		SigningKeys: []string{"ssh-ed25519 AAAA" + name},
		Origin:      spec.Origin{File: "users/" + name + ".yaml", Line: 3, Column: 1},
	}
}

func grant(product string) spec.Grant {
	return spec.Grant{
		Contract: "design", Product: product, Span: spec.AllTime, Reason: "CAD-1",
		Because: []spec.Origin{{File: "teams.yaml", Line: 7, Column: 5, Via: "team cad"}},
	}
}

func message(id, account string, issue int) state.Message {
	return state.Message{
		MessageID: id, Kind: "invitation", To: "ada@acme.example", Subject: "Welcome", Account: account, Issue: issue,
		Body: []byte("Subject: Welcome\r\n\r\nYour password: " + state.Placeholder + "\r\nAgain: " + state.Placeholder + "\r\n"),
	}
}

func names(users []spec.User) string {
	var all []string
	for _, u := range users {
		all = append(all, u.Name)
	}
	return strings.Join(all, " ")
}

func day(offset int) spec.Day { return spec.DayOf(dayOne) + spec.Day(offset) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func noError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
