package causeway

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime/debug"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// maxCallsPerConnection is how many calls of one connection run at once; then nothing more is read from it.
const maxCallsPerConnection = 1_000

// serverConnection is a connection of the sidecar with the calls that run for it.
type serverConnection struct {
	server *Server
	link   *link
	slots  chan struct{}
	// cancels are the context.CancelFunc of the calls that run, by their ids.
	cancels sync.Map
	// profile is whether the peer has shown that it is a sidecar, which closes when it is told to go elsewhere.
	profile atomic.Bool
}

func newServerConnection(server *Server, conn net.Conn) *serverConnection {
	return &serverConnection{server: server, link: &link{conn: conn}, slots: make(chan struct{}, maxCallsPerConnection)}
}

// serve serves calls until the connection ends, which cancels those that are left.
func (c *serverConnection) serve(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	_ = c.link.readAll(func(bytes []byte) error { return c.take(ctx, bytes) })
}

func (c *serverConnection) take(ctx context.Context, bytes []byte) error {
	f, err := readFrame(bytes)
	if f == nil {
		return err
	}
	if f.value("cw") == "1" {
		c.profile.Store(true)
	}
	switch {
	case err != nil:
		c.answer(f, nil, nil, errorOf(err, f.codec))
	case f.kind == typeCall || f.kind == typeOneway:
		c.slots <- struct{}{}
		c.server.count(1)
		// Known before the next frame is read, which may cancel it.
		ctx, cancel := withTimeout(ctx, f.timeout)
		c.cancels.Store(f.id, cancel)
		go c.run(ctx, f, cancel)
	case f.value("cw-cancel") == "1":
		if cancel, runs := c.cancels.Load(f.id); runs {
			cancel.(context.CancelFunc)()
		}
	}
	return nil
}

// leave tells a sidecar to go elsewhere; a call that is on its way is still served.
func (c *serverConnection) leave() {
	signal := &frame{pairs: []string{"cw", "1", "crrst", "1"}}
	if written, err := signal.write(nil); err == nil && c.profile.Load() {
		c.link.send(written)
	}
}

// run serves a call with its metadata, and with it its trace.
func (c *serverConnection) run(ctx context.Context, f *frame, cancel context.CancelFunc) {
	defer func() {
		cancel()
		<-c.slots
		c.server.count(-1)
	}()
	reply := &Reply{Headers: Metadata{}, Trailers: Metadata{}}
	ctx = context.WithValue(context.WithValue(ctx, incomingKey, f.metadata("")), replyKey, reply)
	answer, failure := c.call(ctx, f)
	c.cancels.Delete(f.id)
	if f.kind == typeCall {
		c.answer(f, reply, answer, failure)
	}
}

func withTimeout(ctx context.Context, milliseconds string) (context.Context, context.CancelFunc) {
	if timeout, err := strconv.ParseInt(milliseconds, 10, 41); err == nil && timeout > 0 {
		return context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

func (c *serverConnection) call(ctx context.Context, f *frame) (answer Message, failure *Error) {
	found, failure := c.server.find(f.value("isn"), f.method)
	if failure != nil {
		return nil, failure
	}
	if found.method.Codec != f.codec {
		return nil, Errorf(Unimplemented, "%s is served on the other wire: give the upstream the codec that its stubs were generated for", f.method)
	}
	if found.method.Oneway {
		// Clients may send a oneway call as a plain one, and wait for nothing all the same.
		f.kind = typeOneway
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			fmt.Fprintf(os.Stderr, "causeway: %s.%s panicked: %v\n%s", found.method.Service, f.method, panicked, debug.Stack())
			failure = Errorf(Internal, "%s failed unexpectedly", f.method)
		}
	}()
	answer, err := found.serve(ctx, func(into Message) error {
		return decode(f.body, into, InvalidArgument, "the request to "+f.method)
	})
	if err != nil {
		return nil, errorOf(err, f.codec)
	}
	return answer, nil
}

func (c *serverConnection) answer(f *frame, reply *Reply, answer Message, failure *Error) {
	own := []string{"cw", "1"}
	if c.server.isDraining() {
		own = append(own, "crrst", "1")
	}
	pairs := own[:len(own):len(own)]
	if reply != nil {
		pairs = appendPairs(appendPairs(pairs, "", reply.Headers), "cw-t-", reply.Trailers)
	}
	out := frame{id: f.id, kind: typeReply, codec: f.codec, method: f.method, sequence: f.sequence, pairs: pairs}
	if failure == nil {
		written, err := out.write(answer)
		if err == nil {
			c.link.send(written)
			release(written)
			return
		}
		failure = Errorf(Internal, "the answer to %s cannot be written: %v", f.method, err)
	}
	out.kind = typeException
	out.pairs = append(pairs, statusPairs(failure)...)
	body := &exception{f.codec, fmt.Sprintf("[grpc:%d %s] %s", failure.Code, failure.Code, failure.Message)}
	written, err := out.write(body)
	if err != nil {
		// The error is worth more than what came with it.
		out.pairs = append(own, statusPairs(failure)...)
		written, err = out.write(body)
	}
	if err != nil {
		c.link.fail(err)
		return
	}
	c.link.send(written)
	release(written)
}
