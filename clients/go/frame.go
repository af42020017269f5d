package causeway

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"sync"

	"causeway.dev/causeway/wire"
)

// Types of messages.
const (
	typeSignal    = 0
	typeCall      = 1
	typeReply     = 2
	typeException = 3
	typeOneway    = 4
)

// TTHeader's integer keys.
const (
	keyFrom    = 3
	keyMethod  = 9
	keyTimeout = 12
	keyType    = 22
)

const (
	magic           = 0x1000
	flagOutOfOrder  = 0x01
	sizeAt          = 12 // of the headers, which follow it
	maxHeaderBytes  = 32 * 1024
	versionThrift   = 0x8001
	versionProtobuf = 0x9001
	blockPadding    = 0x00
	blockStrings    = 0x01
	blockNumbered   = 0x10
	blockToken      = 0x11
)

// frame is a TTHeader frame, without its length.
//
//	10 00 | u16 flags | u32 id | u16 header size / 4 | u8 protocol | u8 transforms | blocks | padding | message
type frame struct {
	// id joins an answer to its call.
	id int32
	// pairs are keys and values in turn.
	pairs []string
	// from is the name of the calling application; timeout is what is left of the call's deadline, in milliseconds.
	from    string
	timeout string
	// kind is that of the message; a signal has none.
	kind   byte
	codec  Codec
	method string
	// sequence is the message's own id, which an answer repeats.
	sequence int32
	body     []byte
}

// encoder is what can be written as a message's body.
type encoder interface{ MarshalWire(w *wire.Writer) }

// buffers are those of frames that were sent.
var buffers = sync.Pool{New: func() any { return make([]byte, 512) }}

// release gives the buffer of a frame back, which nothing refers to any more.
func release(written []byte) {
	if cap(written) <= keptBytes {
		buffers.Put(written)
	}
}

