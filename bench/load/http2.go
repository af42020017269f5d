package main

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync"
)

// Frame types, flags and settings of RFC 9113.
const (
	frameData         = 0
	frameHeaders      = 1
	frameReset        = 3
	frameSettings     = 4
	framePing         = 6
	frameGoAway       = 7
	frameWindowUpdate = 8

	flagEndStream  = 1
	flagAck        = 1
	flagEndHeaders = 4

	settingStreams = 3
	settingWindow  = 4

	preface       = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	defaultWindow = 65535
	ourWindow     = 1 << 20
	frameBytes    = 16384
)

// Header blocks without a dynamic table (RFC 7541): the same bytes each time.
var (
	responseHeaders  = append([]byte{0x88}, literal(31, "application/grpc")...)
	responseTrailers = named("grpc-status", "0")
)

// literal is a field whose name is in the static table, not indexed.
func literal(index byte, value string) []byte {
	if index < 15 {
		return append([]byte{index, byte(len(value))}, value...)
	}
	return append([]byte{15, index - 15, byte(len(value))}, value...)
}

func named(name, value string) []byte {
	block := append([]byte{0, byte(len(name))}, name...)
	return append(append(block, byte(len(value))), value...)
}

// wire is one HTTP/2 connection, and what may be sent over it.
type wire struct {
	net.Conn
	in     *bufio.Reader
	out    *outbox
	header [9]byte
	// Of the connection, and of a new stream.
	window, streamWindow int
	// Bytes that came and have not been credited to the peer.
	uncredited int
}

func newWire(connection net.Conn) *wire {
	return &wire{
		Conn: connection, in: bufio.NewReaderSize(connection, 1<<18), out: newOutbox(connection),
		window: defaultWindow, streamWindow: defaultWindow,
	}
}

func (w *wire) frame(kind, flags byte, stream uint32, parts ...[]byte) {
	length := 0
	for _, part := range parts {
		length += len(part)
	}
	var header [9]byte
	binary.BigEndian.PutUint32(header[:4], uint32(length)<<8|uint32(kind))
	header[4] = flags
	binary.BigEndian.PutUint32(header[5:], stream)
	w.out.Write(header[:])
	for _, part := range parts {
		w.out.Write(part)
	}
}

// greet sends the settings, and widens the connection's window to the streams'.
func (w *wire) greet() {
	settings := make([]byte, 12)
	binary.BigEndian.PutUint16(settings, settingStreams)
	binary.BigEndian.PutUint32(settings[2:], 1000)
	binary.BigEndian.PutUint16(settings[6:], settingWindow)
	binary.BigEndian.PutUint32(settings[8:], ourWindow)
	w.frame(frameSettings, 0, 0, settings)
	w.credit(0, 16*ourWindow-defaultWindow)
}

func (w *wire) credit(stream uint32, bytes int) {
	var increment [4]byte
	binary.BigEndian.PutUint32(increment[:], uint32(bytes))
	w.frame(frameWindowUpdate, 0, stream, increment[:])
}

// received credits the connection for bytes that came, now and then.
func (w *wire) received(bytes int) {
	w.uncredited += bytes
	if w.uncredited >= ourWindow {
		w.credit(0, w.uncredited)
		w.uncredited = 0
	}
}

// next reads a frame; its payload is good until the following one.
func (w *wire) next(buffer []byte) (kind, flags byte, stream uint32, payload []byte, err error) {
	if w.in.Buffered() == 0 {
		if err = w.out.Flush(); err != nil {
			return
		}
	}
	if _, err = io.ReadFull(w.in, w.header[:]); err != nil {
		return
	}
	length := binary.BigEndian.Uint32(w.header[:4]) >> 8
	if int(length) > len(buffer) {
		err = io.ErrShortBuffer
		return
	}
	kind, flags, stream = w.header[3], w.header[4], binary.BigEndian.Uint32(w.header[5:])
	payload = buffer[:length]
	_, err = io.ReadFull(w.in, payload)
	return
}

// settings heeds the peer's settings and says so; it gives by how much the windows of open streams change.
func (w *wire) settings(flags byte, payload []byte) (change int) {
	if flags&flagAck != 0 {
		return 0
	}
	for ; len(payload) >= 6; payload = payload[6:] {
		if binary.BigEndian.Uint16(payload) == settingWindow {
			value := int(binary.BigEndian.Uint32(payload[2:]))
			change = value - w.streamWindow
			w.streamWindow = value
		}
	}
	w.frame(frameSettings, flagAck, 0)
	return change
}

// echoed is a stream of the echo server.
type echoed struct {
	window  int
	pending []byte
	begun   bool
	ended   bool
	// Bytes that came and have not been credited to the peer.
	uncredited int
}

