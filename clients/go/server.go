package causeway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// maxCallsPerConnection is how many calls of one connection run at once; then nothing more is read from it.
const maxCallsPerConnection = 1_000

// HandlerFunc serves a method: it decodes the request with read, and gives the answer or an error. Generated code makes it.
type HandlerFunc func(ctx context.Context, read func(Message) error) (Message, error)

type handler struct {
	method Method
	serve  HandlerFunc
}

// Server serves calls that the sidecar hands on. Generated Register functions give it what it serves.
type Server struct {
	// DrainTimeout is how long Run waits for the calls in flight after SIGTERM or SIGINT; 0 means 10 seconds.
	DrainTimeout time.Duration
	// Listening is called by Run once the server listens and heeds signals, with where it does; it may be nil.
	Listening func(address string)
	// Registration asks the local sidecar to announce this server while Run runs; nil asks for nothing.
	Registration *Registration

	handlers map[string]map[string]handler
	services []string

	mu          sync.Mutex
	listener    net.Listener
	connections map[*serverConnection]struct{}
	draining    bool
	running     int
	// drained is closed when it drains and no call is left.
	drained chan struct{}
	stop    context.CancelFunc
	base    context.Context
}

// NewServer returns a Server that serves nothing yet.
func NewServer() *Server {
	s := &Server{handlers: map[string]map[string]handler{}, connections: map[*serverConnection]struct{}{},
		drained: make(chan struct{})}
	s.base, s.stop = context.WithCancel(context.Background())
	return s
}

// Service makes a service known, before the server listens.
func (s *Server) Service(name string) {
	if s.handlers[name] == nil {
		s.handlers[name] = map[string]handler{}
		s.services = append(s.services, name)
	}
}

// Handle serves a method, before the server listens.
func (s *Server) Handle(method Method, serve HandlerFunc) {
	s.Service(method.Service)
	s.handlers[method.Service][method.Name] = handler{method, serve}
}

// Listen opens the address, unix:PATH or HOST:PORT, and returns where it is: port 0 lets the system choose one.
func (s *Server) Listen(address string) (string, error) {
	network, place := splitAddress(address)
	if network == "unix" {
		removeStale(place)
	}
	listener, err := net.Listen(network, place)
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.listener = listener
	s.mu.Unlock()
	if network == "unix" {
		return "unix:" + place, nil
	}
	return listener.Addr().String(), nil
}

// removeStale removes a socket that a process which is gone has left behind.
func removeStale(path string) {
	if info, err := os.Stat(path); err != nil || info.Mode()&os.ModeSocket == 0 {
		return
	}
	if conn, err := net.Dial("unix", path); err == nil {
		_ = conn.Close()
		return
	}
	_ = os.Remove(path)
}

// Run listens and serves until SIGTERM or SIGINT, or until ctx is done; then it leaves the sidecar, lets the calls in
// flight finish, and returns nil.
func (s *Server) Run(ctx context.Context, address string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	where, err := s.Listen(address)
	if err != nil {
		return err
	}
	var registered *lease
	if s.Registration != nil {
		registered = s.Registration.keep(where, s.services, s.codec())
	}
	if s.Listening != nil {
		s.Listening(where)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	select {
	case err = <-served:
	case <-ctx.Done():
	}
	if registered != nil {
		registered.leave()
	}
	timeout := s.DrainTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	drain, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return errors.Join(err, s.Shutdown(drain))
}

func (s *Server) codec() Codec {
	for _, methods := range s.handlers {
		for _, each := range methods {
			return each.method.Codec
		}
	}
	return ThriftBinary
}

// Serve serves connections until Shutdown, after Listen.
func (s *Server) Serve() error {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			if s.isDraining() {
				return nil
			}
			return err
		}
		connection := &serverConnection{server: s, link: newLink(conn), cancels: map[int32]context.CancelFunc{},
			slots: make(chan struct{}, maxCallsPerConnection)}
		s.mu.Lock()
		s.connections[connection] = struct{}{}
		s.mu.Unlock()
		go connection.serve()
	}
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Shutdown stops listening, tells callers to go elsewhere, and closes each connection behind its last answer. When ctx
// is done first, the calls that are left are cancelled and the error is that of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return errors.New("the server shuts down already")
	}
	s.draining = true
	if s.listener != nil {
		_ = s.listener.Close()
	}
	s.closeIfDrained()
	s.mu.Unlock()
	var err error
	select {
	case <-s.drained:
	case <-ctx.Done():
		err = ctx.Err()
	}
	s.stop()
	s.mu.Lock()
	left := make([]*serverConnection, 0, len(s.connections))
	for connection := range s.connections {
		left = append(left, connection)
	}
	s.mu.Unlock()
	for _, connection := range left {
		connection.link.finish()
	}
	return err
}

// count counts the calls that run, with the lock that draining has.
func (s *Server) count(change int) {
	s.mu.Lock()
	s.running += change
	s.closeIfDrained()
	s.mu.Unlock()
}

// closeIfDrained is called with the lock held. A call may still come behind the last one, and is cut.
func (s *Server) closeIfDrained() {
	if !s.draining || s.running > 0 {
		return
	}
	select {
	case <-s.drained:
	default:
		close(s.drained)
	}
}

