package causeway

import (
	"context"
	"errors"
	"fmt"
	"math/rand"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// sharedBytes is the largest frame on the connection of all calls: a larger one would hold up what is behind it.
const sharedBytes = 256 << 10

// maxInFlight is how many calls may wait for their answers on one connection.
const maxInFlight = 10_000

// Client calls services through the sidecar. All goroutines of a process share one; connections are made when a call
// needs one, and made again after the sidecar has restarted.
type Client struct {
	addresses []string
	name      string
	shared    lane
	large     lane
}

// ClientOption changes how a Client is made.
type ClientOption func(*Client)

// WithAddress sets where the sidecar listens, unix:PATH or HOST:PORT, instead of CAUSEWAY_ADDRESS.
func WithAddress(address string) ClientOption {
	return func(c *Client) { c.addresses = []string{address} }
}

// WithName sets the name of the calling application, which logs and policies of the sidecar know it by.
func WithName(name string) ClientOption { return func(c *Client) { c.name = name } }

// NewClient returns a Client; it connects with the first call.
func NewClient(options ...ClientOption) *Client {
	c := &Client{addresses: addressesFrom("CAUSEWAY_ADDRESS", defaultAddresses)}
	for _, option := range options {
		option(c)
	}
	c.shared.turn = make(chan struct{}, 1)
	c.large.turn = make(chan struct{}, 1)
	return c
}

// Default is the Client of the process, as the environment describes the sidecar.
var Default = sync.OnceValue(func() *Client { return NewClient() })

// Close closes the connections. Calls in flight fail.
func (c *Client) Close() {
	for _, l := range []*lane{&c.shared, &c.large} {
		l.mu.Lock()
		if l.current != nil {
			l.current.link.fail(errors.New("the client was closed"))
		}
		l.mu.Unlock()
	}
}

// Call sends a request and decodes its answer into result. An error is an *Error, whose code tells why; what the method
// declares is in result, or on Protobuf among the error's details.
func (c *Client) Call(ctx context.Context, method Method, request, result Message) error {
	if ctx.Err() != nil {
		return ended(ctx, "waiting to be sent")
	}
	kind := typeCall
	if method.Oneway {
		kind = typeOneway
	}
	frame, err := writeFrame(0, requestPairs(ctx, []string{"cw", "1", "isn", method.Service}),
		c.numbers(ctx, method, kind), envelope{method.Codec, kind, method.Name, 0}, request)
	if err != nil {
		return err
	}
	l := &c.shared
	if len(frame) > sharedBytes {
		l = &c.large
	}
	waiting := &waiting{answer: make(chan []byte, 1)}
	connection, id, err := l.start(ctx, c.addresses, waiting, method.Oneway, frame)
	if err != nil || method.Oneway {
		return err
	}
	select {
	case bytes := <-waiting.answer:
		if bytes == nil {
			return broken(connection)
		}
		return connection.read(ctx, bytes, method, result)
	case <-ctx.Done():
		connection.cancel(id)
		return ended(ctx, "waiting for the answer to "+method.Service+"."+method.Name)
	}
}

func (c *Client) numbers(ctx context.Context, method Method, kind int) []numbered {
	numbers := []numbered{{keyMethod, method.Name}, {keyType, strconv.Itoa(kind)}}
	if c.name != "" {
		numbers = append(numbers, numbered{keyFrom, c.name})
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(1, (time.Until(deadline)+time.Millisecond-1)/time.Millisecond)
		numbers = append(numbers, numbered{keyTimeout, strconv.FormatInt(int64(left), 10)})
	}
	return numbers
}

// waiting is a call whose answer is to come; nil is the end of its connection.
type waiting struct{ answer chan []byte }

// lane is a place for one connection at a time.
type lane struct {
	// turn is held by whoever connects.
	turn    chan struct{}
	mu      sync.Mutex
	current *clientConnection
}

// start sends a frame with an id of its own. A connection that turns out to be closed is replaced: nothing was sent on it.
func (l *lane) start(ctx context.Context, addresses []string, call *waiting, oneway bool, frame []byte) (*clientConnection, int32, error) {
	for {
		connection, err := l.connection(ctx, addresses)
		if err != nil {
			return nil, 0, err
		}
		id, started, err := connection.start(call, oneway, frame)
		if started || err != nil {
			return connection, id, err
		}
		l.retire(connection)
	}
}

func (l *lane) connection(ctx context.Context, addresses []string) (*clientConnection, error) {
	l.mu.Lock()
	current := l.current
	l.mu.Unlock()
	if current != nil {
		return current, nil
	}
	select {
	case l.turn <- struct{}{}:
		defer func() { <-l.turn }()
	case <-ctx.Done():
		return nil, ended(ctx, "connecting to the sidecar")
	}
	l.mu.Lock()
	current = l.current
	l.mu.Unlock()
	if current != nil {
		return current, nil
	}
	conn, err := dial(ctx, addresses)
	if err != nil {
		return nil, err
	}
	current = newClientConnection(conn, l)
	l.mu.Lock()
	l.current = current
	l.mu.Unlock()
	go current.serve()
	return current, nil
}

func (l *lane) retire(connection *clientConnection) {
	l.mu.Lock()
	if l.current == connection {
		l.current = nil
	}
	l.mu.Unlock()
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

// clientConnection is a connection with the calls on it by their sequence ids.
type clientConnection struct {
	link *link
	lane *lane

	mu      sync.Mutex
	calls   map[int32]*waiting
	lastID  int32
	retired bool
	ended   bool
}

func newClientConnection(conn net.Conn, l *lane) *clientConnection {
	return &clientConnection{link: newLink(conn), lane: l, calls: map[int32]*waiting{}}
}

func (c *clientConnection) start(call *waiting, oneway bool, frame []byte) (id int32, started bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended || c.retired {
		return 0, false, nil
	}
	if len(c.calls) >= maxInFlight {
		return 0, false, Errorf(ResourceExhausted, "%d calls wait for their answers already", maxInFlight)
	}
	for {
		c.lastID = (c.lastID + 1) & 0x7fffffff
		if _, taken := c.calls[c.lastID]; !taken {
			break
		}
	}
	id = c.lastID
	setSequence(frame, id)
	if !oneway {
		c.calls[id] = call
	}
	if !c.link.send(frame) {
		delete(c.calls, id)
		return 0, false, nil
	}
	return id, true, nil
}

// serve hands out answers until the connection ends, and then tells those who still wait.
func (c *clientConnection) serve() {
	_ = c.link.readAll(func(bytes []byte) error {
		id, err := sequenceOf(bytes)
		if err != nil {
			return err
		}
		c.mu.Lock()
		call := c.calls[id]
		delete(c.calls, id)
		over := c.retired && len(c.calls) == 0
		c.mu.Unlock()
		// Without a call it is a signal, or the answer to a call that was given up.
		if call != nil {
			call.answer <- bytes
		}
		if over {
			return errRetired
		}
		return nil
	})
	c.lane.retire(c)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = true
	for _, call := range c.calls {
		call.answer <- nil
	}
	clear(c.calls)
}

var errRetired = errors.New("the sidecar takes no more calls on this connection")

// retire lets the connection take no further calls; it closes behind the last answer.
func (c *clientConnection) retire() {
	c.lane.retire(c)
	c.mu.Lock()
	c.retired = true
	over := len(c.calls) == 0
	c.mu.Unlock()
	if over {
		c.link.fail(errRetired)
	}
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
	if signal, err := writeFrame(id, []string{"cw", "1", "cw-cancel", "1"}, nil, envelope{}, nil); err == nil {
		c.link.send(signal)
	}
}

func (c *clientConnection) read(ctx context.Context, bytes []byte, method Method, result Message) error {
	f, err := readFrame(bytes)
	if err != nil {
		return err
	}
	if f.value("crrst") == "1" {
		c.retire()
	}
	if reply, ok := ctx.Value(captureKey).(*Reply); ok {
		reply.Headers, reply.Trailers = f.metadata(""), f.metadata("cw-t-")
	}
	switch {
	case f.kind == typeException:
		return f.failure()
	case f.kind != typeReply || f.codec != method.Codec || f.name != method.Name:
		return malformed("it is no answer to %s", method.Name)
	}
	return decode(f.body, result, Internal, "the answer to "+method.Name)
}

func broken(connection *clientConnection) error {
	reason := connection.link.reason()
	return &Error{Code: Unavailable, cause: reason,
		Message: fmt.Sprintf("the connection to the sidecar at %s broke before the answer came: %v",
			connection.link.conn.RemoteAddr(), reason)}
}
