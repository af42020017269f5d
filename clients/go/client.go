package causeway

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"
)

// sharedBytes is the largest frame on the connection of all calls: a larger one would hold up what is behind it.
const sharedBytes = 256 << 10

var errClientClosed = errors.New("the client was closed")

// Client calls services through the sidecar. All goroutines of a process share one; connections are made when a call
// needs one, and made again after the sidecar has restarted.
type Client struct {
	addresses []string
	name      string
	shared    *lane
	large     *lane
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
	c.shared, c.large = newLane(c.addresses), newLane(c.addresses)
	return c
}

// Default is the Client of the process, as the environment describes the sidecar.
var Default = sync.OnceValue(func() *Client { return NewClient() })

// Close closes the connections. Calls in flight fail.
func (c *Client) Close() {
	c.shared.close(errClientClosed)
	c.large.close(errClientClosed)
}

// Call sends a request and decodes its answer into result. An error is an *Error, whose code tells why; what the method
// declares is in result, or on Protobuf among the error's details.
func (c *Client) Call(ctx context.Context, method Method, request, result Message) error {
	if ctx.Err() != nil {
		return ended(ctx, "waiting to be sent")
	}
	call := c.frameOf(ctx, method)
	written, err := call.write(request)
	if err != nil {
		return err
	}
	lane := c.shared
	if len(written) > sharedBytes {
		lane = c.large
	}
	var answer chan *frame
	if !method.Oneway {
		answer = make(chan *frame, 1)
	}
	connection, id, err := lane.start(ctx, written, answer)
	release(written)
	if err != nil || method.Oneway {
		return err
	}
	select {
	case f := <-answer:
		if f == nil {
			return connection.broken()
		}
		return f.result(ctx, method, result)
	case <-ctx.Done():
		connection.cancel(id)
		return ended(ctx, "waiting for the answer to "+method.Service+"."+method.Name)
	}
}

// frameOf gives the frame of a call, with its metadata, its trace and its deadline.
func (c *Client) frameOf(ctx context.Context, method Method) *frame {
	pairs := requestPairs(ctx, []string{"cw", "1", "isn", method.Service})
	f := &frame{kind: typeCall, codec: method.Codec, method: method.Name, pairs: pairs, from: c.name}
	if method.Oneway {
		f.kind = typeOneway
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(1, (time.Until(deadline)+time.Millisecond-1)/time.Millisecond)
		f.timeout = strconv.FormatInt(int64(left), 10)
	}
	return f
}

// result decodes an answer.
func (f *frame) result(ctx context.Context, method Method, into Message) error {
	if reply, ok := ctx.Value(captureKey).(*Reply); ok {
		reply.Headers, reply.Trailers = f.metadata(""), f.metadata("cw-t-")
	}
	switch {
	case f.kind == typeException:
		return f.failure()
	case f.kind != typeReply || f.codec != method.Codec || f.method != method.Name:
		return malformed("it is no answer to %s", method.Name)
	}
	return decode(f.body, into, Internal, "the answer to "+method.Name)
}
