// A server and a client on the official Connect library for Go, whose messages are wrappers, so that no code is generated.
//
// The server, test.v1.Echo, listens on a free port of 127.0.0.1, prints it, and ends when its standard input does. The client is what
// `client ADDRESS connect|grpc-web proto|json grpc|thrift` starts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func say(
	ctx context.Context,
	request *connect.Request[wrapperspb.StringValue],
) (*connect.Response[wrapperspb.StringValue], error) {
	text := request.Msg.GetValue()
	switch text {
	case "fail":
		failure := connect.NewError(connect.CodeFailedPrecondition, errors.New("not today: é"))
		detail, err := connect.NewErrorDetail(wrapperspb.String("rain"))
		if err != nil {
			return nil, err
		}
		failure.AddDetail(detail)
		failure.Meta().Set("Why", "weather")
		return nil, failure
	case "hang":
		<-ctx.Done()
		return nil, ctx.Err()
	case "deadline":
		if _, has := ctx.Deadline(); !has {
			text = "no deadline"
		}
	}
	response := connect.NewResponse(wrapperspb.String(text + strings.Join(request.Header().Values("Tenant"), "+")))
	response.Header().Set("Served-By", "connect-go")
	response.Trailer().Set("Cost-Bin", connect.EncodeBinaryHeader([]byte{1, 2, 255}))
	return response, nil
}

func main() {
	if len(os.Args) == 6 && os.Args[1] == "client" {
		runClient(os.Args[2:])
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", listener.Addr().String())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	mux := http.NewServeMux()
	mux.Handle("/test.v1.Echo/Say", connect.NewUnaryHandler("/test.v1.Echo/Say", say))
	panic(http.Serve(listener, mux))
}
