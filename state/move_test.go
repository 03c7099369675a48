package state_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher/spec"
	"usher/state"
)

// inList is somebody declared on a line of a file, with access on the line below.
func inList(name string, line int32) *spec.User {
	u := user(name)
	u.Origin = spec.Origin{File: "list.yaml", Line: line, Column: 1}
	g := grant("cad")
	g.Because = []spec.Origin{{File: "list.yaml", Line: line + 1, Column: 7}}
	u.Access = []spec.Grant{g}
	return u
}

// listed is a house with ada, bo and cy in one file, ten lines each.
func listed(t *testing.T) (*house, map[string]string) {
	h, ids := newHouse(t), map[string]string{}
	h.update(func(tx *state.Tx) error {
		for i, name := range []string{"ada", "bo", "cy"} {
			u := inList(name, int32(1+10*i))
			a, err := tx.AddAccount(u, true)
			if err := noError(err, tx.Grant(a.ID, u.Access[0])); err != nil {
				return err
			}
			ids[name] = a.ID
		}
		return nil
	})
	return h, ids
}

// places are the lines of people and their access, "ada 1 2".
func places(r *spec.Roster) string {
	var all []string
	for i := range r.Users {
		u := &r.Users[i]
		at := fmt.Sprint(u.Name, " ", u.Origin.Line)
		for _, g := range u.Access {
			for _, o := range g.Because {
				at += fmt.Sprint(" ", o.Line)
			}
		}
		all = append(all, at)
	}
	return strings.Join(all, ", ")
}

// lowered is list.yaml with by more lines from one line on.
func lowered(from, by int32) spec.Shift {
	return spec.Shift{File: "list.yaml", Runs: []spec.LineRun{{First: 1, Count: from - 1}, {First: from, Count: spec.Endless, By: by}}}
}

// TestMoveLines: rows in force say where their lines stand now, those that ended where
// they stood then, and what comes between has lines of its own.
func TestMoveLines(t *testing.T) {
	h, ids := listed(t)
	dan := inList("dan", 11)
	moved := h.update(func(tx *state.Tx) error {
		err := tx.MoveLines(lowered(11, 5)) // dan comes before bo
		a, errAdd := tx.AddAccount(dan, true)
		return noError(err, errAdd, tx.Grant(a.ID, dan.Access[0]))
	})
	must(t, h.verify())
	want := "ada 1 2, bo 16 17, cy 26 27, dan 11 12"
	if got := places(h.truth().Roster); got != want {
		t.Errorf("moved: %s, want %s", got, want)
	}
	h.update(func(tx *state.Tx) error {
		return noError(tx.MoveLines(lowered(26, -10)), tx.RemoveAccount(ids["bo"], nil)) // bo goes
	})
	h.update(func(tx *state.Tx) error { return tx.MoveLines(lowered(1, 100)) })
	must(t, h.verify())
	for revision, want := range map[int64]string{
		moved.Number:     "ada 101 102, bo 16 17, cy 116 117, dan 111 112",
		moved.Number + 2: "ada 101 102, cy 116 117, dan 111 112",
	} {
		then, err := h.db.TruthAt(context.Background(), revision)
		must(t, err)
		if got := places(then.Roster); got != want {
			t.Errorf("at revision %d: %s, want %s", revision, got, want)
		}
	}
	some, err := h.db.Excerpt(context.Background(), state.Who{Names: []string{"cy"}})
	must(t, err)
	if got, want := places(some.Roster), "cy 116 117"; got != want {
		t.Errorf("an excerpt: %s, want %s", got, want)
	}
	person, err := h.db.Person(context.Background(), "dan")
	must(t, err)
	access, err := h.db.Access(context.Background(), person.ID)
	must(t, err)
	if got := []int32{person.Origin.Line, person.Access[0].Because[0].Line, access[0].Because[0].Line}; !slices.Equal(got, []int32{111, 112, 112}) {
		t.Errorf("dan: lines %v", got)
	}
}

