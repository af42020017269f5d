package causeway

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"causeway.dev/causeway/wire"
)

// Types of messages, in both envelopes.
const (
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
	fixedBytes      = 14
	maxHeaderBytes  = 32 * 1024
	maxNameBytes    = 1024
	versionThrift   = 0x8001
	versionProtobuf = 0x9001
	blockStrings    = 0x01
	blockNumbered   = 0x10
	blockToken      = 0x11
	maxErrorText    = 4096
)

// envelope is what stands before a message's body.
type envelope struct {
	codec    Codec
	kind     int
	name     string
	sequence int32
}

// frame is a TTHeader frame that was read, without its length.
//
//	10 00 | u16 flags | u32 sequence | u16 header size / 4 | u8 protocol | u8 transforms | blocks | padding | message
type frame struct {
	sequence int32
	pairs    []string
	timeout  string
	// signal frames hold no message.
	signal bool
	envelope
	body []byte
}

// numbered is a pair with an integer key.
type numbered struct {
	key   uint16
	value string
}

// writeFrame gives a whole frame, with its length. A nil body is a signal.
func writeFrame(sequence int32, pairs []string, numbers []numbered, head envelope, body Message) ([]byte, error) {
	out := make([]byte, fixedBytes, 256)
	binary.BigEndian.PutUint16(out[4:], magic)
	binary.BigEndian.PutUint16(out[6:], flagOutOfOrder)
	binary.BigEndian.PutUint32(out[8:], uint32(sequence))
	out = append(out, 0, 0, blockStrings)
	out = binary.BigEndian.AppendUint16(out, uint16(len(pairs)/2))
	for _, text := range pairs {
		out = appendText(out, text)
		if len(out) > maxHeaderBytes {
			return nil, Errorf(ResourceExhausted, "the metadata passes the limit of %d bytes", maxHeaderBytes)
		}
	}
	if len(numbers) > 0 {
		out = append(out, blockNumbered)
		out = binary.BigEndian.AppendUint16(out, uint16(len(numbers)))
		for _, each := range numbers {
			out = binary.BigEndian.AppendUint16(out, each.key)
			out = appendText(out, each.value)
		}
	}
	for (len(out)-fixedBytes)%4 != 0 {
		out = append(out, 0)
	}
	binary.BigEndian.PutUint16(out[12:], uint16((len(out)-fixedBytes)/4))
	if body != nil {
		var err error
		if out, err = appendMessage(out, head, body); err != nil {
			return nil, err
		}
	}
	if len(out)-4 > MaxFrameBytes {
		return nil, Errorf(ResourceExhausted, "a message of %d bytes passes the limit of %d bytes", len(out), MaxFrameBytes)
	}
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out, nil
}

func appendText(out []byte, text string) []byte {
	if len(text) > math.MaxUint16 {
		text = text[:math.MaxUint16]
	}
	out = binary.BigEndian.AppendUint16(out, uint16(len(text)))
	return append(out, text...)
}

// appendMessage writes Thrift bare, and Protobuf behind a length of its own.
func appendMessage(out []byte, head envelope, body Message) ([]byte, error) {
	start := len(out)
	version := uint32(versionThrift)
	if head.codec == Protobuf {
		version = versionProtobuf
		out = append(out, 0, 0, 0, 0)
	}
	out = binary.BigEndian.AppendUint32(out, version<<16|uint32(head.kind))
	out = binary.BigEndian.AppendUint32(out, uint32(len(head.name)))
	out = append(out, head.name...)
	out = binary.BigEndian.AppendUint32(out, uint32(head.sequence))
	w := wire.NewWriter(out)
	body.MarshalWire(w)
	out, err := w.Bytes()
	if err != nil {
		return nil, &Error{Code: InvalidArgument, Message: err.Error(), cause: err}
	}
	if head.codec == Protobuf {
		binary.BigEndian.PutUint32(out[start:], uint32(len(out)-start-4))
	}
	return out, nil
}

func malformed(format string, args ...any) error {
	return Errorf(Internal, "the frame is malformed: "+format, args...)
}

// cursor reads a header within its bounds.
type cursor struct {
	bytes []byte
	err   error
}

func (c *cursor) take(count int) []byte {
	if count > len(c.bytes) {
		if c.err == nil {
			c.err = malformed("a header ends behind the headers")
		}
		c.bytes = nil
		return make([]byte, count)
	}
	taken := c.bytes[:count]
	c.bytes = c.bytes[count:]
	return taken
}

func (c *cursor) u16() int { return int(binary.BigEndian.Uint16(c.take(2))) }

func (c *cursor) text() string { return string(c.take(c.u16())) }

