package causeway

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// stallTimeout is how long a peer may leave bytes untaken before its connection counts as dead.
const stallTimeout = 30 * time.Second

// keptBytes is the largest buffer that is kept for another time: a large one must not hold its memory for good.
const keptBytes = 1 << 20

var errFinished = errors.New("the connection was closed")

// link is a connection that frames go out on from any goroutine; those of one moment leave in one write.
type link struct {
	conn net.Conn

	mu     sync.Mutex
	outbox []byte
	// spare is the buffer of the batch before, which the writer alone knows.
	spare   []byte
	writing bool
	failure error
	// writer is done when nothing is being written.
	writer sync.WaitGroup
}

// send queues a frame; false after the connection has ended.
func (l *link) send(frame []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure != nil {
		return false
	}
	l.outbox = append(l.outbox, frame...)
	if !l.writing {
		l.writing = true
		l.writer.Add(1)
		go l.write()
	}
	return true
}

// write writes what is queued, and what is queued meanwhile, until nothing is.
func (l *link) write() {
	defer l.writer.Done()
	for {
		l.mu.Lock()
		batch := l.outbox
		if l.writing = len(batch) > 0; !l.writing {
			l.mu.Unlock()
			return
		}
		l.outbox, l.spare = l.spare, nil
		l.mu.Unlock()
		_ = l.conn.SetWriteDeadline(time.Now().Add(stallTimeout))
		if _, err := l.conn.Write(batch); err != nil {
			l.fail(err)
		}
		if cap(batch) <= keptBytes {
			l.spare = batch[:0]
		}
	}
}

// fail closes the connection; the first reason is kept, and given.
func (l *link) fail(err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
	}
	_ = l.conn.Close()
	return l.failure
}

// finish closes the connection when all that was queued has left.
func (l *link) finish() {
	l.mu.Lock()
	if l.failure == nil {
		l.failure = errFinished
	}
	l.mu.Unlock()
	l.writer.Wait()
	_ = l.conn.Close()
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
			return l.fail(err)
		}
	}
}

// readBytes reads a frame without its length, which is bounded before there is memory for it.
func readBytes(reader io.Reader) ([]byte, error) {
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
