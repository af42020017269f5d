package causeway

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// Registration is what a server tells its local sidecar of itself, besides its address and its services: the JSON of
// idl/causeway/registration.proto.
type Registration struct {
	// Upstream is the deployment that the server belongs to.
	Upstream string
	// Weight is its share beside other instances; 0 means 100.
	Weight uint32
	Labels map[string]string
	// HealthCheck is how the sidecar looks whether the server is well, such as {"thrift": {"method": "ping"}}; nil: by a
	// connection.
	HealthCheck json.RawMessage
	// HTTPAddress is the sidecar's HTTP port, unix:PATH or HOST:PORT; empty: CAUSEWAY_HTTP_ADDRESS, or the default.
	HTTPAddress string
	// Lease is how long the sidecar keeps the server without hearing of it; 0 means 30 seconds.
	Lease time.Duration
	// Log hears what goes wrong; nil: standard error. Registering is tried again until the server stops.
	Log func(error)
}

type instance struct {
	Upstream    string            `json:"upstream"`
	Services    []string          `json:"services,omitempty"`
	Address     string            `json:"address"`
	Codec       string            `json:"codec"`
	Framing     string            `json:"framing"`
	Weight      uint32            `json:"weight,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	HealthCheck json.RawMessage   `json:"healthCheck,omitempty"`
}

// lease is a registration that is renewed until it is left.
type lease struct {
	Registration
	client  *http.Client
	request []byte
	id      string
}

// keep registers the server and stays so until leave is called.
func (r Registration) keep(address string, services []string, codec Codec) (leave func()) {
	if r.Lease == 0 {
		r.Lease = 30 * time.Second
	}
	if r.Log == nil {
		r.Log = func(err error) { fmt.Fprintln(os.Stderr, "causeway:", err) }
	}
	if r.HTTPAddress == "" {
		r.HTTPAddress = addressesFrom("CAUSEWAY_HTTP_ADDRESS", defaultHTTPAddresses)[0]
	}
	codecs := [...]string{ThriftBinary: "CODEC_THRIFT_BINARY", Protobuf: "CODEC_PROTOBUF"}
	own := instance{r.Upstream, services, address, codecs[codec], "FRAMING_TTHEADER", r.Weight, r.Labels, r.HealthCheck}
	request, err := json.Marshal(map[string]any{"instance": own, "lease": fmt.Sprintf("%gs", r.Lease.Seconds())})
	if err != nil {
		r.Log(fmt.Errorf("the server does not register: its health check is no JSON: %w", err))
		return func() {}
	}
	network, place := splitAddress(r.HTTPAddress)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, place)
	}}
	l := &lease{Registration: r, client: &http.Client{Transport: transport, Timeout: 5 * time.Second}, request: request}
	quit, gone := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		l.renew(quit)
	}()
	return func() {
		close(quit)
		<-gone
	}
}

// renew registers, and then beats three times per lease; a lease that is lost is asked for again. In the end it leaves.
func (l *lease) renew(quit <-chan struct{}) {
	for {
		wait := l.Lease / 3
		if err := l.beat(); err != nil {
			l.Log(fmt.Errorf("the sidecar at %s does not register this server: %w", l.HTTPAddress, err))
			wait = min(wait, time.Second)
		}
		select {
		case <-time.After(wait):
			continue
		case <-quit:
		}
		if l.id == "" {
			return
		}
		if _, err := l.ask(http.MethodDelete, "/"+l.id, nil); err != nil {
			l.Log(fmt.Errorf("the sidecar keeps this server until its lease is over: %w", err))
		}
		return
	}
}

func (l *lease) beat() error {
	if l.id != "" {
		status, err := l.ask(http.MethodPost, "/"+l.id+"/heartbeat", []byte("{}"))
		if status != http.StatusNotFound {
			return err
		}
		l.id = ""
	}
	_, err := l.ask(http.MethodPut, "", l.request)
	return err
}

// ask makes a request of the sidecar, and keeps the id that a registration is answered with.
func (l *lease) ask(method, path string, body []byte) (status int, err error) {
	request, err := http.NewRequest(method, "http://localhost/v1/instances"+path, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := l.client.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	var reply struct{ ID, Message string }
	err = json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&reply)
	if response.StatusCode != http.StatusOK {
		return response.StatusCode, fmt.Errorf("%s %s: %s %s", method, request.URL.Path, response.Status, reply.Message)
	}
	if method == http.MethodPut {
		l.id = reply.ID
	}
	return response.StatusCode, err
}