// write gives the whole frame, with its length and, unless it is a signal, with body as its message's body.
func (f *frame) write(body encoder) ([]byte, error) {
	w := wire.NewWriter(buffers.Get().([]byte)[:sizeAt+2])
	f.writeHeaders(w)
	headers := w.Len() - sizeAt - 2
	if headers > maxHeaderBytes {
		return nil, Errorf(ResourceExhausted, "the metadata passes the limit of %d bytes", maxHeaderBytes)
	}
	if f.kind != typeSignal {
		f.writeMessage(w, body)
	}
	out, err := w.Bytes()
	if err != nil {
		return nil, &Error{Code: InvalidArgument, Message: err.Error(), cause: err}
	}
	if len(out)-4 > MaxFrameBytes {
		return nil, Errorf(ResourceExhausted, "a message of %d bytes passes the limit of %d bytes", len(out), MaxFrameBytes)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	binary.BigEndian.PutUint32(out[4:], magic<<16|flagOutOfOrder)
	setID(out, f.id)
	binary.BigEndian.PutUint16(out[sizeAt:], uint16(headers/4))
	if f.kind != typeSignal && f.codec == Protobuf {
		message := out[sizeAt+2+headers:]
		binary.BigEndian.PutUint32(message, uint32(len(message)-4))
	}
	return out, nil
}

// setID sets the id of a frame that was written with another.
func setID(written []byte, id int32) { binary.BigEndian.PutUint32(written[8:], uint32(id)) }

func (f *frame) writeHeaders(w *wire.Writer) {
	start := w.Len()
	w.I16(0) // protocol and transforms
	w.I8(blockStrings)
	w.I16(int16(len(f.pairs) / 2))
	for _, text := range f.pairs {
		writeText(w, text)
	}
	if f.kind == typeCall || f.kind == typeOneway {
		w.I8(blockNumbered)
		w.I16(4)
		writeNumbered(w, keyMethod, f.method)
		writeNumbered(w, keyType, strconv.Itoa(int(f.kind)))
		writeNumbered(w, keyFrom, f.from)
		writeNumbered(w, keyTimeout, f.timeout)
	}
	for (w.Len()-start)%4 != 0 {
		w.I8(blockPadding)
	}
}

func writeNumbered(w *wire.Writer, key int16, value string) {
	w.I16(key)
	writeText(w, value)
}

func writeText(w *wire.Writer, text string) {
	text = text[:min(len(text), math.MaxUint16)]
	w.I16(int16(len(text)))
	w.Raw(text)
}

// writeMessage writes Thrift bare, and Protobuf behind a length of its own, which is not known yet.
func (f *frame) writeMessage(w *wire.Writer, body encoder) {
	version := uint32(versionThrift)
	if f.codec == Protobuf {
		version = versionProtobuf
		w.I32(0)
	}
	w.I32(int32(version<<16 | uint32(f.kind)))
	w.String(f.method)
	w.I32(f.sequence)
	body.MarshalWire(w)
}

func malformed(format string, args ...any) *Error {
	return Errorf(Internal, "the frame is malformed: "+format, args...)
}

// readFrame reads a frame without its length; its body is part of bytes. The frame is nil when its headers cannot be read,
// and otherwise knows whom an answer may go to, even beside an error.
func readFrame(bytes []byte) (*frame, error) {
	r := wire.NewReader(bytes)
	if r.I16() != magic {
		return nil, malformed("it does not begin with 10 00 as TTHeader does")
	}
	r.I16() // flags
	f := &frame{id: r.I32()}
	size := 4 * int(uint16(r.I16()))
	if size > maxHeaderBytes {
		return nil, malformed("headers of %d bytes", size)
	}
	if err := f.readHeaders(wire.NewReader(r.Take(size))); err != nil {
		return nil, err
	}
	if r.Err() != nil {
		return nil, malformed("its headers: %v", r.Err())
	}
	if !r.More() {
		return f, nil
	}
	return f, f.readMessage(r.Rest())
}

func (f *frame) readHeaders(r *wire.Reader) error {
	r.U8() // protocol: the message says it better
	if r.U8() != 0 {
		return malformed("a transform, which is not served")
	}
	for r.More() {
		switch block := r.U8(); block {
		case blockStrings:
			for count := uint16(r.I16()); count > 0 && r.Err() == nil; count-- {
				f.pairs = append(f.pairs, strings.ToLower(readText(r)), readText(r))
			}
		case blockNumbered:
			for count := uint16(r.I16()); count > 0 && r.Err() == nil; count-- {
				if key, value := r.I16(), readText(r); key == keyTimeout {
					f.timeout = value
				}
			}
		case blockToken:
			readText(r)
		case blockPadding:
		default:
			return malformed("headers of the unknown kind %d", block)
		}
	}
	if r.Err() != nil {
		return malformed("its headers: %v", r.Err())
	}
	return nil
}

func readText(r *wire.Reader) string { return string(r.Take(int(uint16(r.I16())))) }

func (f *frame) readMessage(message []byte) error {
	r := wire.NewReader(message)
	version := uint32(r.I32())
	if version>>31 == 0 {
		if int(version) != len(message)-4 {
			return malformed("the length of the message inside is not that of the message")
		}
		version = uint32(r.I32())
	}
	switch version >> 16 {
	case versionThrift:
	case versionProtobuf:
		f.codec = Protobuf
	default:
		return malformed("a message of the version %x", version>>16)
	}
	f.kind, f.method, f.sequence, f.body = byte(version), r.String(), r.I32(), r.Rest()
	switch {
	case r.Err() != nil:
		return malformed("its message: %v", r.Err())
	case f.kind < typeCall || f.kind > typeOneway:
		return malformed("a message of the type %d", f.kind)
	}
	return nil
}

// value gives the first value of a key that the wire itself uses.
func (f *frame) value(key string) string {
	for i := 0; i < len(f.pairs); i += 2 {
		if f.pairs[i] == key {
			return f.pairs[i+1]
		}
	}
	return ""
}

// metadata gives the pairs behind a prefix that are not the wire's own.
func (f *frame) metadata(prefix string) Metadata {
	metadata := Metadata{}
	for i := 0; i < len(f.pairs); i += 2 {
		if key, found := strings.CutPrefix(f.pairs[i], prefix); found && !isOwn(key) {
			metadata.Add(key, f.pairs[i+1])
		}
	}
	return metadata
}

// decode reads a body, and blames it on what it is.
func decode(body []byte, into Message, code Code, what string) error {
	if err := wire.Unmarshal(body, into); err != nil {
		return &Error{Code: code, Message: what + " cannot be read: " + err.Error(), cause: err}
	}
	return nil
}
