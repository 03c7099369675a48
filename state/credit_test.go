package state_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// contracts puts contracts of these names on record.
func (h *house) contracts(manager state.Account, names ...string) {
	h.t.Helper()
	h.update(func(tx *state.Tx) error {
		for _, name := range names {
			c := &spec.Contract{Name: name, Credits: &spec.Credits{Pool: 1000, Expires: spec.Forever}}
			err := noError(tx.PutContract(c), tx.Assign(name, manager.ID, spec.ContractManager), tx.Assign(name, manager.ID, spec.SoftwareCoordinator))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// used is a line of usage at a line of a file.
func used(line int32, contract, user string, on spec.Day, credits int64) spec.Usage {
	at := spec.Origin{File: "u.csv", Line: line}
	u := spec.Usage{Contract: contract, User: user, Day: on, Credits: credits, ContractAt: at, UserAt: at}
	u.ContractAt.Column, u.UserAt.Column = 1, 8
	return u
}

func (h *house) imports(lines ...spec.Usage) state.CreditImport {
	h.t.Helper()
	done, err := h.owner.ImportCredits(context.Background(), state.CreditImport{File: "u.csv", By: "olu"}, lines)
	if err != nil {
		h.t.Fatalf("ImportCredits: %v", err)
	}
	return done
}

func (h *house) totals(q state.CreditQuery) []state.CreditTotal {
	h.t.Helper()
	totals, err := h.db.Credits(context.Background(), q)
	if err != nil {
		h.t.Fatalf("Credits: %v", err)
	}
	return totals
}

// TestImportingUsageAgain changes nothing; another amount replaces the one on
// record; and none of it is a revision or touches the audit.
func TestImportingUsageAgain(t *testing.T) {
	h := newHouse(t)
	ada, grace := h.add("ada", true), h.add("grace", true)
	h.contracts(ada, "design", "plant")
	before := h.truth().Newest.Number
	lines := []spec.Usage{
		used(2, "design", "ada", day(0), 10),
		used(3, "plant", "ada", day(0), 3),
		used(4, "design", "Grace@ACME.example", day(-4), 20),
		used(5, "design", "grace", day(-40), 0),
	}
	steps := []struct {
		change               func()
		added, changed, same int
	}{
		{func() {}, 4, 0, 0},
		{func() {}, 0, 0, 4},
		{func() { lines[0].Credits = 11 }, 0, 1, 3},
		{func() { lines[0].Credits = 0; lines = append(lines, used(6, "plant", "grace", day(1), 7)) }, 1, 1, 3},
		{func() { lines = lines[1:2] }, 0, 0, 1},
	}
	for i, step := range steps {
		step.change()
		h.pass(time.Minute)
		done := h.imports(lines...)
		want := state.CreditImport{
			ID: int64(i + 1), File: "u.csv", By: "olu", At: h.clock(), DoneAt: h.clock(),
			Added: step.added, Changed: step.changed, Same: step.same,
		}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("import %d (-want +got):\n%s", i+1, diff)
		}
		kept, err := h.db.CreditImport(t.Context(), done.ID)
		if diff := cmp.Diff(done, kept); err != nil || diff != "" {
			t.Errorf("import %d on record: %v (-want +got):\n%s", i+1, err, diff)
		}
	}
	queries := []struct {
		query state.CreditQuery
		want  []state.CreditTotal
	}{
		{state.CreditQuery{}, []state.CreditTotal{{Contract: "design", Used: 20}, {Contract: "plant", Used: 10}}},
		{state.CreditQuery{Contract: "plant", PerMonth: true}, []state.CreditTotal{{Contract: "plant", Month: "2027-01", Used: 10}}},
		{state.CreditQuery{Account: grace.ID, PerMonth: true}, []state.CreditTotal{
			{Contract: "design", Month: "2026-11", Used: 0}, {Contract: "design", Month: "2026-12", Used: 20}, {Contract: "plant", Month: "2027-01", Used: 7},
		}},
		{state.CreditQuery{Contract: "design", Account: grace.ID, PerAccount: true}, []state.CreditTotal{{Contract: "design", Account: grace.ID, Used: 20}}},
		{state.CreditQuery{Contract: "nowhere"}, nil},
	}
	for _, q := range queries {
		if diff := cmp.Diff(q.want, h.totals(q.query)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", q.query, diff)
		}
	}
	if after := h.truth().Newest.Number; after != before {
		t.Errorf("imports made revisions: newest %d, want %d", after, before)
	}
	must(t, h.verify())
}

// TestUsageBelongsToWhoeverItWasThatDay: names and addresses pass from one person
// to the next, and people go; what was used on a day is theirs who were there.
func TestUsageBelongsToWhoeverItWasThatDay(t *testing.T) {
	h := newHouse(t) // day 0
	ada, boss := h.add("ada", true), h.add("boss", true)
	h.contracts(boss, "design")
	h.pass(10 * 24 * time.Hour)
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(ada.ID, nil) })
	h.pass(10 * 24 * time.Hour)
	again := h.add("ada", true) // day 20: another person
	h.pass(10 * 24 * time.Hour)
	h.update(func(tx *state.Tx) error { // day 30: renamed, with another address
		u := user("ada")
		u.Name, u.Email, u.EmailKey = "ada.byron", "byron@acme.example", "byron@acme.example"
		return tx.ChangeAccount(again.ID, u)
	})
	bo := h.add("bo", true) // day 30
	h.pass(10 * 24 * time.Hour)
	h.update(func(tx *state.Tx) error { return tx.RemoveAccount(bo.ID, nil) }) // day 40
	tests := []struct {
		user string
		on   int
		want string // account, or the error
	}{
		{"ada", 0, ada.ID},
		{"ada@acme.example", 10, ada.ID}, // her last day
		{"ada", 20, again.ID},
		{"ADA@acme.EXAMPLE", 30, again.ID},
		{"ada", 40, again.ID}, // by a name of before
		{"ada.byron", 40, again.ID},
		{"byron@acme.example", 25, again.ID}, // by one of later
		{"boss", -400, boss.ID},              // before usher knew anybody
		{"bo", 40, bo.ID},
		{"bo", -3, bo.ID},
		{"ada", 15, `u.csv:2:8: user: "ada" had no account on 2027-01-19`},
		{"ada", -1, `u.csv:2:8: user: "ada" had no account on 2027-01-03`},
		{"bo", 41, `u.csv:2:8: user: "bo" had no account on 2027-02-14`},
		{"eve@acme.example", 0, `u.csv:2:8: user: "eve@acme.example" is not on record`},
	}
	for _, test := range tests {
		line := used(2, "design", test.user, day(test.on), 5)
		if err := h.db.CheckCredits(t.Context(), []spec.Usage{line}); err != nil {
			if err.Error() != test.want {
				t.Errorf("%s on day %d: %v; want %s", test.user, test.on, err, test.want)
			}
			continue
		}
		h.imports(line)
		want := []state.CreditTotal{{Contract: "design", Account: test.want, Used: 5}}
		if diff := cmp.Diff(want, h.totals(state.CreditQuery{PerAccount: true})); diff != "" {
			t.Errorf("%s on day %d (-want +got):\n%s", test.user, test.on, diff)
		}
		h.tamper("DELETE FROM credit_usage")
	}
}

// TestNothingIsImportedIfOneLineIsWrong: every such line is told.
func TestNothingIsImportedIfOneLineIsWrong(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.contracts(ada, "design")
	_, err := h.owner.ImportCredits(t.Context(), state.CreditImport{File: "u.csv"}, []spec.Usage{
		used(2, "design", "ada", day(0), 1),
		used(3, "desing", "ava", day(0), 1),
		used(4, "design", "ada@acme.example", day(0), 1),
	})
	var errs spec.Errors
	if !errors.As(err, &errs) {
		t.Fatalf("ImportCredits: %v; want spec.Errors", err)
	}
	var got []string
	for _, e := range errs {
		got = append(got, e.Error()+"|"+e.Hint)
	}
	want := []string{
		`u.csv:3:1: contract: "desing" is not on record|usher get contracts lists what there is`,
		`u.csv:3:8: user: "ava" is not on record|use a name or an e-mail that usher get users --all lists`,
		`u.csv:4:8: user: line 2 says what ada@acme.example used under design on 2027-01-04 already|write one line with the sum`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	if totals := h.totals(state.CreditQuery{}); totals != nil {
		t.Errorf("totals %v; want none", totals)
	}
}

// TestImportsThatWait are left without the lock, done once, and then without their
// text; one that is dropped is gone, one that is done stays.
func TestImportsThatWait(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.contracts(ada, "design")
	other := h.open(state.Options{Command: "usher credits import"})
	id, request, err := other.LeaveCredits(t.Context(), "credits", "u.csv", "contract,…", "olu")
	must(t, err)
	asked, err := h.db.Request(t.Context(), request)
	must(t, err)
	if asked.Kind != "credits" || asked.Argument != fmt.Sprint(id) || asked.By != "olu" {
		t.Errorf("the request: %+v, want it for import %d", asked, id)
	}
	left, err := h.db.CreditImport(t.Context(), id)
	want := state.CreditImport{ID: id, File: "u.csv", By: "olu", At: h.clock(), Text: "contract,…"}
	if diff := cmp.Diff(want, left); err != nil || diff != "" {
		t.Fatalf("left: %v (-want +got):\n%s", err, diff)
	}
	h.pass(time.Second)
	done, err := h.owner.ImportCredits(t.Context(), left, []spec.Usage{used(2, "design", "ada", day(0), 4)})
	must(t, err)
	want.DoneAt, want.Text, want.Added = h.clock(), "", 1
	if diff := cmp.Diff(want, done); diff != "" {
		t.Errorf("done (-want +got):\n%s", diff)
	}
	if _, err := h.owner.ImportCredits(t.Context(), left, []spec.Usage{used(2, "design", "ada", day(0), 5)}); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("done twice: %v; want ErrNotFound", err)
	}
	if totals := h.totals(state.CreditQuery{}); len(totals) != 1 || totals[0].Used != 4 {
		t.Errorf("totals %v; want 4 under design", totals)
	}
	second, _, err := other.LeaveCredits(t.Context(), "credits", "u.csv", "contract,…", "olu")
	must(t, noError(err, h.owner.DropCredits(t.Context(), second), h.owner.DropCredits(t.Context(), id)))
	if _, err := h.db.CreditImport(t.Context(), second); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("dropped: %v; want ErrNotFound", err)
	}
	if _, err := h.db.CreditImport(t.Context(), id); err != nil {
		t.Errorf("done, then dropped: %v; want it kept", err)
	}
}

