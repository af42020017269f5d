package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	_ "causeway.test/kinds/gen/kindspb"
)

func grpcClient(address string) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		fail(err)
	}
	defer connection.Close()
	client := &grpcKinds{connection, kindsService()}
	report(slices.Concat(client.echoCases(), client.callCases()))
}

func kindsService() protoreflect.ServiceDescriptor {
	service, err := protoregistry.GlobalFiles.FindDescriptorByName("kinds.Kinds")
	if err != nil {
		fail(err)
	}
	return service.(protoreflect.ServiceDescriptor)
}

// grpcKinds calls the methods of Kinds with messages written as text; the message types are the generated ones.
type grpcKinds struct {
	connection *grpc.ClientConn
	service    protoreflect.ServiceDescriptor
}

func messageOf(descriptor protoreflect.MessageDescriptor) proto.Message {
	kind, err := protoregistry.GlobalTypes.FindMessageByName(descriptor.FullName())
	if err != nil {
		panic(err)
	}
	return kind.New().Interface()
}

func parse(text string, message proto.Message) proto.Message {
	if err := prototext.Unmarshal([]byte(text), message); err != nil {
		panic(err)
	}
	return message
}

// call invokes a method; what comes back must be one of `responses`, as text.
func (k *grpcKinds) call(name string, request proto.Message, responses ...string) error {
	method := k.service.Methods().ByName(protoreflect.Name(name))
	got := messageOf(method.Output())
	if err := k.invoke(name, request, got); err != nil {
		return err
	}
	for _, response := range responses {
		if proto.Equal(got, parse(response, messageOf(method.Output()))) {
			return nil
		}
	}
	return fmt.Errorf("want %v, got %v", responses, got)
}

func (k *grpcKinds) invoke(name string, request, response proto.Message) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return k.connection.Invoke(ctx, "/"+string(k.service.FullName())+"/"+name, request, response)
}

func (k *grpcKinds) request(name, text string) proto.Message {
	return parse(text, messageOf(k.service.Methods().ByName(protoreflect.Name(name)).Input()))
}

// echoed is a value that a method returns as it was given. `$` stands for the name of the field that holds it, which is
// `value` in the request and `success` in the response.
type echoed struct{ name, text string }

// Keys that Protobuf's maps cannot have make a list of entries, which comes back in the order of the server's map.
const (
	keyed   = `$ { byPoint { key { x: 1 y: 2 } value: "a" } byPoint { key { x: 3 y: 4 } value: "b" } }`
	rekeyed = `$ { byPoint { key { x: 3 y: 4 } value: "b" } byPoint { key { x: 1 y: 2 } value: "a" } }`
)

// payloadNaN stands for a NaN that no text can write.
const payloadNaN = "NaN"

func (k *grpcKinds) echoCases() []testCase {
	var cases []testCase
	for _, e := range slices.Concat(scalarValues(), structValues(), containerValues(), unionValues()) {
		method, _, _ := strings.Cut(e.name, ":")
		cases = append(cases, testCase{e.name, func() error {
			if e.text == payloadNaN {
				return k.sameBits(math.Float64frombits(0x7ff8000000000abc))
			}
			request := k.request(method, strings.ReplaceAll(e.text, "$", "value"))
			responses := []string{strings.ReplaceAll(e.text, "$", "success")}
			if e.text == keyed {
				responses = append(responses, strings.ReplaceAll(rekeyed, "$", "success"))
			}
			return k.call(method, request, responses...)
		}})
	}
	return cases
}

func (k *grpcKinds) sameBits(value float64) error {
	request := k.request("echoDouble", "value: 0")
	set(request, "value", protoreflect.ValueOfFloat64(value))
	response := messageOf(k.service.Methods().ByName("echoDouble").Output())
	if err := k.invoke("echoDouble", request, response); err != nil {
		return err
	}
	reflected := response.ProtoReflect()
	got := reflected.Get(reflected.Descriptor().Fields().ByName("success")).Float()
	if math.Float64bits(got) != math.Float64bits(value) {
		return fmt.Errorf("sent %x, got %x", math.Float64bits(value), math.Float64bits(got))
	}
	return nil
}

func set(message proto.Message, field protoreflect.Name, value protoreflect.Value) {
	reflected := message.ProtoReflect()
	reflected.Set(reflected.Descriptor().Fields().ByName(field), value)
}

