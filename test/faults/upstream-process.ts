// A framed Thrift server as a process of its own, to be killed or stopped by a test: it gives each caller its argument back.
// It listens on the unix socket that its argument names, and says a line when it does.
import { createServer } from "node:net";
import { readHeader } from "./thrift-reader.ts";
import { framed, thriftMessage } from "./upstreams.ts";

const path = process.argv[2] ?? "";
const server = createServer((socket) => {
  let pending = Buffer.alloc(0);
  socket.on("error", () => {});
  socket.on("data", (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
      const message = pending.subarray(4, 4 + pending.readUInt32BE(0));
      pending = pending.subarray(4 + message.length);
      const header = readHeader(message);
      if (header.kind !== "whole") throw new Error("no message");
      const result = Buffer.from(message.subarray(header.value.bodyAt));
      // Argument 1 is the result, field 0.
      result[2] = 0;
      socket.write(framed(thriftMessage({ ...header.value, strict: true, type: 2 }, result)));
    }
  });
});
server.listen(path, () => process.stdout.write("listening\n"));