// What is changed on lines that move in the same revision is declared where it is then,
// by whatever way it is written.
func TestMovedAndChanged(t *testing.T) {
	h, ids := listed(t)
	h.update(func(tx *state.Tx) error {
		bo, cy := inList("bo", 13), inList("cy", 24)
		bo.LastName, cy.Access[0].Reason = "Changed", "CAD-2"
		return noError(tx.MoveLines(lowered(21, 3)),
			tx.ChangeAccount(ids["bo"], bo), tx.Explain(ids["bo"], bo.Access[0]),
			tx.ChangeGrant(ids["cy"], inList("cy", 24).Access[0], cy.Access[0]))
	})
	must(t, h.verify())
	if got, want := places(h.truth().Roster), "ada 1 2, bo 13 14, cy 24 25"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Products, contracts and teams move with their files as people do.
func TestMovedThings(t *testing.T) {
	h := newHouse(t)
	at := func(line int32) spec.Origin { return spec.Origin{File: "list.yaml", Line: line, Column: 3} }
	g := grant("cad")
	g.Because = []spec.Origin{at(9)}
	manager := h.add("ada", true)
	h.update(func(tx *state.Tx) error {
		return noError(tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD", Origin: at(2)}),
			tx.PutContract(&spec.Contract{Name: "design", Offers: []spec.Offer{{Product: "cad", Origin: at(5)}}, Origin: at(4)}),
			tx.Assign("design", manager.ID, spec.ContractManager),
			tx.PutTeam(&spec.Team{Name: "crew", Access: []spec.Grant{g}, Origin: at(8)}, nil, nil))
	})
	lines := func(r *spec.Roster) []int32 {
		all := []int32{r.Products[0].Origin.Line, r.Contracts[0].Origin.Line, r.Contracts[0].Offers[0].Origin.Line}
		if len(r.Teams) > 0 {
			all = append(all, r.Teams[0].Origin.Line, r.Teams[0].Access[0].Because[0].Line)
		}
		return all
	}
	moved := h.update(func(tx *state.Tx) error { return tx.MoveLines(lowered(4, 10)) })
	if diff := cmp.Diff([]int32{2, 14, 15, 18, 19}, lines(h.truth().Roster)); diff != "" {
		t.Errorf("moved (-want +got):\n%s", diff)
	}
	h.update(func(tx *state.Tx) error {
		return noError(tx.MoveLines(lowered(1, 100)), tx.RemoveTeam("crew"),
			tx.PutProduct(&spec.Product{Name: "cad", Title: "CAD 2", Origin: at(103)}))
	})
	must(t, h.verify())
	if diff := cmp.Diff([]int32{103, 114, 115}, lines(h.truth().Roster)); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
	then, err := h.db.TruthAt(context.Background(), moved.Number)
	must(t, err)
	if got := then.Roster.Teams[0]; got.Origin.Line != 118 || got.Access[0].Because[0].Line != 119 {
		t.Errorf("a team that ended when its lines moved: %v", got)
	}
}

// Of a file in which nothing is declared any more nothing is left, and a state from
// before lines could move has them where they are.
func TestLinesOfOtherStates(t *testing.T) {
	h, ids := listed(t)
	must(t, noError(h.owner.Close(), h.db.Close()))
	h.tamper(h.since("0011_approval.sql")...)
	h.tamper("PRAGMA user_version = 11")
	h.db = h.open(state.Options{})
	h.owner = h.own(h.db)
	if got, want := places(h.truth().Roster), "ada 1 2, bo 11 12, cy 21 22"; got != want {
		t.Errorf("carried over: %s, want %s", got, want)
	}
	files := func() []string {
		db, err := sql.Open("sqlite", h.path)
		must(t, err)
		defer db.Close()
		return h.lines(db, "SELECT file FROM moved_lines")
	}
	h.update(func(tx *state.Tx) error { return tx.MoveLines(lowered(1, 3)) })
	h.update(func(tx *state.Tx) error { return tx.KeepLines(func(string) bool { return true }) })
	if got := files(); !slices.Equal(got, []string{"list.yaml"}) {
		t.Errorf("files with lines that moved: %v", got)
	}
	h.update(func(tx *state.Tx) error {
		for _, name := range []string{"ada", "bo", "cy"} {
			if err := tx.RemoveAccount(ids[name], nil); err != nil {
				return err
			}
		}
		return tx.KeepLines(func(string) bool { return false })
	})
	if got := files(); len(got) > 0 {
		t.Errorf("files that are gone: %v", got)
	}
	must(t, h.verify())
}