// TestAnImportIsLeftWholeOrNotAtAll: an import that nobody was asked to perform would
// wait for ever.
func TestAnImportIsLeftWholeOrNotAtAll(t *testing.T) {
	h := newHouse(t)
	h.tamper("CREATE TRIGGER cut BEFORE INSERT ON request BEGIN SELECT RAISE(ABORT, 'interrupted'); END")
	if _, _, err := h.db.LeaveCredits(t.Context(), "credits", "u.csv", "contract,…", "olu"); err == nil {
		t.Fatal("it was left, though nobody could be asked")
	}
	if _, err := h.db.CreditImport(t.Context(), 1); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("what was left of it: %v; want nothing", err)
	}
}

// TestStatesOfBeforeCredits are brought up to date with all they hold.
func TestStatesOfBeforeCredits(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.contracts(ada, "design")
	must(t, noError(h.owner.Close(), h.db.Close()))
	h.tamper(h.since("0002_watch.sql")...)
	h.tamper("PRAGMA user_version = 2")
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	if done := h.imports(used(2, "design", "ada", day(0), 4)); done.Added != 1 {
		t.Errorf("imported %d lines, want 1", done.Added)
	}
	must(t, h.verify())
}

// TestAHundredThousandLines are imported in seconds, and compared in seconds.
func TestAHundredThousandLines(t *testing.T) {
	h := newHouse(t)
	const people, days = 500, 200
	var boss state.Account
	h.update(func(tx *state.Tx) (err error) {
		for i := range people {
			if boss, err = tx.AddAccount(user(fmt.Sprintf("user%d", i)), true); err != nil {
				return err
			}
		}
		return nil
	})
	h.contracts(boss, "design")
	lines := make([]spec.Usage, 0, people*days)
	for i := range people {
		for d := range days {
			lines = append(lines, used(int32(len(lines)+2), "design", fmt.Sprintf("USER%d@acme.example", i), day(-d), int64(i)))
		}
	}
	for _, want := range []state.CreditImport{{Added: people * days}, {Same: people * days}} {
		start := time.Now()
		got := h.imports(lines...)
		took := time.Since(start)
		t.Logf("%d new, %d the same: %v", got.Added, got.Same, took)
		if got.Added != want.Added || got.Same != want.Same || got.Changed != 0 {
			t.Errorf("%d new, %d changed, %d the same; want %d, 0, %d", got.Added, got.Changed, got.Same, want.Added, want.Same)
		}
		if took > 30*time.Second { // two or three, on an idle machine
			t.Errorf("it took %v", took)
		}
	}
	var sum int64
	for _, total := range h.totals(state.CreditQuery{PerAccount: true, PerMonth: true}) {
		sum += total.Used
	}
	if want := int64(people*(people-1)/2) * days; sum != want {
		t.Errorf("all use is %d, want %d", sum, want)
	}
}

// TestBackupsCarryUsage: it is in the database, so it comes along.
func TestBackupsCarryUsage(t *testing.T) {
	h := newHouse(t)
	ada := h.add("ada", true)
	h.contracts(ada, "design")
	h.imports(used(2, "design", "ada", day(0), 4))
	copied := h.path + ".backup"
	must(t, h.db.Backup(t.Context(), copied))
	db, err := sql.Open("sqlite", copied)
	must(t, err)
	defer db.Close()
	var sum int64
	must(t, db.QueryRow("SELECT SUM(amount) FROM credit_usage").Scan(&sum))
	if sum != 4 {
		t.Errorf("the copy holds %d credits, want 4", sum)
	}
}
