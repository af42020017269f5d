// Command stubs is both sides of a call between Go stubs: "stubs server" serves the golden IDL on a free port, "stubs
// client ADDRESS" calls it through the sidecar at ADDRESS and prints what came of each case as a line of JSON.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"causeway.dev/causeway"
	"stubs.test/gen/golden/api"
	"stubs.test/gen/golden/services"
)

func main() {
	switch os.Args[1] {
	case "server":
		address := "127.0.0.1:0"
		if len(os.Args) > 2 {
			address = os.Args[2]
		}
		if err := serve(address); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	case "client":
		client := causeway.NewClient(causeway.WithAddress(os.Args[2]), causeway.WithName("stubs-go"))
		for _, each := range cases(services.NewEverythingClient(client), api.NewEchoClient(client)) {
			report(each)
		}
	case "loop":
		loop(services.NewEverythingClient(causeway.NewClient(causeway.WithAddress(os.Args[2]))))
	}
}

func report(each testCase) {
	err := each.run(context.Background())
	line := struct {
		Name   string `json:"name"`
		OK     bool   `json:"ok"`
		Detail string `json:"detail"`
	}{each.name, err == nil, ""}
	if err != nil {
		line.Detail = err.Error()
	}
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

// serve ends when standard input does, or by SIGTERM.
func serve(address string) error {
	server := causeway.NewServer()
	services.RegisterEverything(server, &everything{})
	api.RegisterEcho(server, echo{})
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
	err := server.Run(ctx, address)
	fmt.Println("ended")
	return err
}

// loop makes a call for each line of standard input, prints what came of it, and ends with the input. The call of the
// line "hang" takes so long that it can only be ended.
func loop(client *services.EverythingClient) {
	ctx, stop := context.WithTimeout(context.Background(), longCall)
	defer stop()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if lines.Text() == "hang" {
			go func() {
				_, err := client.Sleep(ctx, 60_000)
				fmt.Println("hang", causeway.CodeOf(err), err)
			}()
			continue
		}
		who, err := client.Who(ctx)
		fmt.Println("call", causeway.CodeOf(err), who, err)
	}
}
