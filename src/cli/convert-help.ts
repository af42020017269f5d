// The end of `causeway convert --help`: what needs more than a line, and an example for each use.

export const HELP = `
Types may be declared in either language: their twins in the other are derived. The same codec on both sides brings a message
into its canonical form. What cannot be carried over is counted on standard error; members of JSON that the type does not have
are refused. A single message has at most 64 MiB, and a stream of them any length. Hexadecimal may be a dump of xxd or
hexdump -C. thrift-simplejson is only written. Exit code: 0, or 1 when the IDL or a message is wrong.

Examples:
  $ causeway convert --idl idl/shop/customer.proto --type shop.v1.Money --from json --to thrift-binary --encoding hex <<< '{"currency":"EUR","units":"12"}'

  Read a message, or what a method takes or gives:
  $ causeway convert --idl order.thrift --type Order --from thrift-compact --to json --pretty --in order.bin
  $ causeway convert --idl shop.thrift --type Shop/getOrder:response --from protobuf --to json --in reply.bin

  A stream of length-delimited messages, of any size, as a JSON document per line, and back:
  $ causeway convert --idl order.proto --type Order --from protobuf --to json --delimited --in orders.bin --out orders.jsonl
  $ causeway convert --idl order.proto --type Order --from json --to thrift-binary --delimited=framed --in orders.jsonl --out orders.frames

  A whole RPC message as it was captured, its header detected and shown:
  $ causeway convert --idl shop.thrift --message --to json --pretty --in call.bin
  $ xxd capture.bin | causeway convert --idl shop.proto --message --type shop.Orders/Get:request --to json --in-encoding hex

  What each byte is, with the IDL or without it:
  $ causeway convert --explain --idl order.thrift --type Order --from thrift-binary --in order.bin
  $ causeway convert --explain --from protobuf --encoding base64 <<< CAwSBwoDbXVnEAU=
  $ causeway convert --explain --json --message --in call.bin`;
