package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"sync"
	"time"

	"causeway.dev/causeway"
	"causeway.dev/causeway/wire"
	"stubs.test/gen/golden/api"
	"stubs.test/gen/golden/common"
	"stubs.test/gen/golden/legacy"
	"stubs.test/gen/golden/proto"
	"stubs.test/gen/golden/services"
	"stubs.test/gen/golden/types"
	"stubs.test/gen/google/protobuf"
	"stubs.test/same"
)

type testCase struct {
	name string
	run  func(ctx context.Context) error
}

// echoes calls and expects back what it sent.
func echoes[T any](call func(context.Context, T) (T, error), values ...T) func(context.Context) error {
	return func(ctx context.Context) error {
		for _, value := range values {
			got, err := call(ctx, value)
			if err != nil {
				return err
			}
			if !same.Equal(got, value) {
				return fmt.Errorf("got %#v instead of %#v", got, value)
			}
		}
		return nil
	}
}

func expect(got, wanted any) error {
	if !reflect.DeepEqual(got, wanted) {
		return fmt.Errorf("got %#v instead of %#v", got, wanted)
	}
	return nil
}

var key = wire.UUID{0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}

func scalars() *types.Scalars {
	return &types.Scalars{Truth: true, Tiny: -128, Medium: math.MinInt16, Regular: math.MaxInt32, Large: math.MinInt64,
		Real: -1.5e300, Text: "文本 🎈", Data: []byte{0, 255, 128}, Key: key, Color: types.ColorBlue,
		Size: types.SizeHuge, ID: math.MaxInt64}
}

func money(units int64) *common.Money { return &common.Money{Currency: "EUR", Units: units, Nanos: 5} }

func containers() *types.Containers {
	choice := &types.Choice{Value: types.ChoiceText{Value: "chosen"}}
	return &types.Containers{
		Truths: []bool{true, false}, Tinies: []int8{-1, 1}, Numbers: []int32{}, MayLarges: []int64{1, math.MinInt64},
		MustTexts: []string{"", "a"}, Data: [][]byte{{1}, {}}, Colors: []types.Color{types.ColorRed},
		Structs: []*types.Scalars{scalars()}, Grid: [][]float64{{1, 2}, {}}, Texts: []string{"x", "y"},
		Ids: []int32{3, 1}, MayColors: []types.Color{types.ColorGreen}, Counts: map[string]int32{},
		ByNumber: map[int32]string{-1: "minus", 0: ""}, ByLarge: map[int64][]string{7: {"seven"}, 8: {}},
		ByTruth: map[bool]*types.Scalars{true: scalars()}, ByColor: map[types.Color]types.Size{types.ColorRed: types.SizeBelow},
		MayTables: map[string]map[string]*common.Money{"a": {"b": money(1)}},
		Mixed:     []map[string][]int16{{"k": {1, 2}}, {}}, Aliased: []int64{9}, Keys: []wire.UUID{key, {}},
		Choices: map[string]*types.Choice{"c": choice},
	}
}

func presence() *types.Presence {
	full := types.NewPresence()
	full.Must, full.May, full.Plain, full.MustText, full.MayText = 0, wire.Ptr(int32(0)), 0, "", wire.Ptr("")
	full.PlainText, full.MayFlag, full.MayScalars = "", wire.Ptr(false), scalars()
	full.MayColor, full.PlainColor, full.MayData = wire.Ptr(types.ColorRed), types.ColorGreen, []byte{}
	full.MayReal, full.PlainLarge, full.PlainFlag = wire.Ptr(0.0), 0, false
	full.PlainData, full.MayKey, full.PlainSize = []byte{}, wire.Ptr(key), types.SizeSmall
	return full
}

func choices() []*types.Choice {
	members := []types.ChoiceValue{types.ChoiceTruth{}, types.ChoiceNumber{Value: -1}, types.ChoiceText{Value: ""},
		types.ChoiceColor{Value: types.ColorBlue}, types.ChoiceMoney{Value: money(0)}, types.ChoiceWords{Value: []string{}}, types.ChoiceWords{Value: []string{"a", "b"}},
		types.ChoiceNothing{Value: &types.Nothing{}}, types.ChoiceData{Value: []byte{1}}}
	var all []*types.Choice
	for _, member := range members {
		all = append(all, &types.Choice{Value: member},
			&types.Choice{Value: types.ChoiceChoice{Value: &types.Choice{Value: member}}})
	}
	return all
}

