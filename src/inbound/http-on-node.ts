// HTTP/1.1 on node:http: slower than hyper-express, and runs wherever Node does.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { Metadata } from "../base/metadata.ts";
import { type HttpRequest, textResponse } from "../protocol/http/http.ts";
import { peerOf } from "./connection.ts";
import { callerGone, HTTP_IDLE_MS, type ListenHttp } from "./http-server.ts";
import { listen } from "./listen.ts";

/** Opens the address, of either kind, and serves on node:http. */
export const listenOnNode: ListenHttp = async ({ address, maxBodyBytes, maxHeaderBytes }, answer) => {
  let draining = false;
  const server = createServer({
    maxHeaderSize: maxHeaderBytes,
    headersTimeout: HTTP_IDLE_MS,
    keepAliveTimeout: HTTP_IDLE_MS,
  });
  server.on("request", async (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const caller = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) caller.abort(callerGone());
    });
    const body = await readBody(incoming, maxBodyBytes).catch(() => undefined);
    if (!body) return; // The caller went away.
    const {
      status,
      headers,
      body: answered,
    } = body === "too long"
      ? textResponse(413, `the body is longer than ${maxBodyBytes} bytes`)
      : await answer(toRequest(incoming, body, caller.signal));
    const bytes = typeof answered === "string" ? Buffer.from(answered) : answered;
    const flat = ["content-length", String(bytes.byteLength)];
    for (const [name, value] of headers) flat.push(name, value);
    if (draining) flat.push("connection", "close");
    outgoing.writeHead(status, flat).end(bytes);
  });

  const actual = await listen(server, address);
  return {
    address: actual,
    drain() {
      draining = true;
      return new Promise((resolve) => server.close(() => resolve()));
    },
    destroy: () => server.closeAllConnections(),
  };
};

function toRequest(incoming: IncomingMessage, body: Uint8Array, signal: AbortSignal): HttpRequest {
  const { method = "", url = "", rawHeaders, socket } = incoming;
  const question = url.indexOf("?");
  const flat = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return {
    method,
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? "" : url.slice(question + 1),
    headers: Metadata.fromFlat(flat),
    body,
    peer: peerOf(socket),
    signal,
  };
}

/** The whole body, or "too long" once it has all gone by; rejects when the connection breaks off. */
function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Uint8Array | "too long"> {
  return new Promise((resolve, reject) => {
    let chunks: Buffer[] = [];
    let length = 0;
    incoming.on("data", (chunk: Buffer) => {
      length += chunk.byteLength;
      if (length <= maxBytes) chunks.push(chunk);
      else chunks = [];
    });
    incoming.on("end", () => resolve(length <= maxBytes ? Buffer.concat(chunks) : "too long"));
    incoming.on("error", reject);
  });
}
