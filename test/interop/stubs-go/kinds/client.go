package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"causeway.dev/causeway"
	"causeway.dev/causeway/wire"
	"stubs.test/gen/kinds"
	"stubs.test/same"
)

var codecs = map[string]causeway.Codec{"thrift": causeway.ThriftBinary, "protobuf": causeway.Protobuf}

func clientCases(address, wire, language string) []testCase {
	client := causeway.NewClient(causeway.WithAddress(address))
	c := kinds.NewKindsClient(client)
	calls := callCases(c, client, codecs[wire])
	var all []testCase
	for _, some := range [][]testCase{scalarCases(c), structCases(c), containerCases(c), unionCases(c), calls, stubCases(c, language)} {
		all = append(all, some...)
	}
	return all
}

// returns makes a case of a call that gives back its argument.
func returns[T any](call func(context.Context, T) (T, error), value T) func() error {
	return func() error {
		answer, err := call(context.Background(), value)
		if err != nil {
			return err
		}
		if !same.Equal(answer, value) {
			return fmt.Errorf("sent %#v, got %#v", value, answer)
		}
		return nil
	}
}

func scalarCases(c *kinds.KindsClient) []testCase {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	return []testCase{
		{"echoBool: true", returns(c.EchoBool, true)},
		{"echoBool: false", returns(c.EchoBool, false)},
		{"echoByte: least", returns(c.EchoByte, math.MinInt8)},
		{"echoByte: most", returns(c.EchoByte, math.MaxInt8)},
		{"echoI16: least", returns(c.EchoI16, math.MinInt16)},
		{"echoI16: most", returns(c.EchoI16, math.MaxInt16)},
		{"echoI32: least", returns(c.EchoI32, math.MinInt32)},
		{"echoI32: most", returns(c.EchoI32, math.MaxInt32)},
		{"echoI32: zero", returns(c.EchoI32, 0)},
		{"echoI64: least", returns(c.EchoI64, math.MinInt64)},
		{"echoI64: most", returns(c.EchoI64, math.MaxInt64)},
		{"echoI64: beyond 2^53", returns(c.EchoI64, 9007199254740993)},
		{"echoDouble: pi", sameBits(c, math.Pi)},
		{"echoDouble: negative zero", sameBits(c, math.Copysign(0, -1))},
		{"echoDouble: least above zero", sameBits(c, math.SmallestNonzeroFloat64)},
		{"echoDouble: infinity", sameBits(c, math.Inf(-1))},
		{"echoDouble: NaN with a payload", sameBits(c, math.Float64frombits(0x7ff8000000000abc))},
		{"echoString: empty", returns(c.EchoString, "")},
		{"echoString: many scripts", returns(c.EchoString, "Grüße, 世界 🌍")},
		{"echoString: 100000 letters", returns(c.EchoString, strings.Repeat("causeway..", 10000))},
		{"echoBinary: empty", returns(c.EchoBinary, []byte{})},
		{"echoBinary: every byte", returns(c.EchoBinary, everyByte)},
		{"echoColor: named", returns(c.EchoColor, kinds.ColorBlue)},
		{"echoColor: unnamed", returns(c.EchoColor, 77)},
		{"echoSize: zero", returns(c.EchoSize, kinds.SizeSmall)},
		{"echoSize: negative", returns(c.EchoSize, kinds.SizeBelow)},
		{"echoSize: largest", returns(c.EchoSize, kinds.SizeHuge)},
	}
}

func sameBits(c *kinds.KindsClient, value float64) func() error {
	return func() error {
		answer, err := c.EchoDouble(context.Background(), value)
		if err != nil {
			return err
		}
		if math.Float64bits(answer) != math.Float64bits(value) {
			return fmt.Errorf("sent %x, got %x", math.Float64bits(value), math.Float64bits(answer))
		}
		return nil
	}
}

func someScalars() *kinds.Scalars {
	return &kinds.Scalars{
		Truth: true, Tiny: -1, Small: 2, Medium: -300, Regular: 70000, Large: -5000000000, Real: 0.1,
		Text: "text", Data: []byte{0, 255}, Color: kinds.ColorGreen, Size: kinds.SizeLarge,
	}
}

