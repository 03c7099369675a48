package state

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// TestPeopleFromBeforeAreFound: what a search needs is made for people who were
// written down before there was one, and only for those in force.
func TestPeopleFromBeforeAreFound(t *testing.T) {
	ctx := context.Background()
	pool, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "usher.db"), writing...))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	old := fstest.MapFS{}
	for _, name := range []string{"0001_first.sql", "0002_watch.sql", "0003_credits.sql", "0004_provenance.sql"} {
		data, err := embedded.ReadFile("migrations/" + name)
		if err != nil {
			t.Fatal(err)
		}
		old[name] = &fstest.MapFile{Data: data}
	}
	if err := migrate(ctx, pool, old, nil); err != nil {
		t.Fatal(err)
	}
	const people = `INSERT INTO account VALUES ('u1', 1, 0), ('u2', 1, 0);
		INSERT INTO person (account, name, email, email_key, first_name, last_name, signing_keys, suspended, generation, origin, since, until)
		VALUES ('u1', 'dirk', 'Dirk@acme.example', 'dirk@acme.example', 'Dirk', 'van der Bérg', '[]', 0, 0, '{}', 1, NULL),
			('u2', 'gone', 'gone@acme.example', 'gone@acme.example', 'Max', 'Mann', '[]', 0, 0, '{}', 1, 2)`
	if _, err := pool.Exec(people); err != nil {
		t.Fatal(err)
	}
	if err := migrate(ctx, pool, migrations, nil); err != nil {
		t.Fatal(err)
	}
	keys, err := collect(ctx, pool, "SELECT sort_key || '/' || first_key FROM person ORDER BY account", nil, scanText)
	if diff := cmp.Diff([]string{"van der berg\tdirk\tdirk@acme.example/dirk", "/"}, keys); diff != "" || err != nil {
		t.Errorf("keys (-want +got):\n%s%v", diff, err)
	}
	words, err := collect(ctx, pool, "SELECT account || ' ' || word FROM person_word ORDER BY word", nil, scanText)
	if diff := cmp.Diff([]string{"u1 berg", "u1 der"}, words); diff != "" || err != nil {
		t.Errorf("words (-want +got):\n%s%v", diff, err)
	}
}

func TestWords(t *testing.T) {
	tests := []struct {
		who  identity
		want []string
	}{
		{identity{Name: "ada", EmailKey: "ada.lovelace@acme.example", FirstName: "Ada", LastName: "Lovelace"}, nil},
		{identity{Name: "ada@acme.example", EmailKey: "ada@acme.example", FirstName: "Ada  Maria", LastName: "O'Hara"}, []string{"hara", "maria"}},
		{identity{Name: "jo", EmailKey: "jo+cad@acme.example", FirstName: "Jo", LastName: "van Jones-Smith"}, []string{"cad", "jones", "jones-smith", "smith"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, tt.who.words()); diff != "" {
			t.Errorf("words of %+v (-want +got):\n%s", tt.who, diff)
		}
	}
}
