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

// FuzzPack: every body comes back, whatever it shares with its pattern.
func FuzzPack(f *testing.F) {
	long := strings.Repeat("Sign in and choose a password of your own.\r\n", 30)
	f.Add([]byte(""), []byte(""))
	f.Add([]byte(long), []byte(long))
	f.Add([]byte(long), []byte("Hello Ada,\r\n"+long+"Hello Ada,\r\n"+long[100:]))
	f.Add([]byte(strings.Repeat(long, 60)), []byte(long+"more than 64 KiB of pattern"))
	f.Fuzz(func(t *testing.T, text, body []byte) {
		pattern := NewPattern(text)
		packed := pattern.Pack(body)
		known := patterns{known: map[patternID]*Pattern{pattern.id: pattern}}
		got, err := known.unpack(context.Background(), nil, packed.bytes)
		if err != nil || !bytes.Equal(got, body) {
			t.Fatalf("%d bytes with a pattern of %d came back as %d: %v", len(body), len(text), len(got), err)
		}
	})
}

// FuzzUnpack: what was altered is an error, or some text that its sum tells from the
// body, and never a panic.
func FuzzUnpack(f *testing.F) {
	pattern := NewPattern([]byte("Welcome to your software account. Welcome to your software account."))
	f.Add(byte(blockMark), pattern.Pack([]byte("Welcome to your software account, Ada")).bytes[packedHead:])
	f.Add(byte(blockMark), []byte{0xff, 0xff, 0xff, 0xff, 0x0f, 0x01})
	f.Add(byte(deflatedMark), []byte{200, 1, 0, 100, 0, 0, 100, 1})
	f.Fuzz(func(t *testing.T, mark byte, packed []byte) {
		if body, err := pattern.unpack(mark, packed); err == nil && mark != deflatedMark && len(body) > longestBody {
			t.Errorf("a body of %d bytes", len(body))
		}
	})
}

// Bodies that were deflated, as they were at first, still come back.
func TestDeflatedBodiesComeBack(t *testing.T) {
	pattern := NewPattern([]byte("Welcome to your software account"))
	want := "Welcome to your software account, Ada"
	stored := append([]byte{deflatedMark}, pattern.id[:]...)
	stored = binary.BigEndian.AppendUint32(stored, crc32.ChecksumIEEE([]byte(want)))
	var deflated bytes.Buffer
	w, err := flate.NewWriterDict(&deflated, flate.DefaultCompression, pattern.text)
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte(want))
	w.Close()
	known := patterns{known: map[patternID]*Pattern{pattern.id: pattern}}
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
