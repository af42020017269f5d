package main

import (
	"net"
	"sync"
	"syscall"
)

// outbox is what waits to be written to a connection. Filling and flushing it never waits for the peer to read: a proxy
// reads no further while it cannot write, and would wait for us as we for it.
type outbox struct {
	connection net.Conn
	raw        syscall.RawConn
	filled     []byte

	lock    sync.Mutex
	backlog []byte
	writing bool
	failure error
}

func newOutbox(connection net.Conn) *outbox {
	raw, err := connection.(syscall.Conn).SyscallConn()
	check(err)
	return &outbox{connection: connection, raw: raw}
}

func (o *outbox) Write(bytes []byte) (int, error) {
	o.filled = append(o.filled, bytes...)
	return len(bytes), nil
}

func (o *outbox) WriteString(text string) (int, error) {
	o.filled = append(o.filled, text...)
	return len(text), nil
}

// Flush writes what was filled in as far as the connection takes it now, and leaves the rest to a goroutine.
func (o *outbox) Flush() error {
	o.lock.Lock()
	defer o.lock.Unlock()
	if o.failure != nil || len(o.filled) == 0 {
		return o.failure
	}
	rest := o.filled
	if !o.writing {
		rest = rest[o.tryWrite(rest):]
	}
	if len(rest) > 0 {
		o.backlog = append(o.backlog, rest...)
		if !o.writing {
			o.writing = true
			go o.writeBacklog()
		}
	}
	o.filled = o.filled[:0]
	return o.failure
}

// tryWrite gives how many bytes the connection took without waiting.
func (o *outbox) tryWrite(bytes []byte) (written int) {
	err := o.raw.Write(func(fd uintptr) bool {
		if count, err := syscall.Write(int(fd), bytes); err == nil {
			written = count
		} else if err != syscall.EAGAIN && err != syscall.EINTR {
			o.failure = err
		}
		return true
	})
	if o.failure == nil {
		o.failure = err
	}
	return written
}

func (o *outbox) writeBacklog() {
	o.lock.Lock()
	defer o.lock.Unlock()
	for len(o.backlog) > 0 && o.failure == nil {
		bytes := o.backlog
		o.backlog = nil
		o.lock.Unlock()
		_, err := o.connection.Write(bytes)
		o.lock.Lock()
		o.failure = err
	}
	o.writing = false
}