// readFrame reads a frame without its length. The body is part of bytes.
func readFrame(bytes []byte) (*frame, error) {
	if len(bytes) < fixedBytes-4 || binary.BigEndian.Uint16(bytes) != magic {
		return nil, malformed("it does not begin with 10 00 as TTHeader does")
	}
	f := &frame{sequence: int32(binary.BigEndian.Uint32(bytes[4:]))}
	size := int(binary.BigEndian.Uint16(bytes[8:])) * 4
	if size > maxHeaderBytes || size > len(bytes)-10 || size < 2 {
		return nil, malformed("headers of %d bytes", size)
	}
	c := &cursor{bytes: bytes[10 : 10+size]}
	if protocol := c.take(2); protocol[1] != 0 {
		return nil, malformed("a transform, which is not served")
	}
	for len(c.bytes) > 0 && c.err == nil {
		switch block := c.take(1)[0]; block {
		case blockStrings:
			for count := c.u16(); count > 0 && c.err == nil; count-- {
				f.pairs = append(f.pairs, strings.ToLower(c.text()), c.text())
			}
		case blockNumbered:
			for count := c.u16(); count > 0 && c.err == nil; count-- {
				if key, value := c.u16(), c.text(); key == keyTimeout {
					f.timeout = value
				}
			}
		case blockToken:
			c.text()
		case 0:
		default:
			return nil, malformed("headers of the unknown kind %d", block)
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	message := bytes[10+size:]
	if f.signal = len(message) == 0; f.signal {
		return f, nil
	}
	return f, f.readMessage(message)
}

func (f *frame) readMessage(message []byte) error {
	if len(message) >= 4 && message[0] < 0x80 {
		if int(binary.BigEndian.Uint32(message)) != len(message)-4 {
			return malformed("the length of the message inside is not that of the message")
		}
		message = message[4:]
	}
	if len(message) < 12 {
		return malformed("its message is cut short")
	}
	switch version := binary.BigEndian.Uint16(message); version {
	case versionThrift:
	case versionProtobuf:
		f.codec = Protobuf
	default:
		return malformed("a message of the version %x", version)
	}
	f.kind = int(message[3])
	length := int(binary.BigEndian.Uint32(message[4:]))
	if length > maxNameBytes || length > len(message)-12 {
		return malformed("a name of %d bytes", length)
	}
	f.name = string(message[8 : 8+length])
	f.envelope.sequence = int32(binary.BigEndian.Uint32(message[8+length:]))
	f.body = message[12+length:]
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
		key, found := strings.CutPrefix(f.pairs[i], prefix)
		if found && !isOwn(key) {
			metadata.Add(key, f.pairs[i+1])
		}
	}
	return metadata
}

// failure gives the error that a message of type Exception is.
func (f *frame) failure() *Error {
	exception := applicationException{codec: f.codec}
	// What cannot be read of it is told by the headers.
	_ = wire.Unmarshal(f.body, &exception)
	failure := &Error{Code: Unknown, Message: exception.message, Details: decodeDetails(f.value("cw-details-bin"))}
	if prefix, rest, found := strings.Cut(exception.message, "] "); found && strings.HasPrefix(prefix, "[grpc:") {
		number, _, _ := strings.Cut(prefix[len("[grpc:"):], " ")
		if code, err := strconv.Atoi(number); err == nil {
			failure.Code, failure.Message = Code(code), rest
		}
	}
	if code, err := strconv.Atoi(f.value("cw-code")); err == nil {
		failure.Code = Code(code)
	}
	if text := f.value("cw-message"); text != "" {
		failure.Message = text
	}
	return failure
}

// errorPairs are the headers that say an error exactly.
func errorPairs(pairs []string, err *Error) []string {
	text := err.Message
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	pairs = append(pairs, "cw-code", strconv.Itoa(int(err.Code)), "cw-message", strings.ToValidUTF8(text, ""))
	if details := encodeDetails(err); details != "" && len(details) <= maxHeaderBytes/2 {
		pairs = append(pairs, "cw-details-bin", details)
	}
	return pairs
}

// applicationException is the body of a message of type Exception: {1: message, 2: type}, in Protobuf {1: type, 2: message}.
type applicationException struct {
	codec   Codec
	message string
	kind    int32
}

func (e *applicationException) MarshalWire(w *wire.Writer) {
	if e.codec == Protobuf {
		w.Varint(1<<3 | wire.Varint)
		w.Varint(uint64(e.kind))
		w.Varint(2<<3 | wire.Delimited)
		w.Text(strings.ToValidUTF8(e.message, "\uFFFD"))
		return
	}
	w.Field(wire.String, 1)
	w.String(e.message)
	w.Field(wire.I32, 2)
	w.I32(e.kind)
	w.Stop()
}

func (e *applicationException) UnmarshalWire(r *wire.Reader) {
	if e.codec == Protobuf {
		for r.NextTag() {
			if r.Tag() == 2<<3|wire.Delimited {
				e.message = r.Text()
			} else {
				r.SkipTag()
			}
		}
		return
	}
	for r.Enter() && r.Next() {
		if r.Field() == 1<<8|wire.String {
			e.message = r.String()
		} else {
			r.Skip()
		}
		r.Leave()
	}
}

// exceptionOf gives an error for callers that do not read headers.
func exceptionOf(codec Codec, err *Error) *applicationException {
	kind := map[Code]int32{Unknown: 0, Unimplemented: 1, InvalidArgument: 7, OutOfRange: 7}
	number, known := kind[err.Code]
	if !known {
		number = 6
	}
	return &applicationException{codec, fmt.Sprintf("[grpc:%d %s] %s", err.Code, err.Code, err.Message), number}
}

// setSequence sets the id of a frame that was written with another.
func setSequence(frame []byte, id int32) {
	binary.BigEndian.PutUint32(frame[8:], uint32(id))
}

// sequenceOf gives the id of a frame that comes without its length.
func sequenceOf(bytes []byte) (int32, error) {
	if len(bytes) < fixedBytes-4 || binary.BigEndian.Uint16(bytes) != magic {
		return 0, malformed("it does not begin with 10 00 as TTHeader does")
	}
	return int32(binary.BigEndian.Uint32(bytes[4:])), nil
}

// decode reads a body, and blames it on what it is.
func decode(body []byte, into Message, code Code, what string) error {
	if err := wire.Unmarshal(body, into); err != nil {
		return &Error{Code: code, Message: what + " cannot be read: " + err.Error(), cause: err}
	}
	return nil
}