func scalarValues() []echoed {
	var everyByte strings.Builder
	for i := range 256 {
		fmt.Fprintf(&everyByte, `\x%02x`, i)
	}
	return []echoed{
		{"echoBool: true", "$: true"},
		{"echoBool: false", "$: false"},
		{"echoByte: least", "$: -128"},
		{"echoByte: most", "$: 127"},
		{"echoI16: least", "$: -32768"},
		{"echoI16: most", "$: 32767"},
		{"echoI32: least", "$: -2147483648"},
		{"echoI32: most", "$: 2147483647"},
		{"echoI32: zero", "$: 0"},
		{"echoI64: least", "$: -9223372036854775808"},
		{"echoI64: most", "$: 9223372036854775807"},
		{"echoI64: beyond 2^53", "$: 9007199254740993"},
		{"echoDouble: pi", "$: 3.141592653589793"},
		{"echoDouble: negative zero", "$: -0.0"},
		{"echoDouble: least above zero", "$: 5e-324"},
		{"echoDouble: infinity", "$: -inf"},
		{"echoDouble: NaN with a payload", payloadNaN},
		{"echoString: empty", `$: ""`},
		{"echoString: many scripts", `$: "Grüße, 世界 🌍"`},
		{"echoString: 100000 letters", `$: "` + strings.Repeat("causeway..", 10000) + `"`},
		{"echoBinary: empty", `$: ""`},
		{"echoBinary: every byte", `$: "` + everyByte.String() + `"`},
		{"echoColor: named", "$: 4"},
		{"echoColor: unnamed", "$: 77"},
		{"echoSize: zero", "$: 0"},
		{"echoSize: negative", "$: -1"},
		{"echoSize: largest", "$: 2147483647"},
	}
}

const (
	someText = `truth: true tiny: -1 small: 2 medium: -300 regular: 70000 large: -5000000000 real: 0.1
		text: "text" data: "\x00\xff" color: 2 size: 10`
	zeroText = `truth: false tiny: 0 small: 0 medium: 0 regular: 0 large: 0 real: 0 text: "" data: "" color: 1 size: 0`
)

func structValues() []echoed {
	return []echoed{
		{"echoScalars: all set", "$ {" + someText + "}"},
		{"echoScalars: all zero", "$ {" + zeroText + "}"},
		{"echoPresence: optional fields absent", "$ { must: 0 plain: 0 seven: 7 color: 2 }"},
		{"echoPresence: all set", `$ { must: 1 may: 2 plain: 3 seven: 4 greeting: "bonjour" color: 4 flag: true
			scalars {` + someText + `} numbers: 5 moreNumbers: [6, 7] mayColor: 1 }`},
		{"echoPresence: optional fields zero", `$ { must: 0 may: 0 plain: 0 seven: 0 greeting: "" color: 1 flag: false
			scalars {` + zeroText + `} }`},
		{"echoNested: three levels", `$ { inner { at { x: 1 y: 2 } label: "inner" } first { x: -3 y: 4 }
			last { at { x: 5 y: -6 } label: "" } }`},
		{"echoTree: 20 deep", "$ {" + treeText(20) + "}"},
		{"echoNothing: no field", "$ {}"},
	}
}

func treeText(depth int) string {
	if depth == 1 {
		return "value: 1"
	}
	leaf := fmt.Sprintf("{ value: %d }", -depth)
	return fmt.Sprintf("value: %d children %s children {%s} twin %s", depth, leaf, treeText(depth-1), leaf)
}

const oneEntryText = `texts { key: "key" value: "value" } byNumber { key: -1 value: "" }
	larges { key: 9007199254740993 value: -1 } byTruth { key: false value: "no" } byColor { key: 4 value: 10 }
	points { key: "" value { x: 0 y: 9 } } lists { key: "list" value { items: [1, 2, 3] } }
	tables { key: "outer" value { items { key: "inner" value: 0 } } } reals { key: -5 value: 2.5 }
	words { key: "words" value { items: "only" } }`

func containerValues() []echoed {
	var numbers []string
	for i := range 1000 {
		numbers = append(numbers, fmt.Sprint(i*i*i-1000))
	}
	return []echoed{
		{"echoLists: of every type", `$ { truths: [true, false, true] tinies: [-128, 127] mediums: [-32768, 32767]
			regulars: [0, -1, 2147483647] larges: [-1, 9007199254740993] reals: [0, -0.5, 1e300] texts: ["", "a", "世界"]
			data: ["", "\x00\x01"] colors: [1, 4, 2] points: [{ x: 1 y: 2 }, { x: 0 y: 0 }]
			grid: [{ items: [1, 2] }, {}, { items: 3 }] tables: [{ items { key: "one" value: 1 } }, {}]
			cube: [{ items: [{ items: "a" }, {}] }, {}, { items: { items: ["b", "c"] } }] }`},
		{"echoLists: empty", "$ {}"},
		{"echoSets: of every type", `$ { numbers: [1, -2, 300] texts: ["a", ""] colors: [2, 1] larges: 9007199254740993 }`},
		{"echoSets: empty", "$ {}"},
		{"echoMaps: one entry each", "$ {" + oneEntryText + "}"},
		{"echoMaps: several entries", "$ {" + oneEntryText + `
			texts { key: "世界" value: "world" } texts { key: "" value: "nothing" } byNumber { key: 0 value: "zero" }
			larges { key: 0 value: 0 } byTruth { key: true value: "yes" } byColor { key: 1 value: -1 }
			points { key: "there" value { x: 3 y: 4 } } lists { key: "empty" value {} } tables { key: "empty" value {} }
			tables { key: "two" value { items { key: "a" value: 1 } items { key: "b" value: 2 } } }
			reals { key: 0 value: 0 } words { key: "none" value {} } }`},
		{"echoMaps: empty", "$ {}"},
		{"echoKeyed: structs as keys", keyed},
		{"echoList: 1000 numbers", "$: [" + strings.Join(numbers, ", ") + "]"},
		{"echoSet: two strings", `$: ["b", "a"]`},
		{"echoMap: structs", `$ { key: "here" value { x: 1 y: 2 } }`},
		{"echoGrid: an empty row", `$: [{ items: ["a", "b"] }, {}, { items: "" }]`},
	}
}