// find looks a method up by the service's full or bare name, or without one by the method alone if only one service has it.
func (s *Server) find(service, method string) (handler, *Error) {
	var found []handler
	for name, methods := range s.handlers {
		if service != "" && service != name && service != name[strings.LastIndexByte(name, '.')+1:] {
			continue
		}
		if each, ok := methods[method]; ok {
			found = append(found, each)
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return handler{}, Errorf(Unimplemented, "several services have a method %q; name one in the header isn", method)
	}
	return handler{}, Errorf(Unimplemented, "no method %q of service %q is served here", method, service)
}

// serverConnection is a connection of the sidecar with the calls that run for it.
type serverConnection struct {
	server *Server
	link   *link
	slots  chan struct{}

	mu      sync.Mutex
	cancels map[int32]context.CancelFunc
}

func (c *serverConnection) serve() {
	_ = c.link.readAll(func(bytes []byte) error {
		f, err := readFrame(bytes)
		if f == nil {
			return err
		}
		if f.signal {
			if f.value("cw-cancel") == "1" {
				c.cancel(f.sequence)
			}
			return nil
		}
		if err != nil {
			c.answer(f, nil, nil, errorOf(err, f.codec))
			return nil
		}
		c.slots <- struct{}{}
		c.server.count(1)
		go c.run(f)
		return nil
	})
	c.mu.Lock()
	for _, cancel := range c.cancels {
		cancel()
	}
	c.mu.Unlock()
	c.server.mu.Lock()
	delete(c.server.connections, c)
	c.server.mu.Unlock()
}

func (c *serverConnection) run(f *frame) {
	defer func() {
		<-c.slots
		c.server.count(-1)
	}()
	ctx, cancel := c.contextOf(f)
	defer cancel()
	reply := &Reply{Headers: Metadata{}, Trailers: Metadata{}}
	ctx = context.WithValue(ctx, replyKey, reply)
	c.mu.Lock()
	c.cancels[f.sequence] = cancel
	c.mu.Unlock()
	answer, failure := c.call(ctx, f)
	c.mu.Lock()
	delete(c.cancels, f.sequence)
	c.mu.Unlock()
	if f.kind == typeCall {
		c.answer(f, reply, answer, failure)
	}
}

func (c *serverConnection) call(ctx context.Context, f *frame) (answer Message, failure *Error) {
	found, failure := c.server.find(f.value("isn"), f.name)
	if failure != nil {
		return nil, failure
	}
	if found.method.Codec != f.codec {
		return nil, Errorf(Unimplemented, "%s is served on the other wire: give the upstream the codec that its stubs were generated for", f.name)
	}
	if found.method.Oneway {
		// Clients may send a oneway call as a plain one, and wait for nothing all the same.
		f.kind = typeOneway
	}
	defer func() {
		if panicked := recover(); panicked != nil {
			fmt.Fprintf(os.Stderr, "causeway: %s.%s panicked: %v\n%s", found.method.Service, f.name, panicked, debug.Stack())
			failure = Errorf(Internal, "%s failed unexpectedly", f.name)
		}
	}()
	answer, err := found.serve(ctx, func(into Message) error {
		return decode(f.body, into, InvalidArgument, "the request to "+f.name)
	})
	if err != nil {
		return nil, errorOf(err, f.codec)
	}
	return answer, nil
}

// contextOf gives the context of a call: its deadline, its metadata, and with them its trace.
func (c *serverConnection) contextOf(f *frame) (context.Context, context.CancelFunc) {
	ctx := context.WithValue(c.server.base, incomingKey, f.metadata(""))
	if timeout, err := strconv.ParseInt(f.timeout, 10, 64); err == nil && timeout > 0 && timeout < 1<<40 {
		return context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
	}
	return context.WithCancel(ctx)
}

func (c *serverConnection) cancel(sequence int32) {
	c.mu.Lock()
	cancel := c.cancels[sequence]
	c.mu.Unlock()
	if cancel != nil {
		cancel()
	}
}

func (c *serverConnection) answer(f *frame, reply *Reply, answer Message, failure *Error) {
	pairs := []string{"cw", "1"}
	if c.server.isDraining() {
		pairs = append(pairs, "crrst", "1")
	}
	common := len(pairs)
	if reply != nil {
		pairs = appendPairs(pairs, "", reply.Headers)
		pairs = appendPairs(pairs, "cw-t-", reply.Trailers)
	}
	head := envelope{f.codec, typeReply, f.name, f.envelope.sequence}
	if failure == nil {
		frame, err := writeFrame(f.sequence, pairs, nil, head, answer)
		if err == nil {
			c.link.send(frame)
			return
		}
		failure = Errorf(Internal, "the answer to %s cannot be written: %v", f.name, err)
	}
	head.kind = typeException
	exception := exceptionOf(f.codec, failure)
	frame, err := writeFrame(f.sequence, errorPairs(pairs, failure), nil, head, exception)
	if err != nil {
		// The error is worth more than what came with it.
		frame, err = writeFrame(f.sequence, errorPairs(pairs[:common:common], failure), nil, head, exception)
	}
	if err != nil {
		c.link.fail(err)
		return
	}
	c.link.send(frame)
}
