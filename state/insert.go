package state

import (
	"context"
	"database/sql"
	"sync"
)

// insertsAhead is how many INSERTs may wait for the database; with the rows of a
// sorted batch that is a few megabytes.
const insertsAhead = 256

// inserts carries out the INSERTs of a transaction on a goroutine of its own, in
// their order, while what comes after them is made ready: the database keeps one
// core busy, encoding, hashing and composing keep the others. Whatever reads or
// alters rows waits for it first. Its goroutine runs from the first INSERT on, so
// that a small transaction has none.
type inserts struct {
	ctx        context.Context
	sql        *sql.Tx
	statements map[string]*sql.Stmt // the goroutine's
	queue      chan insertion       // nil: none was handed over yet
	pending    sync.WaitGroup
	mu         sync.Mutex
	err        error // the first; nothing is carried out after it
}

// insertion is an INSERT and its values, which are the goroutine's from then on.
type insertion struct {
	query  string
	values []any
	again  bool // the query is worth keeping prepared
}

func newInserts(ctx context.Context, conn *sql.Tx) *inserts {
	return &inserts{ctx: ctx, sql: conn, statements: map[string]*sql.Stmt{}}
}

// add hands over an INSERT; the error is that of an earlier one.
func (q *inserts) add(i insertion) error {
	if err := q.failed(); err != nil {
		return err
	}
	if q.queue == nil {
		q.queue = make(chan insertion, insertsAhead)
		go q.run(q.queue)
	}
	q.pending.Add(1)
	q.queue <- i
	return nil
}

// rest carries out an INSERT of the rows left over, which come in any number: at
// once where nothing was handed over yet, else after what was.
func (q *inserts) rest(query string, values []any) error {
	i := insertion{query, values, false}
	if q.queue == nil {
		return q.carryOut(i)
	}
	return q.add(i)
}

// wait returns once everything handed over is carried out, or has failed.
func (q *inserts) wait() error {
	q.pending.Wait()
	return q.failed()
}

// close waits and lets go of the goroutine and its statements.
func (q *inserts) close() {
	q.pending.Wait()
	if q.queue != nil {
		close(q.queue)
		q.queue = nil
	}
	for _, s := range q.statements {
		s.Close()
	}
}

func (q *inserts) run(queue <-chan insertion) {
	for i := range queue {
		if q.failed() == nil {
			q.fail(q.carryOut(i))
		}
		q.pending.Done()
	}
}

func (q *inserts) carryOut(i insertion) error {
	if !i.again {
		_, err := q.sql.ExecContext(q.ctx, i.query, i.values...)
		return err
	}
	s := q.statements[i.query]
	if s == nil {
		var err error
		if s, err = q.sql.PrepareContext(q.ctx, i.query); err != nil {
			return err
		}
		q.statements[i.query] = s
	}
	_, err := s.ExecContext(q.ctx, i.values...)
	return err
}

func (q *inserts) fail(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.err = err
}

func (q *inserts) failed() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}
