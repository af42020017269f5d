// The server of gRPC's official interop suite on a free port of 127.0.0.1, and the descriptors of what it serves.
//
//	grpc-suite server
//	grpc-suite descriptors FILE
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	orcagrpc "github.com/cncf/xds/go/xds/service/orca/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/interop"
	testgrpc "google.golang.org/grpc/interop/grpc_testing"
	"google.golang.org/grpc/orca"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
)

func main() {
	switch arguments := append(os.Args[1:], "", ""); arguments[0] {
	case "server":
		serve()
	case "descriptors":
		check(os.WriteFile(arguments[1], descriptors(testgrpc.File_grpc_testing_test_proto), 0o666))
	default:
		check(fmt.Errorf("usage: grpc-suite server|descriptors"))
	}
}

// serve is what the suite's own command does, but for the address.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	server := grpc.NewServer(orca.CallMetricsServerOption(nil))
	recorder := orca.NewServerMetricsRecorder()
	orcagrpc.RegisterOpenRcaServiceServer(server, loadReports{recorder: recorder})
	options := interop.NewTestServerOptions{MetricsRecorder: recorder}
	testgrpc.RegisterTestServiceServer(server, named{interop.NewTestServer(options), listener.Addr().String()})
	fmt.Println("ready", listener.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	check(server.Serve(listener))
}

// named says which server it is to those who ask, which the suite's own does not.
type named struct {
	testgrpc.TestServiceServer
	name string
}

func (n named) UnaryCall(ctx context.Context, request *testgrpc.SimpleRequest) (*testgrpc.SimpleResponse, error) {
	response, err := n.TestServiceServer.UnaryCall(ctx, request)
	if err == nil && request.GetFillServerId() {
		response.ServerId = n.name
	}
	return response, err
}

// descriptors is a FileDescriptorSet of a file, behind all that it imports.
func descriptors(file protoreflect.FileDescriptor) []byte {
	set := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add(file)
	bytes, err := proto.Marshal(set)
	check(err)
	return bytes
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
