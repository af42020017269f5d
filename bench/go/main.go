// Measures Go's official Thrift and Protobuf libraries on the messages of the codec benchmark: one decodes the bytes, the other
// encodes the same message, which is at hand already: carrying the values over is not counted.
//
//	native ROUNDS < lines of JSON: {"case", "type", "codec", "thrift": base64, "protobuf": base64}
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"time"

	"causeway.bench/native/gen/bench/orders"
	"causeway.bench/native/gen/orderspb"
	"github.com/apache/thrift/lib/go/thrift"
	"google.golang.org/protobuf/proto"
)

type message struct {
	Case     string `json:"case"`
	Type     string `json:"type"`
	Codec    string `json:"codec"`
	Thrift   []byte `json:"thrift"`
	Protobuf []byte `json:"protobuf"`
}

type result struct {
	Case              string  `json:"case"`
	Codec             string  `json:"codec"`
	Direction         string  `json:"direction"`
	MessagesPerSecond float64 `json:"messagesPerSecond"`
}

type kind struct {
	thrift   func() thrift.TStruct
	protobuf func() proto.Message
}

var kinds = map[string]kind{
	"Order":   {func() thrift.TStruct { return orders.NewOrder() }, func() proto.Message { return &orderspb.Order{} }},
	"Item":    {func() thrift.TStruct { return orders.NewItem() }, func() proto.Message { return &orderspb.Item{} }},
	"Samples": {func() thrift.TStruct { return orders.NewSamples() }, func() proto.Message { return &orderspb.Samples{} }},
	"Tiny":    {func() thrift.TStruct { return orders.NewTiny() }, func() proto.Message { return &orderspb.Tiny{} }},
	"Chain":   {func() thrift.TStruct { return orders.NewChain() }, func() proto.Message { return &orderspb.Chain{} }},
	"Texts":   {func() thrift.TStruct { return orders.NewTexts() }, func() proto.Message { return &orderspb.Texts{} }},
	"Counts":  {func() thrift.TStruct { return orders.NewCounts() }, func() proto.Message { return &orderspb.Counts{} }},
}

const round = 100 * time.Millisecond

func main() {
	rounds, err := strconv.Atoi(os.Args[1])
	check(err)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	for lines.Scan() {
		var m message
		check(json.Unmarshal(lines.Bytes(), &m))
		measure(m, rounds)
	}
	check(lines.Err())
}

func measure(m message, rounds int) {
	ctx := context.Background()
	buffer := thrift.NewTMemoryBuffer()
	var protocol thrift.TProtocol = thrift.NewTBinaryProtocolConf(buffer, nil)
	if m.Codec == "thrift-compact" {
		protocol = thrift.NewTCompactProtocolConf(buffer, nil)
	}
	k := kinds[m.Type]
	readThrift := func() thrift.TStruct {
		buffer.Reset()
		buffer.Write(m.Thrift)
		value := k.thrift()
		check(value.Read(ctx, protocol))
		return value
	}
	readProtobuf := func() proto.Message {
		value := k.protobuf()
		check(proto.Unmarshal(m.Protobuf, value))
		return value
	}
	thriftValue, protobufValue := readThrift(), readProtobuf()
	report(m, "thrift-to-protobuf", rounds, func() {
		readThrift()
		_, err := proto.Marshal(protobufValue)
		check(err)
	})
	report(m, "protobuf-to-thrift", rounds, func() {
		readProtobuf()
		buffer.Reset()
		check(thriftValue.Write(ctx, protocol))
	})
}

func report(m message, direction string, rounds int, work func()) {
	rates := []float64{}
	for i := 0; i <= rounds; i++ {
		start, done := time.Now(), 0
		for time.Since(start) < round {
			for j := 0; j < 10; j++ {
				work()
			}
			done += 10
		}
		if i > 0 {
			rates = append(rates, float64(done)/time.Since(start).Seconds())
		}
	}
	sort.Float64s(rates)
	line, err := json.Marshal(result{m.Case, m.Codec, direction, rates[len(rates)/2]})
	check(err)
	fmt.Println(string(line))
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
