package spec

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Bounds of a file of usage.
const (
	MaxUsageFile = 8 << 20       // bytes
	maxUsage     = 1_000_000_000 // credits on one line; sums stay far from overflowing
)

// Usage is what one person used of a contract's cloud credits on one day
// (DOMAIN.md row 19). It is not a wish of admins but a fact from elsewhere, read
// with the strictness of manifests.
type Usage struct {
	Contract   string
	User       string // name or e-mail, as written
	Day        Day
	Credits    int64 // 0 to 1,000,000,000
	ContractAt Origin
	UserAt     Origin
}

// usageColumns is what the header names, in any order.
var usageColumns = []string{"contract", "user", "day", "credits"}

// ParseUsage reads CSV (RFC 4180, UTF-8, with or without a byte order mark) whose
// header names the columns contract, user, day and credits, in any order. file
// stands in errors, which are all there are, sorted. No day may lie after
// tomorrow: where usage is recorded it may be tomorrow already.
//
// Credits are whole, as pools are: fractions would leave sums that never equal
// one. None are negative: a day is corrected by handing in its right amount again.
func ParseUsage(file string, data []byte, today Day) ([]Usage, Errors) {
	p := &usageParser{file: file, latest: today + 1}
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	switch {
	case len(data) > MaxUsageFile:
		p.fail(0, 0, "too-large", "", "the file has more than %d MiB", MaxUsageFile>>20).Hint = "split it; each part needs the header"
	case !utf8.Valid(data):
		p.fail(0, 0, "not-utf8", "", "the file is not UTF-8").Hint = "save it as CSV UTF-8"
	default:
		p.parse(data)
	}
	return p.lines, p.errs.Sort()
}

// usageParser reads one file.
type usageParser struct {
	file    string
	latest  Day
	csv     *csv.Reader
	columns []string // what each column of the file holds
	lines   []Usage
	errs    Errors
}

func (p *usageParser) fail(line, column int, code, subject, format string, args ...any) *Error {
	e := &Error{File: p.file, Line: line, Column: column, Code: code, Subject: subject, Reason: legible(fmt.Sprintf(format, args...))}
	p.errs = append(p.errs, e)
	return e
}

func (p *usageParser) parse(data []byte) {
	p.csv = csv.NewReader(bytes.NewReader(data))
	p.csv.FieldsPerRecord = -1
	p.csv.ReuseRecord = true
	header, ok := p.read()
	if !ok {
		if len(p.errs) == 0 {
			p.fail(0, 0, "missing-header", "", "the file is empty").Hint = "its first line is " + strings.Join(usageColumns, ",")
		}
		return
	}
	if !p.header(header) {
		return
	}
	for record, ok := p.read(); ok; record, ok = p.read() {
		p.line(record)
	}
}

// read returns the next line that says anything. One whose quotes do not match
// ends the reading: where the next begins cannot be told.
func (p *usageParser) read() ([]string, bool) {
	for {
		record, err := p.csv.Read()
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return nil, false
		case errors.As(err, &syntax):
			p.fail(syntax.Line, syntax.Column, "invalid-csv", "", "the quotes do not match").
				Hint = `a cell with quotes in it is written "like ""this"""`
			return nil, false
		}
		for i, cell := range record {
			record[i] = strings.TrimSpace(cell)
		}
		if slices.ContainsFunc(record, func(cell string) bool { return cell != "" }) {
			return record, true
		}
	}
}

// header reads the names of the columns, and reports whether the lines below can
// be understood by them.
func (p *usageParser) header(record []string) bool {
	p.columns = slices.Clone(record)
	for i, name := range p.columns {
		line, column := p.csv.FieldPos(i)
		switch {
		case len(p.columns) == 1 && strings.Contains(name, ";"):
			p.fail(line, column, "invalid-csv", "", "the cells are separated by semicolons").Hint = "separate them by commas"
			return false
		case !slices.Contains(usageColumns, name):
			p.fail(line, column, "unknown-column", "", "there is no column %q", name).Hint = columnHint(name)
		case slices.Contains(p.columns[:i], name):
			p.fail(line, column, "duplicate-column", "", "the column %s is there twice", name)
		}
	}
	for _, name := range usageColumns {
		if !slices.Contains(p.columns, name) {
			line, column := p.csv.FieldPos(0)
			p.fail(line, column, "missing-column", "", "the column %s is missing", name)
		}
	}
	return len(p.errs) == 0
}

func columnHint(name string) string {
	if best := Nearest(name, usageColumns); best != "" {
		return "did you mean " + best + "?"
	}
	return "the columns are " + strings.Join(usageColumns, ", ")
}

// line reads one line of usage. It is kept only where all of it is right.
func (p *usageParser) line(record []string) {
	if len(record) != len(p.columns) {
		line, column := p.csv.FieldPos(0)
		p.fail(line, column, "invalid-csv", "", "the line has %d cells, the header %d", len(record), len(p.columns))
		return
	}
	before := len(p.errs)
	var u Usage
	for i, cell := range record {
		line, column := p.csv.FieldPos(i)
		at := Origin{File: p.file, Line: int32(line), Column: int32(column)}
		if reason, hint := p.cell(&u, p.columns[i], cell, at); reason != "" {
			p.fail(line, column, "invalid-"+p.columns[i], p.columns[i], "%s", reason).Hint = hint
		}
	}
	if len(p.errs) == before {
		p.lines = append(p.lines, u)
	}
}

// cell reads one cell into the usage, or says what is wrong with it.
func (p *usageParser) cell(u *Usage, column, text string, at Origin) (reason, hint string) {
	if text == "" {
		return "it is empty", ""
	}
	if len(text) > maxAddress {
		return fmt.Sprintf("it has %d bytes, more than the %d that any name has", len(text), maxAddress), ""
	}
	switch column {
	case "contract":
		u.Contract, u.ContractAt = text, at
	case "user":
		u.User, u.UserAt = text, at
	case "day":
		day, err := ParseDay(text)
		if err != nil {
			return err.Error(), ""
		}
		if day > p.latest {
			return fmt.Sprintf("%s has not come yet", day), "usage is what was used, not what will be"
		}
		u.Day = day
	case "credits":
		return u.credits(text)
	}
	return "", ""
}

func (u *Usage) credits(text string) (reason, hint string) {
	digits := strings.Trim(text, "0123456789") == ""
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err == nil && n < 0:
		return fmt.Sprintf("%q is less than nothing", text), "to correct a day, import its right amount again"
	case !digits:
		return fmt.Sprintf("%q is not a whole number of credits", text), "write digits alone, such as 1250"
	case err != nil || n > maxUsage:
		return fmt.Sprintf("%s is more than the %d that one line may say", text, maxUsage), ""
	}
	u.Credits = n
	return "", ""
}
