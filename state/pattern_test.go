package state_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"usher/state"
)

// bodies are of every kind there may be: like the pattern, unlike it, with a place
// for a given password, long, and not text at all.
func bodies(pattern []byte) [][]byte {
	noise := make([]byte, 100_000)
	rand.NewChaCha8([32]byte{1}).Read(noise)
	noise[0] = 'x'
	list := [][]byte{pattern, pattern[:len(pattern)/2], []byte("Hello"), noise, bytes.Repeat(pattern, 50)}
	for i := range 100 {
		list = append(list, fmt.Appendf(bytes.Clone(pattern), "Hello %d, %s\r\n", i, state.Placeholder))
	}
	return list
}

func TestPackedBodiesComeBack(t *testing.T) {
	ctx := context.Background()
	text := []byte("Subject: Welcome\r\n\r\n" + strings.Repeat("Sign in and choose a password.\r\n", 40))
	pattern := state.NewPattern(text)
	want := bodies(text)
	packed := make([]*state.Packed, len(want))
	var packing sync.WaitGroup
	for i, body := range want {
		packing.Go(func() { packed[i] = pattern.Pack(body) })
	}
	packing.Wait()
	h := newHouse(t)
	h.update(func(tx *state.Tx) error {
		for i, body := range want {
			m := message(fmt.Sprintf("%d@x", i), "", 0)
			m.Body, m.Packed = body, packed[i]
			if _, err := tx.Queue(m); err != nil {
				return err
			}
		}
		return nil
	})
	reader := h.open(state.Options{ReadOnly: true}) // has seen no pattern yet
	due, err := h.owner.Due(ctx, 0)
	must(t, err)
	if len(due) != len(want) {
		t.Fatalf("due: got %d messages, want %d", len(due), len(want))
	}
	for i, body := range want {
		m, err := reader.Message(ctx, due[i].ID)
		must(t, err)
		if !bytes.Equal(m.Body, body) || !bytes.Equal(due[i].Body, body) {
			t.Errorf("message %d: its %d bytes came back as %d and %d others", m.ID, len(body), len(m.Body), len(due[i].Body))
		}
	}
}

// A body that does not come back as it was is never sent.
func TestPackedBodiesAreChecked(t *testing.T) {
	const flip = "UPDATE outbox SET body = CAST(substr(body, 1, length(body) - %d) || x'%02x' || substr(body, length(body) - %[3]d) AS BLOB)"
	for _, test := range []struct{ name, tamper, want string }{
		{"the pattern was altered", "UPDATE pattern SET text = x'00'", "was altered"},
		{"the pattern is gone", "DELETE FROM pattern", "is missing"},
		{"the body was cut", "UPDATE outbox SET body = substr(body, 1, 9)", "cut short"},
		{"a byte of the body was altered", fmt.Sprintf(flip, 3, 0xa5, 2), "cannot be unpacked"},
		{"the sum was altered", "UPDATE outbox SET body = CAST(substr(body, 1, 9) || x'00000000' || substr(body, 14) AS BLOB)", "cannot be unpacked"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHouse(t)
			pattern := state.NewPattern([]byte("Welcome to your software account"))
			h.update(func(tx *state.Tx) error {
				m := message("a@x", "", 0)
				m.Body = []byte("Welcome to your software account, Ada; choose a password now")
				m.Packed = pattern.Pack(m.Body)
				_, err := tx.Queue(m)
				return err
			})
			h.tamper(test.tamper)
			_, err := h.open(state.Options{ReadOnly: true}).Message(context.Background(), 1)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Message: %v, want it to say %q", err, test.want)
			}
			if _, err := h.owner.Due(context.Background(), 0); !errors.Is(err, state.ErrDamaged) {
				t.Errorf("Due: %v, want that the state is damaged", err)
			}
			if counts, err := h.db.Outbox(context.Background()); err != nil || counts.Queued != 1 {
				t.Errorf("afterwards: %+v, %v; want it queued as before", counts, err)
			}
		})
	}
}
