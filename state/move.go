package state

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"usher/spec"
)

// movedLines are the maps of lines that a transaction works with.
type movedLines struct {
	files map[string]*movedFile // that it looked at or moved
	asked bool
	some  bool // there are files with maps, as asked
}

// movedFile is one file: as the transaction finds it, and as it leaves it.
type movedFile struct {
	was, is lineMap
	gone    bool
	altered bool
}

// MoveLines records where the lines of a file stand from this revision on. It comes
// before anything else is written: each origin given after it is where something
// stands now. What is declared on lines that moved is as it was, and needs nothing
// written; a row that ends keeps the lines it had. Where a line stands is no change of
// what is true, and is not audited.
func (tx *Tx) MoveLines(s spec.Shift) error {
	f, err := tx.linesOf(s.File)
	if err != nil {
		return err
	}
	f.altered, f.gone = true, len(s.Runs) == 0
	f.is = nil
	if !f.gone {
		f.is = f.was.moved(s.Runs)
	}
	return nil
}

// KeepLines forgets where lines stand of files in which nothing is declared any more.
func (tx *Tx) KeepLines(declared func(file string) bool) error {
	files, err := tx.list("SELECT file FROM moved_lines ORDER BY file")
	for _, file := range files {
		if err == nil && !declared(file) {
			err = tx.MoveLines(spec.Shift{File: file})
		}
	}
	return err
}

// anyMoved reports whether lines of any file stand elsewhere than where they are
// recorded. Of most transactions this is the one question about lines.
func (tx *Tx) anyMoved() (bool, error) {
	m := &tx.lines
	if !m.asked {
		if err := tx.get("SELECT EXISTS (SELECT 1 FROM moved_lines)", nil, &m.some); err != nil {
			return false, fmt.Errorf("reading where lines stand: %w", err)
		}
		m.asked, m.files = true, map[string]*movedFile{}
	}
	return m.some || len(m.files) > 0, nil
}

// linesOf reads the map of a file once.
func (tx *Tx) linesOf(file string) (*movedFile, error) {
	if _, err := tx.anyMoved(); err != nil {
		return nil, err
	}
	if f := tx.lines.files[file]; f != nil {
		return f, nil
	}
	f := &movedFile{}
	if tx.lines.some {
		var runs string
		err := tx.get("SELECT runs FROM moved_lines WHERE file = ?", []any{file}, &runs)
		if err == nil {
			f.was, err = decodeLines(runs)
		}
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("reading where lines of %s stand: %w", file, err)
		}
	}
	f.is = f.was
	tx.lines.files[file] = f
	return f, nil
}

// recorded is an origin by the number that its line is recorded with.
func (tx *Tx) recorded(o spec.Origin) (spec.Origin, error) {
	if some, err := tx.anyMoved(); !some || err != nil || o.File == "" {
		return o, err
	}
	f, err := tx.linesOf(o.File)
	if err != nil {
		return o, err
	}
	line, known := f.is.recorded(o.Line)
	if !known {
		if f.is, err = f.is.room(o.Line); err != nil {
			return o, fmt.Errorf("recording line %d of %s: %w", o.Line, o.File, err)
		}
		f.altered = true
		line, _ = f.is.recorded(o.Line)
	}
	o.Line = line
	return o, nil
}

// encodeOrigin writes where something is declared, as it is recorded.
func (tx *Tx) encodeOrigin(o spec.Origin) (string, error) {
	recorded, err := tx.recorded(o)
	if err != nil {
		return "", err
	}
	return tx.encode(recorded)
}

// encodeOrigins writes the lines that something comes from, as they are recorded.
func (tx *Tx) encodeOrigins(origins []spec.Origin) (string, error) {
	origins = slices.Clone(origins)
	for i := range origins {
		var err error
		if origins[i], err = tx.recorded(origins[i]); err != nil {
			return "", err
		}
	}
	return tx.encode(origins)
}

// placed has an origin as it is recorded say where the line stands once the transaction
// is done, or where it stood before if it is gone then.
func (tx *Tx) placed(o *spec.Origin) error {
	if some, err := tx.anyMoved(); !some || err != nil {
		return err
	}
	f, err := tx.linesOf(o.File)
	if err != nil {
		return err
	}
	is := f.is
	if is == nil && !f.gone {
		is = unmoved
	}
	line, found := is.find(o.Line)
	if !found {
		line = f.was.now(o.Line)
	}
	o.Line = line
	return nil
}

// writeLines writes the maps that the transaction altered.
func (tx *Tx) writeLines() error {
	for _, file := range sortedKeys(tx.lines.files) {
		f := tx.lines.files[file]
		if !f.altered {
			continue
		}
		if err := tx.writeMap(file, f); err != nil {
			return fmt.Errorf("writing where lines of %s stand: %w", file, err)
		}
	}
	return nil
}

func (tx *Tx) writeMap(file string, f *movedFile) error {
	if f.is == nil {
		if f.was == nil {
			return nil
		}
		_, err := tx.exec("DELETE FROM moved_lines WHERE file = ?", file)
		return err
	}
	runs, err := f.is.encode()
	if err == nil {
		_, err = tx.exec("INSERT INTO moved_lines (file, runs) VALUES (?, ?) ON CONFLICT (file) DO UPDATE SET runs = excluded.runs", file, runs)
	}
	return err
}
