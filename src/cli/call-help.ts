// The end of `causeway call --help`: what needs more than a line, and an example for each use.

export const HELP = `
The schema comes from --idl, or from the server's own reflection when it speaks gRPC. METHOD is SERVICE/METHOD, the service in
full or bare where that is clear. Without --protocol it is thrift-framed where a .thrift file declares the service, else grpc.
JSON is the Protobuf JSON mapping; arguments of Thrift methods are members of one object, by name. It is an argument, @FILE, or -
for standard input; {} when nothing is given. Methods that stream requests take them a line each, from standard input when
nothing is given. Responses are printed as they come, a line each unless standard output is a terminal; an exception that the
IDL declares as {"exception":NAME,"value":{…}}. Errors go to standard error.

Exit codes:
  0  the call was answered
  1  it ended with an error, or an exception that the IDL declares
  2  the command line, the IDL or the JSON is wrong; nothing was called
  3  the server could not be connected to
  4  the time of --timeout passed

Examples:
  $ causeway call --idl idl/shop/inventory.thrift 127.0.0.1:9090 Inventory/get '{"sku":"TEA"}'
  $ causeway call 127.0.0.1:50051 shop.v1.Orders/Watch @request.json --timeout 5s -v
  $ causeway call --idl shop.thrift --protocol ttheader -H tenant:a unix:/run/shop.sock Shop/getOrder -

  What a gRPC server has, or the IDL of one service:
  $ causeway call 127.0.0.1:50051 --list
  $ causeway call 127.0.0.1:50051 --describe shop.v1.Orders`;
