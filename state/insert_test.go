package state_test

import (
	"fmt"
	"testing"

	"usher/state"
)

// An INSERT that fails beside what comes after it undoes the whole revision, whether
// it is noticed while more rows come or at the end.
func TestAFailedInsertUndoesTheRevision(t *testing.T) {
	for _, more := range []int{0, 1000} {
		t.Run(fmt.Sprintf("%d messages behind it", more), func(t *testing.T) {
			h := newHouse(t)
			h.add("ada", false)
			before := h.truth().Newest
			h.refused(func(tx *state.Tx) error {
				for i := range 150 + more {
					id := fmt.Sprintf("%d@x", i)
					if i == 120 {
						id = "30@x" // nobody may send two messages under one id
					}
					if _, err := tx.Queue(message(id, "", 0)); err != nil {
						return err
					}
				}
				return nil
			})
			if got := h.truth().Newest; got != before {
				t.Errorf("the newest revision is %d, want %d", got.Number, before.Number)
			}
			h.update(func(tx *state.Tx) error { _, err := tx.Queue(message("30@x", "", 0)); return err })
			must(t, h.verify())
		})
	}
}
