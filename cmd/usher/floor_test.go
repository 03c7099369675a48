package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gomail "github.com/wneessen/go-mail"
	"gopkg.in/yaml.v3"

	"usher/state"
)

// document is any manifest of a generated organisation, typed.
type document struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Metadata   struct{ Name string }
	Spec       struct {
		Email           string
		FirstName       string `yaml:"firstName"`
		LastName        string `yaml:"lastName"`
		Title           string
		ContractManager string `yaml:"contractManager"`
		Members         []string
		Products        []struct{ Name string }
		Access          []any
	}
}

// decodeAll reads every manifest and decodes it as yaml.v3 does, strictly, on
// all cores.
func decodeAll(b *testing.B, dir string) {
	paths := make(chan string)
	var readers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		readers.Go(func() {
			for path := range paths {
				if err := decodeFile(path); err != nil {
					b.Error(err)
				}
			}
		})
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() && strings.HasSuffix(path, ".yaml") {
			paths <- path
		}
		return err
	})
	close(paths)
	readers.Wait()
	if err != nil {
		b.Fatal(err)
	}
}

func decodeFile(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(data))
	d.KnownFields(true)
	for {
		var doc document
		switch err := d.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// composeAll writes as many messages as the outbox holds, each with two parts of
// the length of the first one's, and returns how long that took on all cores.
func composeAll(b *testing.B, where string) time.Duration {
	ctx := context.Background()
	db, err := state.Open(ctx, where, state.Options{ReadOnly: true})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	messages, err := db.Messages(ctx, state.MessageQuery{})
	if err != nil || len(messages) == 0 {
		b.Fatalf("%d messages: %v", len(messages), err)
	}
	first, err := db.Message(ctx, messages[0].ID)
	if err != nil {
		b.Fatal(err)
	}
	text := string(bytes.ReplaceAll(first.Body, []byte("=\r\n"), nil))
	half := len(text) / 2
	return took(func() {
		var writers sync.WaitGroup
		for part := range slices.Chunk(messages, (len(messages)-1)/runtime.GOMAXPROCS(0)+1) {
			writers.Go(func() {
				for _, m := range part {
					if err := composeRaw(m, text[:half], text[half:]); err != nil {
						b.Error(err)
					}
				}
			})
		}
		writers.Wait()
	})
}

func composeRaw(m state.Message, text, html string) error {
	msg := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	if err := msg.From("usher@acme.example"); err != nil {
		return err
	}
	if err := msg.To(m.To); err != nil {
		return err
	}
	msg.Subject(m.Subject)
	msg.SetDateWithValue(m.CreatedAt)
	msg.SetMessageIDWithValue(m.MessageID)
	msg.SetBodyString(gomail.TypeTextPlain, text)
	msg.AddAlternativeString(gomail.TypeTextHTML, html)
	var out bytes.Buffer
	_, err := msg.WriteTo(&out)
	return err
}

// insertAll copies every row of a state into tables of the same shape, with their
// indexes and under the same pragmas, in a file of its own, in one transaction, and
// returns how long the copying took without the reading.
func insertAll(b *testing.B, where string) time.Duration {
	from, err := sql.Open("sqlite", "file:"+where+"?mode=ro")
	if err != nil {
		b.Fatal(err)
	}
	defer from.Close()
	path := filepath.Join(filepath.Dir(where), "raw.db")
	to, err := sql.Open("sqlite", "file:"+path+"?_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)")
	if err != nil {
		b.Fatal(err)
	}
	to.SetMaxOpenConns(1)
	tables := copySchema(b, from, to)
	tx, err := to.Begin()
	if err != nil {
		b.Fatal(err)
	}
	var spent time.Duration
	for _, table := range tables {
		spent += copyTable(b, from, tx, table)
	}
	return spent + took(func() {
		if err := errors.Join(tx.Commit(), to.Close()); err != nil {
			b.Fatal(err)
		}
	})
}

func copySchema(b *testing.B, from, to *sql.DB) (tables []string) {
	rows, err := from.Query("SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY type DESC")
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var kind, name, text string
		if err := rows.Scan(&kind, &name, &text); err != nil {
			b.Fatal(err)
		}
		if _, err := to.Exec(text); err != nil {
			b.Fatal(err)
		}
		if kind == "table" {
			tables = append(tables, name)
		}
	}
	return tables
}

// rawRows is how many rows the floor inserts by one statement.
const rawRows = 50

func copyTable(b *testing.B, from *sql.DB, tx *sql.Tx, table string) (spent time.Duration) {
	rows, err := from.Query("SELECT * FROM " + table)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		b.Fatal(err)
	}
	full, err := tx.Prepare(insertRows(table, len(columns), rawRows))
	if err != nil {
		b.Fatal(err)
	}
	defer full.Close()
	var values []any
	write := func() {
		spent += took(func() {
			if len(values) == rawRows*len(columns) {
				_, err = full.Exec(values...)
			} else if len(values) > 0 {
				_, err = tx.Exec(insertRows(table, len(columns), len(values)/len(columns)), values...)
			}
		})
		if err != nil {
			b.Fatal(err)
		}
		values = values[:0]
	}
	for rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		if err := rows.Scan(row...); err != nil {
			b.Fatal(err)
		}
		for _, v := range row {
			value := *v.(*any)
			if blob, ok := value.([]byte); ok && len(blob) == 0 {
				value = []byte{} // the driver reads an empty one as none
			}
			values = append(values, value)
		}
		if len(values) == rawRows*len(columns) {
			write()
		}
	}
	write()
	return spent
}

func insertRows(table string, columns, rows int) string {
	row := "(" + strings.Repeat("?, ", columns-1) + "?)"
	return "INSERT INTO " + table + " VALUES " + strings.Repeat(row+", ", rows-1) + row
}
