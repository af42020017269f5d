// Package wire reads and writes Thrift's binary protocol and Protobuf's encoding for generated code. A Writer and a
// Reader keep their first error and do nothing of use after it, so that generated code checks once, at the end.
package wire

import (
	"encoding/hex"
	"fmt"
	"math"
	"sync"
)

// Limits of what is read. They are those of the sidecar.
const (
	MaxDepth    = 64
	MaxElements = 1_000_000
)

// Message is what generated types implement for the one wire they were generated for.
type Message interface {
	MarshalWire(w *Writer)
	UnmarshalWire(r *Reader)
}

// Entry is an entry of a map whose keys Go's maps cannot have.
type Entry[K, V any] struct {
	Key   K
	Value V
}

// Ptr gives a pointer to a value, for optional fields.
func Ptr[T any](value T) *T { return &value }

// Value gives what an optional field holds, or otherwise the fallback.
func Value[T any](field *T, fallback T) T {
	if field == nil {
		return fallback
	}
	return *field
}

// UUID is Thrift's uuid: 16 bytes, the most significant first.
type UUID [16]byte

// String gives the canonical text, 8-4-4-4-12 in lower case.
func (u UUID) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// ParseUUID reads the canonical text, in any case.
func ParseUUID(text string) (u UUID, err error) {
	if len(text) == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-' {
		if _, err := hex.Decode(u[:], []byte(text[:8]+text[9:13]+text[14:18]+text[19:23]+text[24:])); err == nil {
			return u, nil
		}
	}
	return UUID{}, fmt.Errorf("%q is no uuid: expected 8-4-4-4-12 hexadecimal digits", text)
}

// Writer appends encoded values to a buffer.
type Writer struct {
	buffer []byte
	err    error
}

// NewWriter returns a Writer that appends to buffer.
func NewWriter(buffer []byte) *Writer { return &Writer{buffer: buffer} }

// Bytes returns the buffer, or the first error.
func (w *Writer) Bytes() ([]byte, error) { return w.buffer, w.err }

// Len gives how many bytes are in the buffer.
func (w *Writer) Len() int { return len(w.buffer) }

// Raw appends bytes as they are.
func (w *Writer) Raw(bytes string) { w.buffer = append(w.buffer, bytes...) }

// Fail keeps an error, if there was none before.
func (w *Writer) Fail(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Missing fails because a value that must be there is not; what is its path, such as "Order.id".
func (w *Writer) Missing(what string) { w.Fail(fmt.Errorf("%s is not set, and is required", what)) }

// Signed gives an unsigned integer of 64 bits where only signed ones are written.
func (w *Writer) Signed(what string, value uint64) int64 {
	if value > math.MaxInt64 {
		w.Fail(fmt.Errorf("%s: %d is out of range for the wire", what, value))
	}
	return int64(value)
}

// In fails when an integer is outside of what the wire can hold; otherwise it gives the integer.
func (w *Writer) In(what string, value, low, high int64) int64 {
	if value < low || value > high {
		w.Fail(fmt.Errorf("%s: %d is out of range for the wire", what, value))
	}
	return value
}

// Reader reads encoded values from a buffer that it does not own and never keeps. After an error it gives zeros.
type Reader struct {
	buffer []byte
	at     int
	end    int
	depth  int
	// field is Thrift's id and type, or Protobuf's tag.
	field uint32
	// group is the number of the Protobuf group that is being read, or 0.
	group uint32
	err   error
}

// NewReader returns a Reader of buffer.
func NewReader(buffer []byte) *Reader { return &Reader{buffer: buffer, end: len(buffer)} }

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Fail keeps an error, if there was none before, with the offset at which reading had arrived.
func (r *Reader) Fail(reason string) {
	if r.err == nil {
		r.err = fmt.Errorf("at byte %d: %s", r.at, reason)
	}
	r.end = r.at
}

// Missing fails because a required field was not there.
func (r *Reader) Missing(what string) { r.Fail(what + " is missing, and is required") }

// In fails when an integer is outside of what a type can hold; otherwise it gives the integer.
func (r *Reader) In(what string, value, low, high int64) int64 {
	if value < low || value > high {
		r.Fail(fmt.Sprintf("%s: %d is out of range, expected %d to %d", what, value, low, high))
	}
	return value
}

// Signed gives an unsigned integer of 64 bits where only signed ones make sense.
func (r *Reader) Signed(what string, value uint64) int64 {
	if value > math.MaxInt64 {
		r.Fail(fmt.Sprintf("%s: %d is out of range, expected at most %d", what, value, int64(math.MaxInt64)))
	}
	return int64(value)
}

// UUIDOf gives the uuid that 16 bytes are.
func (r *Reader) UUIDOf(what string, bytes []byte) (u UUID) {
	if copy(u[:], bytes) != len(u) || len(bytes) != len(u) {
		r.Fail(fmt.Sprintf("%s: a uuid of %d bytes, expected 16", what, len(bytes)))
	}
	return u
}

// UUIDOfText gives the uuid that a text is.
func (r *Reader) UUIDOfText(text string) UUID {
	u, err := ParseUUID(text)
	if err != nil {
		r.Fail(err.Error())
	}
	return u
}

// More tells whether there is more to read in this part.
func (r *Reader) More() bool { return r.at < r.end }

// Take reads a number of bytes without copying them.
func (r *Reader) Take(count int) []byte {
	if uint(count) > uint(r.end-r.at) {
		return r.short(count)
	}
	r.at += count
	return r.buffer[r.at-count : r.at : r.at]
}

// Rest reads all that is left.
func (r *Reader) Rest() []byte { return r.Take(r.end - r.at) }

// zeros stand for what cannot be read; nothing of a fixed size is larger.
var zeros [16]byte

func (r *Reader) short(count int) []byte {
	if r.err == nil {
		r.Fail(fmt.Sprintf("%d bytes are expected and %d are left", count, r.end-r.at))
	}
	return zeros[:]
}

func (r *Reader) enter() bool {
	r.depth++
	if r.depth > MaxDepth {
		r.Fail(fmt.Sprintf("messages nest deeper than %d", MaxDepth))
	}
	return r.depth <= MaxDepth
}

// writers have buffers that are large enough for most messages.
var writers = sync.Pool{New: func() any { return new(Writer) }}

// keptBytes is the largest buffer that is kept for another message.
const keptBytes = 1 << 20

// Marshal encodes a message.
func Marshal(message Message) ([]byte, error) {
	w := writers.Get().(*Writer)
	message.MarshalWire(w)
	bytes, err := append([]byte{}, w.buffer...), w.err
	if cap(w.buffer) <= keptBytes {
		w.buffer, w.err = w.buffer[:0], nil
		writers.Put(w)
	}
	return bytes, err
}

// Unmarshal decodes all of bytes into a message.
func Unmarshal(bytes []byte, message Message) error {
	r := NewReader(bytes)
	message.UnmarshalWire(r)
	if r.More() {
		r.Fail("there are bytes behind the message")
	}
	return r.err
}
