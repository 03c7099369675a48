package state

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

func TestMigrationsRunOnceInOrderEachWholeOrNotAtAll(t *testing.T) {
	ctx := context.Background()
	pool, err := sql.Open("sqlite", dsn(filepath.Join(t.TempDir(), "x.db"), writing...))
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	first := &fstest.MapFile{Data: []byte("CREATE TABLE one (n INTEGER) STRICT; INSERT INTO one VALUES (1);")}
	broken := &fstest.MapFile{Data: []byte("INSERT INTO one VALUES (2); INSERT INTO nowhere VALUES (3);")}
	mended := &fstest.MapFile{Data: []byte("INSERT INTO one VALUES (2);")}
	for _, step := range []struct {
		dir     fstest.MapFS
		refused bool
		version int
		sum     int
	}{
		{fstest.MapFS{"0001_a.sql": first}, false, 1, 1},
		{fstest.MapFS{"0001_a.sql": first}, false, 1, 1},
		{fstest.MapFS{"0001_a.sql": first, "0002_b.sql": broken}, true, 1, 1},
		{fstest.MapFS{"0001_a.sql": first, "0002_b.sql": mended}, false, 2, 3},
	} {
		err := migrate(ctx, pool, step.dir, nil)
		if (err != nil) != step.refused {
			t.Errorf("migrating: %v; want refused %v", err, step.refused)
		}
		if step.refused && !strings.Contains(err.Error(), "0002_b.sql") {
			t.Errorf("migrating: %v; want the file named", err)
		}
		var version, sum int
		err = errors.Join(pool.QueryRow("PRAGMA user_version").Scan(&version), pool.QueryRow("SELECT SUM(n) FROM one").Scan(&sum))
		if err != nil || version != step.version || sum != step.sum {
			t.Errorf("version %d, sum %d (%v); want %d, %d", version, sum, err, step.version, step.sum)
		}
	}
}

func TestManyMayCreateTheDatabaseAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "usher.db")
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			db, err := Open(context.Background(), path, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
}
