package state

import (
	"bytes"
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
)

// Pattern is text that many messages of one kind share, such as one of them made
// of samples. Bodies are stored by how they differ from it, which makes them a
// twentieth as long, and come back byte for byte. It holds nothing personal: it is
// stored once, in the clear, and is not forgotten. It may be used by several
// goroutines at once.
type Pattern struct {
	base *deltaBase
	id   patternID
}

// patternID is the beginning of a pattern's SHA-256.
type patternID [8]byte

// NewPattern makes a pattern of a text.
func NewPattern(text []byte) *Pattern {
	sum := sha256.Sum256(text)
	return &Pattern{newDeltaBase(text), patternID(sum[:8])}
}

// A packed body is a byte that no message begins with, the pattern's id, the CRC-32
// of the body, and the body: its delta from the pattern, or, as it was written at
// first, deflated (RFC 1951) with the pattern as its dictionary.
const (
	deflatedMark = 0
	deltaMark    = 1
	packedHead   = 1 + len(patternID{}) + crc32.Size
)

// isPacked reports whether what is stored is not a body as it is.
func isPacked(stored []byte) bool { return len(stored) > 0 && stored[0] <= deltaMark }

// Packed is a body as it is stored.
type Packed struct {
	pattern *Pattern
	bytes   []byte
}

// Len is how many bytes are stored.
func (p *Packed) Len() int { return len(p.bytes) }

// Pack works out how a body is to be stored, for [Tx.Queue].
func (p *Pattern) Pack(body []byte) *Packed {
	out := make([]byte, 0, 512)
	out = append(append(out, deltaMark), p.id[:]...)
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	return &Packed{p, p.base.appendDelta(out, body)}
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
	_, err := tx.exec("INSERT INTO pattern (id, text) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", p.id[:], p.base.text)
	return err
}

// patterns are those that bodies were packed with, as far as they were needed.
type patterns struct {
	mu    sync.Mutex
	known map[patternID][]byte
}

// unpack returns the body that was stored as these bytes.
func (ps *patterns) unpack(ctx context.Context, q querier, stored []byte) ([]byte, error) {
	if !isPacked(stored) {
		return stored, nil
	}
	if len(stored) < packedHead {
		return nil, fmt.Errorf("%w: the body of a message is cut short", ErrDamaged)
	}
	text, err := ps.text(ctx, q, patternID(stored[1:]))
	if err != nil {
		return nil, err
	}
	body, err := unpacked(stored[0], text, stored[packedHead:])
	if err != nil || crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(stored[packedHead-crc32.Size:]) {
		return nil, fmt.Errorf("%w: the body of a message cannot be unpacked", ErrDamaged)
	}
	return body, nil
}

// unpacked is the body that was packed in the way of a mark.
func unpacked(mark byte, pattern, packed []byte) ([]byte, error) {
	if mark == deflatedMark {
		return io.ReadAll(flate.NewReaderDict(bytes.NewReader(packed), pattern))
	}
	return applyDelta(pattern, packed)
}

// text returns the text of a pattern.
func (ps *patterns) text(ctx context.Context, q querier, id patternID) ([]byte, error) {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if text, ok := ps.known[id]; ok {
		return text, nil
	}
	var text []byte
	err := q.QueryRowContext(ctx, "SELECT text FROM pattern WHERE id = ?", id[:]).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("%w: a pattern of messages is missing; restore a backup with usher restore", ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("reading a pattern of messages: %w", fault(err))
	}
	if NewPattern(text).id != id {
		return nil, fmt.Errorf("%w: a pattern of messages was altered", ErrDamaged)
	}
	if ps.known == nil {
		ps.known = map[patternID][]byte{}
	}
	ps.known[id] = text
	return text, nil
}
