// The official Apache Thrift and gRPC libraries for Go, as clients and as servers of the service Kinds.
//
//	kinds thrift-client HOST:PORT [framed|buffered|theader|theader-zlib|ttheader] [strict|old|compact]
//	kinds grpc-client HOST:PORT
//	kinds thrift-server [framed|buffered|theader|ttheader|http] [strict|compact]
//	kinds grpc-server
package main

import (
	"errors"
	"os"
)

func main() {
	arguments := append(os.Args[1:], "", "", "", "")
	switch arguments[0] {
	case "thrift-client":
		thriftClient(arguments[1], arguments[2], arguments[3])
	case "grpc-client":
		grpcClient(arguments[1])
	case "thrift-server":
		thriftServer(arguments[1], arguments[2])
	case "grpc-server":
		grpcServer()
	default:
		fail(errors.New("usage: kinds thrift-client|grpc-client HOST:PORT, or thrift-server|grpc-server"))
	}
}
