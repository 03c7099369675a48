package state

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
)

// What is still to be done about messages is found without reading those that are
// done with, of which there is one for everything that ever happened.
func TestOpenMessagesAreFoundByTheirIndex(t *testing.T) {
	ctx := context.Background()
	db, err := Open(ctx, "sqlite:"+filepath.Join(t.TempDir(), "usher.db"), Options{Command: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	type question struct {
		query string
		args  []any
	}
	questions := []question{{limited(due, 10), []any{0}}}
	for _, q := range []MessageQuery{
		{State: MessageQueued}, {State: MessageSending}, {State: MessageFailed}, {State: MessageHeld},
		{Account: "a"}, {Revision: 1}, {State: MessageSent, Account: "a"},
	} {
		query, args := q.sql()
		questions = append(questions, question{query, args})
	}
	for _, q := range questions {
		steps, err := collect(ctx, db.reader, "EXPLAIN QUERY PLAN "+q.query, q.args, func(scan scanner) (string, error) {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			return detail, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(steps[0], "INDEX outbox_") {
			t.Errorf("%s %v: %s", q.query, q.args, strings.Join(steps, "; "))
		}
	}
}
