package causeway

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"causeway.dev/causeway/wire"
)

// text is a message of one string, on Thrift.
type text struct{ value string }

func (t *text) MarshalWire(w *wire.Writer) {
	w.Field(wire.String, 1)
	w.String(t.value)
	w.Stop()
}

func (t *text) UnmarshalWire(r *wire.Reader) {
	r.Enter()
	for r.Next() {
		if r.Field() == 1<<8|wire.String {
			t.value = r.String()
		} else {
			r.Skip()
		}
	}
	r.Leave()
}

var echoMethod = Method{Service: "test.Echo", Name: "echo"}

func TestAnErrorSaysWhichAddressWasTriedAndHowToStartASidecar(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	err = NewClient(WithAddress(address)).Call(ctx, echoMethod, &text{}, &text{})
	if CodeOf(err) != Unavailable || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %v", err)
	}
	for _, wanted := range []string{address, "causeway serve", "CAUSEWAY_ADDRESS"} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q does not say %q", err, wanted)
		}
	}
}

func TestTheEnvironmentSaysWhereTheSidecarIs(t *testing.T) {
	t.Setenv("CAUSEWAY_ADDRESS", "unix:/nowhere/at.sock")
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	err := NewClient().Call(ctx, echoMethod, &text{}, &text{})
	if err == nil || !strings.Contains(err.Error(), "unix:/nowhere/at.sock") {
		t.Fatalf("got %v", err)
	}
}

// serveEcho serves echoMethod until the test is over, or until stop is called, which gives what Run returned.
func serveEcho(t *testing.T, serve func(context.Context, *text) (*text, error)) (address string, stop func() error) {
	t.Helper()
	server := NewServer()
	server.Handle(echoMethod, func(ctx context.Context, read func(Message) error) (Message, error) {
		request := new(text)
		if err := read(request); err != nil {
			return nil, err
		}
		return serve(ctx, request)
	})
	listening, ended := make(chan string, 1), make(chan error, 1)
	server.Listening = func(address string) { listening <- address }
	ctx, cancel := context.WithCancel(context.Background())
	go func() { ended <- server.Run(ctx, "127.0.0.1:0") }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-ended
	})
	t.Cleanup(func() { _ = stop() })
	return <-listening, stop
}

func TestTheDeadlineAndTheTraceTravelThroughAServerThatCalls(t *testing.T) {
	inner, _ := serveEcho(t, func(ctx context.Context, _ *text) (*text, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left > time.Minute {
			return nil, Errorf(Internal, "no deadline")
		}
		return &text{IncomingMetadata(ctx).Get("traceparent") + " " + IncomingMetadata(ctx).Get("tracestate")}, nil
	})
	next := NewClient(WithAddress(inner))
	outer, _ := serveEcho(t, func(ctx context.Context, request *text) (*text, error) {
		answer := new(text)
		return answer, next.Call(ctx, echoMethod, request, answer)
	})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	answer := new(text)
	ctx = WithMetadata(ctx, "traceparent", "00-a-b-01", "tracestate", "x=y")
	if err := NewClient(WithAddress(outer)).Call(ctx, echoMethod, &text{"a"}, answer); err != nil {
		t.Fatal(err)
	}
	if answer.value != "00-a-b-01 x=y" {
		t.Fatalf("got %q", answer.value)
	}
}

