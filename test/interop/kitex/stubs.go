package main

import (
	"context"
	"reflect"
	"time"

	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/transport"

	"causeway.test/kitex/gen/kinds"
	thriftkinds "causeway.test/kitex/gen/kinds/kinds"
	"causeway.test/kitex/gen/kindspb"
	protobufkinds "causeway.test/kitex/gen/kindspb/kinds"
)

// stub is what generated code for either payload has in common.
type stub interface {
	ping(context.Context) error
	who(context.Context) (string, error)
	nothing(context.Context) error
	text(context.Context, string) (string, error)
	data(context.Context, []byte) ([]byte, error)
	sum(context.Context, int32, int64, []int32) (int64, error)
	fail(context.Context, int32) (int32, error)
	check(context.Context, bool) error
	note(context.Context, string) error
	notes(context.Context) ([]string, error)
	// generated is the code itself, and value and success where in an argument and in a result the value is.
	generated() any
	value(argument reflect.Value) reflect.Value
	success(result reflect.Value) reflect.Value
}

// caller is a client and what it speaks.
type caller struct {
	stub
	payload   string
	transport string
	// server says who answers.
	server string
}

func newCaller(payload, wire, address string) caller {
	protocols := map[string]transport.Protocol{
		"buffered": transport.PurePayload, "framed": transport.Framed, "ttheader": transport.TTHeader,
		"ttheader-framed": transport.TTHeaderFramed, "mux": transport.TTHeaderFramed,
	}
	options := []client.Option{
		client.WithHostPorts(address),
		client.WithTransportProtocol(protocols[wire]),
		client.WithMetaHandler(transmeta.ClientTTHeaderHandler),
		client.WithRPCTimeout(10 * time.Second),
	}
	if wire == "mux" {
		options = append(options, client.WithMuxConnection(1))
	}
	if payload == "thrift" {
		return caller{thriftStub{thriftkinds.MustNewClient("kinds", options...)}, payload, wire, ""}
	}
	return caller{protobufStub{protobufkinds.MustNewClient("kinds", options...)}, payload, wire, ""}
}

type thriftStub struct{ client thriftkinds.Client }

func (s thriftStub) ping(ctx context.Context) error              { return s.client.Ping(ctx) }
func (s thriftStub) who(ctx context.Context) (string, error)     { return s.client.Who(ctx) }
func (s thriftStub) nothing(ctx context.Context) error           { return s.client.Nothing(ctx) }
func (s thriftStub) check(ctx context.Context, good bool) error  { return s.client.Check(ctx, good) }
func (s thriftStub) note(ctx context.Context, text string) error { return s.client.Note(ctx, text) }
func (s thriftStub) notes(ctx context.Context) ([]string, error) { return s.client.Notes(ctx) }
func (s thriftStub) generated() any                              { return s.client }
func (s thriftStub) value(argument reflect.Value) reflect.Value  { return argument }
func (s thriftStub) success(result reflect.Value) reflect.Value  { return result }
func (s thriftStub) text(ctx context.Context, v string) (string, error) {
	return s.client.EchoString(ctx, v)
}

func (s thriftStub) data(ctx context.Context, v []byte) ([]byte, error) {
	return s.client.EchoBinary(ctx, v)
}

func (s thriftStub) sum(ctx context.Context, first int32, second int64, others []int32) (int64, error) {
	return s.client.Sum(ctx, first, second, others)
}

func (s thriftStub) fail(ctx context.Context, how int32) (int32, error) {
	answer, err := s.client.Fail(ctx, kinds.Failure(how))
	return int32(answer), err
}

type protobufStub struct{ client protobufkinds.Client }

func (s protobufStub) generated() any { return s.client }

func (s protobufStub) value(argument reflect.Value) reflect.Value {
	return argument.Elem().FieldByName("Value")
}

func (s protobufStub) success(result reflect.Value) reflect.Value {
	return result.Elem().FieldByName("Success")
}

func (s protobufStub) ping(ctx context.Context) error {
	_, err := s.client.Ping(ctx, &kindspb.BasicPingArgs{})
	return err
}

func (s protobufStub) who(ctx context.Context) (string, error) {
	answer, err := s.client.Who(ctx, &kindspb.BasicWhoArgs{})
	return answer.GetSuccess(), err
}

func (s protobufStub) nothing(ctx context.Context) error {
	_, err := s.client.Nothing(ctx, &kindspb.KindsNothingArgs{})
	return err
}

func (s protobufStub) text(ctx context.Context, v string) (string, error) {
	answer, err := s.client.EchoString(ctx, &kindspb.KindsEchoStringArgs{Value: &v})
	return answer.GetSuccess(), err
}

func (s protobufStub) data(ctx context.Context, v []byte) ([]byte, error) {
	answer, err := s.client.EchoBinary(ctx, &kindspb.KindsEchoBinaryArgs{Value: v})
	return answer.GetSuccess(), err
}

func (s protobufStub) sum(ctx context.Context, first int32, second int64, others []int32) (int64, error) {
	answer, err := s.client.Sum(ctx, &kindspb.KindsSumArgs{First: &first, Second: &second, Others: others})
	return answer.GetSuccess(), err
}

func (s protobufStub) fail(ctx context.Context, how int32) (int32, error) {
	failure := kindspb.Failure(how)
	answer, err := s.client.Fail(ctx, &kindspb.KindsFailArgs{How: &failure})
	return int32(answer.GetSuccess()), err
}

func (s protobufStub) check(ctx context.Context, good bool) error {
	_, err := s.client.Check(ctx, &kindspb.KindsCheckArgs{Good: &good})
	return err
}

func (s protobufStub) note(ctx context.Context, text string) error {
	_, err := s.client.Note(ctx, &kindspb.KindsNoteArgs{Text: &text})
	return err
}

func (s protobufStub) notes(ctx context.Context) ([]string, error) {
	answer, err := s.client.Notes(ctx, &kindspb.KindsNotesArgs{})
	if err != nil {
		return nil, err
	}
	return answer.Success, nil
}
