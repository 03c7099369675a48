package state

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrPresent means that somebody cannot be forgotten who has not been removed.
var ErrPresent = errors.New("still declared")

// ErrMentioned means that somebody cannot be forgotten yet: a message or a plan on its
// way names them.
var ErrMentioned = errors.New("named in what is not settled yet")

// Forget deletes who somebody was, who has been removed, by the ids of their accounts:
// names, addresses, keys, reasons, where they were declared, passwords, and the text of
// every message to them or about them (DOMAIN.md, "Forgetting"). What happened stays,
// under ids that mean nothing to anybody, and verifies as before. It returns how many
// messages lost their text.
//
// What somebody did in the name of the organisation stays with their name: who signed
// or approved a revision is for others to know.
//
// The database is written anew at the end, which costs what copying it does: pages that
// lie idle may hold what rows on them once said. Where that fails, or whoever does it is
// killed, what is left is not gone from the file yet, and the next owner tries anew.
//
// Errors: [ErrNotFound]; [ErrPresent]; [ErrMentioned].
func (o *Owner) Forget(ctx context.Context, accounts []string, by string) (messages int, err error) {
	if messages, err = o.forgetRows(ctx, accounts, by); err == nil {
		err = o.rewrite(context.WithoutCancel(ctx))
	}
	if err != nil {
		return messages, fmt.Errorf("forgetting who somebody was: %w", err)
	}
	return messages, nil
}

// forgetRows deletes all that rows say, and notes that the file is to be written anew.
func (o *Owner) forgetRows(ctx context.Context, accounts []string, by string) (messages int, err error) {
	err = o.beside(ctx, func(tx *Tx) (err error) {
		if messages, err = tx.forget(accounts, by); err == nil {
			_, err = tx.exec("INSERT INTO meta (name, value) VALUES (?, '') ON CONFLICT DO NOTHING", tracesMeta)
		}
		return err
	})
	return messages, err
}

// tracesMeta is there while the file may hold what was erased from its tables.
const tracesMeta = "traces of who was forgotten"

// rewrite writes the database anew without what lies on idle pages, and empties the
// log beside it: at once, or where somebody is reading, with what is written next.
func (o *Owner) rewrite(ctx context.Context) error {
	for _, statement := range []string{"VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)", "DELETE FROM meta WHERE name = '" + tracesMeta + "'"} {
		if _, err := o.db.writer.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("who it was is erased, but writing the database anew failed, so its file may hold traces still: %w", fault(err))
		}
	}
	return nil
}

// rewriteAfter does what an owner before this one was killed over. That it fails keeps
// nobody from working: the next one tries anew.
func (o *Owner) rewriteAfter(ctx context.Context) {
	if traces, err := o.db.traces(ctx); err == nil && traces {
		_ = o.rewrite(ctx)
	}
}

// traces reports whether the file may hold what was erased from its tables.
func (db *DB) traces(ctx context.Context) (some bool, err error) {
	err = db.reader.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM meta WHERE name = ?)", tracesMeta).Scan(&some)
	return some, err
}

func (tx *Tx) forget(accounts []string, by string) (messages int, err error) {
	for _, id := range accounts {
		if err := tx.checkRemoved(id); err != nil {
			return 0, fmt.Errorf("account %s: %w", id, err)
		}
	}
	m, err := tx.mentionOf(accounts)
	if err == nil {
		err = tx.checkSettled(accounts, m)
	}
	if err != nil {
		return 0, err
	}
	for _, id := range accounts {
		n, err := tx.erase(id)
		if err == nil {
			err = tx.record(aboutAccount+id, entry{Do: doForget, personal: &personal{By: by}})
		}
		if err != nil {
			return 0, fmt.Errorf("account %s: %w", id, err)
		}
		messages += n
	}
	n, err := tx.eraseMentions(m)
	return messages + n, err
}

// checkRemoved fails unless the account was removed.
func (tx *Tx) checkRemoved(id string) error {
	var rows, there int
	err := tx.get("SELECT COUNT(*), COUNT(*) - COUNT(until) FROM person WHERE account = ?", []any{id}, &rows, &there)
	switch {
	case err != nil:
		return err
	case rows == 0:
		return ErrNotFound
	case there > 0:
		return ErrPresent
	}
	return nil
}

