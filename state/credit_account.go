package state

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"usher/spec"
)

// creditRows finds whose usage each line is, and sorts by contract and day. The
// error is a spec.Errors where lines are to blame.
func (db *DB) creditRows(ctx context.Context, lines []spec.Usage) ([]creditRow, error) {
	book, err := db.openCreditBook(ctx, lines)
	if err != nil {
		return nil, fmt.Errorf("finding whose credits were used: %w", fault(err))
	}
	rows := make([]creditRow, 0, len(lines))
	first := make(map[creditKey]spec.Origin, len(lines))
	var errs spec.Errors
	for _, line := range lines {
		row, wrong := book.row(line)
		if wrong != nil {
			errs = append(errs, wrong...)
			continue
		}
		if at, twice := first[row.creditKey]; twice {
			errs = append(errs, blame(line.UserAt, "duplicate-usage", "user",
				fmt.Sprintf("line %d says what %s used under %s on %s already", at.Line, line.User, line.Contract, line.Day),
				"write one line with the sum"))
			continue
		}
		first[row.creditKey] = line.UserAt
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b creditRow) int { return a.compare(b.creditKey) })
	return rows, errs.Sort().Err()
}

func blame(at spec.Origin, code, column, reason, hint string) *spec.Error {
	return &spec.Error{File: at.File, Line: int(at.Line), Column: int(at.Column), Code: code, Subject: column, Reason: reason, Hint: hint}
}

// creditBook knows the contracts, and the people whom lines name, at any time.
type creditBook struct {
	contracts map[string]bool
	bearers   map[string][]bearer    // by name and by folded e-mail, oldest first
	lives     map[string][]spec.Span // by account: the days on which it was there
}

// bearer is an account that went by a name or an address for some days. A day on
// which it changed belongs to both.
type bearer struct {
	account     string
	name, email string
	days        spec.Span
}

// openCreditBook reads everybody there ever was twice, and keeps those whom lines
// are about: at a million people, neither all of them nor a query for each is cheap.
func (db *DB) openCreditBook(ctx context.Context, lines []spec.Usage) (*creditBook, error) {
	tx, err := db.reader.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	b := &creditBook{contracts: map[string]bool{}, bearers: map[string][]bearer{}, lives: map[string][]spec.Span{}}
	for _, line := range lines {
		b.bearers[spec.FoldEmail(line.User)] = nil
	}
	if err := everyBearer(ctx, tx, b.meet); err != nil {
		return nil, err
	}
	if err := everyBearer(ctx, tx, b.follow); err != nil {
		return nil, err
	}
	_, err = collect(ctx, tx, "SELECT DISTINCT name FROM contract", nil, func(scan scanner) (name string, err error) {
		err = scan(&name)
		b.contracts[name] = true
		return name, err
	})
	return b, err
}

func everyBearer(ctx context.Context, q querier, meet func(bearer)) error {
	const all = `SELECT p.account, p.name, p.email_key, r.at, COALESCE(e.at, 0) FROM person p
		JOIN revision r ON r.number = p.since LEFT JOIN revision e ON e.number = p.until ORDER BY p.since, p.seq`
	rows, err := q.QueryContext(ctx, all)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var one bearer
		var since, until int64
		if err := rows.Scan(&one.account, &one.name, &one.email, &since, &until); err != nil {
			return err
		}
		one.days = spec.Span{From: spec.DayOf(moment(since)), Until: spec.Forever}
		if until != 0 {
			one.days.Until = spec.DayOf(moment(until))
		}
		meet(one)
	}
	return rows.Err()
}

// meet keeps who goes by a name or an address that a line has.
func (b *creditBook) meet(one bearer) {
	keys := []string{one.name, one.email}
	for _, key := range slices.Compact(keys) {
		if known, asked := b.bearers[key]; asked {
			b.bearers[key] = append(known, one)
			b.lives[one.account] = nil
		}
	}
}

// follow keeps on which days the accounts met were there, by whatever name.
func (b *creditBook) follow(one bearer) {
	if days, met := b.lives[one.account]; met {
		b.lives[one.account] = append(days, one.days)
	}
}

func (b *creditBook) row(line spec.Usage) (creditRow, spec.Errors) {
	var errs spec.Errors
	if !b.contracts[line.Contract] {
		errs = append(errs, blame(line.ContractAt, "unknown-contract", "contract",
			fmt.Sprintf("%q is not on record", line.Contract), "usher get contracts lists what there is"))
	}
	account, reason, hint := b.account(line.User, line.Day)
	if reason != "" {
		errs = append(errs, blame(line.UserAt, "unknown-user", "user", reason, hint))
	}
	return creditRow{creditKey{line.Contract, account, line.Day}, line.Credits}, errs
}

// account finds whom a name or an address meant on a day: who went by that name
// then, or else by that address; or else by either at another time, with an
// account on that day. Usage from before usher knew anybody of that name belongs
// to the one person who ever had it. Who was removed keeps what was used before.
func (b *creditBook) account(user string, day spec.Day) (id, reason, hint string) {
	key := spec.FoldEmail(user)
	bearers := b.bearers[key]
	if len(bearers) == 0 {
		return "", fmt.Sprintf("%q is not on record", user), "use a name or an e-mail that usher get users --all lists"
	}
	if id := bearing(bearers, key, day); id != "" {
		return id, "", ""
	}
	ever, then := b.accounts(bearers, day)
	switch {
	case len(then) == 1:
		return then[0], "", ""
	case len(then) > 1:
		return "", fmt.Sprintf("%q was several people's, and on %s none of them went by it", user, day), "use the name they had on that day"
	case len(ever) == 1 && day < b.lives[ever[0]][0].From:
		return ever[0], "", ""
	}
	return "", fmt.Sprintf("%q had no account on %s", user, day), "usher describe user " + key + " shows when there was one"
}

// bearing returns the account that went by the key on that day, the last one
// where it changed hands; a name goes before an address.
func bearing(bearers []bearer, key string, day spec.Day) string {
	var byName, byEmail string
	for _, one := range bearers {
		switch {
		case !one.days.Contains(day):
		case one.name == key:
			byName = one.account
		default:
			byEmail = one.account
		}
	}
	if byName != "" {
		return byName
	}
	return byEmail
}

// accounts returns the accounts of bearers, and those of them there on a day.
func (b *creditBook) accounts(bearers []bearer, day spec.Day) (ever, then []string) {
	for _, one := range bearers {
		if slices.Contains(ever, one.account) {
			continue
		}
		ever = append(ever, one.account)
		if slices.ContainsFunc(b.lives[one.account], func(s spec.Span) bool { return s.Contains(day) }) {
			then = append(then, one.account)
		}
	}
	return ever, then
}
