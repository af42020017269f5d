// HTTP/1.1 on node:http: slower than hyper-express, and runs wherever Node does.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Socket } from "node:net";
import { atEndOfTurn } from "../base/clock.ts";
import { Metadata } from "../base/metadata.ts";
import type { HttpRequestHead } from "../protocol/http/http.ts";
import { peerOf } from "./connection.ts";
import { collectBody, refuseBody } from "./http-body.ts";
import { callerGone, HTTP_IDLE_MS, type ListenHttp } from "./http-server.ts";
import { carryStream } from "./http-stream.ts";
import { inTurns } from "./http-turns.ts";
import { listen } from "./listen.ts";
import { callerOf, createTlsAcceptor } from "./tls-acceptor.ts";

/** Opens the address, of either kind, and serves on node:http, or with TLS on node:https. */
export const listenOnNode: ListenHttp = async (options, answer, { log, tlsFailed }) => {
  const { address, maxBodyBytes, maxHeaderBytes, maxConnections } = options;
  let draining = false;
  const bounds = { maxHeaderSize: maxHeaderBytes, headersTimeout: HTTP_IDLE_MS, keepAliveTimeout: HTTP_IDLE_MS };
  const tls = options.tls && createTlsAcceptor(options.tls, ["http/1.1"], log, tlsFailed);
  const server = tls ? createHttpsServer({ ...bounds, ...tls.serverOptions }) : createServer(bounds);
  if (tls && "setSecureContext" in server) {
    tls.attach(server);
    server.prependListener("secureConnection", (socket: Socket) => void tls.admits(socket));
  }
  server.on("clientError", (error: NodeJS.ErrnoException & { rawPacket?: Buffer }, socket: Socket) => {
    const { rawPacket: first } = error;
    if (first?.[0] === 0x16 && first[1] === 0x03) {
      log.warn({ peer: peerOf(socket) }, "a TLS client came to an HTTP port without TLS");
    }
    answerMalformed(error, socket);
  });
  if (maxConnections !== undefined) {
    server.maxConnections = maxConnections;
    server.on("drop", (peer) => {
      log.warn({ peer: peer?.remoteAddress, maxConnections }, "a connection was closed: maxConnections is reached");
    });
  }
  const serve = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const head = readHead(incoming);
    const open = answer.stream(head);
    if (!open) {
      void respond(head, incoming, outgoing);
      return;
    }
    const stream = carryStream(open, {
      outgoing,
      begin: (status, headers) => beginStream(outgoing, status, headers, draining),
      closes: !outgoing.shouldKeepAlive,
      pause: () => void incoming.pause(),
      resume: () => void incoming.resume(),
      end: () => void outgoing.end(),
      cut: () => void incoming.socket.destroy(),
    });
    incoming.on("data", stream.data).on("end", stream.ended);
    incoming.on("error", () => {}); // The response closes, too.
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) stream.left();
    });
  };
  server.on("request", inTurns(serve));
  async function respond(head: HttpRequestHead, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const caller = new AbortController();
    outgoing.once("close", () => {
      if (!outgoing.writableFinished) caller.abort(callerGone());
    });
    const body = await new Promise<Uint8Array | "too long">((resolve) => {
      const reader = collectBody(maxBodyBytes, resolve);
      incoming.on("data", reader.data).on("end", reader.ended);
      incoming.on("error", () => {}); // The caller went away, and nobody waits for an answer.
    });
    const {
      status,
      headers,
      body: answered,
    } = body === "too long"
      ? refuseBody(head, maxBodyBytes, log)
      : await answer.whole({ ...head, body, signal: caller.signal });
    const bytes = typeof answered === "string" ? Buffer.from(answered) : answered;
    const flat = ["content-length", String(bytes.byteLength)];
    for (const [name, value] of headers) flat.push(name, value);
    if (draining) flat.push("connection", "close");
    outgoing.writeHead(status, flat).end(bytes);
  }

  const { address: actual, release } = await listen(server, address, options);
  return {
    address: actual,
    async drain() {
      draining = true;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      await Promise.all([closed, release()]);
    },
    destroy: () => server.closeAllConnections(),
  };
};

/** What node:http answers where nobody listens for its client errors. */
function answerMalformed({ code }: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const status = MALFORMED.get(code ?? "") ?? "400 Bad Request";
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`);
}

const MALFORMED: ReadonlyMap<string, string> = new Map([
  ["HPE_HEADER_OVERFLOW", "431 Request Header Fields Too Large"],
  ["HPE_CHUNK_EXTENSIONS_OVERFLOW", "413 Payload Too Large"],
  ["ERR_HTTP_REQUEST_TIMEOUT", "408 Request Timeout"],
]);

/** The headers leave at the end of the turn, with what is written by then. */
function beginStream(outgoing: ServerResponse, status: number, headers: Metadata, draining: boolean): void {
  const flat = [...headers].flat();
  if (draining) flat.push("connection", "close");
  outgoing.writeHead(status, flat);
  atEndOfTurn(() => outgoing.flushHeaders());
}

function readHead({ method = "", url = "", rawHeaders, socket }: IncomingMessage): HttpRequestHead {
  const question = url.indexOf("?");
  const flat = rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text));
  return {
    method,
    path: question < 0 ? url : url.slice(0, question),
    query: question < 0 ? "" : url.slice(question + 1),
    headers: Metadata.fromFlat(flat),
    peer: peerOf(socket),
    caller: callerOf(socket),
  };
}
