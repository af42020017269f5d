// Preloaded into a sidecar: says over HTTP, on a port of its own that it logs, how much memory is in use.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { usedBytes } from "./memory.ts";

const server = createServer(async (_request, response) => {
  // A connection that is kept would keep the process.
  response.setHeader("connection", "close");
  response.end(String(await usedBytes()));
});
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: "memory probe", url: `http://127.0.0.1:${port}/` })}\n`);
});
server.unref();
