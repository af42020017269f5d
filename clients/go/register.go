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
	"strings"
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
	// HTTPAddress is the sidecar's HTTP port, unix:PATH or HOST:PORT; empty: CAUSEWAY_HTTP_ADDRESS, or the default.
	HTTPAddress string
	// Lease is how long the sidecar keeps the server without hearing of it; 0 means 30 seconds.
	Lease time.Duration
	// Log hears what goes wrong; nil: standard error. Registering is tried again until the server stops.
	Log func(error)
}

type instance struct {
	Upstream string            `json:"upstream"`
	Services []string          `json:"services,omitempty"`
	Address  string            `json:"address"`
	Codec    string            `json:"codec"`
	Framing  string            `json:"framing"`
	Weight   uint32            `json:"weight,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
}

type registerRequest struct {
	Instance instance `json:"instance"`
	Lease    string   `json:"lease"`
}

type leaseReply struct {
	ID      string `json:"id"`
	Lease   string `json:"lease"`
	Message string `json:"message"`
}

// lease is a registration that is renewed until it is left.
type lease struct {
	registration Registration
	client       *http.Client
	body         registerRequest
	id           string
	quit         chan struct{}
	gone         chan struct{}
}

func (r Registration) keep(address string, services []string, codec Codec) *lease {
	if r.Lease == 0 {
		r.Lease = 30 * time.Second
	}
	if r.Log == nil {
		r.Log = func(err error) { fmt.Fprintln(os.Stderr, "causeway:", err) }
	}
	if r.HTTPAddress == "" {
		r.HTTPAddress = addressesFrom("CAUSEWAY_HTTP_ADDRESS", defaultHTTPAddresses)[0]
	}
	names := [...]string{ThriftBinary: "CODEC_THRIFT_BINARY", Protobuf: "CODEC_PROTOBUF"}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		network, place := splitAddress(r.HTTPAddress)
		return (&net.Dialer{}).DialContext(ctx, network, place)
	}}
	l := &lease{
		registration: r,
		client:       &http.Client{Transport: transport, Timeout: 5 * time.Second},
		body: registerRequest{
			Instance: instance{r.Upstream, services, address, names[codec], "FRAMING_TTHEADER", r.Weight, r.Labels},
			Lease:    fmt.Sprintf("%gs", r.Lease.Seconds()),
		},
		quit: make(chan struct{}),
		gone: make(chan struct{}),
	}
	go l.renew()
	return l
}

// renew registers, and then beats three times per lease; a lease that is lost is asked for again.
func (l *lease) renew() {
	defer close(l.gone)
	for {
		wait := l.registration.Lease / 3
		if err := l.beat(); err != nil {
			l.registration.Log(fmt.Errorf("the sidecar at %s does not register this server: %w", l.registration.HTTPAddress, err))
			wait = min(wait, time.Second)
		}
		select {
		case <-time.After(wait):
		case <-l.quit:
			return
		}
	}
}

func (l *lease) beat() error {
	if l.id == "" {
		reply, _, err := l.ask(http.MethodPut, "/v1/instances", l.body)
		l.id = reply.ID
		return err
	}
	_, status, err := l.ask(http.MethodPost, "/v1/instances/"+l.id+"/heartbeat", struct{}{})
	if status == http.StatusNotFound {
		l.id = ""
		return l.beat()
	}
	return err
}

// leave ends the renewal and takes the server out.
func (l *lease) leave() {
	close(l.quit)
	<-l.gone
	if l.id == "" {
		return
	}
	if _, _, err := l.ask(http.MethodDelete, "/v1/instances/"+l.id, nil); err != nil {
		l.registration.Log(fmt.Errorf("the sidecar keeps this server until its lease is over: %w", err))
	}
}

func (l *lease) ask(method, path string, body any) (reply leaseReply, status int, err error) {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply, 0, err
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, "http://localhost"+path, content)
	if err != nil {
		return reply, 0, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := l.client.Do(request)
	if err != nil {
		return reply, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err == nil && len(text) > 0 {
		err = json.Unmarshal(text, &reply)
	}
	if response.StatusCode != http.StatusOK {
		return reply, response.StatusCode, fmt.Errorf("%s %s: %s %s", method, path, response.Status, strings.TrimSpace(reply.Message))
	}
	return reply, response.StatusCode, err
}