func zeroScalars() *kinds.Scalars {
	return &kinds.Scalars{Data: []byte{}, Color: kinds.ColorRed}
}

func structCases(c *kinds.KindsClient) []testCase {
	absent := kinds.NewPresence()
	absent.Numbers = []int32{}
	set := &kinds.Presence{
		Must: 1, May: wire.Ptr[int32](2), Plain: 3, Seven: 4, Greeting: wire.Ptr("bonjour"), Color: kinds.ColorBlue, Flag: wire.Ptr(true),
		Scalars: someScalars(), Numbers: []int32{5}, MoreNumbers: []int32{6, 7}, MayColor: wire.Ptr(kinds.ColorRed),
	}
	zero := &kinds.Presence{
		May: wire.Ptr[int32](0), Color: kinds.ColorRed, Flag: wire.Ptr(false), Scalars: zeroScalars(), Numbers: []int32{},
	}
	nested := &kinds.Nested{
		Inner: &kinds.Inner{At: &kinds.Point{X: 1, Y: 2}, Label: "inner"},
		First: &kinds.Point{X: -3, Y: 4},
		Last:  &kinds.Inner{At: &kinds.Point{X: 5, Y: -6}, Label: ""},
	}
	return []testCase{
		{"echoScalars: all set", returns(c.EchoScalars, someScalars())},
		{"echoScalars: all zero", returns(c.EchoScalars, zeroScalars())},
		{"echoPresence: optional fields absent", returns(c.EchoPresence, absent)},
		{"echoPresence: all set", returns(c.EchoPresence, set)},
		{"echoPresence: optional fields zero", returns(c.EchoPresence, zero)},
		{"echoNested: three levels", returns(c.EchoNested, nested)},
		{"echoTree: 20 deep", returns(c.EchoTree, treeOf(20))},
		{"echoNothing: no field", returns(c.EchoNothing, &kinds.Nothing{})},
	}
}

func treeOf(depth int64) *kinds.Tree {
	if depth == 1 {
		return &kinds.Tree{Value: depth, Children: []*kinds.Tree{}}
	}
	leaf := &kinds.Tree{Value: -depth, Children: []*kinds.Tree{}}
	return &kinds.Tree{Value: depth, Children: []*kinds.Tree{leaf, treeOf(depth - 1)}, Twin: leaf}
}

func containerCases(c *kinds.KindsClient) []testCase {
	lists := &kinds.Lists{
		Truths: []bool{true, false, true}, Tinies: []int8{-128, 127}, Mediums: []int16{-32768, 32767},
		Regulars: []int32{0, -1, 2147483647}, Larges: []int64{-1, 9007199254740993}, Reals: []float64{0, -0.5, 1e300},
		Texts: []string{"", "a", "世界"}, Data: [][]byte{{}, {0, 1}}, Colors: []kinds.Color{1, 4, 2},
		Points: []*kinds.Point{{X: 1, Y: 2}, {}}, Grid: [][]int32{{1, 2}, {}, {3}},
		Tables: []map[string]int32{{"one": 1}, {}}, Cube: [][][]string{{{"a"}, {}}, {}, {{"b", "c"}}},
	}
	noLists := &kinds.Lists{
		Truths: []bool{}, Tinies: []int8{}, Mediums: []int16{}, Regulars: []int32{}, Larges: []int64{}, Reals: []float64{},
		Texts: []string{}, Data: [][]byte{}, Colors: []kinds.Color{}, Points: []*kinds.Point{}, Grid: [][]int32{},
		Tables: []map[string]int32{}, Cube: [][][]string{},
	}
	sets := &kinds.Sets{
		Numbers: []int32{1, -2, 300}, Texts: []string{"a", ""}, Colors: []kinds.Color{2, 1}, Larges: []int64{9007199254740993},
	}
	noSets := &kinds.Sets{Numbers: []int32{}, Texts: []string{}, Colors: []kinds.Color{}, Larges: []int64{}}
	numbers := make([]int32, 1000)
	for i := range numbers {
		numbers[i] = int32(i*i*i) - 1000
	}
	return []testCase{
		{"echoLists: of every type", returns(c.EchoLists, lists)},
		{"echoLists: empty", returns(c.EchoLists, noLists)},
		{"echoSets: of every type", returns(c.EchoSets, sets)},
		{"echoSets: empty", returns(c.EchoSets, noSets)},
		{"echoMaps: one entry each", returns(c.EchoMaps, oneEntryMaps())},
		{"echoMaps: several entries", returns(c.EchoMaps, manyEntryMaps())},
		{"echoMaps: empty", returns(c.EchoMaps, emptyMaps())},
		{"echoKeyed: structs as keys", func() error { return echoKeyed(c) }},
		{"echoList: 1000 numbers", returns(c.EchoList, numbers)},
		{"echoSet: two strings", returns(c.EchoSet, []string{"b", "a"})},
		{"echoMap: structs", returns(c.EchoMap, map[string]*kinds.Point{"here": {X: 1, Y: 2}})},
		{"echoGrid: an empty row", returns(c.EchoGrid, [][]string{{"a", "b"}, {}, {""}})},
	}
}

