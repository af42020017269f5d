package wire

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Types of Thrift's binary protocol.
const (
	Stop   = 0
	Bool   = 2
	I8     = 3
	Double = 4
	I16    = 6
	I32    = 8
	I64    = 10
	String = 11
	Struct = 12
	Map    = 13
	Set    = 14
	List   = 15
	Uuid   = 16
)

// The fewest bytes that a value of each type takes; 0 for what is no type.
var minBytes = [256]int{Bool: 1, I8: 1, Double: 8, I16: 2, I32: 4, I64: 8, String: 4, Struct: 1, Map: 6, Set: 5, List: 5, Uuid: 16}

// Field writes the header of a field.
func (w *Writer) Field(kind byte, id int16) {
	w.buffer = append(w.buffer, kind, byte(uint16(id)>>8), byte(id))
}

// Stop ends a struct.
func (w *Writer) Stop() { w.buffer = append(w.buffer, Stop) }

// Bool writes a bool.
func (w *Writer) Bool(value bool) {
	if value {
		w.buffer = append(w.buffer, 1)
	} else {
		w.buffer = append(w.buffer, 0)
	}
}

// I8 writes an i8.
func (w *Writer) I8(value int8) { w.buffer = append(w.buffer, byte(value)) }

// I16 writes an i16.
func (w *Writer) I16(value int16) { w.buffer = binary.BigEndian.AppendUint16(w.buffer, uint16(value)) }

// I32 writes an i32 or an enum.
func (w *Writer) I32(value int32) { w.buffer = binary.BigEndian.AppendUint32(w.buffer, uint32(value)) }

// I64 writes an i64.
func (w *Writer) I64(value int64) { w.buffer = binary.BigEndian.AppendUint64(w.buffer, uint64(value)) }

// Double writes a double.
func (w *Writer) Double(value float64) { w.I64(int64(math.Float64bits(value))) }

// UUID writes a uuid.
func (w *Writer) UUID(value UUID) { w.buffer = append(w.buffer, value[:]...) }

// String writes a string. What passes 2 GiB passes the limit of a frame too, which is checked behind the message.
func (w *Writer) String(value string) {
	w.I32(int32(len(value)))
	w.buffer = append(w.buffer, value...)
}

// Binary writes a binary.
func (w *Writer) Binary(value []byte) {
	w.I32(int32(len(value)))
	w.buffer = append(w.buffer, value...)
}

// List writes the header of a list or set.
func (w *Writer) List(element byte, count int) {
	w.buffer = append(w.buffer, element)
	w.I32(int32(count))
}

// Map writes the header of a map.
func (w *Writer) Map(key, value byte, count int) {
	w.buffer = append(w.buffer, key, value)
	w.I32(int32(count))
}

// Enter begins a struct. False, without anything to leave, when it is too deep.
func (r *Reader) Enter() bool { return r.enter() }

// Leave ends a struct.
func (r *Reader) Leave() { r.depth-- }

// Next reads the header of a field, which Field then gives; false at the end of the struct, and after an error.
func (r *Reader) Next() bool {
	kind := r.U8()
	if kind == Stop {
		return false
	}
	r.field = uint32(uint16(r.I16()))<<8 | uint32(kind)
	return r.err == nil
}

// Field gives the id of the field that Next read, shifted by 8, and its type.
func (r *Reader) Field() uint32 { return r.field }

// U8 reads a byte.
func (r *Reader) U8() byte { return r.Take(1)[0] }

// Bool reads a bool.
func (r *Reader) Bool() bool { return r.U8() != 0 }

// I8 reads an i8.
func (r *Reader) I8() int8 { return int8(r.U8()) }

// I16 reads an i16.
func (r *Reader) I16() int16 { return int16(binary.BigEndian.Uint16(r.Take(2))) }

// I32 reads an i32 or an enum.
func (r *Reader) I32() int32 { return int32(binary.BigEndian.Uint32(r.Take(4))) }

// I64 reads an i64.
func (r *Reader) I64() int64 { return int64(binary.BigEndian.Uint64(r.Take(8))) }

// Double reads a double.
func (r *Reader) Double() float64 { return math.Float64frombits(uint64(r.I64())) }

// UUID reads a uuid.
func (r *Reader) UUID() UUID { return UUID(r.Take(16)) }

// String reads a string.
func (r *Reader) String() string { return string(r.Take(int(r.I32()))) }

// Binary reads a binary into memory of its own.
func (r *Reader) Binary() []byte { return append([]byte{}, r.Take(int(r.I32()))...) }

// List reads the header of a list or set and gives its count, which is bounded by the bytes that are left.
func (r *Reader) List(element byte) int {
	kind := r.U8()
	return r.count(kind == element, minBytes[element])
}

// Map reads the header of a map and gives its count, which is bounded by the bytes that are left.
func (r *Reader) Map(key, value byte) int {
	keyKind, valueKind := r.U8(), r.U8()
	return r.count(keyKind == key && valueKind == value, minBytes[key]+minBytes[value])
}

// count reads how many elements follow; the types of none do not matter.
func (r *Reader) count(fits bool, minBytes int) int {
	count := int(r.I32())
	switch {
	case count < 0 || count > MaxElements || count*minBytes > r.end-r.at:
		r.Fail(fmt.Sprintf("a container of %d elements in %d bytes", count, r.end-r.at))
	case count > 0 && !fits:
		r.Fail("a container whose elements are of another Thrift type than in the IDL")
	default:
		return count
	}
	return 0
}

// Skip passes over the field that Next read.
func (r *Reader) Skip() { r.skip(byte(r.field)) }

func (r *Reader) skip(kind byte) {
	switch kind {
	case Bool, I8, I16, I32, I64, Double, Uuid:
		r.Take(minBytes[kind])
	case String:
		r.Take(int(r.I32()))
	case Struct:
		if r.enter() {
			for r.Next() {
				r.Skip()
			}
		}
		r.depth--
	case List, Set:
		r.skipAll(r.U8())
	case Map:
		r.skipAll(r.U8(), r.U8())
	default:
		r.Fail(fmt.Sprintf("a value of the Thrift type %d, which is none", kind))
	}
}

// skipAll passes over elements, or over entries of a key and a value.
func (r *Reader) skipAll(kinds ...byte) {
	known, size := true, 0
	for _, kind := range kinds {
		known, size = known && minBytes[kind] > 0, size+minBytes[kind]
	}
	count := r.count(known, size)
	if r.enter() {
		for ; count > 0 && r.err == nil; count-- {
			for _, kind := range kinds {
				r.skip(kind)
			}
		}
	}
	r.depth--
}
