// The unary methods of the interop suite's service on Apache Thrift's package for Node, generated from the derived twin of
// its descriptors. It knows nothing of Protobuf.
import { createRequire } from "node:module";
import thrift from "thrift";

const require = createRequire(import.meta.url);
const TestService = require("./gen/TestService.js");
const { Empty } = require("./gen/empty_types.js");
const { Payload, SimpleResponse } = require("./gen/messages_types.js");

const handler = {
  // The generated code counts parameters: one means that a promise comes back.
  EmptyCall: async (_request) => new Empty(),
  async UnaryCall({ response_size, response_status, fill_server_id }) {
    if (response_status?.code) {
      const { UNKNOWN } = thrift.Thrift.TApplicationExceptionType;
      throw new thrift.Thrift.TApplicationException(UNKNOWN, response_status.message);
    }
    const response = new SimpleResponse({ payload: new Payload({ body: Buffer.alloc(response_size ?? 0) }) });
    if (fill_server_id) response.server_id = "thrift";
    return response;
  },
};

const server = thrift.createServer(TestService, handler, {
  transport: thrift.TFramedTransport,
  protocol: thrift.TBinaryProtocol,
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`ready 127.0.0.1:${server.address().port}\n`));
// Whoever started it holds its standard input.
process.stdin.resume().on("end", () => process.exit());
