package causeway

import (
	"encoding/base64"
	"strconv"
	"strings"

	"causeway.dev/causeway/wire"
)

// maxErrorText is how much of an error's text a header holds.
const maxErrorText = 4096

const typePrefix = "type.googleapis.com/"

// statusPairs are the headers that say an error exactly.
func statusPairs(err *Error) []string {
	text := err.Message[:min(len(err.Message), maxErrorText)]
	pairs := []string{"cw-code", strconv.Itoa(int(err.Code)), "cw-message", strings.ToValidUTF8(text, "")}
	if details := encodeDetails(err); len(err.Details) > 0 && len(details) <= maxHeaderBytes/2 {
		pairs = append(pairs, "cw-details-bin", details)
	}
	return pairs
}

// failure gives the error that a frame with a message of type Exception tells in its headers.
func (f *frame) failure() *Error {
	code, err := strconv.Atoi(f.value("cw-code"))
	if err != nil {
		code = int(Unknown)
	}
	return &Error{Code: Code(code), Message: f.value("cw-message"), Details: decodeDetails(f.value("cw-details-bin"))}
}

// encodeDetails gives google.rpc.Status in base64.
func encodeDetails(err *Error) string {
	w := wire.NewWriter(nil)
	w.Varint(1<<3 | wire.Varint)
	w.Varint(uint64(err.Code))
	w.Varint(2<<3 | wire.Delimited)
	w.Text(strings.ToValidUTF8(err.Message, "\uFFFD"))
	for _, detail := range err.Details {
		w.Varint(3<<3 | wire.Delimited)
		start := w.Begin()
		w.Varint(1<<3 | wire.Delimited)
		w.Text(typePrefix + detail.Type)
		w.Varint(2<<3 | wire.Delimited)
		w.Blob(detail.Value)
		w.End(start)
	}
	bytes, _ := w.Bytes()
	return base64.RawStdEncoding.EncodeToString(bytes)
}

// decodeDetails reads what encodeDetails gives. What cannot be read is left out: the code says enough.
func decodeDetails(text string) (details []Detail) {
	bytes, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil {
		return nil
	}
	r := wire.NewReader(bytes)
	for r.NextTag() {
		if r.Tag() != 3<<3|wire.Delimited {
			r.SkipTag()
			continue
		}
		var detail Detail
		status := r.Open()
		for r.NextTag() {
			switch r.Tag() {
			case 1<<3 | wire.Delimited:
				name := r.Text()
				detail.Type = name[strings.LastIndexByte(name, '/')+1:]
			case 2<<3 | wire.Delimited:
				detail.Value = r.Blob()
			default:
				r.SkipTag()
			}
		}
		r.Close(status)
		details = append(details, detail)
	}
	return details
}

// exception is the body of a message of type Exception, for peers that do not read headers: in Thrift {1: message, 2: type},
// in Protobuf {1: type, 2: message}.
type exception struct {
	codec Codec
	text  string
}

// internalError is Thrift's type of an exception that no other type fits.
const internalError = 6

func (e *exception) MarshalWire(w *wire.Writer) {
	if e.codec == Protobuf {
		w.Varint(1<<3 | wire.Varint)
		w.Varint(internalError)
		w.Varint(2<<3 | wire.Delimited)
		w.Text(strings.ToValidUTF8(e.text, "\uFFFD"))
		return
	}
	w.Field(wire.String, 1)
	w.String(e.text)
	w.Field(wire.I32, 2)
	w.I32(internalError)
	w.Stop()
}
