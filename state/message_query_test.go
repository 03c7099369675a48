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
	for _, q := range []MessageQuery{
		{State: MessageQueued}, {State: MessageSending}, {State: MessageFailed}, {State: MessageHeld},
		{Account: "a"}, {Revision: 1}, {State: MessageSent, Account: "a"},
	} {
		query, args := q.sql()
		steps, err := collect(ctx, db.reader, "EXPLAIN QUERY PLAN "+query, args, func(scan scanner) (string, error) {
			var id, parent, unused int
			var detail string
			err := scan(&id, &parent, &unused, &detail)
			return detail, err
		})
		if err != nil {
			t.Fatal(err)
		}
		if plan := strings.Join(steps, "; "); !strings.Contains(plan, "INDEX outbox_") {
			t.Errorf("%+v: %s", q, plan)
		}
	}
}