// echoHTTP2 sends the bytes of every stream back as they come, with the headers and trailers of a gRPC response.
func echoHTTP2(connection net.Conn) {
	defer connection.Close()
	w := newWire(connection)
	start := make([]byte, len(preface))
	if _, err := io.ReadFull(w.in, start); err != nil || string(start) != preface {
		return
	}
	w.greet()
	streams := map[uint32]*echoed{}
	var waiting []uint32
	buffer := make([]byte, 1<<20)

	send := func(id uint32, stream *echoed) {
		if !stream.begun {
			stream.begun = true
			w.frame(frameHeaders, flagEndHeaders, id, responseHeaders)
		}
		for len(stream.pending) > 0 {
			size := min(len(stream.pending), w.window, stream.window, frameBytes)
			if size <= 0 {
				return
			}
			w.frame(frameData, 0, id, stream.pending[:size])
			stream.pending = stream.pending[size:]
			w.window -= size
			stream.window -= size
			stream.uncredited += size
			if stream.uncredited >= ourWindow/2 && !stream.ended {
				w.credit(id, stream.uncredited)
				stream.uncredited = 0
			}
		}
		stream.pending = nil
		if stream.ended {
			w.frame(frameHeaders, flagEndHeaders|flagEndStream, id, responseTrailers)
			delete(streams, id)
		}
	}
	sendWaiting := func() {
		still := waiting[:0]
		for _, id := range waiting {
			if stream := streams[id]; stream != nil {
				if send(id, stream); len(stream.pending) > 0 {
					still = append(still, id)
				}
			}
		}
		waiting = still
	}

	for {
		kind, flags, id, payload, err := w.next(buffer)
		if err != nil {
			return
		}
		switch kind {
		case frameHeaders:
			stream := &echoed{window: w.streamWindow, ended: flags&flagEndStream != 0}
			streams[id] = stream
			if stream.ended {
				send(id, stream)
			}
		case frameData:
			w.received(len(payload))
			stream := streams[id]
			if stream == nil {
				continue
			}
			stream.ended = flags&flagEndStream != 0
			blocked := len(stream.pending) > 0
			if blocked || len(payload) > min(w.window, stream.window, frameBytes) {
				stream.pending = append(stream.pending, payload...)
			} else {
				stream.pending = payload
			}
			if !blocked {
				if send(id, stream); len(stream.pending) > 0 {
					stream.pending = append([]byte(nil), stream.pending...)
					waiting = append(waiting, id)
				}
			}
		case frameWindowUpdate:
			increment := int(binary.BigEndian.Uint32(payload) & 0x7fffffff)
			if id == 0 {
				w.window += increment
			} else if stream := streams[id]; stream != nil {
				stream.window += increment
			}
			sendWaiting()
		case frameSettings:
			change := w.settings(flags, payload)
			for _, stream := range streams {
				stream.window += change
			}
			sendWaiting()
		case framePing:
			if flags&flagAck == 0 {
				w.frame(framePing, flagAck, 0, payload)
			}
		case frameReset:
			delete(streams, id)
		case frameGoAway:
			if len(streams) == 0 {
				return
			}
		}
	}
}

type streamed struct {
	Messages int     `json:"messages"`
	Seconds  float64 `json:"seconds"`
}

// streamMessages sends messages over one bidirectional stream, each in a frame of its own, and waits for all to be back.
func streamMessages(address string, messages, bytes int) streamed {
	connection, err := net.Dial("tcp", address)
	check(err)
	defer connection.Close()
	w := newWire(connection)
	w.out.WriteString(preface)
	w.greet()
	headers := append([]byte{0x83, 0x86}, literal(4, "/bench.chat.Chat/chat")...)
	headers = append(headers, literal(1, "bench")...)
	headers = append(headers, literal(31, "application/grpc")...)
	headers = append(headers, named("te", "trailers")...)
	w.frame(frameHeaders, flagEndHeaders, 1, headers)
	check(w.out.Flush())

	var lock sync.Mutex
	changed := sync.NewCond(&lock)
	var window, streamWindow = defaultWindow, defaultWindow
	started := now()
	go func() {
		// Field 1 of bench.chat.Note, a string as long as it takes.
		message := make([]byte, 5+bytes)
		binary.BigEndian.PutUint32(message[1:], uint32(bytes))
		prefix := binary.AppendUvarint([]byte{0x0a}, uint64(bytes-3))
		copy(message[5:], prefix)
		for i := 5 + len(prefix); i < len(message); i++ {
			message[i] = 'x'
		}
		lock.Lock()
		defer lock.Unlock()
		for range messages {
			for min(window, streamWindow) < len(message) {
				check(w.out.Flush())
				changed.Wait()
			}
			window -= len(message)
			streamWindow -= len(message)
			w.frame(frameData, 0, 1, message)
		}
		w.frame(frameData, flagEndStream, 1)
		check(w.out.Flush())
	}()

	buffer := make([]byte, 1<<20)
	back, uncredited := 0, 0
	for {
		kind, flags, id, payload, err := w.nextWithoutFlush(buffer)
		check(err)
		lock.Lock()
		switch kind {
		case frameData:
			w.received(len(payload))
			if uncredited += len(payload); uncredited >= ourWindow/2 {
				w.credit(1, uncredited)
				uncredited = 0
			}
			back += len(payload)
		case frameWindowUpdate:
			increment := int(binary.BigEndian.Uint32(payload) & 0x7fffffff)
			if id == 0 {
				window += increment
			} else {
				streamWindow += increment
			}
			changed.Signal()
		case frameSettings:
			streamWindow += w.settings(flags, payload)
			changed.Signal()
		case framePing:
			if flags&flagAck == 0 {
				w.frame(framePing, flagAck, 0, payload)
			}
		case frameReset, frameGoAway:
			fail("the stream was ended before all messages were back")
		}
		if kind != frameData || w.in.Buffered() == 0 {
			check(w.out.Flush())
		}
		lock.Unlock()
		if kind == frameHeaders && flags&flagEndStream != 0 {
			break
		}
	}
	if expected := messages * (5 + bytes); back != expected {
		fail("not all messages came back")
	}
	return streamed{Messages: messages, Seconds: now() - started}
}

// nextWithoutFlush is next for a connection that another goroutine writes to.
func (w *wire) nextWithoutFlush(buffer []byte) (kind, flags byte, stream uint32, payload []byte, err error) {
	if _, err = io.ReadFull(w.in, w.header[:]); err != nil {
		return
	}
	length := binary.BigEndian.Uint32(w.header[:4]) >> 8
	kind, flags, stream = w.header[3], w.header[4], binary.BigEndian.Uint32(w.header[5:])
	payload = buffer[:length]
	_, err = io.ReadFull(w.in, payload)
	return
}
