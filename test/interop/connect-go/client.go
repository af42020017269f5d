package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

type (
	note   = wrapperspb.BytesValue
	caller = connect.Client[note, note]
)

// target is whom a client calls, and how.
type target struct {
	address, protocol, codec string
}

func (t target) options(more ...connect.ClientOption) []connect.ClientOption {
	if t.protocol == "grpc-web" {
		more = append(more, connect.WithGRPCWeb())
	}
	if t.codec == "json" {
		more = append(more, connect.WithProtoJSON())
	}
	return more
}

func (t target) client(method string, more ...connect.ClientOption) *caller {
	url := "http://" + t.address + "/kinds.Kinds/" + method
	return connect.NewClient[note, note](http.DefaultClient, url, t.options(more...)...)
}

// runClient calls Kinds and says of each case what came of it, one JSON object a line.
func runClient(args []string) {
	t := target{address: args[0], protocol: args[1], codec: args[2]}
	cases := kindsCases(t)
	if args[3] == "thrift" {
		cases = thriftCases(t)
	}
	out := json.NewEncoder(os.Stdout)
	for _, each := range cases {
		detail := ""
		if err := each.run(); err != nil {
			detail = err.Error()
		}
		_ = out.Encode(map[string]any{"name": each.name, "ok": detail == "", "detail": detail})
	}
}

type testCase struct {
	name string
	run  func() error
}

func equal(got, wanted any) error {
	if a, b := fmt.Sprint(got), fmt.Sprint(wanted); a != b {
		return fmt.Errorf("got %.200s, wanted %.200s", a, b)
	}
	return nil
}

// ask is a request that asks for headers and trailers to come back.
func ask(header http.Header) {
	header.Set("Head", "1")
	header.Set("Head-Bin", connect.EncodeBinaryHeader([]byte{0, 255}))
	header.Set("Trail", "2")
}

func answered(head, trail http.Header) error {
	bin, err := connect.DecodeBinaryHeader(head.Get("Head-Bin"))
	return errors.Join(err, equal([]any{head.Get("Head"), bin, trail.Get("Trail")}, []any{"1", []byte{0, 255}, "2"}))
}

func request(text string, pairs ...string) *connect.Request[note] {
	made := connect.NewRequest(wrapperspb.Bytes([]byte(text)))
	for i := 0; i < len(pairs); i += 2 {
		made.Header().Set(pairs[i], pairs[i+1])
	}
	return made
}

// read takes a stream to its end.
func read(stream *connect.ServerStreamForClient[note], each func(count int)) (texts []string, err error) {
	for stream.Receive() {
		texts = append(texts, string(stream.Msg().GetValue()))
		each(len(texts))
	}
	return texts, errors.Join(stream.Err(), stream.Close())
}

func readAll(stream *connect.ServerStreamForClient[note], err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	return read(stream, func(int) {})
}

// failed holds an error against what it must be.
func failed(err error, code connect.Code, message string, detail string) error {
	var failure *connect.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("it did not fail as it should: %v", err)
	}
	if failure.Code() != code {
		return fmt.Errorf("got %v, wanted %v: %v", failure.Code(), code, failure)
	}
	if message != "" {
		err = equal(failure.Message(), message)
	} else {
		err = nil
	}
	if detail == "" {
		return err
	}
	if len(failure.Details()) != 1 {
		return fmt.Errorf("got %d details", len(failure.Details()))
	}
	return errors.Join(err, equal(failure.Details()[0].Type(), detail))
}