// checkSettled fails while a message or a plan names them that somebody waits for.
func (tx *Tx) checkSettled(ids []string, m mention) error {
	const waiting = " state IN ('queued', 'sending', 'held')"
	for _, id := range ids {
		var n int
		if err := tx.get("SELECT COUNT(*) FROM outbox WHERE account = ? AND"+waiting, []any{id}, &n); err != nil {
			return err
		}
		if n > 0 {
			return fmt.Errorf("%w: %d of the messages to them or about them", ErrMentioned, n)
		}
	}
	held, err := tx.list("SELECT plan || rules FROM hold WHERE " + isOpen)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(held, m.inPlan) {
		return fmt.Errorf("%w: a plan that is held", ErrMentioned)
	}
	return tx.eachMentioning(m, "AND"+waiting, func(int64) error {
		return fmt.Errorf("%w: a message to somebody else", ErrMentioned)
	})
}

// erase deletes what is personal of one account, and returns how many messages lost
// their text. What is left of a row is what the audit holds it against.
func (tx *Tx) erase(id string) (messages int, err error) {
	for _, statement := range []string{
		`UPDATE person SET name = '', email = '', email_key = '', first_name = '', last_name = '', signing_keys = 'null',
			origin = '{}', sort_key = '', first_key = '' WHERE account = ?`,
		"UPDATE access SET reason = '', because = 'null' WHERE account = ?",
		"DELETE FROM person_word WHERE account = ?",
		"DELETE FROM password WHERE account = ?",
		"DELETE FROM password_reset WHERE account = ?",
		"DELETE FROM session WHERE account = ?",
		"DELETE FROM audit_personal WHERE seq IN (SELECT seq FROM audit WHERE subject = '" + aboutAccount + "' || ?)",
	} {
		if _, err := tx.exec(statement, id); err != nil {
			return 0, err
		}
	}
	n, err := tx.exec("UPDATE outbox SET recipient = '', subject = '', last_error = '', body = X'' WHERE account = ?", id)
	return int(n), err
}

// eraseMentions deletes the text of what names them: messages to others, plans that
// were held, requests that were answered.
func (tx *Tx) eraseMentions(m mention) (messages int, err error) {
	var ids []int64
	err = tx.eachMentioning(m, "", func(id int64) error {
		ids = append(ids, id)
		return nil
	})
	if err != nil {
		return 0, err
	}
	for _, id := range ids {
		if _, err := tx.exec("UPDATE outbox SET subject = '', last_error = '', body = X'' WHERE id = ?", id); err != nil {
			return 0, err
		}
	}
	if err := tx.eraseHolds(m); err != nil {
		return 0, err
	}
	if err := tx.eraseReport(m); err != nil {
		return 0, err
	}
	for _, name := range m.names {
		if _, err := tx.exec("UPDATE request SET argument = '', result = '' WHERE done > 0 AND argument = ?", name); err != nil {
			return 0, err
		}
	}
	return len(ids), nil
}

// eraseHolds deletes the plans, and the rules that held them, in which they are named.
func (tx *Tx) eraseHolds(m mention) error {
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	var numbers []int64
	_, err = collect(tx.ctx, conn, "SELECT seq, plan || rules FROM hold WHERE NOT ("+isOpen+")", nil, func(scan scanner) (none struct{}, err error) {
		var number int64
		var text string
		if err = scan(&number, &text); err == nil && m.inPlan(text) {
			numbers = append(numbers, number)
		}
		return none, err
	})
	for _, number := range numbers {
		if err == nil {
			_, err = tx.exec("UPDATE hold SET plan = '', rules = '[]' WHERE seq = ?", number)
		}
	}
	return err
}

// eraseReport deletes what a controller last said of itself, if it names them: in manifests
// that were refused, for one. Whoever watches reports anew.
func (tx *Tx) eraseReport(m mention) error {
	reports, err := tx.list("SELECT body FROM report")
	if err == nil && slices.ContainsFunc(reports, m.inPlan) {
		_, err = tx.exec("DELETE FROM report")
	}
	return err
}

// eachMentioning finds the messages to others in whose text they are named.
func (tx *Tx) eachMentioning(m mention, condition string, found func(id int64) error) error {
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	rows, err := conn.QueryContext(tx.ctx, "SELECT id, kind, subject, last_error, body FROM outbox WHERE LENGTH(body) > 0 "+condition)
	if err != nil {
		return err
	}
	defer rows.Close()
	var ids []int64
	for rows.Next() {
		var id int64
		var kind, subject, lastError string
		var stored []byte
		if err := rows.Scan(&id, &kind, &subject, &lastError, &stored); err != nil {
			return err
		}
		body, err := tx.db.patterns.unpack(tx.ctx, tx.db.reader, stored)
		if err != nil {
			return fmt.Errorf("message %d: %w", id, err)
		}
		if m.in(kind, subject) || m.in(kind, lastError) || m.inMessage(kind, body) {
			ids = append(ids, id)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range ids {
		if err := found(id); err != nil {
			return err
		}
	}
	return nil
}
