package state

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
)

// keeping is one connection to a table of ten numbers, and what it keeps.
func keeping(t *testing.T) (*sql.DB, *keeper) {
	t.Helper()
	pool, err := openPool(dsn(filepath.Join(t.TempDir(), "usher.db"), writing...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(1)
	if _, err := pool.Exec("CREATE TABLE number (n INTEGER NOT NULL) STRICT"); err != nil {
		t.Fatal(err)
	}
	for n := range 10 {
		if _, err := pool.Exec("INSERT INTO number (n) VALUES (?)", n); err != nil {
			t.Fatal(err)
		}
	}
	conn, err := pool.Conn(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var k *keeper
	err = conn.Raw(func(c any) error {
		k = c.(*keeper)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return pool, k
}

// A statement whose rows are still read is not the one that the same query gets.
func TestStatementsInUse(t *testing.T) {
	pool, k := keeping(t)
	tx, err := pool.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	const above = "SELECT n FROM number WHERE n > ? ORDER BY n"
	pairs := 0
	_, err = collect(t.Context(), tx, above, []any{4}, func(scan scanner) (none struct{}, err error) {
		var n int
		if err := scan(&n); err != nil {
			return none, err
		}
		more, err := collect(t.Context(), tx, above, []any{n}, func(scan scanner) (m int, err error) {
			err = scan(&m)
			return m, err
		})
		pairs += len(more)
		return none, err
	})
	if err != nil || pairs != 10 {
		t.Errorf("%d pairs, %v; want 10", pairs, err)
	}
	if k.idle[above] == nil || len(k.idle) != len(k.order) {
		t.Errorf("it keeps %v, in order %q", k.idle, k.order)
	}
}

// What is kept has a limit, is compiled anew where the tables were altered, and is not
// kept of scripts and long statements.
func TestStatementsKept(t *testing.T) {
	pool, k := keeping(t)
	count := func(query string) (n int) {
		t.Helper()
		if err := pool.QueryRow(query).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for i := range 2 * maxIdle {
		if got := count(fmt.Sprintf("SELECT COUNT(*) + %d FROM number", i)); got != 10+i {
			t.Fatalf("count %d is %d", i, got)
		}
	}
	if len(k.idle) != maxIdle || len(k.order) != maxIdle {
		t.Errorf("it keeps %d statements, %d in order; want %d", len(k.idle), len(k.order), maxIdle)
	}
	const all = "SELECT COUNT(*) FROM number"
	count(all)
	if _, err := pool.Exec("ALTER TABLE number ADD COLUMN m INTEGER NOT NULL DEFAULT 7; DELETE FROM number WHERE n = 1"); err != nil {
		t.Fatal(err)
	}
	if got := count(all); got != 9 {
		t.Errorf("after a script there are %d; want 9", got)
	}
	if last := k.order[len(k.order)-1]; last != all {
		t.Errorf("it keeps %q last, want %q", last, all)
	}
}
