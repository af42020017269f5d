// Load and echo servers for the benchmarks of whole processes: they know as much of each wire as echoing takes, and no
// more, so that what is measured is the process between them.
//
//	load serve-http2                            a gRPC server that sends every message back
//	load serve-thrift                           a Thrift server of echo, framed or TTHeader, that sends the argument back
//	load serve-http1                            the same over HTTP/1.1
//	load call-thrift ADDRESS FRAMING CONNECTIONS DEPTH SECONDS RATE
//	load stream ADDRESS MESSAGES BYTES          one bidirectional gRPC stream
//	load idle ADDRESS WIRE CONNECTIONS          opens connections and leaves them idle until standard input ends
//
// Servers print their address, everything else one JSON object. Each ends with its standard input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
)

func main() {
	if len(os.Args) < 2 {
		fail("expected a command")
	}
	args := os.Args[2:]
	switch os.Args[1] {
	case "serve-http2":
		serve(accept(echoHTTP2))
	case "serve-thrift":
		serve(accept(echoThrift))
	case "serve-http1":
		serve(echoHTTP1)
	case "call-thrift":
		need(args, 6)
		report(callThrift(load{
			address: args[0], framing: args[1], connections: number(args[2]), depth: number(args[3]),
			seconds: number(args[4]), rate: number(args[5]),
		}))
	case "stream":
		need(args, 3)
		report(streamMessages(args[0], number(args[1]), number(args[2])))
	case "idle":
		need(args, 3)
		holdIdle(args[0], args[1], number(args[2]))
	default:
		fail("unknown command " + os.Args[1])
	}
}

func serve(handle func(net.Listener)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Printf("listening on %s\n", listener.Addr())
	go handle(listener)
	waitForEnd()
}

func accept(handle func(net.Conn)) func(net.Listener) {
	return func(listener net.Listener) {
		for {
			connection, err := listener.Accept()
			check(err)
			go handle(connection)
		}
	}
}

// waitForEnd returns when whoever started this has gone.
func waitForEnd() {
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func report(result any) {
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func need(args []string, count int) {
	if len(args) != count {
		fail(fmt.Sprintf("expected %d arguments", count))
	}
}

func number(text string) int {
	value, err := strconv.Atoi(text)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fail(err.Error())
	}
}

func fail(message string) {
	fmt.Fprintln(os.Stderr, "load:", message)
	os.Exit(1)
}
