package state

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

// Ids made in one transaction rise, and those of a later one stand above them.
func TestAccountIDsRise(t *testing.T) {
	at := time.Date(2026, time.November, 22, 8, 0, 0, 0, time.UTC)
	var ids []string
	for i := range 3 {
		random := rand.NewChaCha8([32]byte{byte(i)})
		tx := &Tx{Now: at.Add(time.Duration(i) * time.Millisecond), db: &DB{options: Options{Rand: random}}}
		for range 1000 {
			id, err := tx.newAccountID()
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
	}
	if !slices.IsSorted(ids) || len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("not in rising order:\n%s", strings.Join(ids, "\n"))
	}
}
