package wire

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"unicode/utf8"
)

// Wire types of Protobuf, the low three bits of a tag.
const (
	Varint    = 0
	Fixed64   = 1
	Delimited = 2
	Group     = 3
	GroupEnd  = 4
	Fixed32   = 5
)

// Varint writes a tag, an unsigned integer, or a signed one with its sign extended to 64 bits.
func (w *Writer) Varint(value uint64) {
	// Most take one byte, which is little enough to stand where it is called.
	if value < 0x80 {
		w.buffer = append(w.buffer, byte(value))
		return
	}
	w.longVarint(value)
}

func (w *Writer) longVarint(value uint64) { w.buffer = binary.AppendUvarint(w.buffer, value) }

// Zigzag writes a sint32 or sint64.
func (w *Writer) Zigzag(value int64) { w.Varint(uint64(value)<<1 ^ uint64(value>>63)) }

// Fixed32 writes a fixed32, sfixed32 or the bits of a float.
func (w *Writer) Fixed32(value uint32) { w.buffer = binary.LittleEndian.AppendUint32(w.buffer, value) }

// Fixed64 writes a fixed64, sfixed64 or the bits of a double.
func (w *Writer) Fixed64(value uint64) { w.buffer = binary.LittleEndian.AppendUint64(w.buffer, value) }

// Text writes a string, which must be UTF-8.
func (w *Writer) Text(value string) {
	if !utf8.ValidString(value) {
		w.Fail(fmt.Errorf("the string %.40q is not UTF-8", value))
	}
	w.Varint(uint64(len(value)))
	w.buffer = append(w.buffer, value...)
}

// Blob writes bytes.
func (w *Writer) Blob(value []byte) {
	w.Varint(uint64(len(value)))
	w.buffer = append(w.buffer, value...)
}

// Begin begins what stands behind its length, to be ended by End with what Begin gave.
func (w *Writer) Begin() int {
	w.buffer = append(w.buffer, 0)
	return len(w.buffer)
}

// End fills in the length. What is short needs one byte, which is there already.
func (w *Writer) End(start int) {
	length := len(w.buffer) - start
	if length < 0x80 {
		w.buffer[start-1] = byte(length)
		return
	}
	var prefix [binary.MaxVarintLen64]byte
	size := binary.PutUvarint(prefix[:], uint64(length))
	w.buffer[start-1] = prefix[0]
	w.buffer = slices.Insert(w.buffer, start, prefix[1:size]...)
}

// NextTag reads a tag, which Tag then gives; false at the end of the message or group, and after an error.
func (r *Reader) NextTag() bool {
	if r.at >= r.end {
		if r.group != 0 {
			r.Fail("a group that does not end")
		}
		return false
	}
	tag := r.Varint()
	if tag>>3 == 0 || tag > math.MaxUint32 {
		r.Fail(fmt.Sprintf("the tag %d, which is none", tag))
		return false
	}
	r.field = uint32(tag)
	if tag&7 != GroupEnd {
		return r.err == nil
	}
	if uint32(tag>>3) != r.group {
		r.Fail("the end of a group that did not begin")
	}
	r.group = 0
	return false
}

// Tag gives the tag that NextTag read.
func (r *Reader) Tag() uint32 { return r.field }

// Scope is what a Reader returns to behind a part.
type Scope struct {
	end   int
	group uint32
}

// Open begins what stands behind its length, to be ended by Close; within, NextTag and More end where it ends.
func (r *Reader) Open() Scope {
	outer := Scope{r.end, r.group}
	length := r.length()
	if r.err == nil {
		r.end = r.at + length
	}
	r.group = 0
	r.enter()
	return outer
}

// OpenGroup begins the group whose tag was read, to be ended by Close.
func (r *Reader) OpenGroup() Scope {
	outer := Scope{r.end, r.group}
	r.group = r.field >> 3
	r.enter()
	return outer
}

// Close ends a part. What was not read of it is passed over.
func (r *Reader) Close(scope Scope) {
	r.depth--
	r.group = scope.group
	if r.err == nil {
		r.end = scope.end
	}
}

// Grows fails when a list or map has more elements than are let in.
func (r *Reader) Grows(count int) {
	if count >= MaxElements {
		r.Fail(fmt.Sprintf("a container of more than %d elements", MaxElements))
	}
}

// Varint reads an unsigned integer, or a signed one in two's complement.
func (r *Reader) Varint() uint64 {
	if r.at < r.end && r.buffer[r.at] < 0x80 {
		r.at++
		return uint64(r.buffer[r.at-1])
	}
	return r.longVarint()
}

func (r *Reader) longVarint() uint64 {
	value, size := binary.Uvarint(r.buffer[r.at:r.end])
	if size <= 0 {
		r.Fail("an integer that does not end")
		return 0
	}
	r.at += size
	return value
}

// Zigzag reads a sint32 or sint64.
func (r *Reader) Zigzag() int64 {
	value := r.Varint()
	return int64(value>>1) ^ -int64(value&1)
}

// Fixed32 reads a fixed32, sfixed32 or the bits of a float.
func (r *Reader) Fixed32() uint32 { return binary.LittleEndian.Uint32(r.Take(4)) }

// Fixed64 reads a fixed64, sfixed64 or the bits of a double.
func (r *Reader) Fixed64() uint64 { return binary.LittleEndian.Uint64(r.Take(8)) }

// Text reads a string, which must be UTF-8.
func (r *Reader) Text() string {
	bytes := r.Take(r.length())
	if !utf8.Valid(bytes) {
		r.Fail("a string that is not UTF-8")
	}
	return string(bytes)
}

// Blob reads bytes into memory of its own.
func (r *Reader) Blob() []byte { return append([]byte{}, r.Take(r.length())...) }

// length reads the length of what follows, which is not more than what is left.
func (r *Reader) length() int {
	length := r.Varint()
	if length > uint64(r.end-r.at) {
		r.Fail(fmt.Sprintf("%d bytes are expected and %d are left", length, r.end-r.at))
		return 0
	}
	return int(length)
}

// SkipTag passes over the field whose tag NextTag read.
func (r *Reader) SkipTag() {
	switch r.field & 7 {
	case Varint:
		r.Varint()
	case Fixed64:
		r.Take(8)
	case Delimited:
		r.Take(r.length())
	case Fixed32:
		r.Take(4)
	case Group:
		scope := r.OpenGroup()
		for r.err == nil && r.NextTag() {
			r.SkipTag()
		}
		r.Close(scope)
	default:
		r.Fail(fmt.Sprintf("the wire type %d, which is none", r.field&7))
	}
}
