package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"causeway.dev/causeway"
	"causeway.dev/causeway/wire"
	"stubs.test/gen/golden/api"
	"stubs.test/gen/golden/common"
	"stubs.test/gen/golden/proto"
	"stubs.test/gen/golden/types"
	"stubs.test/gen/google/protobuf"
)

const longCall = 20 * time.Second

// everything answers with what it is given.
type everything struct {
	noted     atomicText
	cancelled atomicText
}

func (*everything) Ping(context.Context) error { return nil }

func (e *everything) Who(ctx context.Context) (string, error) {
	in := causeway.IncomingMetadata(ctx)
	_, hasDeadline := ctx.Deadline()
	reply := causeway.ReplyOf(ctx)
	reply.Headers.Add("seen-trace", in.Get("traceparent"))
	reply.Headers.Add("seen-key", strings.Join(in["x-key"], ","))
	reply.Trailers.Add("seen-deadline", fmt.Sprint(hasDeadline))
	return "Go " + e.noted.get() + e.cancelled.get(), nil
}

func (*everything) EchoScalars(_ context.Context, v *types.Scalars) (*types.Scalars, error) {
	return v, nil
}
func (*everything) EchoPresence(_ context.Context, v *types.Presence) (*types.Presence, error) {
	return v, nil
}
func (*everything) EchoContainers(_ context.Context, v *types.Containers) (*types.Containers, error) {
	return v, nil
}
func (*everything) EchoChoice(_ context.Context, v *types.Choice) (*types.Choice, error) {
	return v, nil
}
func (*everything) EchoTree(_ context.Context, v *types.Tree) (*types.Tree, error) { return v, nil }
func (*everything) EchoNothing(_ context.Context, v *types.Nothing) (*types.Nothing, error) {
	return v, nil
}
func (*everything) EchoNumbers(_ context.Context, v *types.Numbers) (*types.Numbers, error) {
	return v, nil
}
func (*everything) EchoKeywords(_ context.Context, v *types.Keywords) (*types.Keywords, error) {
	return v, nil
}
func (*everything) EchoBool(_ context.Context, v bool) (bool, error)                { return v, nil }
func (*everything) EchoByte(_ context.Context, v int8) (int8, error)                { return v, nil }
func (*everything) EchoShort(_ context.Context, v int16) (int16, error)             { return v, nil }
func (*everything) EchoInt(_ context.Context, v int32) (int32, error)               { return v, nil }
func (*everything) EchoLong(_ context.Context, v int64) (int64, error)              { return v, nil }
func (*everything) EchoDouble(_ context.Context, v float64) (float64, error)        { return v, nil }
func (*everything) EchoString(_ context.Context, v string) (string, error)          { return v, nil }
func (*everything) EchoBinary(_ context.Context, v []byte) ([]byte, error)          { return v, nil }
func (*everything) EchoUUID(_ context.Context, v wire.UUID) (wire.UUID, error)      { return v, nil }
func (*everything) EchoColor(_ context.Context, v types.Color) (types.Color, error) { return v, nil }
func (*everything) EchoList(_ context.Context, v []int32) ([]int32, error)          { return v, nil }
func (*everything) EchoSet(_ context.Context, v []string) ([]string, error)         { return v, nil }
func (*everything) EchoMap(_ context.Context, v map[string]*common.Money) (map[string]*common.Money, error) {
	return v, nil
}

func (*everything) Sum(_ context.Context, first int32, second int64, others []int32, last int32) (int64, error) {
	sum := int64(first) + second + int64(last)
	for _, other := range others {
		sum += int64(other)
	}
	return sum, nil
}

func (*everything) Fail(_ context.Context, how string) (string, error) {
	switch how {
	case "notFound":
		return "", fmt.Errorf("wrapped: %w", &types.NotFound{What: "it", ID: wire.Ptr(int64(-7))})
	case "plain":
		return "", &types.Plain{Message: "消息", Code: 5, Cause: "none", Colors: []types.Color{types.ColorRed}}
	case "forbidden":
		return "", &common.Forbidden{Reason: "no", Language: wire.Ptr(common.LanguageGerman)}
	case "status":
		return "", causeway.Errorf(causeway.FailedPrecondition, "not now")
	case "error":
		return "", fmt.Errorf("unexpected")
	case "panic":
		panic("a fault of the handler")
	}
	return how, nil
}

func (*everything) Check(_ context.Context, good bool) error {
	if good {
		return nil
	}
	return &common.Forbidden{Reason: "not good"}
}

func (e *everything) Note(_ context.Context, text string) error {
	e.noted.set(text)
	return nil
}

func (*everything) Twice(_ context.Context, which int32) error {
	return &types.NotFound{What: fmt.Sprint(which)}
}

func (e *everything) Sleep(ctx context.Context, milliseconds int32) (int32, error) {
	select {
	case <-time.After(time.Duration(milliseconds) * time.Millisecond):
		return milliseconds, nil
	case <-ctx.Done():
		e.cancelled.set("cancelled")
		return 0, ctx.Err()
	}
}

// echo answers with what it is given, too.
type echo struct{}

func (echo) Scalars(_ context.Context, v *proto.Scalars) (*proto.Scalars, error)       { return v, nil }
func (echo) Optionals(_ context.Context, v *proto.Optionals) (*proto.Optionals, error) { return v, nil }
func (echo) Containers(_ context.Context, v *proto.Containers) (*proto.Containers, error) {
	return v, nil
}
func (echo) Outer(_ context.Context, v *proto.Outer) (*proto.Outer, error)             { return v, nil }
func (echo) Oneofs(_ context.Context, v *proto.Oneofs) (*proto.Oneofs, error)          { return v, nil }
func (echo) Choice(_ context.Context, v *proto.Choice) (*proto.Choice, error)          { return v, nil }
func (echo) WellKnown(_ context.Context, v *proto.WellKnown) (*proto.WellKnown, error) { return v, nil }
func (echo) Keywords(_ context.Context, v *proto.Keywords) (*proto.Keywords, error)    { return v, nil }
func (echo) Legacy(_ context.Context, v *proto.UsesLegacy) (*proto.UsesLegacy, error)  { return v, nil }
func (echo) Nothing(_ context.Context, v *protobuf.Empty) (*protobuf.Empty, error)     { return v, nil }

func (echo) Now(context.Context, *protobuf.Empty) (*protobuf.Timestamp, error) {
	return &protobuf.Timestamp{Seconds: 1_700_000_000, Nanos: 5}, nil
}

func (echo) Fail(_ context.Context, v *api.FailRequest) (*api.FailResponse, error) {
	return nil, causeway.Errorf(causeway.Code(v.Code), "%s", v.Message)
}
