package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/pkg/endpoint"
	"github.com/cloudwego/kitex/pkg/kerrors"
	"github.com/cloudwego/kitex/pkg/rpcinfo"
	"github.com/cloudwego/kitex/pkg/transmeta"
	"github.com/cloudwego/kitex/server"

	"causeway.test/kitex/gen/kinds"
	thriftkinds "causeway.test/kitex/gen/kinds/kinds"
	"causeway.test/kitex/gen/kindspb"
	protobufkinds "causeway.test/kitex/gen/kindspb/kinds"
)

// serve serves Kinds on a free port, prints the port, and ends when its standard input does. It ends gracefully by SIGTERM.
func serve(payload string, mux bool) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	options := []server.Option{
		server.WithListener(listener),
		server.WithMetaHandler(transmeta.ServerTTHeaderHandler),
		server.WithMiddleware(echo),
	}
	if mux {
		options = append(options, server.WithMuxTransport())
	}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	var served server.Server
	if payload == "thrift" {
		served = thriftkinds.NewServer(&thriftHandler{}, options...)
	} else {
		served = protobufkinds.NewServer(&protobufHandler{}, options...)
	}
	fmt.Println("ready", listener.Addr().String())
	if err := served.Run(); err != nil {
		fail(err)
	}
}

// echo answers all methods that return what they are given, but the one that does more.
func echo(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request, response any) error {
		method := rpcinfo.GetRPCInfo(ctx).Invocation().MethodName()
		if !strings.HasPrefix(method, "echo") || method == "echoString" {
			return next(ctx, request, response)
		}
		given, success := reflect.ValueOf(request).Elem(), reflect.ValueOf(response).Elem().FieldByName("Success")
		if argument := given.FieldByName("Req"); argument.IsValid() {
			success.Set(reflect.New(success.Type().Elem()))
			return echoMessage(argument.Interface().(message), success.Interface().(message))
		}
		value := given.FieldByName("Value")
		if value.Type() == success.Type() {
			success.Set(value)
		} else {
			success.Set(value.Addr())
		}
		return nil
	}
}

type message interface {
	Marshal([]byte) ([]byte, error)
	Unmarshal([]byte) error
}

// echoMessage goes by way of the bytes: value and success have the same number, but types of their own.
func echoMessage(request, response message) error {
	bytes, err := request.Marshal(nil)
	if err != nil {
		return err
	}
	return response.Unmarshal(bytes)
}

// told is what a call brought beside its message.
type told struct {
	Persistent map[string]string
	Transient  map[string]string
	Caller     string
	TimeoutMs  int64
}

// answer returns the text, but for those that ask for something.
func answer(ctx context.Context, text string) (string, error) {
	info := rpcinfo.GetRPCInfo(ctx)
	switch {
	case text == "business error":
		return "", kerrors.NewBizStatusErrorWithExtra(404, "no such shelf: 棚", map[string]string{"shelf": "7"})
	case text == "tell":
		metainfo.SendBackwardValues(ctx, "SEEN_BY", "kitex", "lowerCase", "kept")
		seen, err := json.Marshal(told{
			Persistent: metainfo.GetAllPersistentValues(ctx),
			Transient:  metainfo.GetAllValues(ctx),
			Caller:     info.From().ServiceName(),
			TimeoutMs:  info.Config().RPCTimeout().Milliseconds(),
		})
		return string(seen), err
	}
	var ms int
	if _, err := fmt.Sscanf(text, "sleep %d", &ms); err == nil {
		time.Sleep(time.Duration(ms) * time.Millisecond)
	}
	return text, nil
}

// notes is what oneway calls said.
type notes struct {
	lock  sync.Mutex
	texts []string
}

func (n *notes) add(text string) {
	n.lock.Lock()
	defer n.lock.Unlock()
	n.texts = append(n.texts, text)
}

func (n *notes) all() []string {
	n.lock.Lock()
	defer n.lock.Unlock()
	return append([]string{}, n.texts...)
}

func sumOf(first int32, second int64, others []int32) int64 {
	sum := int64(first) + second
	for _, other := range others {
		sum += int64(other)
	}
	return sum
}

var errUndeclared = errors.New("the shelf fell over")

