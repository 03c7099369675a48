package reconciler_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/reconciler"
	"usher/spec"
	"usher/state"
)

// TestImportsOfCreditsThatWereAskedFor: what a command left is imported by the
// next controller; what is wrong by then is answered with every line, and does
// not stay; an import that is done is not done again.
func TestImportsOfCreditsThatWereAskedFor(t *testing.T) {
	w := newWorld(t, firm())
	w.apply()
	ask := func(text string) (id, request int64) {
		t.Helper()
		id, request, err := w.db.LeaveCredits(t.Context(), reconciler.RequestCredits, "u.csv", text, "olu")
		if err != nil {
			t.Fatal(err)
		}
		return id, request
	}
	good, _ := ask("contract,user,day,credits\ndesign,bo,2026-11-20,12\ndesign,ada@acme.example,2026-11-22,3\n")
	bad, _ := ask("contract,user,day,credits\ndesign,bo,2026-11-21,12\ndesign,eve,2026-11-20,3\nplant,bo,2026-11-20,3\n")
	broken, _ := ask("contract,user\n")
	done, _ := ask("")
	owner := w.own()
	lines := []spec.Usage{{Contract: "design", User: "bo", Day: day("2026-11-19"), Credits: 1}}
	left, err := w.db.CreditImport(t.Context(), done)
	if err == nil {
		_, err = owner.ImportCredits(t.Context(), left, lines) // and died before the answer
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.db.Ask(t.Context(), reconciler.RequestCredits, "seven", "olu"); err != nil {
		t.Fatal(err)
	}
	owner.Close()
	w.apply()

	requests, err := w.db.Requests(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range requests {
		if r.DoneAt.IsZero() {
			t.Errorf("request %d is still open", r.ID)
		}
		got = append(got, r.Result)
	}
	want := []string{
		"",
		"u.csv:3:8: user: \"eve\" is not on record\nu.csv:4:1: contract: \"plant\" is not on record",
		"u.csv:1:1: the column credits is missing\nu.csv:1:1: the column day is missing",
		"",
		`"seven" is not the number of an import of credits`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	kept := map[int64]int{}
	for _, id := range []int64{good, bad, broken, done} {
		if c, err := w.db.CreditImport(t.Context(), id); err == nil {
			kept[id] = c.Added
		}
	}
	if diff := cmp.Diff(map[int64]int{good: 2, done: 1}, kept); diff != "" {
		t.Errorf("imports on record, with their new lines (-want +got):\n%s", diff)
	}
	totals, err := w.db.Credits(context.Background(), state.CreditQuery{})
	if diff := cmp.Diff([]state.CreditTotal{{Contract: "design", Used: 16}}, totals); err != nil || diff != "" {
		t.Errorf("totals: %v (-want +got):\n%s", err, diff)
	}
}
