// Kitex, as client and as server of the service Kinds, with Thrift and with Kitex-Protobuf messages.
//
//	kitex server thrift|protobuf [mux]
//	kitex client thrift|protobuf TRANSPORT ADDRESS SERVER
//	kitex drain thrift|protobuf ADDRESS TEXT
//
// TRANSPORT is buffered, framed, ttheader, ttheader-framed or mux; SERVER says who answers: kitex-thrift, kitex-protobuf,
// kitex-plain (Thrift on a wire without headers), grpc or thrift.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/cloudwego/kitex/pkg/klog"
)

func main() {
	klog.SetLevel(klog.LevelFatal)
	arguments := append(os.Args[1:], "", "", "", "", "")
	switch arguments[0] {
	case "server":
		serve(arguments[1], arguments[2] == "mux")
	case "client":
		report(casesOf(newCaller(arguments[1], arguments[2], arguments[3]), arguments[4]))
	case "drain":
		callThrough(newCaller(arguments[1], "mux", arguments[2]), arguments[3])
	default:
		fail(errors.New("usage: kitex server|client|drain ..."))
	}
}

type outcome struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

type testCase struct {
	name string
	run  func() error
}

// report runs the cases one after the other and prints a line of JSON for each.
func report(cases []testCase) {
	lines := json.NewEncoder(os.Stdout)
	for _, c := range cases {
		result := outcome{Name: c.name, OK: true}
		if err := attempt(c.run); err != nil {
			result.OK, result.Detail = false, err.Error()
		}
		if err := lines.Encode(result); err != nil {
			fail(err)
		}
	}
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

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