func cases(c *services.EverythingClient, e *api.EchoClient) []testCase {
	empty := []*types.Tree{}
	leaf := func(value int64) *types.Tree {
		return &types.Tree{Value: value, Children: empty, Named: map[string]*types.Tree{}, Choice: choices()[0]}
	}
	tree := leaf(1)
	tree.Children, tree.Left, tree.Named["n"] = []*types.Tree{leaf(2), leaf(3)}, leaf(4), leaf(5)
	all := []testCase{
		{"ping", c.Ping},
		{"scalars", echoes(c.EchoScalars, scalars(), &types.Scalars{Data: []byte{}, Color: types.ColorRed})},
		{"presence", echoes(c.EchoPresence, presence(), defaulted())},
		{"what is there and empty", func(ctx context.Context) error {
			got, err := c.EchoPresence(ctx, presence())
			if err != nil {
				return err
			}
			absent, err := c.EchoPresence(ctx, defaulted())
			return errors.Join(err, expect(got.MayData != nil, true), expect(absent.MayData == nil, true),
				expect(absent.GetMayText(), "may"), expect(absent.GetMayReal(), 1.5))
		}},
		{"containers", echoes(c.EchoContainers, containers())},
		{"union", echoes(c.EchoChoice, choices()...)},
		{"tree", echoes(c.EchoTree, tree)},
		{"nothing", echoes(c.EchoNothing, &types.Nothing{})},
		{"numbers", echoes(c.EchoNumbers, &types.Numbers{Far: 1, Near: 2, Last: wire.Ptr(int32(3))})},
		{"keywords", echoes(c.EchoKeywords, &types.Keywords{Type: 1, Func: 2, StringValue: 3, StringValue_: 4, HTTPServer2URL: 5})},
		{"bool", echoes(c.EchoBool, true, false)},
		{"byte", echoes(c.EchoByte, 0, -128, 127)},
		{"short", echoes(c.EchoShort, 0, math.MinInt16, math.MaxInt16)},
		{"int", echoes(c.EchoInt, 0, math.MinInt32, math.MaxInt32)},
		{"long", echoes(c.EchoLong, 0, math.MinInt64, math.MaxInt64)},
		{"double", echoes(c.EchoDouble, 0, math.Copysign(0, -1), math.Inf(-1), math.SmallestNonzeroFloat64)},
		{"string", echoes(c.EchoString, "", "你好", strings.Repeat("x", 300))},
		{"binary", echoes(c.EchoBinary, []byte{}, []byte{0, 1, 255})},
		{"uuid", echoes(c.EchoUUID, key, wire.UUID{})},
		{"enum", echoes(c.EchoColor, types.ColorRed, types.Color(77))},
		{"list", echoes(c.EchoList, []int32{}, []int32{1, -1, 0})},
		{"set", echoes(c.EchoSet, []string{"a", "b"})},
		{"map", echoes(c.EchoMap, map[string]*common.Money{"a": money(-1)})},
		{"large message", echoes(c.EchoBinary, make([]byte, 5<<20))},
		{"sum", func(ctx context.Context) error {
			sum, err := c.Sum(ctx, 1, 2, []int32{3, 4}, 5)
			return errors.Join(err, expect(sum, int64(15)))
		}},
		{"proto scalars", echoes(e.Scalars, protoScalars(), &proto.Scalars{Data: []byte{}})},
		{"proto optionals", echoes(e.Optionals, &proto.Optionals{Real: wire.Ptr(0.0), Ratio: wire.Ptr(float32(0)),
			Plain32: wire.Ptr(int32(0)), Unsigned64: wire.Ptr(uint64(0)), Truth: wire.Ptr(false), Text: wire.Ptr(""),
			Data: []byte{}, Color: wire.Ptr(proto.ColorUnspecified), Scalars: protoScalars()}, &proto.Optionals{})},
		{"proto containers", echoes(e.Containers, protoContainers())},
		{"proto nested", echoes(e.Outer, &proto.Outer{Inner: &proto.OuterInner{Kind: proto.OuterInnerKindKnown,
			Innermost: &proto.OuterInnerInnermost{Value: 1}}, All: []*proto.OuterInnerInnermost{{Value: 2}, {}}})},
		{"proto oneofs", echoes(e.Oneofs, &proto.Oneofs{}, &proto.Oneofs{ID: "a", Payment: proto.OneofsCard{Value: ""}, After: 1},
			&proto.Oneofs{Payment: proto.OneofsScalars{Value: protoScalars()}, Second: proto.OneofsNothing{Value: &protobuf.Empty{}}},
			&proto.Oneofs{Payment: proto.OneofsFree{Value: false}, Second: proto.OneofsData{Value: []byte{}}})},
		{"proto choice", echoes(e.Choice, &proto.Choice{Value: proto.ChoiceReal{Value: 0.5}},
			&proto.Choice{Value: proto.ChoiceChoice{Value: &proto.Choice{Value: proto.ChoiceNumber{Value: 1}}}})},
		{"proto well-known types", echoes(e.WellKnown, &proto.WellKnown{At: &protobuf.Timestamp{Seconds: -1, Nanos: 5},
			May: &protobuf.StringValue{Value: "x"}, Nothing: &protobuf.Empty{}})},
		{"proto2", echoes(e.Legacy, &proto.UsesLegacy{Mode: wire.Ptr(legacy.ModeFast), Legacy: &legacy.Legacy{Must: 0,
			Seven: wire.Ptr(int32(0)), Packed: []int32{1, 2}, Unpacked: []int32{-1}, Nickname: wire.Ptr("extended"),
			Group: &legacy.LegacyGroup{Name: wire.Ptr("g")}, Row: []*legacy.LegacyRow{{Number: 1}, {Number: 2}}}})},
		{"proto empty", echoes(e.Nothing, &protobuf.Empty{})},
		{"proto result", func(ctx context.Context) error {
			now, err := e.Now(ctx, &protobuf.Empty{})
			return errors.Join(err, expect(now, &protobuf.Timestamp{Seconds: 1_700_000_000, Nanos: 5}))
		}},
	}
	return append(append(all, failures(c, e)...), travels(c)...)
}