func TestCallsShareAConnectionAndAnswersMayOvertakeEachOther(t *testing.T) {
	release := make(chan struct{})
	address, _ := serveEcho(t, func(_ context.Context, request *text) (*text, error) {
		if request.value == "slow" {
			<-release
		}
		return request, nil
	})
	client := NewClient(WithAddress(address))
	slow := make(chan error, 1)
	go func() { slow <- client.Call(context.Background(), echoMethod, &text{"slow"}, &text{}) }()
	for i := 0; i < 3; i++ {
		if err := client.Call(context.Background(), echoMethod, &text{"fast"}, &text{}); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	if err := <-slow; err != nil {
		t.Fatal(err)
	}
}

func TestOfManyCallsAtOnceEachGetsItsOwnAnswer(t *testing.T) {
	address, _ := serveEcho(t, func(_ context.Context, request *text) (*text, error) { return request, nil })
	client := NewClient(WithAddress(address))
	ended := make(chan error)
	for caller := 0; caller < 50; caller++ {
		caller := caller
		go func() {
			var err error
			for i := 0; i < 50 && err == nil; i++ {
				given, answer := text{strings.Repeat("ab", caller*i)}, text{}
				if err = client.Call(context.Background(), echoMethod, &given, &answer); err == nil && answer != given {
					err = errors.New("the answer is not what was sent")
				}
			}
			ended <- err
		}()
	}
	for caller := 0; caller < 50; caller++ {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}

func TestShutdownLetsTheCallInFlightFinish(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	address, stop := serveEcho(t, func(_ context.Context, request *text) (*text, error) {
		close(started)
		<-release
		return request, nil
	})
	answer := make(chan error, 1)
	go func() {
		answer <- NewClient(WithAddress(address)).Call(context.Background(), echoMethod, &text{"a"}, &text{})
	}()
	<-started
	down := make(chan error, 1)
	go func() { down <- stop() }()
	close(release)
	if err := errors.Join(<-answer, <-down); err != nil {
		t.Fatal(err)
	}
}

func TestACancellationRightBehindItsCallIsHeeded(t *testing.T) {
	cancelled := make(chan error, 1)
	address, _ := serveEcho(t, func(ctx context.Context, request *text) (*text, error) {
		<-ctx.Done()
		cancelled <- ctx.Err()
		return request, nil
	})
	call := frame{id: 7, pairs: []string{"isn", echoMethod.Service}, kind: typeCall, method: echoMethod.Name}
	signal := frame{id: 7, pairs: []string{"cw", "1", "cw-cancel", "1"}}
	both, err := call.write(&text{"a"})
	if err != nil {
		t.Fatal(err)
	}
	behind, err := signal.write(nil)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(append(both, behind...)); err != nil {
		t.Fatal(err)
	}
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestAFrameThatMeansNothingEndsItsConnectionAlone(t *testing.T) {
	address, _ := serveEcho(t, func(_ context.Context, request *text) (*text, error) { return request, nil })
	for _, bytes := range []string{"\xff\xff\xff\xff", "\x00\x00\x00\x02ab", "GET / HTTP/1.1\r\n\r\n",
		"\x00\x00\x00\x0e\x10\x00\x00\x00\x00\x00\x00\x01\xff\xff\x00\x00\x00\x00"} {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = conn.Write([]byte(bytes))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("an answer to %q", bytes)
		}
		conn.Close()
	}
	if err := NewClient(WithAddress(address)).Call(context.Background(), echoMethod, &text{"a"}, &text{}); err != nil {
		t.Fatal(err)
	}
}

func FuzzReadFrame(f *testing.F) {
	call := frame{id: 7, pairs: []string{"cw", "1"}, timeout: "5", kind: typeCall, method: "a"}
	written, err := call.write(&text{"b"})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(written[4:])
	f.Fuzz(func(_ *testing.T, bytes []byte) {
		if read, err := readFrame(bytes); err == nil {
			_ = wire.Unmarshal(read.body, &text{})
			_ = read.failure()
		}
	})
}

func TestAServerThatDrainsTellsTheSidecarAndServesWhatIsOnItsWay(t *testing.T) {
	address, stop := serveEcho(t, func(_ context.Context, request *text) (*text, error) { return request, nil })
	sidecar, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer sidecar.Close()
	next := func() *frame {
		t.Helper()
		bytes, err := readBytes(sidecar)
		if err != nil {
			t.Fatal(err)
		}
		f, err := readFrame(bytes)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	call := func(id int32) *frame {
		t.Helper()
		f := &frame{id: id, kind: typeCall, method: "echo", pairs: []string{"cw", "1", "isn", "test.Echo"}, timeout: "10000"}
		written, err := f.write(&text{"a"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := sidecar.Write(written); err != nil {
			t.Fatal(err)
		}
		return next()
	}
	if f := call(1); f.id != 1 || f.value("crrst") != "" {
		t.Fatalf("got %+v", f)
	}
	ended := make(chan error)
	go func() { ended <- stop() }()
	if f := next(); f.kind != typeSignal || f.value("crrst") != "1" {
		t.Fatalf("got %+v", f)
	}
	if f := call(2); f.id != 2 || f.kind != typeReply || f.value("crrst") != "1" {
		t.Fatalf("got %+v", f)
	}
	sidecar.Close()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}