func kindsCases(t target) []testCase {
	ctx := context.Background()
	const detail = "google.protobuf.BytesValue"
	return []testCase{
		{"unary, with metadata both ways", func() error {
			asked := request("hello")
			ask(asked.Header())
			response, err := t.client("One").CallUnary(ctx, asked)
			if err != nil {
				return err
			}
			said := equal(string(response.Msg.GetValue()), "hello")
			return errors.Join(said, answered(response.Header(), response.Trailer()))
		}},
		{"unary by GET", func() error {
			if t.protocol != "connect" {
				return nil
			}
			get := []connect.ClientOption{connect.WithHTTPGet(), connect.WithIdempotency(connect.IdempotencyNoSideEffects)}
			text := strings.Repeat("hello ü", 50)
			for _, more := range [][]connect.ClientOption{get, append(get, connect.WithSendGzip())} {
				response, err := t.client("One", more...).CallUnary(ctx, request(text))
				if err != nil {
					return err
				}
				if err := equal(string(response.Msg.GetValue()), text); err != nil {
					return err
				}
			}
			return nil
		}},
		{"server stream, with metadata both ways", func() error {
			asked := request("x")
			ask(asked.Header())
			stream, err := t.client("Down").CallServerStream(ctx, asked)
			texts, err := readAll(stream, err)
			if err != nil {
				return err
			}
			return errors.Join(equal(texts, []string{"x", "x", "x"}), answered(stream.ResponseHeader(), stream.ResponseTrailer()))
		}},
		{"client stream, with metadata both ways", func() error {
			stream := t.client("Up").CallClientStream(ctx)
			ask(stream.RequestHeader())
			for _, text := range []string{"a", "", "ccc"} {
				if err := stream.Send(wrapperspb.Bytes([]byte(text))); err != nil {
					return err
				}
			}
			response, err := stream.CloseAndReceive()
			if err != nil {
				return err
			}
			said := equal(string(response.Msg.GetValue()), "3")
			return errors.Join(said, answered(response.Header(), response.Trailer()))
		}},
		{"unary error with details and trailers", func() error {
			_, err := t.client("One").CallUnary(ctx, request("x", "Fail", "9", "Detail", detail, "Trail", "2"))
			var failure *connect.Error
			if errors.As(err, &failure) {
				if err := equal(failure.Meta().Get("Trail"), "2"); err != nil {
					return err
				}
			}
			return failed(err, connect.CodeFailedPrecondition, "as asked: 100 % ü", detail)
		}},
		{"error in the middle of a stream", func() error {
			stream, err := t.client("Down").CallServerStream(ctx, request("x", "Fail", "10", "Detail", detail))
			texts, err := readAll(stream, err)
			return errors.Join(equal(len(texts), 3), failed(err, connect.CodeAborted, "", detail))
		}},
		{"a method that is not there", func() error {
			_, err := t.client("Gone").CallUnary(ctx, request("x"))
			_, streamed := readAll(t.client("Gone").CallServerStream(ctx, request("x")))
			unimplemented := connect.CodeUnimplemented
			return errors.Join(failed(err, unimplemented, "", ""), failed(streamed, unimplemented, "", ""))
		}},
		{"deadline", func() error {
			short, cancel := context.WithTimeout(ctx, 700*time.Millisecond)
			defer cancel()
			_, err := readAll(t.client("Down").CallServerStream(short, request("x", "Stay", "1")))
			return failed(err, connect.CodeDeadlineExceeded, "", "")
		}},
		{"cancellation in the middle of a stream", func() error {
			cancellable, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := t.client("Down").CallServerStream(cancellable, request("x", "Stay", "1"))
			if err != nil {
				return err
			}
			_, err = read(stream, func(int) { cancel() })
			return failed(err, connect.CodeCanceled, "", "")
		}},
		{"gzip", func() error {
			text := strings.Repeat("long ", 10_000)
			response, err := t.client("One", connect.WithSendGzip()).CallUnary(ctx, request(text))
			if err != nil {
				return err
			}
			texts, err := readAll(t.client("Down", connect.WithSendGzip()).CallServerStream(ctx, request(text)))
			if err != nil {
				return err
			}
			said := equal(string(response.Msg.GetValue()), text)
			return errors.Join(said, equal(texts, []string{text, text, text}))
		}},
		{"a million bytes each way, and a thousand messages", func() error {
			million := strings.Repeat("m", 1_000_000)
			response, err := t.client("One").CallUnary(ctx, request(million))
			if err != nil {
				return err
			}
			texts, err := readAll(t.client("Down").CallServerStream(ctx, request("x", "Count", "1000")))
			if err != nil {
				return err
			}
			return errors.Join(equal(string(response.Msg.GetValue()), million), equal(len(texts), 1000))
		}},
	}
}

// thriftCases has messages whose bytes are those of well-known types, which is true of Protobuf alone.
func thriftCases(t target) []testCase {
	ctx := context.Background()
	url := "http://" + t.address + "/kinds.Kinds/"
	return []testCase{
		{"unary to Thrift", func() error {
			client := connect.NewClient[wrapperspb.StringValue, wrapperspb.StringValue](
				http.DefaultClient, url+"echoString", t.options()...)
			for _, text := range []string{"hello ü", strings.Repeat("z", 100_000)} {
				response, err := client.CallUnary(ctx, connect.NewRequest(wrapperspb.String(text)))
				if err != nil {
					return err
				}
				if err := equal(response.Msg.GetValue(), text); err != nil {
					return err
				}
			}
			return nil
		}},
		{"a declared exception of Thrift", func() error {
			client := connect.NewClient[wrapperspb.Int32Value, wrapperspb.Int32Value](http.DefaultClient, url+"fail", t.options()...)
			_, err := client.CallUnary(ctx, connect.NewRequest(wrapperspb.Int32(1)))
			return failed(err, connect.CodeNotFound, "", "kinds.NotFound")
		}},
		{"an error of Thrift", func() error {
			client := connect.NewClient[wrapperspb.Int32Value, wrapperspb.Int32Value](http.DefaultClient, url+"fail", t.options()...)
			_, err := client.CallUnary(ctx, connect.NewRequest(wrapperspb.Int32(4)))
			return failed(err, connect.CodeInternal, "", "")
		}},
	}
}