// defaulted has what is absent and what a new value has.
func defaulted() *types.Presence {
	value := types.NewPresence()
	value.PlainColor = types.ColorRed
	return value
}

func protoScalars() *proto.Scalars {
	return &proto.Scalars{Real: -0.5, Ratio: 0.25, Plain32: math.MinInt32, Plain64: math.MinInt64, Unsigned32: math.MaxUint32,
		Unsigned64: math.MaxInt64, Signed32: math.MinInt32, Signed64: math.MinInt64, FixedU32: math.MaxUint32,
		FixedU64: 1, FixedI32: -1, FixedI64: -1, Truth: true, Text: "文本", Data: []byte{0, 255}, Color: proto.ColorBelow}
}

func protoContainers() *proto.Containers {
	return &proto.Containers{Reals: []float64{1, -1}, Numbers: []int32{0, -1}, Unpacked: []int32{5, 6}, Texts: []string{"", "b"},
		Data: [][]byte{{}, {1}}, Truths: []bool{true, false}, Colors: []proto.Color{proto.ColorRed, 9},
		Messages: []*proto.Scalars{protoScalars()}, Fixed: []uint64{1, 2}, Signed: []int64{-1, 1},
		Counts: map[string]int32{"a": 0, "": 1}, ByLarge: map[int64]string{-1: "x"},
		ByTruth: map[bool]*proto.Scalars{false: protoScalars()}, ColorsByNumber: map[uint32]proto.Color{math.MaxUint32: proto.ColorRed},
		DataByNumber: map[int32][]byte{-5: {1}}, Nested: map[string]*proto.OuterInner{"n": {Kind: proto.OuterInnerKindKnown}}}
}

