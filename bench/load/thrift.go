package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

var began = time.Now()

// now is the time in seconds.
func now() float64 { return time.Since(began).Seconds() }

const maxFrame = 64 << 20

// message is a strict binary call of echo in bench/idl/echo.thrift whose argument holds text of that many bytes.
func message(text int) []byte {
	out := []byte{0x80, 1, 0, 1, 0, 0, 0, 4, 'e', 'c', 'h', 'o', 0, 0, 0, 0}
	out = append(out, 12, 0, 1) // field 1, a struct
	out = append(out, 11, 0, 1) // its field 1, a string
	out = binary.BigEndian.AppendUint32(out, uint32(text))
	out = append(out, bytes.Repeat([]byte{'x'}, text)...)
	out = append(out, 10, 0, 2, 0, 0, 0, 0, 0, 1, 0, 1) // its field 2, an i64
	out = append(out, 15, 0, 3, 8, 0, 0, 0, 3, 0, 0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0)
	return append(out, 0, 0)
}

// ttheader is what stands between the length and a message: it names the service and says that we are of Causeway.
func ttheader() []byte {
	info := []byte{1, 0, 2}
	for _, text := range []string{"isn", "bench.echo.Echo", "cw", "1"} {
		info = binary.BigEndian.AppendUint16(info, uint16(len(text)))
		info = append(info, text...)
	}
	info = append([]byte{0, 0}, info...)
	for len(info)%4 != 0 {
		info = append(info, 0)
	}
	out := []byte{0x10, 0, 0, 0, 0, 0, 0, 0}
	out = binary.BigEndian.AppendUint16(out, uint16(len(info)/4))
	return append(out, info...)
}

const ttheaderMagic = 0x1000

// body is where a frame's message begins.
func body(frame []byte) int {
	if binary.BigEndian.Uint16(frame) == ttheaderMagic {
		return 10 + 4*int(binary.BigEndian.Uint16(frame[8:]))
	}
	return 0
}

func readFrame(in *bufio.Reader, buffer []byte) ([]byte, error) {
	var header [4]byte
	if _, err := io.ReadFull(in, header[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(header[:])
	if length > maxFrame {
		return nil, io.ErrShortBuffer
	}
	buffer = slices.Grow(buffer[:0], int(length))[:length]
	_, err := io.ReadFull(in, buffer)
	return buffer, err
}

func writeFrame(out *bufio.Writer, frame []byte) {
	var header [4]byte
	binary.BigEndian.PutUint32(header[:], uint32(len(frame)))
	out.Write(header[:])
	out.Write(frame)
}

// echoThrift turns each call of echo into its reply, which is the same but for the message type and the field id.
func echoThrift(connection net.Conn) {
	defer connection.Close()
	in, out := bufio.NewReaderSize(connection, 1<<16), bufio.NewWriterSize(connection, 1<<16)
	var frame []byte
	var err error
	for {
		if in.Buffered() == 0 {
			if out.Flush() != nil {
				return
			}
		}
		if frame, err = readFrame(in, frame); err != nil {
			return
		}
		at := body(frame)
		if len(frame) < at+12 {
			return
		}
		if !turn(frame[at:]) {
			continue // a ping, or a cancel
		}
		writeFrame(out, frame)
	}
}

// turn makes a call of echo its reply; false when there is no argument.
func turn(message []byte) bool {
	if len(message) < 12 {
		return false
	}
	name := int(binary.BigEndian.Uint32(message[4:]))
	field := 12 + name
	if len(message) < field+3 {
		return false
	}
	message[3] = 2
	message[field+2] = 0
	return true
}

type load struct {
	address, framing                  string
	connections, depth, seconds, rate int
}

type called struct {
	Calls   int     `json:"calls"`
	Seconds float64 `json:"seconds"`
	P50Us   float64 `json:"p50Us"`
	P99Us   float64 `json:"p99Us"`
}

// callThrift calls echo over many connections with so many calls in flight on each; at a rate per second of all
// together, or as fast as the answers come if that is 0.
func callThrift(l load) called {
	var wait sync.WaitGroup
	latencies := make([][]float64, l.connections)
	end := now() + float64(l.seconds)
	started := now()
	for i := range l.connections {
		connection, err := net.Dial("tcp", l.address)
		check(err)
		wait.Go(func() {
			defer connection.Close()
			latencies[i] = callOver(connection, l, started+float64(i)/float64(max(l.rate, 1)), end)
		})
	}
	wait.Wait()
	seconds := now() - started
	all := slices.Concat(latencies...)
	slices.Sort(all)
	if len(all) == 0 {
		fail("no call was answered")
	}
	at := func(share float64) float64 { return 1e6 * all[int(share*float64(len(all)-1))] }
	return called{Calls: len(all), Seconds: seconds, P50Us: at(0.5), P99Us: at(0.99)}
}

func callOver(connection net.Conn, l load, first, end float64) (latencies []float64) {
	in, out := bufio.NewReaderSize(connection, 1<<16), bufio.NewWriterSize(connection, 1<<16)
	call := message(140)
	sequence := len("....") + 4 + len("echo")
	if l.framing == "ttheader" {
		head := ttheader()
		sequence = 4
		call = append(head, call...)
	}
	sent := make([]float64, l.depth)
	send := func(slot int, due float64) {
		binary.BigEndian.PutUint32(call[sequence:], uint32(slot))
		if l.framing == "ttheader" {
			binary.BigEndian.PutUint32(call[body(call)+12:], uint32(slot))
		}
		// What waits for its turn is late from the moment it was due.
		sent[slot] = due
		writeFrame(out, call)
	}
	interval := 0.0
	if l.rate > 0 {
		interval = float64(l.connections*l.depth) / float64(l.rate)
		time.Sleep(time.Duration((first - now()) * 1e9))
	}
	for slot := range l.depth {
		send(slot, now())
	}
	check(out.Flush())
	var frame []byte
	var err error
	for open := l.depth; open > 0; open-- {
		frame, err = readFrame(in, frame)
		check(err)
		at := body(frame)
		if frame[at+3] != 2 || frame[at+12+4+2] != 0 {
			fail("the answer is no result: " + string(frame))
		}
		slot := int(binary.BigEndian.Uint32(frame[at+12:]))
		latencies = append(latencies, now()-sent[slot])
		due := now()
		if due >= end {
			continue
		}
		if interval > 0 {
			due = sent[slot] + interval
			if pause := due - now(); pause > 0 {
				check(out.Flush())
				time.Sleep(time.Duration(pause * 1e9))
			}
		}
		open++
		send(slot, due)
		if in.Buffered() == 0 {
			check(out.Flush())
		}
	}
	return latencies
}
