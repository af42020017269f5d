package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bytedance/gopkg/cloud/metainfo"
	"github.com/cloudwego/kitex/client"
	"github.com/cloudwego/kitex/client/callopt"
	"github.com/cloudwego/kitex/pkg/kerrors"

	"causeway.test/kitex/gen/kinds"
)

// casesOf lists what a client does; `server` is who answers it, of whom not all can do everything.
func casesOf(c caller, server string) []testCase {
	c.server = server
	toKitex := strings.HasPrefix(server, "kitex")
	hasHeaders := server == "kitex-thrift" || server == "kitex-protobuf"
	cases := slices.Concat(valueCases(c), callCases(c), failureCases(c, server))
	size := 10 << 20
	if server == "grpc" {
		size = 3 << 20 // the library's limit is 4 MiB
	}
	cases = append(cases,
		testCase{"echoBinary: many megabytes", func() error { return echoLarge(c, size) }},
		testCase{"echoString: many at once", func() error { return echoManyAtOnce(c) }},
	)
	if toKitex {
		cases = append(cases, testCase{"echoString: too late", func() error { return mustTimeOut(c) }})
	}
	if hasHeaders && c.transport != "buffered" && c.transport != "framed" {
		cases = append(cases,
			testCase{"echoString: metadata both ways", func() error { return mustTell(c) }},
			testCase{"echoString: business error", func() error { return mustBeBusinessError(c) }},
		)
	}
	return cases
}

func valueCases(c caller) []testCase {
	var cases []testCase
	generated := reflect.TypeOf(c.generated())
	for i := range generated.NumMethod() {
		method := generated.Method(i).Name
		if !strings.HasPrefix(method, "Echo") {
			continue
		}
		name := strings.ToLower(method[:1]) + method[1:]
		cases = append(cases, testCase{name + ": filled", func() error { return mustEcho(c, method, true) }})
		if c.sendsZero(generated.Method(i)) {
			cases = append(cases, testCase{name + ": zero", func() error { return mustEcho(c, method, false) }})
		}
	}
	return cases
}

// sendsZero is false for the enum without a zero, unions, and what cannot do without a field. In Protobuf nothing is what is
// absent, in messages, and Kitex's library for it has no empty bytes.
func (c caller) sendsZero(method reflect.Method) bool {
	switch method.Name {
	case "EchoColor", "EchoChoice", "EchoChoices", "EchoNested":
		return false
	case "EchoBinary", "EchoScalars", "EchoPresence", "EchoTree":
		return c.payload == "thrift" && c.server != "kitex-protobuf"
	}
	return true
}

func mustEcho(c caller, method string, filled bool) error {
	call := reflect.ValueOf(c.generated()).MethodByName(method)
	argument := zeroOf(call.Type().In(1))
	if filled {
		argument = (&filler{}).value(call.Type().In(1), 0)
	} else if c.payload == "protobuf" {
		// What is absent is no zero.
		value := c.value(argument)
		value.Set(zeroOf(value.Type()))
	}
	results := call.Call([]reflect.Value{reflect.ValueOf(context.Background()), argument})
	if err, _ := results[1].Interface().(error); err != nil {
		return err
	}
	sent, got := textOf(c.value(argument)), textOf(c.success(results[0]))
	if sent != got {
		return fmt.Errorf("sent %s, got %s", sent, got)
	}
	return nil
}

// zeroOf is nothing, but there.
func zeroOf(of reflect.Type) reflect.Value {
	if of.Kind() != reflect.Pointer {
		return reflect.Zero(of)
	}
	value := reflect.New(of.Elem())
	if initial, ok := value.Interface().(interface{ InitDefault() }); ok {
		initial.InitDefault()
	}
	return value
}

