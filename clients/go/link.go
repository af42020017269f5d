package causeway

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"time"
)

// stallTimeout is how long a peer may leave bytes untaken before its connection counts as dead.
const stallTimeout = 30 * time.Second

// link is a connection that frames go out on from any goroutine; those of one moment leave in one write.
type link struct {
	conn net.Conn

	mu       sync.Mutex
	outbox   []byte
	spare    []byte
	wake     chan struct{}
	idle     chan struct{}
	finished bool
	failure  error
}

func newLink(conn net.Conn) *link {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetNoDelay(true)
	}
	l := &link{conn: conn, wake: make(chan struct{}, 1), idle: make(chan struct{})}
	go l.writeAll()
	return l
}

// send queues a frame; false after the connection has broken.
func (l *link) send(frame []byte) bool {
	l.mu.Lock()
	if l.failure != nil || l.finished {
		l.mu.Unlock()
		return false
	}
	l.outbox = append(l.outbox, frame...)
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	return true
}

func (l *link) writeAll() {
	defer close(l.idle)
	for range l.wake {
		for {
			l.mu.Lock()
			batch := l.outbox
			if len(batch) == 0 {
				over := l.finished || l.failure != nil
				l.mu.Unlock()
				if over {
					return
				}
				break
			}
			l.outbox = l.spare[:0]
			l.spare = nil
			l.mu.Unlock()
			_ = l.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
			if _, err := l.conn.Write(batch); err != nil {
				l.fail(err)
				return
			}
			l.mu.Lock()
			// One large batch must not hold its memory for good.
			if cap(batch) <= 1<<20 {
				l.spare = batch
			}
			l.mu.Unlock()
		}
	}
}

// fail closes the connection; the first reason is kept.
func (l *link) fail(err error) {
	l.mu.Lock()
	if l.failure == nil {
		l.failure = err
	}
	l.mu.Unlock()
	_ = l.conn.Close()
	l.wakeUp()
}

// finish closes the connection when all that was queued has left.
func (l *link) finish() {
	l.mu.Lock()
	l.finished = true
	l.mu.Unlock()
	l.wakeUp()
	<-l.idle
	_ = l.conn.Close()
}

func (l *link) wakeUp() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *link) reason() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// readAll gives each frame to take until the connection ends or take fails; it returns why.
func (l *link) readAll(take func(bytes []byte) error) error {
	reader := bufio.NewReaderSize(l.conn, 64<<10)
	for {
		bytes, err := readBytes(reader)
		if err == nil {
			err = take(bytes)
		}
		if err != nil {
			l.fail(err)
			return l.reason()
		}
	}
}

// readBytes reads a frame without its length, which is bounded before there is memory for it.
func readBytes(reader *bufio.Reader) ([]byte, error) {
	var prefix [4]byte
	if _, err := io.ReadFull(reader, prefix[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(prefix[:])
	if length > MaxFrameBytes {
		return nil, fmt.Errorf("a frame of %d bytes passes the limit of %d bytes", length, MaxFrameBytes)
	}
	bytes := make([]byte, length)
	_, err := io.ReadFull(reader, bytes)
	return bytes, err
}

// splitAddress gives the network and the address of unix:PATH or HOST:PORT, as package net names them.
func splitAddress(address string) (network, place string) {
	if path, found := strings.CutPrefix(address, "unix:"); found {
		return "unix", path
	}
	return "tcp", address
}