func unionValues() []echoed {
	const number, words = "{ number: 9007199254740993 }", `{ words { items: ["a", "b"] } }`
	return []echoed{
		{"echoChoice: bool", "$ { truth: false }"},
		{"echoChoice: i64", "$ " + number},
		{"echoChoice: string", `$ { text: "" }`},
		{"echoChoice: enum", "$ { color: 1 }"},
		{"echoChoice: struct", "$ { point { x: 1 y: 0 } }"},
		{"echoChoice: list", "$ " + words},
		{"echoChoice: itself", `$ { choice { choice { text: "" } } }`},
		{"echoChoices: several", "$ { first " + number + " second " + words +
			` more: [{ text: "" }, ` + number + ", " + words + "] }"},
	}
}

func (k *grpcKinds) callCases() []testCase {
	returns := func(method, request, response string) func() error {
		return func() error { return k.call(method, k.request(method, request), response) }
	}
	fails := func(method, request string, code codes.Code, exception protoreflect.FullName, content string) func() error {
		return func() error {
			err := k.call(method, k.request(method, request), "")
			return mustCarry(err, code, exception, content)
		}
	}
	const refused = `reason: "closed" color: 4 where: [{ x: 1 y: -1 }, { x: 2 y: -2 }]`
	return []testCase{
		{"ping: inherited and void", returns("ping", "", "")},
		{"who: inherited", func() error {
			response := messageOf(k.service.Methods().ByName("who").Output())
			if err := k.invoke("who", k.request("who", ""), response); err != nil {
				return err
			}
			if proto.Size(response) == 0 {
				return errors.New("nobody answered")
			}
			return nil
		}},
		{"nothing: void", returns("nothing", "", "")},
		{"sum: several arguments", returns("sum",
			"first: 1 second: 9007199254740990 others: [1, 1]", "success: 9007199254740993")},
		{"fail: not at all", returns("fail", "how: 0", "success: 0")},
		{"fail: NotFound", fails("fail", "how: 1", codes.NotFound, "kinds.NotFound", `what: "shelf" id: 9007199254740993`)},
		{"fail: Refused", fails("fail", "how: 2", codes.FailedPrecondition, "kinds.Refused", refused)},
		{"fail: Plain", fails("fail", "how: 3", codes.Unknown, "kinds.Plain", `message: "plainly wrong"`)},
		{"fail: undeclared", func() error {
			err := k.call("fail", k.request("fail", "how: 4"), "")
			return mustFail(err, codes.Internal, "the shelf fell over")
		}},
		{"check: void that returns", returns("check", "good: true", "")},
		{"check: void that throws", fails("check", "good: false", codes.FailedPrecondition, "kinds.Refused", refused)},
		{"note: oneway", k.noteArrives},
		{"absent: unknown method", func() error {
			nothing := &emptypb.Empty{}
			return mustFail(k.invoke("absent", nothing, nothing), codes.Unimplemented, "absent")
		}},
	}
}

func mustFail(err error, code codes.Code, text string) error {
	got := status.Convert(err)
	if got.Code() != code || !strings.Contains(got.Message(), text) {
		return fmt.Errorf("want %v with %q, got %v: %s", code, text, got.Code(), got.Message())
	}
	return nil
}

// mustCarry checks that the first detail of a status is the exception.
func mustCarry(err error, code codes.Code, exception protoreflect.FullName, content string) error {
	if err := mustFail(err, code, ""); err != nil {
		return err
	}
	kind, lookupError := protoregistry.GlobalTypes.FindMessageByName(exception)
	if lookupError != nil {
		return lookupError
	}
	want := parse(content, kind.New().Interface())
	details := status.Convert(err).Details()
	if len(details) == 0 {
		return fmt.Errorf("want a detail %s, got none with: %v", exception, err)
	}
	got, ok := details[0].(proto.Message)
	if !ok || !proto.Equal(got, want) {
		return fmt.Errorf("want the detail %v, got %v", want, details[0])
	}
	return nil
}

// noteArrives asks until the note is there: a oneway call has no answer that says when it was done.
func (k *grpcKinds) noteArrives() error {
	text := fmt.Sprintf("note of the Go gRPC client, %d", time.Now().UnixNano())
	if err := k.call("note", k.request("note", fmt.Sprintf("text: %q", text)), ""); err != nil {
		return err
	}
	for range 500 {
		response := messageOf(k.service.Methods().ByName("notes").Output())
		if err := k.invoke("notes", k.request("notes", ""), response); err != nil {
			return err
		}
		if strings.Contains(prototext.Format(response), text) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the note did not arrive within 5 seconds")
}
