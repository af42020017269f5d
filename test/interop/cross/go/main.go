// Apache Thrift's library for Go as client and as server of its own cross-test service.
//
//	cross client FILE-OF-A-TEXT HOST:PORT/TRANSPORT/PROTOCOL/NAMING/NUMBER...
//	cross server TRANSPORT/PROTOCOL/NAMING...
//
// TRANSPORT is framed, buffered, theader, theader-zlib or http; PROTOCOL binary, compact or json; NAMING plain or multiplexed. The
// number is what a oneway call says, for the test to find again in the server's output.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/apache/thrift/lib/go/thrift"
)

// wire is what a connection speaks.
type wire struct{ transport, protocol, naming string }

func wireOf(parts []string) wire { return wire{parts[0], parts[1], parts[2]} }

func (w wire) isHeader() bool { return strings.HasPrefix(w.transport, "theader") }

func (w wire) settings() *thrift.TConfiguration {
	settings := &thrift.TConfiguration{SocketTimeout: timeout, ConnectTimeout: timeout}
	if w.isHeader() && w.protocol == "compact" {
		settings.THeaderProtocolID = thrift.THeaderProtocolIDPtrMust(thrift.THeaderProtocolCompact)
	}
	return settings
}

func (w wire) protocolFactory() thrift.TProtocolFactory {
	switch {
	case w.isHeader():
		return thrift.NewTHeaderProtocolFactoryConf(w.settings())
	case w.protocol == "compact":
		return thrift.NewTCompactProtocolFactoryConf(w.settings())
	case w.protocol == "json":
		return thrift.NewTJSONProtocolFactory()
	default:
		return thrift.NewTBinaryProtocolFactoryConf(w.settings())
	}
}

func (w wire) transportFactory() thrift.TTransportFactory {
	switch w.transport {
	case "framed":
		return thrift.NewTFramedTransportFactoryConf(thrift.NewTTransportFactory(), w.settings())
	case "buffered":
		return thrift.NewTBufferedTransportFactory(4096)
	default:
		return thrift.NewTTransportFactory()
	}
}

func main() {
	switch {
	case len(os.Args) > 3 && os.Args[1] == "client":
		clients(os.Args[2], os.Args[3:])
	case len(os.Args) > 2 && os.Args[1] == "server":
		servers(os.Args[2:])
	default:
		fail(errors.New("usage: cross client FILE ROUTE..., or cross server WIRE..."))
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
