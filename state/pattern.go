package state

import (
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"
)

// Pattern is text that many messages of one kind share, such as one of them made
// of samples. Bodies are stored by how they differ from it, which makes them a
// twentieth as long, and come back byte for byte. It holds nothing personal: it is
// stored once, in the clear, and is not forgotten. It may be used by several
// goroutines at once.
type Pattern struct {
	text []byte
	dict *s2.Dict
	id   patternID
}

// patternID is the beginning of a pattern's SHA-256.
type patternID [8]byte

// NewPattern makes a pattern of a text.
func NewPattern(text []byte) *Pattern {
	sum := sha256.Sum256(text)
	return &Pattern{text, dictionary(text), patternID(sum[:8])}
}

// dictionary is a text as s2 wants it: a short one is made as long as it has to be,
// and of one above 64 KiB the end counts.
func dictionary(text []byte) *s2.Dict {
	short := max(0, s2.MinDictSize-len(text))
	text = append(bytes.Clone(text), make([]byte, short)...)
	return s2.MakeDict(text, text[:s2.MinDictSize])
}

// A packed body is a byte that no message begins with, the pattern's id, the CRC-32
// of the body, and the body with the pattern as its dictionary: as an S2 block, or,
// as it was written at first, deflated (RFC 1951). S2 takes 2 µs for a body of 3 KB,
// where deflating clears and fills 640 KB of tables for each; of an invitation it
// stores 360 bytes, and deflating 290.
const (
	deflatedMark = 0
	blockMark    = 1
	packedHead   = 1 + len(patternID{}) + crc32.Size
)

// longestBody is what a block is believed to be of at the most, in bytes: its length
// is read before its sum can be told.
const longestBody = 1 << 26

// isPacked reports whether what is stored is not a body as it is.
func isPacked(stored []byte) bool { return len(stored) > 0 && stored[0] <= blockMark }

// Packed is a body as it is stored.
type Packed struct {
	pattern *Pattern
	bytes   []byte
}

// Len is how many bytes are stored.
func (p *Packed) Len() int { return len(p.bytes) }

// Pack works out how a body is to be stored, for [Tx.Queue].
func (p *Pattern) Pack(body []byte) *Packed {
	room := make([]byte, packedHead+s2.MaxEncodedLen(len(body)))
	block := p.dict.Encode(room[packedHead:], body)
	head := append(append(room[:0], blockMark), p.id[:]...)
	head = binary.BigEndian.AppendUint32(head, crc32.ChecksumIEEE(body))
	return &Packed{p, bytes.Clone(room[:len(head)+len(block)])}
}

// keep stores the pattern, unless it is there.
func (p *Pattern) keep(tx *Tx) error {
	if tx.kept[p.id] {
		return nil
	}
	if tx.kept == nil {
		tx.kept = map[patternID]bool{}
	}
	tx.kept[p.id] = true
	_, err := tx.exec("INSERT INTO pattern (id, text) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", p.id[:], p.text)
	return err
}

// patterns are those that bodies were packed with, as far as they were needed.
type patterns struct {
	mu    sync.Mutex
	known map[patternID]*Pattern
}

// unpack returns the body that was stored as these bytes.
func (ps *patterns) unpack(ctx context.Context, q querier, stored []byte) ([]byte, error) {
	if !isPacked(stored) {
		return stored, nil
	}
	if len(stored) < packedHead {
		return nil, fmt.Errorf("%w: the body of a message is cut short", ErrDamaged)
	}
	pattern, err := ps.pattern(ctx, q, patternID(stored[1:]))
	if err != nil {
		return nil, err
	}
	body, err := pattern.unpack(stored[0], stored[packedHead:])
	if err != nil || crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(stored[packedHead-crc32.Size:]) {
		return nil, fmt.Errorf("%w: the body of a message cannot be unpacked", ErrDamaged)
	}
	return body, nil
}

// unpack returns the body that was packed in the way of a mark.
func (p *Pattern) unpack(mark byte, packed []byte) ([]byte, error) {
	if mark == deflatedMark {
		return io.ReadAll(flate.NewReaderDict(bytes.NewReader(packed), p.text))
	}
	if n, err := s2.DecodedLen(packed); err != nil || n > longestBody {
		return nil, cmp.Or(err, s2.ErrTooLarge)
	}
	return p.dict.Decode(nil, packed)
}

// pattern returns the pattern of an id.
func (ps *patterns) pattern(ctx context.Context, q querier, id patternID) (*Pattern, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if p, ok := ps.known[id]; ok {
		return p, nil
	}
	var text []byte
	err := q.QueryRowContext(ctx, "SELECT text FROM pattern WHERE id = ?", id[:]).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: a pattern of messages is missing; restore a backup with usher restore", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a pattern of messages: %w", fault(err))
	}
	p := NewPattern(text)
	if p.id != id {
		return nil, fmt.Errorf("%w: a pattern of messages was altered", ErrDamaged)
	}
	if ps.known == nil {
		ps.known = map[patternID]*Pattern{}
	}
	ps.known[id] = p
	return p, nil
}