// thriftHandler has the methods that echo does not answer.
type thriftHandler struct {
	kinds.Kinds
	notes notes
}

func (*thriftHandler) Ping(context.Context) error          { return nil }
func (*thriftHandler) Who(context.Context) (string, error) { return "Kitex", nil }
func (*thriftHandler) Nothing(context.Context) error       { return nil }

func (*thriftHandler) EchoString(ctx context.Context, text string) (string, error) {
	return answer(ctx, text)
}

func (*thriftHandler) Sum(_ context.Context, first int32, second int64, others []int32) (int64, error) {
	return sumOf(first, second, others), nil
}

func refused() *kinds.Refused {
	color := kinds.Color_BLUE
	return &kinds.Refused{Reason: "closed", Color: &color, Where: []*kinds.Point{{X: 1, Y: -1}, {X: 2, Y: -2}}}
}

func (*thriftHandler) Fail(_ context.Context, how kinds.Failure) (kinds.Failure, error) {
	switch how {
	case kinds.Failure_NOT_FOUND:
		return 0, &kinds.NotFound{What: "shelf", Id: 9007199254740993}
	case kinds.Failure_REFUSED:
		return 0, refused()
	case kinds.Failure_PLAIN:
		return 0, &kinds.Plain{Message: "plainly wrong"}
	case kinds.Failure_UNEXPECTED:
		return 0, errUndeclared
	}
	return how, nil
}

func (*thriftHandler) Check(_ context.Context, good bool) error {
	if good {
		return nil
	}
	return refused()
}

func (h *thriftHandler) Note(_ context.Context, text string) error {
	h.notes.add(text)
	return nil
}

func (h *thriftHandler) Notes(context.Context) ([]string, error) { return h.notes.all(), nil }

// protobufHandler is the same. Kitex-Protobuf has no declared exceptions: all errors are undeclared.
type protobufHandler struct {
	kindspb.Kinds
	notes notes
}

func (*protobufHandler) Ping(context.Context, *kindspb.BasicPingArgs) (*kindspb.BasicPingResult, error) {
	return &kindspb.BasicPingResult{}, nil
}

func (*protobufHandler) Who(context.Context, *kindspb.BasicWhoArgs) (*kindspb.BasicWhoResult, error) {
	name := "Kitex"
	return &kindspb.BasicWhoResult{Success: &name}, nil
}

func (*protobufHandler) Nothing(context.Context, *kindspb.KindsNothingArgs) (*kindspb.KindsNothingResult, error) {
	return &kindspb.KindsNothingResult{}, nil
}

func (*protobufHandler) EchoString(ctx context.Context, request *kindspb.KindsEchoStringArgs) (*kindspb.KindsEchoStringResult, error) {
	text, err := answer(ctx, request.GetValue())
	if err != nil {
		return nil, err
	}
	return &kindspb.KindsEchoStringResult{Success: &text}, nil
}

func (*protobufHandler) Sum(_ context.Context, request *kindspb.KindsSumArgs) (*kindspb.KindsSumResult, error) {
	sum := sumOf(request.GetFirst(), request.GetSecond(), request.Others)
	return &kindspb.KindsSumResult{Success: &sum}, nil
}

func (*protobufHandler) Fail(_ context.Context, request *kindspb.KindsFailArgs) (*kindspb.KindsFailResult, error) {
	if request.GetHow() != kindspb.Failure_FAILURE_NONE {
		return nil, errUndeclared
	}
	return &kindspb.KindsFailResult{Success: request.How}, nil
}

func (*protobufHandler) Check(_ context.Context, request *kindspb.KindsCheckArgs) (*kindspb.KindsCheckResult, error) {
	if !request.GetGood() {
		return nil, errUndeclared
	}
	return &kindspb.KindsCheckResult{}, nil
}

func (h *protobufHandler) Note(_ context.Context, request *kindspb.KindsNoteArgs) (*kindspb.KindsNoteResult, error) {
	h.notes.add(request.GetText())
	return &kindspb.KindsNoteResult{}, nil
}

func (h *protobufHandler) Notes(context.Context, *kindspb.KindsNotesArgs) (*kindspb.KindsNotesResult, error) {
	return &kindspb.KindsNotesResult{Success: h.notes.all()}, nil
}
