package main

import (
	"database/sql"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// standing is every file in the place's top folder, with its size and the time it was
// last written. What SQLite's connections share in memory is none.
func (p *place) standing() map[string]string {
	p.Helper()
	list, err := os.ReadDir(p.dir)
	if err != nil {
		p.Fatal(err)
	}
	files := map[string]string{}
	for _, e := range list {
		info, err := e.Info()
		if err != nil {
			p.Fatal(err)
		}
		if info.Mode().IsRegular() && !strings.HasSuffix(e.Name(), "-shm") {
			files[e.Name()] = fmt.Sprint(info.Size(), info.ModTime())
		}
	}
	return files
}

// An apply that finds nothing to do writes nothing; one that finds something in the
// state itself does it, though the manifests are the same.
func TestApplyThatFindsNothingWritesNothing(t *testing.T) {
	p := newPlace(t)
	apply := []string{"apply", "manifests", "--settle", "0s"}
	agree := func(what string) {
		t.Helper()
		if said, code := p.run(apply...); code != exitDone || !strings.Contains(said, "No changes. The manifests and revision 1 agree.") {
			t.Fatalf("%s: exit %d:\n%s", what, code, said)
		}
	}
	p.run(apply...)
	time.Sleep(2100 * time.Millisecond) // until no file counts as just written
	agree("the first that finds nothing")
	before := p.standing()
	agree("the second")
	if diff := cmp.Diff(before, p.standing()); diff != "" {
		t.Errorf("files, before and after (-want +got):\n%s", diff)
	}
	p.tamper("UPDATE outbox SET state = 'queued' WHERE id = 1")
	agree("with a message that waits")
	if got := slices.Sorted(maps.Keys(p.letters())); len(got) != 2 {
		t.Errorf("letters to %v, want two", got)
	}
	if after := p.standing(); after["usher.db"] == before["usher.db"] {
		t.Error("the message that waited is on record as before")
	}
}

// tamper changes the place's database behind usher's back.
func (p *place) tamper(statements ...string) {
	p.Helper()
	db, err := sql.Open("sqlite", filepath.Join(p.dir, "usher.db"))
	if err != nil {
		p.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			p.Fatalf("%s: %v", s, err)
		}
	}
}

// What a migration makes, and how it is unmade.
var (
	creation = regexp.MustCompile(`(?m)^CREATE (TABLE|INDEX) (\w+)`)
	addition = regexp.MustCompile(`(?m)^ALTER TABLE (\w+) ADD COLUMN (\w+)`)
)

// apply brings a state that an older usher made up to date.
func TestApplyOnAnOlderState(t *testing.T) {
	p := newPlace(t)
	if said, code := p.run("apply", "manifests"); code != exitDone {
		t.Fatalf("apply: exit %d:\n%s", code, said)
	}
	names, err := filepath.Glob("../../state/migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("migrations: %q, %v", names, err)
	}
	last, err := os.ReadFile(names[len(names)-1])
	if err != nil {
		t.Fatal(err)
	}
	undo := []string{fmt.Sprintf("PRAGMA user_version = %d", len(names)-1)}
	for _, m := range creation.FindAllStringSubmatch(string(last), -1) {
		undo = append(undo, "DROP "+m[1]+" "+m[2])
	}
	for _, m := range addition.FindAllStringSubmatch(string(last), -1) {
		undo = append(undo, "ALTER TABLE "+m[1]+" DROP COLUMN "+m[2])
	}
	p.tamper(undo...)
	if said, code := p.run("status"); code == exitDone || !strings.Contains(said, "run usher apply once") {
		t.Errorf("status: exit %d, want to be told to run usher apply once:\n%s", code, said)
	}
	if said, code := p.run("apply", "manifests"); code != exitDone || !strings.Contains(said, "No changes.") {
		t.Errorf("apply: exit %d:\n%s", code, said)
	}
	if said, code := p.run("get", "users"); code != exitDone {
		t.Errorf("get users afterwards: exit %d:\n%s", code, said)
	}
}
