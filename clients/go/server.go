package causeway

import (
	"context"
	"errors"
	"maps"
	"net"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"
)

// HandlerFunc serves a method: it decodes the request with read, and gives the answer or an error. Generated code makes it.
type HandlerFunc func(ctx context.Context, read func(Message) error) (Message, error)

type handler struct {
	method Method
	serve  HandlerFunc
}

// Server serves calls that the sidecar hands on. Generated Register functions give it what it serves.
type Server struct {
	// DrainTimeout is how long Run waits for the calls in flight; 0 means 10 seconds.
	DrainTimeout time.Duration
	// Listening is called by Run once the server listens and heeds signals, with where it does; it may be nil.
	Listening func(address string)
	// Registration asks the local sidecar to announce this server while Run runs; nil asks for nothing.
	Registration *Registration

	handlers map[string]map[string]handler
	services []string
	codec    Codec

	mu          sync.Mutex
	connections map[*serverConnection]struct{}
	draining    bool
	running     int
	// idle is told when running changes.
	idle *sync.Cond
}

// NewServer returns a Server that serves nothing yet.
func NewServer() *Server {
	s := &Server{handlers: map[string]map[string]handler{}, connections: map[*serverConnection]struct{}{}}
	s.idle = sync.NewCond(&s.mu)
	return s
}

// Service makes a service known, before the server runs.
func (s *Server) Service(name string) {
	if s.handlers[name] == nil {
		s.handlers[name] = map[string]handler{}
		s.services = append(s.services, name)
	}
}

// Handle serves a method. All methods of a server have one codec.
func (s *Server) Handle(method Method, serve HandlerFunc) {
	s.Service(method.Service)
	s.handlers[method.Service][method.Name] = handler{method, serve}
	s.codec = method.Codec
}

// find looks a method up by the service's full or bare name, or without one by the method alone if only one service has it.
func (s *Server) find(service, method string) (handler, *Error) {
	var found []handler
	for name, methods := range s.handlers {
		each, has := methods[method]
		if has && (service == "" || service == name || service == name[strings.LastIndexByte(name, '.')+1:]) {
			found = append(found, each)
		}
	}
	switch len(found) {
	case 0:
		return handler{}, Errorf(Unimplemented, "no method %q of service %q is served here", method, service)
	case 1:
		return found[0], nil
	}
	return handler{}, Errorf(Unimplemented, "several services have a method %q; name one in the header isn", method)
}

// Run listens on address, unix:PATH or HOST:PORT, where port 0 lets the system choose one, and serves until SIGTERM or
// SIGINT, or until ctx is done. Then it leaves the sidecar, tells callers to go elsewhere, lets the calls in flight finish,
// and returns nil; calls that do not within DrainTimeout are cancelled, and that is an error.
func (s *Server) Run(ctx context.Context, address string) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	listener, err := listen(address)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(address, "unix:") {
		address = listener.Addr().String()
	}
	leave := func() {}
	if s.Registration != nil {
		leave = s.Registration.keep(address, s.services, s.codec)
	}
	if s.Listening != nil {
		s.Listening(address)
	}
	calls, cancel := context.WithCancel(context.Background())
	defer cancel()
	failed := make(chan error, 1)
	go func() { failed <- s.accept(calls, listener) }()
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	leave()
	_ = listener.Close()
	return errors.Join(err, s.drain(cancel))
}

func listen(address string) (net.Listener, error) {
	network, place := splitAddress(address)
	if network == "unix" {
		removeStale(place)
	}
	return net.Listen(network, place)
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

// accept serves connections until the listener fails.
func (s *Server) accept(ctx context.Context, listener net.Listener) error {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return err
		}
		connection := newServerConnection(s, conn)
		s.mu.Lock()
		s.connections[connection] = struct{}{}
		s.mu.Unlock()
		go func() {
			connection.serve(ctx)
			s.mu.Lock()
			delete(s.connections, connection)
			s.idle.Broadcast()
			s.mu.Unlock()
		}()
	}
}

// drain waits until the calls have ended and the sidecars have closed their connections; others are closed behind their
// last answer, where one more call may be cut.
func (s *Server) drain(cancel func()) error {
	timeout := s.DrainTimeout
	if timeout == 0 {
		timeout = 10 * time.Second
	}
	end := time.Now().Add(timeout)
	late := time.AfterFunc(timeout, func() { s.count(0) })
	s.mu.Lock()
	s.draining = true
	for connection := range s.connections {
		connection.leave()
	}
	for (s.running > 0 || s.hasSidecars()) && time.Now().Before(end) {
		s.idle.Wait()
	}
	left, running := maps.Clone(s.connections), s.running
	s.mu.Unlock()
	late.Stop()
	cancel()
	for connection := range left {
		connection.link.finish()
	}
	if running > 0 {
		return Errorf(DeadlineExceeded, "%d calls did not end within %v", running, timeout)
	}
	return nil
}

func (s *Server) hasSidecars() bool {
	for connection := range s.connections {
		if connection.profile.Load() {
			return true
		}
	}
	return false
}

// count counts the calls that run.
func (s *Server) count(change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running += change
	s.idle.Broadcast()
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}
