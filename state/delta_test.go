package state

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/binary"
	"hash/crc32"
	"strings"
	"testing"
)

// FuzzDelta: every text comes back, whatever it has of its base.
func FuzzDelta(f *testing.F) {
	long := strings.Repeat("Sign in and choose a password of your own.\r\n", 30)
	f.Add([]byte(""), []byte(""))
	f.Add([]byte(long), []byte(long))
	f.Add([]byte(long), []byte("Hello Ada,\r\n"+long+"Hello Ada,\r\n"+long[100:]))
	f.Add([]byte("abcdefgh"), []byte("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxabcdefghabcdefgh"))
	f.Fuzz(func(t *testing.T, base, text []byte) {
		delta := newDeltaBase(base).appendDelta(nil, text)
		got, err := applyDelta(base, delta)
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%d bytes with a base of %d came back as %d: %v", len(text), len(base), len(got), err)
		}
		if len(delta) > len(text)+20 {
			t.Errorf("the delta of %d bytes has %d", len(text), len(delta))
		}
	})
}

// FuzzApplyDelta: what is no delta is an error or some text, and never a panic.
func FuzzApplyDelta(f *testing.F) {
	base := []byte("Welcome to your software account. Welcome to your software account.")
	f.Add(newDeltaBase(base).appendDelta(nil, []byte("Welcome to your software account, Ada")))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Add([]byte{200, 1, 0, 100, 0, 0, 100, 1})
	f.Fuzz(func(t *testing.T, delta []byte) {
		if text, err := applyDelta(base, delta); err == nil && len(text) > longestText {
			t.Errorf("a text of %d bytes", len(text))
		}
	})
}

func TestDeltaOfOneValue(t *testing.T) {
	base := []byte(strings.Repeat("0123456789 one line of a message\r\n", 50))
	copy(base[800:], "somebody")
	text := bytes.Replace(base, []byte("somebody"), []byte("Grace Hopper"), 1)
	if delta := newDeltaBase(base).appendDelta(nil, text); len(delta) > 30 {
		t.Errorf("one value of %d bytes differs, and the delta has %d: %q", len(text), len(delta), delta)
	}
}

// Bodies that were deflated, as they were at first, still come back.
func TestDeflatedBodiesComeBack(t *testing.T) {
	pattern := NewPattern([]byte("Welcome to your software account"))
	want := "Welcome to your software account, Ada"
	stored := append([]byte{deflatedMark}, pattern.id[:]...)
	stored = binary.BigEndian.AppendUint32(stored, crc32.ChecksumIEEE([]byte(want)))
	var deflated bytes.Buffer
	w, err := flate.NewWriterDict(&deflated, flate.DefaultCompression, pattern.base.text)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(want))
	w.Close()
	known := patterns{known: map[patternID][]byte{pattern.id: pattern.base.text}}
	got, err := known.unpack(context.Background(), nil, append(stored, deflated.Bytes()...))
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func BenchmarkPack(b *testing.B) {
	line := "<li>Sign in as <b>ada@acme.example</b> with this given password, and choose one of your own.\r\n"
	text := []byte(strings.Repeat(line, 40))
	for i := range text {
		text[i] ^= byte(i/len(line)) & 7 // so that no two lines are the same
	}
	body := bytes.ReplaceAll(text, []byte("ada@"), []byte("grace.hopper@"))
	pattern := NewPattern(text)
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		pattern.Pack(body)
	}
}
