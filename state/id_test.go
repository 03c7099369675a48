package state

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"testing"
	"time"
)

// Ids made in one transaction rise, also where a step is carried, and those of a
// later transaction stand above them.
func TestAccountIDsRise(t *testing.T) {
	at := time.Date(2026, time.November, 22, 8, 0, 0, 0, time.UTC)
	var ids []string
	for i, random := range []string{"\x00", "\x7f", "\xff"} {
		tx := &Tx{Now: at.Add(time.Duration(i) * time.Millisecond), db: &DB{options: Options{Rand: repeated(random)}}}
		for range 100 {
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
	bits := accountBits{6: 0x7f, 7: 0xfe}
	bits.raise(^uint64(0), 0)
	if got := binary.BigEndian.Uint16(bits[6:]); got != 0x7fff {
		t.Errorf("the carry makes 7ffe %x", got)
	}
}

// repeated reads as the same byte for ever.
type repeated string

func (r repeated) Read(p []byte) (int, error) { return copy(p, bytes.Repeat([]byte(r), len(p))), nil }
