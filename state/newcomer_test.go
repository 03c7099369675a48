package state_test

import (
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// When newcomers are written is nobody's business: whatever happens to them later in
// their revision, the tables are the same.
func TestNewcomersWhoChangeInTheirRevision(t *testing.T) {
	suspended := user("ada")
	suspended.Suspended = true
	for name, act := range map[string]func(tx *state.Tx, id string) error{
		"nothing": func(*state.Tx, string) error { return nil },
		"change":  func(tx *state.Tx, id string) error { return tx.ChangeAccount(id, user("eve")) },
		"move": func(tx *state.Tx, id string) error {
			moved := user("ada")
			moved.Origin.Line = 7
			return tx.ChangeAccount(id, moved)
		},
		"suspend":   func(tx *state.Tx, id string) error { return tx.ChangeAccount(id, suspended) },
		"remove":    func(tx *state.Tx, id string) error { return tx.RemoveAccount(id, nil) },
		"grant":     func(tx *state.Tx, id string) error { return tx.Grant(id, grant("bim")) },
		"revoke":    func(tx *state.Tx, id string) error { return tx.Revoke(id, grant("cad")) },
		"uninvite":  func(tx *state.Tx, id string) error { return tx.Uninvite(id) },
		"invite":    func(tx *state.Tx, id string) error { _, err := tx.Invite(id, 3); return err },
		"add again": func(tx *state.Tx, id string) error { _, err := tx.AddAccount(user("dan"), true); return err },
	} {
		t.Run(name, func(t *testing.T) {
			want, got := revisionOfNewcomers(t, 1000, act), revisionOfNewcomers(t, 1, act)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tables (-written at the end +written at once):\n%s", diff)
			}
		})
	}
}

// revisionOfNewcomers makes a revision in which three people come, so many written at
// once, and something happens to the first. It returns the rows about them.
func revisionOfNewcomers(t *testing.T, atOnce int, act func(tx *state.Tx, id string) error) []string {
	t.Helper()
	defer state.BoundNewcomers(atOnce)()
	h := &house{t: t, path: filepath.Join(t.TempDir(), "usher.db"), now: dayOne}
	h.db = h.open(state.Options{Rand: rand.NewChaCha8([32]byte{6})})
	h.owner = h.own(h.db)
	h.update(func(tx *state.Tx) error {
		var ids []string
		for _, u := range []*spec.User{user("ada"), user("bo"), user("cy")} {
			a, err := tx.AddAccount(u, false)
			if err := noError(err, tx.Grant(a.ID, grant("cad"))); err != nil {
				return err
			}
			ids = append(ids, a.ID)
		}
		return act(tx, ids[0])
	})
	must(t, h.verify())
	db, err := sql.Open("sqlite", h.path)
	must(t, err)
	defer db.Close()
	return slices.Concat(
		h.lines(db, `SELECT account || ' ' || name || ' ' || origin || ' ' || since || ' ' || COALESCE(until, '-') || ' ' || suspended ||
			' ' || generation || ' ' || sort_key || ' ' || idle FROM person ORDER BY account, since`),
		h.lines(db, "SELECT account || ' ' || word FROM person_word ORDER BY account, word"),
		h.lines(db, "SELECT account || ' ' || issue || ' ' || since || ' ' || COALESCE(until, '-') FROM invitation ORDER BY account, issue"),
		h.lines(db, "SELECT product || ' ' || people || ' ' || pending || ' ' || suspended || ' ' || COALESCE(until, '-') FROM holding ORDER BY product, since"),
		h.lines(db, "SELECT subject || ' ' || entries FROM audit WHERE subject LIKE 'account/%' ORDER BY subject, seq"),
	)
}
