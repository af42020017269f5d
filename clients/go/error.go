package causeway

import (
	"context"
	"errors"
	"fmt"

	"causeway.dev/causeway/wire"
)

// Code is a status code; the numbers are gRPC's.
type Code int32

// The codes.
const (
	OK Code = iota
	Canceled
	Unknown
	InvalidArgument
	DeadlineExceeded
	NotFound
	AlreadyExists
	PermissionDenied
	ResourceExhausted
	FailedPrecondition
	Aborted
	OutOfRange
	Unimplemented
	Internal
	Unavailable
	DataLoss
	Unauthenticated
)

var codeNames = [...]string{"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND",
	"ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE",
	"UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED"}

// String gives the code's name, such as NOT_FOUND.
func (c Code) String() string {
	if c >= 0 && int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("Code(%d)", int32(c))
}

// Detail is a message that came with an error.
type Detail struct {
	// Type is the full name of the message.
	Type  string
	Value []byte
}

// Error is why a call failed, other than by an exception that its method declares.
type Error struct {
	Code    Code
	Message string
	Details []Detail
	cause   error
}

// Errorf returns an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

func (e *Error) Error() string { return e.Code.String() + ": " + e.Message }

// Unwrap gives the cause: for calls that were given up that of their context.
func (e *Error) Unwrap() error { return e.cause }

// CodeOf gives the code of an error: OK for nil, and Unknown where nothing better is known.
func CodeOf(err error) Code {
	var own *Error
	var exception Exception
	switch {
	case err == nil:
		return OK
	case errors.As(err, &own):
		return own.Code
	case errors.As(err, &exception):
		_, code := exception.CausewayException()
		return code
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Unknown
}

// Exception is an exception declared in IDL.
type Exception interface {
	error
	Message
	// CausewayException gives the exception's full name on the wire and its code.
	CausewayException() (string, Code)
}

// Thrown gives the declared exception that an error stands for, decoded into one of candidates, or else the error.
// Generated code calls it where exceptions travel as details of a status.
func Thrown(err error, candidates ...Exception) error {
	var status *Error
	if !errors.As(err, &status) {
		return err
	}
	for _, detail := range status.Details {
		for _, candidate := range candidates {
			if name, _ := candidate.CausewayException(); name != detail.Type {
				continue
			}
			if wire.Unmarshal(detail.Value, candidate) == nil {
				return candidate
			}
		}
	}
	return err
}

// MissingResult is the error of an answer that holds neither a result nor a declared exception.
func MissingResult(method Method) error {
	return Errorf(Internal, "%s.%s returned no result", method.Service, method.Name)
}

// errorOf gives an error as it is sent to a caller. On Protobuf an exception is among its details; on Thrift those that
// the method declares are in its result, and of others the code and the text are told. What is no error of an RPC at all
// is a fault of the server.
func errorOf(err error, codec Codec) *Error {
	var own *Error
	var exception Exception
	if errors.As(err, &exception) {
		name, code := exception.CausewayException()
		status := &Error{Code: code, Message: exception.Error()}
		if value, failed := wire.Marshal(exception); failed == nil && codec == Protobuf {
			status.Details = []Detail{{name, value}}
		}
		return status
	}
	if errors.As(err, &own) {
		return own
	}
	code := CodeOf(err)
	if code == Unknown {
		code = Internal
	}
	return &Error{Code: code, Message: err.Error()}
}

// ended is the error of a call whose context is done.
func ended(ctx context.Context, doing string) *Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Code: DeadlineExceeded, Message: "the deadline passed while " + doing, cause: ctx.Err()}
	}
	return &Error{Code: Canceled, Message: "the call was cancelled while " + doing, cause: context.Cause(ctx)}
}
