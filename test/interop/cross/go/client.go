package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/thrift/lib/go/thrift"

	"causeway.test/cross/gen/thrifttest"
)

const timeout = 10 * time.Second

// clients runs all cases on each route and prints a line of JSON for each.
func clients(textFile string, routes []string) {
	text, err := os.ReadFile(textFile)
	if err != nil {
		fail(err)
	}
	lines := json.NewEncoder(os.Stdout)
	for route, spec := range routes {
		parts := strings.Split(spec, "/")
		number, err := strconv.ParseInt(parts[4], 10, 32)
		if err != nil {
			fail(err)
		}
		for _, c := range casesOf(parts[0], wireOf(parts[1:]), string(text), int32(number)) {
			detail := ""
			if err := attempt(c.run); err != nil {
				detail = err.Error()
			}
			line := map[string]any{"route": route, "name": c.name, "ok": detail == "", "detail": detail}
			if err := lines.Encode(line); err != nil {
				fail(err)
			}
		}
	}
}

type testCase struct {
	name string
	run  func() error
}

// attempt makes an error of a panic, so that one broken case does not hide the others.
func attempt(run func() error) (err error) {
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	return run()
}

func casesOf(address string, w wire, text string, number int32) []testCase {
	client := clientFactory(address, w)
	main := thrifttest.NewThriftTestClient(client("ThriftTest"))
	cases := slices.Concat(scalarCases(main, text), containerCases(main, text), exceptionCases(main), []testCase{
		{"testOneway", func() error { return main.TestOneway(context.Background(), number) }},
		{"testVoid: after a oneway call", func() error { return main.TestVoid(context.Background()) }},
	})
	if w.naming == "plain" {
		return cases
	}
	second := thrifttest.NewSecondServiceClient(client("SecondService"))
	return append(cases, testCase{"secondtestString", returns(second.SecondtestString, text)})
}

// clientFactory opens a connection; what it returns makes clients of one service on it.
func clientFactory(address string, w wire) func(service string) thrift.TClient {
	var transport thrift.TTransport
	var err error
	if w.transport == "http" {
		transport, err = thrift.NewTHttpClient("http://" + address + "/")
	} else {
		transport, err = w.transportFactory().GetTransport(thrift.NewTSocketConf(address, w.settings()))
	}
	if err != nil {
		fail(err)
	}
	input := w.protocolFactory().GetProtocol(transport)
	if headers, ok := input.(*thrift.THeaderProtocol); ok && w.transport == "theader-zlib" {
		if err := headers.AddTransform(thrift.TransformZlib); err != nil {
			fail(err)
		}
	}
	if err := input.Transport().Open(); err != nil {
		fail(err)
	}
	return func(service string) thrift.TClient {
		if w.naming == "plain" {
			return thrift.NewTStandardClient(input, input)
		}
		return thrift.NewTStandardClient(input, thrift.NewTMultiplexedProtocol(input, service))
	}
}

// returns makes a case of a call that gives back its argument.
func returns[T any](call func(context.Context, T) (T, error), values ...T) func() error {
	return func() error {
		for _, value := range values {
			answer, err := call(context.Background(), value)
			if err := mustEqual(value, answer, err); err != nil {
				return err
			}
		}
		return nil
	}
}

func mustEqual(want, got any, err error) error {
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(want, got) {
		return fmt.Errorf("want %#v, got %#v", want, got)
	}
	return nil
}

func scalarCases(c *thrifttest.ThriftTestClient, text string) []testCase {
	everyByte := make([]byte, 256)
	for i := range everyByte {
		everyByte[i] = byte(i)
	}
	return []testCase{
		{"testVoid", func() error { return c.TestVoid(context.Background()) }},
		{"testString: empty", returns(c.TestString, "")},
		{"testString: many scripts", returns(c.TestString, text)},
		{"testString: control characters", returns(c.TestString, "\b\f\n\r\t\x01\x7f")},
		{"testBool", returns(c.TestBool, true, false)},
		{"testByte", returns(c.TestByte, -128, -1, 0, 1, 127)},
		{"testI32", returns(c.TestI32, math.MinInt32, -1, 0, 1, math.MaxInt32)},
		{"testI64", returns(c.TestI64, math.MinInt64, -34359738368, -1, 0, 1, 9007199254740993, math.MaxInt64)},
		{"testDouble", returns(c.TestDouble, -5.25, 0.1, 1e300, 5e-324, 4294967296, math.Pi)},
		{"testDouble: infinity", returns(c.TestDouble, math.Inf(-1), math.Inf(1))},
		{"testBinary: empty", returns(c.TestBinary, []byte{})},
		{"testBinary: every byte", returns(c.TestBinary, everyByte)},
	}
}

func someXtruct(text string) *thrifttest.Xtruct {
	return &thrifttest.Xtruct{StringThing: text, ByteThing: -3, I32Thing: 70000, I64Thing: -5000000000}
}

