package state

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// openPool opens connections that keep the statements they compiled: to compile one
// takes as long as to carry it out, and what an edit asks is nearly the same each time.
func openPool(dsn string) (*sql.DB, error) {
	inner, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{inner}), nil
}

type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	inner, ok := conn.(connection)
	if !ok {
		conn.Close()
		return nil, fmt.Errorf("the database driver lacks what usher needs of it")
	}
	return &keeper{connection: inner, idle: map[string]driver.Stmt{}}, nil
}

// connection is what usher needs of one of the driver.
type connection interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
	backuper
}

const (
	// maxIdle is how many statements a connection keeps. They take a few kilobytes each.
	maxIdle = 100
	// maxKeptText is how long a statement may be that is kept, in bytes: those of many
	// rows are seldom the same twice.
	maxKeptText = 1500
)

// keeper is a connection with the compiled statements that are not in use, oldest first
// in order. database/sql lets one goroutine at a time use it.
type keeper struct {
	connection
	idle  map[string]driver.Stmt
	order []string
}

// worth reports whether a statement is worth keeping: one that may come again. What
// alters tables, and scripts, are not.
func worth(query string) bool {
	if len(query) > maxKeptText || strings.Contains(query, ";") {
		return false
	}
	verb, _, _ := strings.Cut(query, " ")
	return slices.Contains([]string{"SELECT", "INSERT", "UPDATE", "DELETE"}, verb)
}

// take is a compiled statement that is the caller's until it is closed.
func (k *keeper) take(ctx context.Context, query string) (*keptStatement, error) {
	s, found := k.idle[query]
	if found {
		delete(k.idle, query)
		k.order = slices.DeleteFunc(k.order, func(q string) bool { return q == query })
	} else {
		var err error
		if s, err = k.connection.PrepareContext(ctx, query); err != nil {
			return nil, err
		}
	}
	return &keptStatement{s, k, query}, nil
}

// give keeps a statement that is no longer in use, in place of the one that was not
// used for longest.
func (k *keeper) give(query string, s driver.Stmt) error {
	if k.idle[query] != nil {
		return s.Close()
	}
	k.idle[query], k.order = s, append(k.order, query)
	if len(k.order) <= maxIdle {
		return nil
	}
	oldest := k.order[0]
	k.order = slices.Delete(k.order, 0, 1)
	s = k.idle[oldest]
	delete(k.idle, oldest)
	return s.Close()
}

func (k *keeper) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if !worth(query) {
		return k.connection.PrepareContext(ctx, query)
	}
	return k.take(ctx, query)
}

func (k *keeper) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if !worth(query) {
		return k.connection.ExecContext(ctx, query, args)
	}
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return s.ExecContext(ctx, args)
}

func (k *keeper) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if !worth(query) {
		return k.connection.QueryContext(ctx, query, args)
	}
	s, err := k.take(ctx, query)
	if err != nil {
		return nil, err
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		s.Close()
		return nil, err
	}
	return &keptRows{rows, s}, nil
}

// Close lets go of the statements first.
func (k *keeper) Close() error {
	for _, query := range k.order {
		k.idle[query].Close()
	}
	return k.connection.Close()
}

// keptStatement goes back to its connection when it is closed, once.
type keptStatement struct {
	driver.Stmt
	keeper *keeper
	query  string
}

func (s *keptStatement) Close() error {
	if s.Stmt == nil {
		return nil
	}
	inner := s.Stmt
	s.Stmt = nil
	return s.keeper.give(s.query, inner)
}

func (s *keptStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

func (s *keptStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
}

// keptRows are those of a statement that is in use until they are closed.
type keptRows struct {
	driver.Rows
	statement *keptStatement
}

func (r *keptRows) Close() error {
	err := r.Rows.Close()
	if errGive := r.statement.Close(); err == nil {
		err = errGive
	}
	return err
}
