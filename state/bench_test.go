package state_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"usher/spec"
	"usher/state"
)

// BenchmarkUpdate adds accounts with an invitation and three grants each in one
// revision. A row is a row of any table; BenchmarkRawInsert writes as many rows
// without history, audit or checks.
func BenchmarkUpdate(b *testing.B) {
	for _, accounts := range []int{1000, 10000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			rows := 0
			for b.Loop() {
				b.StopTimer()
				h := newHouse(b)
				users := make([]*spec.User, accounts)
				for i := range users {
					users[i] = user(fmt.Sprintf("u%07d", i))
				}
				b.StartTimer()
				h.update(func(tx *state.Tx) error { return addAll(tx, users) })
				rows += accounts * (1 + 1 + 1 + 3 + 1 + 1) // account, person, invitation, access, audit and its personal part
				b.StopTimer()
				h.owner.Close()
				h.db.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func addAll(tx *state.Tx, users []*spec.User) error {
	for _, u := range users {
		a, err := tx.AddAccount(u, false)
		if err == nil {
			err = noError(tx.Grant(a.ID, grant("bim")), tx.Grant(a.ID, grant("cad")), tx.Grant(a.ID, grant("sim")))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// BenchmarkRawInsert is what SQLite takes for as many rows of such a size.
func BenchmarkRawInsert(b *testing.B) {
	const perStatement = 50
	query := "INSERT INTO t VALUES (?, ?, ?, ?)" + strings.Repeat(", (?, ?, ?, ?)", perStatement-1)
	for _, accounts := range []int{1000, 10000} {
		b.Run(fmt.Sprint(accounts), func(b *testing.B) {
			rows := 0
			for b.Loop() {
				b.StopTimer()
				db, err := sql.Open("sqlite", filepath.Join(b.TempDir(), "raw.db")+"?_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
				must(b, err)
				_, err = db.Exec("CREATE TABLE t (id INTEGER PRIMARY KEY, account TEXT, body TEXT, since INTEGER) STRICT")
				must(b, err)
				b.StartTimer()
				rows += insertRaw(b, db, query, accounts*8, perStatement)
				b.StopTimer()
				db.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func insertRaw(b *testing.B, db *sql.DB, query string, rows, perStatement int) int {
	tx, err := db.BeginTx(context.Background(), nil)
	must(b, err)
	body := strings.Repeat("x", 200)
	for at := 0; at < rows; at += perStatement {
		var values []any
		for i := range perStatement {
			values = append(values, at+i, "uabcdefghijklmnopqrstuvwxyz", body, 1)
		}
		_, err := tx.Exec(query, values...)
		must(b, err)
	}
	must(b, tx.Commit())
	return rows
}