func failures(c *services.EverythingClient, e *api.EchoClient) []testCase {
	return []testCase{
		{"declared exception", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "notFound")
			var notFound *types.NotFound
			if !errors.As(err, &notFound) {
				return fmt.Errorf("no NotFound: %w", err)
			}
			return errors.Join(expect(*notFound, types.NotFound{What: "it", ID: notFound.ID}), expect(*notFound.ID, int64(-7)),
				expect(causeway.CodeOf(err), causeway.NotFound))
		}},
		{"exception without a code", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "plain")
			var plain *types.Plain
			if !errors.As(err, &plain) {
				return fmt.Errorf("no Plain: %w", err)
			}
			return expect(*plain, types.Plain{Message: "消息", Code: 5, Cause: "none", Colors: []types.Color{types.ColorRed}})
		}},
		{"exception of another package", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "forbidden")
			var forbidden *common.Forbidden
			if !errors.As(err, &forbidden) {
				return fmt.Errorf("no Forbidden: %w", err)
			}
			return expect(*forbidden.Language, common.LanguageGerman)
		}},
		{"exception of a void method", func(ctx context.Context) error {
			err := c.Check(ctx, false)
			var forbidden *common.Forbidden
			if !errors.As(err, &forbidden) {
				return fmt.Errorf("no Forbidden: %w", err)
			}
			return errors.Join(expect(forbidden.Reason, "not good"), c.Check(ctx, true))
		}},
		{"exception declared twice", func(ctx context.Context) error {
			var notFound *types.NotFound
			if err := c.Twice(ctx, 2); !errors.As(err, &notFound) {
				return fmt.Errorf("no NotFound: %w", err)
			}
			return expect(notFound.What, "2")
		}},
		{"no exception", func(ctx context.Context) error {
			text, err := c.Fail(ctx, "not")
			return errors.Join(err, expect(text, "not"))
		}},
		{"status", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "status")
			var status *causeway.Error
			if !errors.As(err, &status) {
				return fmt.Errorf("no Error: %w", err)
			}
			return errors.Join(expect(status.Code, causeway.FailedPrecondition), expect(status.Message, "not now"))
		}},
		{"undeclared error", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "error")
			return expect(causeway.CodeOf(err), causeway.Internal)
		}},
		{"panic", func(ctx context.Context) error {
			_, err := c.Fail(ctx, "panic")
			return expect(causeway.CodeOf(err), causeway.Internal)
		}},
		{"proto status", func(ctx context.Context) error {
			_, err := e.Fail(ctx, &api.FailRequest{Code: 8, Message: "太多"})
			var status *causeway.Error
			if !errors.As(err, &status) {
				return fmt.Errorf("no Error: %w", err)
			}
			return errors.Join(expect(status.Code, causeway.ResourceExhausted), expect(status.Message, "太多"))
		}},
		{"union without a member", func(ctx context.Context) error {
			_, err := c.EchoChoice(ctx, &types.Choice{})
			return expect(causeway.CodeOf(err), causeway.InvalidArgument)
		}},
		{"nothing where a struct must be", func(ctx context.Context) error {
			_, err := c.EchoContainers(ctx, &types.Containers{MustTexts: []string{}, Structs: []*types.Scalars{nil}})
			return expect(causeway.CodeOf(err), causeway.InvalidArgument)
		}},
	}
}

func travels(c *services.EverythingClient) []testCase {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	return []testCase{
		{"metadata", func(ctx context.Context) error {
			var reply causeway.Reply
			ctx, cancel := context.WithTimeout(causeway.WithReply(ctx, &reply), longCall)
			defer cancel()
			_, err := c.Who(causeway.WithMetadata(ctx, "X-Key", "a", "x-key", "b", "traceparent", trace))
			seen := reply.Headers.Get("seen-trace")
			return errors.Join(err, expect(reply.Headers.Get("seen-key"), "a,b"), expect(seen[:min(35, len(seen))], trace[:35]),
				expect(reply.Trailers.Get("seen-deadline"), "true"))
		}},
		{"oneway", func(ctx context.Context) error {
			if err := c.Note(ctx, "noted"); err != nil {
				return err
			}
			return eventually(ctx, c, "noted")
		}},
		{"deadline", func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
			defer cancel()
			_, err := c.Sleep(ctx, 30_000)
			if !errors.Is(err, context.DeadlineExceeded) && causeway.CodeOf(err) != causeway.DeadlineExceeded {
				return fmt.Errorf("no deadline: %w", err)
			}
			return nil
		}},
		{"cancellation", func(ctx context.Context) error {
			cancelled, cancel := context.WithCancel(ctx)
			time.AfterFunc(20*time.Millisecond, cancel)
			_, err := c.Sleep(cancelled, 30_000)
			if !errors.Is(err, context.Canceled) {
				return fmt.Errorf("not cancelled: %w", err)
			}
			return eventually(ctx, c, "cancelled")
		}},
		{"many at once", func(ctx context.Context) error {
			failed := make(chan error, 200)
			var group sync.WaitGroup
			for i := 0; i < cap(failed); i++ {
				group.Add(1)
				go func(i int) {
					defer group.Done()
					failed <- echoes(c.EchoInt, int32(i))(ctx)
				}(i)
			}
			group.Wait()
			close(failed)
			for err := range failed {
				if err != nil {
					return err
				}
			}
			return nil
		}},
	}
}

// eventually waits until the server says that it has seen something.
func eventually(ctx context.Context, c *services.EverythingClient, what string) error {
	for i := 0; i < 200; i++ {
		who, err := c.Who(ctx)
		if err != nil || strings.Contains(who, what) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the server has not seen %q", what)
}
