// Command bench measures Go's stubs beside Apache Thrift's library and Google's: "bench calls stub|official ADDRESS CALLERS
// SECONDS" calls echoScalars and prints what came of it; "bench codec SECONDS" encodes and decodes. Lines of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"causeway.dev/causeway"
	"causeway.dev/causeway/wire"
	"github.com/apache/thrift/lib/go/thrift"
	"google.golang.org/protobuf/proto"

	apache "official.test/gen/kinds"
	"official.test/gen/kindspb"
	onProtobuf "official.test/stubs/protobuf/kinds"
	onThrift "official.test/stubs/thrift/kinds"
)

func main() {
	if os.Args[1] == "calls" {
		callers, _ := strconv.Atoi(os.Args[4])
		calls(os.Args[2], os.Args[3], callers, seconds(os.Args[5]))
		return
	}
	codec(seconds(os.Args[2]))
}

func seconds(text string) time.Duration {
	number, _ := strconv.ParseFloat(text, 64)
	return time.Duration(number * float64(time.Second))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func calls(which, address string, callers int, length time.Duration) {
	// One client for all: it multiplexes.
	shared := onThrift.NewKindsClient(causeway.NewClient(causeway.WithAddress(address)))
	var lock sync.Mutex
	var all []time.Duration
	var group sync.WaitGroup
	begin := time.Now()
	for range callers {
		call := func() {
			_, err := shared.EchoScalars(context.Background(), stubScalars())
			must(err)
		}
		if which == "official" {
			client := apacheClient(address)
			call = func() {
				_, err := client.EchoScalars(context.Background(), apacheScalars())
				must(err)
			}
		}
		group.Add(1)
		go func() {
			defer group.Done()
			var own []time.Duration
			for time.Since(begin) < length {
				start := time.Now()
				call()
				own = append(own, time.Since(start))
			}
			lock.Lock()
			all = append(all, own...)
			lock.Unlock()
		}()
	}
	group.Wait()
	took := time.Since(begin).Seconds()
	slices.Sort(all)
	at := func(part float64) float64 { return float64(all[int(part*float64(len(all)-1))].Nanoseconds()) / 1e3 }
	print(map[string]any{"callsPerSecond": float64(len(all)) / took, "p50Us": at(0.5), "p99Us": at(0.99)})
}

func apacheClient(address string) *apache.KindsClient {
	socket := thrift.NewTSocketConf(address, nil)
	must(socket.Open())
	protocol := thrift.NewTBinaryProtocolConf(thrift.NewTFramedTransportConf(socket, nil), nil)
	return apache.NewKindsClient(thrift.NewTStandardClient(protocol, protocol))
}

func apacheScalars() *apache.Scalars {
	return &apache.Scalars{Truth: true, Tiny: -1, Small: 2, Medium: -300, Regular: 70000, Large: -5000000000, Real: 0.1,
		Text: "text of a usual length", Data: []byte{0, 255}, Color: apache.Color_GREEN, Size: apache.Size_LARGE}
}

func stubScalars() *onThrift.Scalars {
	return &onThrift.Scalars{Truth: true, Tiny: -1, Small: 2, Medium: -300, Regular: 70000, Large: -5000000000, Real: 0.1,
		Text: "text of a usual length", Data: []byte{0, 255}, Color: onThrift.ColorGreen, Size: onThrift.SizeLarge}
}

func apacheLists() *apache.Lists {
	lists := apache.NewLists()
	for i := range 200 {
		lists.Regulars = append(lists.Regulars, int32(i*1000))
		lists.Texts = append(lists.Texts, fmt.Sprintf("text %d", i))
		lists.Points = append(lists.Points, &apache.Point{X: int32(i), Y: -1})
	}
	return lists
}

func print(line any) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func codec(length time.Duration) {
	thriftCodec("Scalars", apacheScalars(), func() thrift.TStruct { return &apache.Scalars{} },
		func() wire.Message { return new(onThrift.Scalars) }, length)
	thriftCodec("Lists", apacheLists(), func() thrift.TStruct { return &apache.Lists{} },
		func() wire.Message { return new(onThrift.Lists) }, length)
	scalars := new(onProtobuf.Scalars)
	*scalars = onProtobuf.Scalars{Truth: true, Tiny: -1, Small: 2, Medium: -300, Regular: 70000, Large: -5000000000, Real: 0.1,
		Text: "text of a usual length", Data: []byte{0, 255}, Color: onProtobuf.ColorGreen, Size: onProtobuf.SizeLarge}
	protobufCodec("Scalars", scalars, func() proto.Message { return new(kindspb.Scalars) },
		func() wire.Message { return new(onProtobuf.Scalars) }, length)
	lists := new(onProtobuf.Lists)
	for i := range 200 {
		lists.Regulars = append(lists.Regulars, int32(i*1000))
		lists.Texts = append(lists.Texts, fmt.Sprintf("text %d", i))
		lists.Points = append(lists.Points, &onProtobuf.Point{X: int32(i), Y: -1})
	}
	protobufCodec("Lists", lists, func() proto.Message { return new(kindspb.Lists) },
		func() wire.Message { return new(onProtobuf.Lists) }, length)
}

func thriftCodec(name string, value thrift.TStruct, official func() thrift.TStruct, stub func() wire.Message, length time.Duration) {
	ctx := context.Background()
	buffer := thrift.NewTMemoryBuffer()
	protocol := thrift.NewTBinaryProtocolConf(buffer, nil)
	must(value.Write(ctx, protocol))
	given := slices.Clone(buffer.Bytes())
	own := stub()
	must(wire.Unmarshal(given, own))
	// Apache's buffer is used again, too.
	reused := make([]byte, 0, len(given))
	compare(name, "thrift", "encode", length, func() {
		buffer.Reset()
		must(value.Write(ctx, protocol))
	}, func() {
		w := wire.NewWriter(reused)
		own.MarshalWire(w)
		_, err := w.Bytes()
		must(err)
	})
	compare(name, "thrift", "decode", length, func() {
		buffer.Reset()
		_, _ = buffer.Write(given)
		must(official().Read(ctx, protocol))
	}, func() { must(wire.Unmarshal(given, stub())) })
}

func protobufCodec(name string, own wire.Message, official func() proto.Message, stub func() wire.Message, length time.Duration) {
	given, err := wire.Marshal(own)
	must(err)
	value := official()
	must(proto.Unmarshal(given, value))
	compare(name, "protobuf", "encode", length, func() {
		_, err := proto.Marshal(value)
		must(err)
	}, func() {
		_, err := wire.Marshal(own)
		must(err)
	})
	compare(name, "protobuf", "decode", length, func() { must(proto.Unmarshal(given, official())) },
		func() { must(wire.Unmarshal(given, stub())) })
}

// compare takes turns and counts the best of each, which other programs on the machine disturb least.
func compare(name, wire, direction string, length time.Duration, official, stub func()) {
	best := [2]float64{}
	for range 7 {
		for i, run := range []func(){official, stub} {
			if ns := nsOf(run, length/7); best[i] == 0 || ns < best[i] {
				best[i] = ns
			}
		}
	}
	print(map[string]any{"message": name, "wire": wire, "direction": direction, "officialNs": best[0], "stubNs": best[1]})
}

func nsOf(run func(), length time.Duration) float64 {
	begin := time.Now()
	count := 0
	for ; time.Since(begin) < length; count += 100 {
		for range 100 {
			run()
		}
	}
	return float64(time.Since(begin).Nanoseconds()) / float64(count)
}