func callCases(c caller) []testCase {
	ctx := context.Background()
	return []testCase{
		{"ping: inherited and void", func() error { return c.ping(ctx) }},
		{"who: inherited", func() error {
			answer, err := c.who(ctx)
			if err == nil && answer == "" {
				err = errors.New("nobody answered")
			}
			return err
		}},
		{"nothing: void", func() error { return c.nothing(ctx) }},
		{"sum: several arguments", func() error {
			answer, err := c.sum(ctx, 1, 9007199254740990, []int32{1, 1})
			if err == nil && answer != 9007199254740993 {
				err = fmt.Errorf("got %d", answer)
			}
			return err
		}},
		{"check: void that returns", func() error { return c.check(ctx, true) }},
		{"note: oneway", func() error { return noteArrives(c) }},
	}
}

// noteArrives asks until the note is there: a oneway call has no answer that says when it was done.
func noteArrives(c caller) error {
	ctx := context.Background()
	text := fmt.Sprintf("note of Kitex, %d", time.Now().UnixNano())
	if err := c.note(ctx, text); err != nil {
		return err
	}
	for range 500 {
		notes, err := c.notes(ctx)
		if err != nil {
			return err
		}
		if slices.Contains(notes, text) {
			return nil
		}
		time.Sleep(10 * time.Millisecond)
	}
	return errors.New("the note did not arrive within 5 seconds")
}

func failureCases(c caller, server string) []testCase {
	ctx := context.Background()
	throws := func(how kinds.Failure, want error, text string) func() error {
		return func() error {
			_, err := c.fail(ctx, int32(how))
			return c.mustThrow(server, err, want, text)
		}
	}
	notFound := &kinds.NotFound{What: "shelf", Id: 9007199254740993}
	return []testCase{
		{"fail: not at all", func() error {
			answer, err := c.fail(ctx, int32(kinds.Failure_NONE))
			if err == nil && answer != 0 {
				err = fmt.Errorf("got %d", answer)
			}
			return err
		}},
		{"fail: NotFound", throws(kinds.Failure_NOT_FOUND, notFound, "[grpc:5 NOT_FOUND]")},
		{"fail: Refused", throws(kinds.Failure_REFUSED, refused(), "[grpc:9 FAILED_PRECONDITION]")},
		{"fail: Plain", throws(kinds.Failure_PLAIN, &kinds.Plain{Message: "plainly wrong"}, "[grpc:2 UNKNOWN]")},
		{"check: void that throws", func() error {
			return c.mustThrow(server, c.check(ctx, false), refused(), "[grpc:9 FAILED_PRECONDITION]")
		}},
		{"fail: undeclared", func() error {
			_, err := c.fail(ctx, int32(kinds.Failure_UNEXPECTED))
			return mustSay(err, errUndeclared.Error())
		}},
	}
}

// mustThrow expects the exception itself, or its code where Kitex-Protobuf has no room for it: in the reply, or already at
// the server.
func (c caller) mustThrow(server string, err, want error, text string) error {
	if server == "kitex-protobuf" {
		return mustSay(err, errUndeclared.Error())
	}
	if c.payload == "protobuf" {
		return mustSay(err, text)
	}
	if !reflect.DeepEqual(err, want) {
		return fmt.Errorf("want %#v, got %#v", want, err)
	}
	return nil
}

func mustSay(err error, text string) error {
	if err == nil || !strings.Contains(err.Error(), text) {
		return fmt.Errorf("want an error that says %q, got %v", text, err)
	}
	return nil
}

func echoLarge(c caller, size int) error {
	sent := bytes.Repeat([]byte("0123456789abcdef"), size/16)
	got, err := c.data(context.Background(), sent)
	if err == nil && !bytes.Equal(sent, got) {
		err = fmt.Errorf("sent %d bytes, got %d others", len(sent), len(got))
	}
	return err
}

