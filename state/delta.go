package state

import (
	"encoding/binary"
	"errors"
)

// A delta says how a text differs from a base: literal bytes, and stretches to copy
// from the base or from what of the text came before. It takes a tenth of the time
// that deflating with a dictionary does, which clears and fills tables for each text.
//
// Its form is the length of the text, then by turns so many literal bytes after
// their count, and a copy: its length and where it is from. All numbers are varints.
// Places count through base and text as if they were one, and are written relative to
// where the last copy from the base would go on if what came since had replaced as
// many bytes of it.

const (
	shortestCopy = 6       // bytes; shorter ones cost as much as they save
	longestText  = 1 << 26 // bytes: what is told of a text is not believed beyond it
	baseBits     = 12      // of hashes of the base
	textBits     = 10      // of hashes of a text
)

// deltaBase is a text that others are told by how they differ from it. It may be
// used by several goroutines at once.
type deltaBase struct {
	text   []byte
	places [1 << baseBits]int32 // 1 + where bytes of that hash begin; 0: nowhere
}

func newDeltaBase(text []byte) *deltaBase {
	b := &deltaBase{text: text}
	for i := len(text) - 8; i >= 0; i-- {
		b.places[deltaHash(text[i:])>>(32-baseBits)] = int32(i + 1)
	}
	return b
}

// deltaHash is of the first six of at least eight bytes.
func deltaHash(b []byte) uint32 {
	return uint32((binary.LittleEndian.Uint64(b) << 16 * 0x9e3779b97f4a7c15) >> 32)
}

// deltaWriter is a delta in the making.
type deltaWriter struct {
	base   *deltaBase
	text   []byte
	places [1 << textBits]int32 // like the base's
	out    []byte
	told   int // bytes of the text that the delta tells so far
	shift  int // from a place in the text to the place of the base that is expected to go on there
}

// appendDelta appends to out the delta of a text.
func (b *deltaBase) appendDelta(out, text []byte) []byte {
	w := &deltaWriter{base: b, text: text, out: binary.AppendUvarint(out, uint64(len(text)))}
	for at := 0; at+8 <= len(text); {
		from, n := w.longest(at)
		if n < shortestCopy {
			w.places[deltaHash(text[at:])>>(32-textBits)] = int32(at + 1)
			at++
			continue
		}
		for at > w.told && from > 0 && from < len(b.text) && b.text[from-1] == text[at-1] {
			at, from, n = at-1, from-1, n+1
		}
		w.repeat(at, from, n)
		at += n
	}
	w.literals(len(text))
	return w.out
}

// longest finds where the longest copy begins of what follows in the text.
func (w *deltaWriter) longest(at int) (from, n int) {
	hash := deltaHash(w.text[at:])
	size := len(w.base.text)
	for _, candidate := range [...]int{
		at + w.shift,
		int(w.base.places[hash>>(32-baseBits)]) - 1,
		int(w.places[hash>>(32-textBits)]) - 1 + size,
	} {
		if same := w.same(candidate, at); same > n {
			from, n = candidate, same
		}
	}
	return from, n
}

// same counts the bytes from a place on that what follows in the text repeats. They
// are all of the base, or all of the text before.
func (w *deltaWriter) same(from, at int) int {
	size := len(w.base.text)
	var source []byte
	switch {
	case from < 0 || from >= size+at:
		return 0
	case from < size:
		source = w.base.text[from:]
	default:
		source = w.text[from-size : at]
	}
	return commonPrefix(source, w.text[at:])
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for i+8 <= n && binary.LittleEndian.Uint64(a[i:]) == binary.LittleEndian.Uint64(b[i:]) {
		i += 8
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// literals tells the text up to a place byte by byte.
func (w *deltaWriter) literals(to int) {
	w.out = binary.AppendUvarint(w.out, uint64(to-w.told))
	w.out = append(w.out, w.text[w.told:to]...)
	w.told = to
}

// repeat tells what of the text stands between, and then n bytes by where they are from.
func (w *deltaWriter) repeat(at, from, n int) {
	w.literals(at)
	w.out = binary.AppendUvarint(w.out, uint64(n))
	w.out = binary.AppendVarint(w.out, int64(from-(at+w.shift)))
	w.told = at + n
	if from < len(w.base.text) {
		w.shift = from - at
	}
}

var errDelta = errors.New("not a delta of this text")

// applyDelta returns the text that a delta was made of. What was altered is an error,
// or gives another text: the caller has a sum to tell.
func applyDelta(base, delta []byte) ([]byte, error) {
	r := deltaReader{delta: delta}
	length := r.number()
	if length > longestText {
		return nil, errDelta
	}
	text := make([]byte, 0, length)
	for shift := 0; ; {
		literals := r.number()
		if literals > uint64(len(r.delta)) {
			return nil, errDelta
		}
		text = append(text, r.delta[:literals]...)
		r.delta = r.delta[literals:]
		if uint64(len(text)) >= length || r.broken {
			break
		}
		n, from := int(min(r.number(), length)), len(text)+shift+r.offset()
		if from < len(base) {
			shift = from - len(text)
		}
		var err error
		if text, err = appendCopy(base, text, from, n); err != nil {
			return nil, err
		}
	}
	if r.broken || len(r.delta) > 0 || uint64(len(text)) != length {
		return nil, errDelta
	}
	return text, nil
}

// appendCopy appends n bytes from a place of base and text.
func appendCopy(base, text []byte, from, n int) ([]byte, error) {
	source := base
	if from >= len(source) {
		source, from = text, from-len(source)
	}
	if from < 0 || n == 0 || n > len(source)-from {
		return nil, errDelta
	}
	return append(text, source[from:from+n]...), nil
}

// deltaReader reads the numbers of a delta. After any that cannot be it is broken.
type deltaReader struct {
	delta  []byte
	broken bool
}

func (r *deltaReader) number() uint64 {
	v, n := binary.Uvarint(r.delta)
	return v * uint64(r.skip(n))
}

func (r *deltaReader) offset() int {
	v, n := binary.Varint(r.delta)
	return int(v) * r.skip(n)
}

// skip goes on after a number of n bytes; 0 where there is none.
func (r *deltaReader) skip(n int) int {
	if n <= 0 {
		r.broken, r.delta = true, nil
		return 0
	}
	r.delta = r.delta[n:]
	return 1
}
