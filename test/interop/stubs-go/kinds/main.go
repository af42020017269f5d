// Command kinds is both sides of a call of the service Kinds: "kinds server" serves it on a free port, "kinds client
// ADDRESS WIRE LANGUAGE" calls a server in LANGUAGE through the sidecar at ADDRESS and prints what came of each case as a line of JSON.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"causeway.dev/causeway"
	"stubs.test/gen/kinds"
)

func main() {
	if os.Args[1] == "client" {
		report(clientCases(os.Args[2], os.Args[3], os.Args[4]))
		return
	}
	if err := serve(); err != nil {
		fail(err)
	}
}

// serve ends when standard input does, or by SIGTERM.
func serve() error {
	server := causeway.NewServer()
	kinds.RegisterKinds(server, &handler{})
	if upstream := os.Getenv("REGISTER_AS"); upstream != "" {
		server.Registration = &causeway.Registration{Upstream: upstream, HealthCheck: json.RawMessage(os.Getenv("HEALTH_CHECK"))}
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	server.Listening = func(where string) { fmt.Println("ready", where) }
	return server.Run(ctx, "127.0.0.1:0")
}
