package state

import "fmt"

// relate notes that an account was given (1) or lost (-1) access or a role.
func (tx *Tx) relate(id string, n int) {
	if p := tx.people[id]; p != nil && p.begins {
		p.relations += n
		return
	}
	tx.related[id] = true
}

// writeIdle keeps for each account that was given or lost anything whether it has
// anything left. It comes after every row of access and roles is written; of who
// begins in this transaction it was known before.
func (tx *Tx) writeIdle() error {
	const (
		of    = " WHERE account = person.account AND until IS NULL"
		query = "UPDATE person SET idle = 1 - idle WHERE until IS NULL AND idle = " +
			"CASE WHEN EXISTS (SELECT 1 FROM access" + of + ") OR EXISTS (SELECT 1 FROM role" + of + ") THEN 1 ELSE 0 END AND account"
	)
	conn, err := tx.conn()
	if err != nil {
		return err
	}
	err = eachMany(sortedKeys(tx.related), func(in string, args []any) error {
		_, err := conn.ExecContext(tx.ctx, query+in, args...)
		return err
	})
	if err != nil {
		return fmt.Errorf("noting who has nothing: %w", err)
	}
	clear(tx.related)
	return nil
}
