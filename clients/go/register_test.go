package causeway

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestAServerRegistersBeatsAndLeaves(t *testing.T) {
	asked := make(chan string, 100)
	bodies := make(chan map[string]any, 100)
	lost := true
	sidecar := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.URL.Path
		if r.Method == http.MethodPut {
			var body map[string]any
			_ = json.NewDecoder(r.Body).Decode(&body)
			bodies <- body
		}
		if strings.HasSuffix(r.URL.Path, "/heartbeat") && lost {
			lost = false
			w.WriteHeader(http.StatusNotFound)
			_, _ = w.Write([]byte(`{"code":"not_found","message":"no such lease"}`))
			return
		}
		_, _ = w.Write([]byte(`{"id":"i1","lease":"0.03s"}`))
	}))
	defer sidecar.Close()
	server := NewServer()
	server.Service("test.Echo")
	server.Registration = &Registration{Upstream: "echo", Weight: 5, Labels: map[string]string{"zone": "a"},
		HTTPAddress: strings.TrimPrefix(sidecar.URL, "http://"), Lease: 30 * time.Millisecond, Log: func(err error) { t.Error(err) }}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, "127.0.0.1:0") }()
	for _, wanted := range []string{"PUT /v1/instances", "POST /v1/instances/i1/heartbeat", "PUT /v1/instances", "POST /v1/instances/i1/heartbeat"} {
		if got := <-asked; got != wanted {
			t.Fatalf("got %s instead of %s", got, wanted)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	last := ""
	for len(asked) > 0 {
		last = <-asked
	}
	if last != "DELETE /v1/instances/i1" {
		t.Fatalf("the last was %s", last)
	}
	body := <-bodies
	instance, _ := body["instance"].(map[string]any)
	if instance["upstream"] != "echo" || instance["codec"] != "CODEC_THRIFT_BINARY" || instance["framing"] != "FRAMING_TTHEADER" ||
		instance["weight"] != 5.0 || body["lease"] != "0.03s" || !strings.HasPrefix(instance["address"].(string), "127.0.0.1:") {
		t.Fatalf("registered as %v", body)
	}
}
