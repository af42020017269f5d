package causeway

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxInFlight is how many calls may wait for their answers on one connection.
const maxInFlight = 10_000

// dialPatience is how long connecting is tried again when the call has no deadline.
const dialPatience = 5 * time.Second

var errRetired = errors.New("the sidecar takes no more calls on this connection")

// lane is a place for one connection at a time, which is made when a call needs it.
type lane struct {
	addresses []string
	current   atomic.Pointer[clientConnection]
	// turn is held by whoever connects; others wait for it no longer than their calls may take.
	turn chan struct{}
}

func newLane(addresses []string) *lane {
	return &lane{addresses: addresses, turn: make(chan struct{}, 1)}
}

func (l *lane) close(reason error) {
	if current := l.current.Load(); current != nil {
		current.link.fail(reason)
	}
}

// start sends a call's frame with an id of its own; without a place for its answer nothing waits for one. A connection that
// turns out to be closed is replaced: nothing was sent on it.
func (l *lane) start(ctx context.Context, frame []byte, answer chan *frame) (*clientConnection, int32, error) {
	for {
		connection, err := l.connect(ctx)
		if err != nil {
			return nil, 0, err
		}
		id, err := connection.start(frame, answer)
		if !errors.Is(err, errRetired) {
			return connection, id, err
		}
		l.current.CompareAndSwap(connection, nil)
	}
}

func (l *lane) connect(ctx context.Context) (*clientConnection, error) {
	if current := l.current.Load(); current != nil {
		return current, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, ended(ctx, "connecting to the sidecar")
	}
	if current := l.current.Load(); current != nil {
		return current, nil
	}
	conn, err := dial(ctx, l.addresses)
	if err != nil {
		return nil, err
	}
	connection := &clientConnection{link: &link{conn: conn}, calls: map[int32]chan *frame{}}
	l.current.Store(connection)
	go func() {
		connection.serve()
		l.current.CompareAndSwap(connection, nil)
	}()
	return connection, nil
}

// dial tries all addresses again and again until one answers or the deadline has come.
func dial(ctx context.Context, addresses []string) (net.Conn, error) {
	if _, bounded := ctx.Deadline(); !bounded {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, dialPatience)
		defer stop()
	}
	var dialer net.Dialer
	for pause := 10 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		var reasons []string
		for _, address := range addresses {
			network, place := splitAddress(address)
			conn, err := dialer.DialContext(ctx, network, place)
			if err == nil {
				return conn, nil
			}
			reasons = append(reasons, err.Error())
		}
		select {
		case <-time.After(pause/2 + time.Duration(rand.Int63n(int64(pause)))):
		case <-ctx.Done():
			return nil, &Error{Code: Unavailable, cause: ctx.Err(), Message: fmt.Sprintf(
				"no sidecar listens on %s (%s): start one with \"causeway serve -c causeway.yaml\", or set CAUSEWAY_ADDRESS to where it listens",
				strings.Join(addresses, " or "), strings.Join(reasons, "; "))}
		}
	}
}

// clientConnection is a connection with the calls on it by their ids.
type clientConnection struct {
	link *link

	mu     sync.Mutex
	calls  map[int32]chan *frame
	lastID int32
	// retired connections take no further calls, and close behind the last answer.
	retired bool
	// reason is why the connection ended.
	reason error
}

// start fails with errRetired when nothing was sent.
func (c *clientConnection) start(frame []byte, answer chan *frame) (int32, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retired {
		return 0, errRetired
	}
	if len(c.calls) >= maxInFlight {
		return 0, Errorf(ResourceExhausted, "%d calls wait for their answers already", maxInFlight)
	}
	for taken := true; taken; _, taken = c.calls[c.lastID] {
		c.lastID = (c.lastID + 1) & 0x7fffffff
	}
	setID(frame, c.lastID)
	if !c.link.send(frame) {
		return 0, errRetired
	}
	if answer != nil {
		c.calls[c.lastID] = answer
	}
	return c.lastID, nil
}

// serve hands out answers until the connection ends, and then tells those who still wait.
func (c *clientConnection) serve() {
	reason := c.link.readAll(c.take)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired, c.reason = true, reason
	for _, answer := range c.calls {
		close(answer)
	}
	clear(c.calls)
}

func (c *clientConnection) take(bytes []byte) error {
	f, err := readFrame(bytes)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	// Without a call it is a signal, or the answer to a call that was given up.
	if answer, waits := c.calls[f.id]; waits && f.kind != typeSignal {
		answer <- f
		delete(c.calls, f.id)
	}
	c.retired = c.retired || f.value("crrst") == "1"
	if c.retired && len(c.calls) == 0 {
		return errRetired
	}
	return nil
}

// cancel gives a call up and says so.
func (c *clientConnection) cancel(id int32) {
	c.mu.Lock()
	_, waits := c.calls[id]
	delete(c.calls, id)
	c.mu.Unlock()
	if !waits {
		return
	}
	signal := &frame{id: id, pairs: []string{"cw", "1", "cw-cancel", "1"}}
	if written, err := signal.write(nil); err == nil {
		c.link.send(written)
	}
}

// broken is the error of calls whose answer did not come before the end.
func (c *clientConnection) broken() error {
	return &Error{Code: Unavailable, cause: c.reason, Message: fmt.Sprintf(
		"the connection to the sidecar at %s broke before the answer came: %v", c.link.conn.RemoteAddr(), c.reason)}
}