func containerCases(c *thrifttest.ThriftTestClient, text string) []testCase {
	sorted := func(ctx context.Context, v []int32) ([]int32, error) {
		got, err := c.TestSet(ctx, v)
		slices.Sort(got)
		return got, err
	}
	truck := &thrifttest.Insanity{
		UserMap: map[thrifttest.Numberz]thrifttest.UserId{thrifttest.Numberz_FIVE: 5, thrifttest.Numberz_EIGHT: 8},
		Xtructs: []*thrifttest.Xtruct{someXtruct("Goodbye4"), someXtruct("Hello2")},
	}
	numbers := map[int32]int32{-2: -12, 0: -10, 2: -8}
	strings := map[string]string{"a": "2", "b": "with\nnewline", "": "empty", text: text}
	return []testCase{
		{"testStruct", returns(c.TestStruct, someXtruct(text), &thrifttest.Xtruct{})},
		{"testNest", returns(c.TestNest, &thrifttest.Xtruct2{ByteThing: 1, StructThing: someXtruct("Zero"), I32Thing: 5})},
		{"testMap", returns(c.TestMap, map[int32]int32{}, numbers)},
		{"testStringMap", returns(c.TestStringMap, map[string]string{}, strings)},
		{"testSet", returns(sorted, []int32{}, []int32{-2, -1, 0, 1, 300})},
		{"testList", returns(c.TestList, []int32{}, []int32{0, -1, 70000, 0})},
		{"testEnum", returns(c.TestEnum, thrifttest.Numberz_ONE, thrifttest.Numberz_FIVE, thrifttest.Numberz_EIGHT)},
		{"testTypedef", returns(c.TestTypedef, 309858235082523)},
		{"testMapMap", func() error {
			got, err := c.TestMapMap(context.Background(), 1)
			return mustEqual(mapOfMaps(), got, err)
		}},
		{"testInsanity", func() error {
			got, err := c.TestInsanity(context.Background(), truck)
			// Whether fields without a value are absent or empty is the server's choice.
			if empty := got[2][thrifttest.Numberz_SIX]; empty != nil && len(empty.UserMap)+len(empty.Xtructs) == 0 {
				got[2][thrifttest.Numberz_SIX] = &thrifttest.Insanity{}
			}
			return mustEqual(insane(truck), got, err)
		}},
		{"testMulti", func() error {
			got, err := c.TestMulti(context.Background(), 42, 4242, 424242, map[int16]string{-1: "blah", 2: text},
				thrifttest.Numberz_EIGHT, 24)
			want := &thrifttest.Xtruct{StringThing: "Hello2", ByteThing: 42, I32Thing: 4242, I64Thing: 424242}
			return mustEqual(want, got, err)
		}},
	}
}

func mapOfMaps() map[int32]map[int32]int32 {
	return map[int32]map[int32]int32{-4: {-4: -4, -3: -3, -2: -2, -1: -1}, 4: {1: 1, 2: 2, 3: 3, 4: 4}}
}

func insane(v *thrifttest.Insanity) map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity {
	return map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity{
		1: {thrifttest.Numberz_TWO: v, thrifttest.Numberz_THREE: v},
		2: {thrifttest.Numberz_SIX: {}},
	}
}

func exceptionCases(c *thrifttest.ThriftTestClient) []testCase {
	ctx := context.Background()
	throws := func(call func() error, want error) func() error {
		return func() error {
			if got := call(); !reflect.DeepEqual(want, got) {
				return fmt.Errorf("want %#v, got %#v", want, got)
			}
			return nil
		}
	}
	multi := func(arg0 string) func() error {
		return func() error {
			_, err := c.TestMultiException(ctx, arg0, "ignored")
			return err
		}
	}
	return []testCase{
		{"testException: Xception", throws(
			func() error { return c.TestException(ctx, "Xception") },
			&thrifttest.Xception{ErrorCode: 1001, Message: "Xception"})},
		{"testException: TException", func() error {
			err := c.TestException(ctx, "TException")
			if _, ok := err.(thrift.TApplicationException); !ok {
				return fmt.Errorf("want a TApplicationException, got %#v", err)
			}
			return nil
		}},
		{"testException: none", func() error { return c.TestException(ctx, "success") }},
		{"testMultiException: Xception", throws(
			multi("Xception"), &thrifttest.Xception{ErrorCode: 1001, Message: "This is an Xception"})},
		{"testMultiException: Xception2", throws(multi("Xception2"), &thrifttest.Xception2{
			ErrorCode: 2002, StructThing: &thrifttest.Xtruct{StringThing: "This is an Xception2"}})},
		{"testMultiException: none", func() error {
			got, err := c.TestMultiException(ctx, "success", "foobar")
			return mustEqual(&thrifttest.Xtruct{StringThing: "foobar"}, got, err)
		}},
	}
}