func oneEntryMaps() *kinds.Maps {
	return &kinds.Maps{
		Texts: map[string]string{"key": "value"}, ByNumber: map[int32]string{-1: ""}, Larges: map[int64]int64{9007199254740993: -1},
		ByTruth: map[bool]string{false: "no"}, ByColor: map[kinds.Color]kinds.Size{kinds.ColorBlue: kinds.SizeLarge},
		Points: map[string]*kinds.Point{"": {X: 0, Y: 9}}, Lists: map[string][]int32{"list": {1, 2, 3}},
		Tables: map[string]map[string]int32{"outer": {"inner": 0}}, Reals: map[int16]float64{-5: 2.5},
		Words: map[string][]string{"words": {"only"}},
	}
}

func manyEntryMaps() *kinds.Maps {
	maps := oneEntryMaps()
	maps.Texts["世界"] = "world"
	maps.Texts[""] = "nothing"
	maps.ByNumber[0] = "zero"
	maps.Larges[0] = 0
	maps.ByTruth[true] = "yes"
	maps.ByColor[kinds.ColorRed] = kinds.SizeBelow
	maps.Points["there"] = &kinds.Point{X: 3, Y: 4}
	maps.Lists["empty"] = []int32{}
	maps.Tables["empty"] = map[string]int32{}
	maps.Tables["two"] = map[string]int32{"a": 1, "b": 2}
	maps.Reals[0] = 0
	maps.Words["none"] = []string{}
	return maps
}

func emptyMaps() *kinds.Maps {
	return &kinds.Maps{
		Texts: map[string]string{}, ByNumber: map[int32]string{}, Larges: map[int64]int64{}, ByTruth: map[bool]string{},
		ByColor: map[kinds.Color]kinds.Size{}, Points: map[string]*kinds.Point{}, Lists: map[string][]int32{},
		Tables: map[string]map[string]int32{}, Reals: map[int16]float64{}, Words: map[string][]string{},
	}
}

func chosen(choice *kinds.Choice) *kinds.Choice {
	return &kinds.Choice{Value: kinds.ChoiceChoice{Value: choice}}
}

// echoKeyed compares by content: entries come back in the order of the server's map.
func echoKeyed(c *kinds.KindsClient) error {
	want := map[kinds.Point]string{{X: 1, Y: 2}: "a", {X: 3, Y: 4}: "b"}
	sent := &kinds.Keyed{}
	for point, text := range want {
		point := point
		sent.ByPoint = append(sent.ByPoint, wire.Entry[*kinds.Point, string]{Key: &point, Value: text})
	}
	answer, err := c.EchoKeyed(context.Background(), sent)
	if err != nil {
		return err
	}
	got := map[kinds.Point]string{}
	for _, entry := range answer.ByPoint {
		got[*entry.Key] = entry.Value
	}
	if !same.Equal(got, want) {
		return fmt.Errorf("got %v", got)
	}
	return nil
}

