package spec

import (
	"encoding/binary"
	"hash/crc32"
	"reflect"
)

// What caches keep is packed: numbers as varints, texts after their length, one value
// after the other, without names. Only the very program that packed something knows
// how to unpack it.

// Pack appends a value: strings, numbers, booleans, and slices, pointers and structs
// of these. A slice without elements is as good as none. It panics on any other type.
func Pack(b []byte, value any) []byte { return pack(b, reflect.ValueOf(value)) }

func pack(b []byte, v reflect.Value) []byte {
	switch v.Kind() {
	case reflect.String:
		return PackText(b, v.String())
	case reflect.Int, reflect.Int32, reflect.Int64:
		return binary.AppendVarint(b, v.Int())
	case reflect.Bool:
		return append(b, bit(v.Bool()))
	case reflect.Slice:
		b = binary.AppendUvarint(b, uint64(v.Len()))
		for i := range v.Len() {
			b = pack(b, v.Index(i))
		}
		return b
	case reflect.Pointer:
		if b = append(b, bit(!v.IsNil())); v.IsNil() {
			return b
		}
		return pack(b, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			b = pack(b, v.Field(i))
		}
		return b
	}
	panic("spec: no way to pack a " + v.Type().String())
}

func bit(is bool) byte {
	if is {
		return 1
	}
	return 0
}

// PackText appends a text.
func PackText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Seal ends what is packed with the CRC-32 (Castagnoli) of all of it.
func Seal(b []byte) []byte { return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli)) }

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Unseal returns what is packed between a mark and the seal; false where the one or
// the other is not as it was written.
func Unseal(b []byte, mark string) (*Unpacker, bool) {
	end := len(b) - crc32.Size
	if end < len(mark) || string(b[:len(mark)]) != mark || crc32.Checksum(b[:end], castagnoli) != binary.BigEndian.Uint32(b[end:]) {
		return nil, false
	}
	return Unpack(string(b[len(mark):end])), true
}

// Unpacker reads what was packed. After anything that cannot be it reads on, and
// returns zero values; Whole says so in the end.
type Unpacker struct {
	text   string // what is left; texts that are read are parts of it, so that none is copied
	broken bool
}

// Unpack reads a text of packed values.
func Unpack(text string) *Unpacker { return &Unpacker{text: text} }

// Whole reports whether everything was read, and was as it is packed.
func (u *Unpacker) Whole() bool { return !u.broken && u.text == "" }

// Text reads a text.
func (u *Unpacker) Text() string { return u.Bytes(int(min(u.Uvarint(), uint64(len(u.text)+1)))) }

// Bytes reads so many bytes.
func (u *Unpacker) Bytes(n int) string {
	if n < 0 || n > len(u.text) {
		u.broken, u.text = true, ""
		return ""
	}
	s := u.text[:n]
	u.text = u.text[n:]
	return s
}

// Count reads how many values follow, each of at least one byte.
func (u *Unpacker) Count() int {
	n := u.Uvarint()
	if n > uint64(len(u.text)) {
		u.broken, u.text = true, ""
		return 0
	}
	return int(n)
}

// Bool reads a boolean.
func (u *Unpacker) Bool() bool {
	b := u.Bytes(1)
	u.broken = u.broken || b > "\x01"
	return b == "\x01"
}

// Uvarint reads a number that is never negative.
func (u *Unpacker) Uvarint() uint64 {
	var n uint64
	for i := range min(len(u.text), binary.MaxVarintLen64) {
		b := u.text[i]
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			u.text = u.text[i+1:]
			u.broken = u.broken || b == 0 && i > 0 || b > 1 && i == binary.MaxVarintLen64-1 // more than it takes, or holds
			return n
		}
	}
	u.broken, u.text = true, ""
	return 0
}

// Varint reads a number.
func (u *Unpacker) Varint() int64 {
	n := u.Uvarint()
	return int64(n>>1) ^ -int64(n&1)
}

// Into reads a value that Pack appended; into points to it.
func (u *Unpacker) Into(into any) { u.value(reflect.ValueOf(into).Elem()) }

func (u *Unpacker) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(u.Text())
	case reflect.Int, reflect.Int32, reflect.Int64:
		n := u.Varint()
		u.broken = u.broken || v.OverflowInt(n)
		v.SetInt(n)
	case reflect.Bool:
		v.SetBool(u.Bool())
	case reflect.Slice:
		if n := u.Count(); n > 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			u.value(v.Index(i))
		}
	case reflect.Pointer:
		if u.Bool() {
			v.Set(reflect.New(v.Type().Elem()))
			u.value(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			u.value(v.Field(i))
		}
	default:
		panic("spec: no way to unpack a " + v.Type().String())
	}
}
