package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"

	"causeway.test/cross/gen/thrifttest"
)

// servers serves each wire on a free port of its own, prints the addresses, and ends when its standard input does.
func servers(wires []string) {
	addresses := make([]string, len(wires))
	for i, text := range wires {
		addresses[i] = serve(wireOf(strings.Split(text, "/")))
	}
	fmt.Println("ready", strings.Join(addresses, " "))
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func serve(w wire) string {
	processor := processorOf(w)
	if w.transport == "http" {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			fail(err)
		}
		handler := thrift.NewThriftHandlerFunc(processor, w.protocolFactory(), w.protocolFactory())
		go func() { fail(http.Serve(listener, http.HandlerFunc(handler))) }()
		return listener.Addr().String()
	}
	socket, err := thrift.NewTServerSocket("127.0.0.1:0")
	if err != nil {
		fail(err)
	}
	if err := socket.Listen(); err != nil {
		fail(err)
	}
	server := thrift.NewTSimpleServer4(processor, socket, w.transportFactory(), w.protocolFactory())
	go func() { fail(server.Serve()) }()
	return socket.Addr().String()
}

func processorOf(w wire) thrift.TProcessor {
	main := thrifttest.NewThriftTestProcessor(handler{})
	if w.naming == "plain" {
		return main
	}
	both := thrift.NewTMultiplexedProcessor()
	both.RegisterProcessor("ThriftTest", main)
	both.RegisterProcessor("SecondService", thrifttest.NewSecondServiceProcessor(handler{}))
	return both
}

// handler does what the comments of the service's IDL say.
type handler struct{}

func echo[T any](value T) (T, error) { return value, nil }

func (handler) TestVoid(context.Context) error                               { return nil }
func (handler) TestString(_ context.Context, v string) (string, error)       { return echo(v) }
func (handler) TestBool(_ context.Context, v bool) (bool, error)             { return echo(v) }
func (handler) TestByte(_ context.Context, v int8) (int8, error)             { return echo(v) }
func (handler) TestI32(_ context.Context, v int32) (int32, error)            { return echo(v) }
func (handler) TestI64(_ context.Context, v int64) (int64, error)            { return echo(v) }
func (handler) TestDouble(_ context.Context, v float64) (float64, error)     { return echo(v) }
func (handler) TestBinary(_ context.Context, v []byte) ([]byte, error)       { return echo(v) }
func (handler) TestSet(_ context.Context, v []int32) ([]int32, error)        { return echo(v) }
func (handler) TestList(_ context.Context, v []int32) ([]int32, error)       { return echo(v) }
func (handler) SecondtestString(_ context.Context, v string) (string, error) { return echo(v) }
func (handler) TestStruct(_ context.Context, v *thrifttest.Xtruct) (*thrifttest.Xtruct, error) {
	return echo(v)
}
func (handler) TestNest(_ context.Context, v *thrifttest.Xtruct2) (*thrifttest.Xtruct2, error) {
	return echo(v)
}
func (handler) TestMap(_ context.Context, v map[int32]int32) (map[int32]int32, error) { return echo(v) }
func (handler) TestStringMap(_ context.Context, v map[string]string) (map[string]string, error) {
	return echo(v)
}
func (handler) TestEnum(_ context.Context, v thrifttest.Numberz) (thrifttest.Numberz, error) {
	return echo(v)
}
func (handler) TestTypedef(_ context.Context, v thrifttest.UserId) (thrifttest.UserId, error) {
	return echo(v)
}

func (handler) TestMapMap(context.Context, int32) (map[int32]map[int32]int32, error) {
	return mapOfMaps(), nil
}

func (handler) TestInsanity(
	_ context.Context, v *thrifttest.Insanity,
) (map[thrifttest.UserId]map[thrifttest.Numberz]*thrifttest.Insanity, error) {
	return insane(v), nil
}

func (handler) TestMulti(
	_ context.Context, arg0 int8, arg1 int32, arg2 int64, _ map[int16]string, _ thrifttest.Numberz, _ thrifttest.UserId,
) (*thrifttest.Xtruct, error) {
	return &thrifttest.Xtruct{StringThing: "Hello2", ByteThing: arg0, I32Thing: arg1, I64Thing: arg2}, nil
}

func (handler) TestException(_ context.Context, arg string) error {
	switch arg {
	case "Xception":
		return &thrifttest.Xception{ErrorCode: 1001, Message: arg}
	case "TException":
		return errors.New("undeclared")
	}
	return nil
}

func (handler) TestMultiException(_ context.Context, arg0, arg1 string) (*thrifttest.Xtruct, error) {
	switch arg0 {
	case "Xception":
		return nil, &thrifttest.Xception{ErrorCode: 1001, Message: "This is an Xception"}
	case "Xception2":
		return nil, &thrifttest.Xception2{
			ErrorCode: 2002, StructThing: &thrifttest.Xtruct{StringThing: "This is an Xception2"},
		}
	}
	return &thrifttest.Xtruct{StringThing: arg1}, nil
}

func (handler) TestOneway(_ context.Context, number int32) error {
	fmt.Println("oneway", number)
	return nil
}