func unionCases(c *kinds.KindsClient) []testCase {
	number := &kinds.Choice{Value: kinds.ChoiceNumber{Value: 9007199254740993}}
	text := &kinds.Choice{Value: kinds.ChoiceText{}}
	words := &kinds.Choice{Value: kinds.ChoiceWords{Value: []string{"a", "b"}}}
	return []testCase{
		{"echoChoice: bool", returns(c.EchoChoice, &kinds.Choice{Value: kinds.ChoiceTruth{}})},
		{"echoChoice: i64", returns(c.EchoChoice, number)},
		{"echoChoice: string", returns(c.EchoChoice, text)},
		{"echoChoice: enum", returns(c.EchoChoice, &kinds.Choice{Value: kinds.ChoiceColor{Value: kinds.ColorRed}})},
		{"echoChoice: struct", returns(c.EchoChoice, &kinds.Choice{Value: kinds.ChoicePoint{Value: &kinds.Point{X: 1}}})},
		{"echoChoice: list", returns(c.EchoChoice, words)},
		{"echoChoice: itself", returns(c.EchoChoice, chosen(chosen(text)))},
		{"echoChoices: several", returns(c.EchoChoices, &kinds.Choices{
			First: number, Second: words, More: []*kinds.Choice{text, number, words},
		})},
	}
}

func callCases(c *kinds.KindsClient, raw *causeway.Client, codec causeway.Codec) []testCase {
	ctx := context.Background()
	throws := func(how kinds.Failure, want error) func() error {
		return func() error {
			_, err := c.Fail(ctx, how)
			return mustThrow(err, want)
		}
	}
	return []testCase{
		{"ping: inherited and void", func() error { return c.Ping(ctx) }},
		{"who: inherited", func() error {
			answer, err := c.Who(ctx)
			if err == nil && answer == "" {
				err = errors.New("nobody answered")
			}
			return err
		}},
		{"nothing: void", func() error { return c.Nothing(ctx) }},
		{"sum: several arguments", func() error {
			answer, err := c.Sum(ctx, 1, 9007199254740990, []int32{1, 1})
			if err == nil && answer != 9007199254740993 {
				err = fmt.Errorf("got %d", answer)
			}
			return err
		}},
		{"fail: not at all", returns(c.Fail, kinds.FailureNone)},
		{"fail: NotFound", throws(kinds.FailureNotFound, &kinds.NotFound{What: "shelf", ID: 9007199254740993})},
		{"fail: Refused", throws(kinds.FailureRefused, refused())},
		{"fail: Plain", throws(kinds.FailurePlain, &kinds.Plain{Message: "plainly wrong"})},
		{"fail: undeclared", func() error {
			_, err := c.Fail(ctx, kinds.FailureUnexpected)
			return mustFail(err, "the shelf fell over")
		}},
		{"check: void that returns", func() error { return c.Check(ctx, true) }},
		{"check: void that throws", func() error { return mustThrow(c.Check(ctx, false), refused()) }},
		{"note: oneway", func() error { return noteArrives(c) }},
		{"absent: unknown method", func() error {
			method := causeway.Method{Service: "kinds.Kinds", Name: "absent", Codec: codec}
			err := raw.Call(ctx, method, &kinds.Nothing{}, &kinds.Nothing{})
			if causeway.CodeOf(err) != causeway.Unimplemented {
				return fmt.Errorf("not UNIMPLEMENTED: %w", err)
			}
			return mustFail(err, "absent")
		}},
	}
}

func mustThrow(err, want error) error {
	if !same.Equal(err, want) {
		return fmt.Errorf("want %#v, got %#v", want, err)
	}
	return nil
}

func mustFail(err error, text string) error {
	var failure *causeway.Error
	if !errors.As(err, &failure) || !strings.Contains(failure.Message, text) {
		return fmt.Errorf("want a failure with %q, got %w", text, err)
	}
	return nil
}

// noteArrives asks until the note is there: a oneway call has no answer that says when it was done.
func noteArrives(c *kinds.KindsClient) error {
	ctx := context.Background()
	text := fmt.Sprintf("note of the Go stub, %d", time.Now().UnixNano())
	if err := c.Note(ctx, text); err != nil {
		return err
	}
	return eventually(c, text)
}

// eventually waits until the server has noted something.
func eventually(c *kinds.KindsClient, text string) error {
	for i := 0; i < 500; i++ {
		notes, err := c.Notes(context.Background())
		if err != nil {
			return err
		}
		if slices.Contains(notes, text) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("the server has not noted %q within 5 seconds", text)
}