// echoManyAtOnce has the earliest calls answered last.
func echoManyAtOnce(c caller) error {
	failures := make([]error, 200)
	var all sync.WaitGroup
	for i := range failures {
		all.Add(1)
		go func() {
			defer all.Done()
			text := fmt.Sprintf("sleep %d of call %d", (len(failures)-i)/10, i)
			got, err := c.text(context.Background(), text)
			if err == nil && got != text {
				err = fmt.Errorf("sent %q, got %q", text, got)
			}
			failures[i] = err
		}()
	}
	all.Wait()
	return errors.Join(failures...)
}

func mustTimeOut(c caller) error {
	ctx := client.NewCtxWithCallOptions(context.Background(), []callopt.Option{callopt.WithRPCTimeout(50 * time.Millisecond)})
	_, err := c.text(ctx, "sleep 400")
	// Whoever notices first says so.
	if !errors.Is(err, kerrors.ErrRPCTimeout) && mustSay(err, "[grpc:4 DEADLINE_EXCEEDED]") != nil {
		return fmt.Errorf("want a timeout, got %v", err)
	}
	_, err = c.text(context.Background(), "after it")
	return err
}

func mustTell(c caller) error {
	ctx := metainfo.WithBackwardValues(context.Background())
	ctx = metainfo.WithPersistentValues(ctx, "USER_ID", "7", "logId", "abc", "with.dot", "d")
	ctx = metainfo.WithValues(ctx, "TEMP", "t", "lower_case", "世界")
	ctx = client.NewCtxWithCallOptions(ctx, []callopt.Option{callopt.WithRPCTimeout(1234 * time.Millisecond)})
	answer, err := c.text(ctx, "tell")
	if err != nil {
		return err
	}
	var seen told
	if err := json.Unmarshal([]byte(answer), &seen); err != nil {
		return err
	}
	if want := map[string]string{"USER_ID": "7", "logId": "abc", "with.dot": "d"}; !reflect.DeepEqual(seen.Persistent, want) {
		return fmt.Errorf("want the persistent values %v, got %v", want, seen.Persistent)
	}
	if want := map[string]string{"TEMP": "t", "lower_case": "世界"}; !reflect.DeepEqual(seen.Transient, want) {
		return fmt.Errorf("want the transient values %v, got %v", want, seen.Transient)
	}
	if seen.TimeoutMs <= 0 || seen.TimeoutMs > 1234 {
		return fmt.Errorf("want a timeout of up to 1234 ms, got %d", seen.TimeoutMs)
	}
	for key, want := range map[string]string{"SEEN_BY": "kitex", "lowerCase": "kept"} {
		if got, _ := metainfo.RecvBackwardValue(ctx, key); got != want {
			return fmt.Errorf("want %q back as %s, got %q", want, key, got)
		}
	}
	return nil
}

func mustBeBusinessError(c caller) error {
	_, err := c.text(context.Background(), "business error")
	business, ok := kerrors.FromBizStatusError(err)
	if !ok {
		return fmt.Errorf("want a business error, got %v", err)
	}
	if business.BizStatusCode() != 404 || business.BizMessage() != "no such shelf: 棚" || business.BizExtra()["shelf"] != "7" {
		return fmt.Errorf("got %d, %q, %v", business.BizStatusCode(), business.BizMessage(), business.BizExtra())
	}
	return nil
}

// callThrough has many calls in flight on one connection, says so, and reports what became of them, and of one more, which must
// fail and say `text`.
func callThrough(c caller, text string) {
	const calls = 50
	answers := make(chan error, calls)
	for i := range calls {
		go func() {
			_, err := c.text(context.Background(), fmt.Sprintf("sleep 600 of call %d", i))
			answers <- err
		}()
	}
	time.Sleep(150 * time.Millisecond)
	fmt.Println("in flight")
	report([]testCase{
		{"those in flight", func() error {
			var failures []error
			for range calls {
				failures = append(failures, <-answers)
			}
			return errors.Join(failures...)
		}},
		{"one more", func() error {
			_, err := c.text(context.Background(), "again")
			return mustSay(err, text)
		}},
	})
}
