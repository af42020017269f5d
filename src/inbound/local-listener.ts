// The local port: one port for every client, whose first bytes say what it speaks. Serving it is left to
// thrift-connection.ts and grpc-connection.ts.
import { createServer, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { z } from "zod";
import type { Address } from "../base/address.ts";
import { type Detection, detect } from "../protocol/thrift/detect.ts";
import { type Connection, endAndDiscard, type ListenerContext, peerOf } from "./connection.ts";
import { serveGrpc } from "./grpc-connection.ts";
import { grpcLifetimeOptions } from "./grpc-lifetime.ts";
import { createIdleSweep } from "./idle-sweep.ts";
import { type ListenOptions, listen } from "./listen.ts";
import { serveThrift } from "./thrift-connection.ts";
import { createTlsAcceptor } from "./tls-acceptor.ts";

/** The bounds of a local listener. */
export const localListenerOptions = z
  .strictObject({
    maxConnections: z
      .int()
      .positive()
      .default(10_000)
      .describe("most connections at once; further ones are closed as they come"),
    maxCallsPerConnection: z
      .int()
      .positive()
      .default(1_000)
      .describe("most calls in flight on one connection; then nothing more is read from it"),
    maxFrameBytes: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(16_384_000) // the official Thrift libraries' default
      .describe("largest Thrift frame, in bytes, in either direction"),
    maxMessageBytes: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(100 * 1024 * 1024) // the official Thrift libraries' default
      .describe("largest message of unframed Thrift and of gRPC, in bytes"),
    maxRequestBytesPerConnection: z
      .int()
      .positive()
      .default(256 * 1024 * 1024)
      .describe(
        "most bytes of requests that one connection may have in flight; further ones of gRPC are RESOURCE_EXHAUSTED, and of Thrift are not read yet",
      ),
    maxReplyBytesPerConnection: z
      .int()
      .positive()
      .default(256 * 1024 * 1024)
      .describe(
        "most bytes of replies that wait for a caller who does not read them; further calls are answered RESOURCE_EXHAUSTED",
      ),
    maxDepth: z.int().positive().max(1_000).default(64).describe("deepest nesting in a message of unframed Thrift"),
    grpc: grpcLifetimeOptions.prefault({}),
    idleTimeoutMs: z
      .int()
      .positive()
      .optional()
      .describe(
        "time after which a connection without calls, on which nothing comes or goes, is closed, in milliseconds",
      ),
    side: z
      .enum(["caller", "provider"])
      .default("caller")
      .describe("who calls: the application beside (caller), or other sidecars (provider), for the application beside"),
    defaultService: z
      .string()
      .min(1)
      .optional()
      .describe("the service of plain Thrift calls whose name does not say which; full or bare name"),
  })
  .describe("what a local listener takes from its callers");

export type LocalListenerOptions = z.output<typeof localListenerOptions> &
  ListenOptions & {
    readonly address: Address;
    /** Where HTTP/1.1 is served, for the error that HTTP clients get here. */
    readonly httpAddress?: string | undefined;
  };

/** One object for all connections: thousands may be idle. */
type ServedOptions = LocalListenerOptions & { readonly fromSidecar: boolean };

export interface LocalListener {
  /** Where it listens, with the port that the system chose where 0 was asked for. */
  readonly address: Address;
  /** Stops accepting, lets the calls in flight finish for at most `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves Thrift and gRPC clients on one address. With TLS, gRPC is chosen by ALPN and Thrift clients need none. Rejects
 * with an error that says why the address, or a file of TLS, cannot be had.
 */
export async function createLocalListener(
  options: LocalListenerOptions,
  context: ListenerContext,
): Promise<LocalListener> {
  const connections = new Map<Socket, Connection>();
  const { log, clock } = context;
  const bounds: ServedOptions = { ...options, fromSidecar: options.side === "provider" };
  let closing = false;

  const tls = options.tls && createTlsAcceptor(options.tls, ["h2"], log, context.tlsFailed);

  function accept(socket: Socket): void {
    if (tls?.admits(socket) === false) return;
    connections.set(socket, { isIdle: true, drain: () => socket.destroy(), destroy: () => socket.destroy() });
    // What it means for the calls on it comes with `close`.
    socket.on("error", (error) => log.debug({ peer: peerOf(socket), error: error.message }, "a connection failed"));
    socket.on("close", () => connections.delete(socket));
    awaitDetection(socket, options.maxFrameBytes, (detection, first) => {
      const connection = serve(socket, detection, first, bounds, context);
      if (!connection) return;
      connections.set(socket, connection);
      if (closing) connection.drain();
    });
  }
  const sockets = { allowHalfOpen: true, noDelay: true };
  const server = tls ? createTlsServer({ ...sockets, ...tls.serverOptions }, accept) : createServer(sockets, accept);
  /** Every socket, those in their handshake included. */
  const raw = new Set<Socket>();
  if (tls && "setSecureContext" in server) {
    tls.attach(server);
    server.on("connection", (socket) => {
      raw.add(socket);
      socket.on("close", () => raw.delete(socket));
    });
  }
  server.maxConnections = options.maxConnections;
  server.on("drop", (peer) => {
    const { maxConnections } = options;
    log.warn({ peer: peer?.remoteAddress, maxConnections }, "a connection was closed: maxConnections is reached");
  });

  const { address, release } = await listen(server, options.address, options);
  // The process has no file descriptor left, say: callers that are connected go on.
  server.on("error", (error) => log.error({ error: error.message }, "a connection could not be accepted"));
  const { idleTimeoutMs } = options;
  const stopSweep = idleTimeoutMs === undefined ? () => {} : createIdleSweep(idleTimeoutMs, clock, connections);
  return {
    address,
    async close(graceMs) {
      closing = true;
      stopSweep();
      const released = release();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const connection of [...connections.values()]) connection.drain();
      const stop = clock.after(graceMs, () => {
        if (connections.size > 0) log.warn({ connections: connections.size }, "calls were cut: the grace is over");
        for (const connection of [...connections.values()]) connection.destroy();
        // Handshakes that have not ended.
        clock.after(HANDSHAKE_GRACE_MS, () => {
          for (const socket of raw) socket.destroy();
        });
      });
      await Promise.all([closed, released]);
      stop();
    },
  };
}

/** How long after the grace a handshake may still go on, in milliseconds. */
const HANDSHAKE_GRACE_MS = 1_000;

/** Collects the first bytes until they say what the connection speaks; an idle connection simply waits. */
function awaitDetection(
  socket: Socket,
  maxFrameBytes: number,
  detected: (detection: Exclude<Detection, { kind: "more" }>, first: Buffer) => void,
): void {
  let first: Buffer | undefined;
  function onData(chunk: Buffer): void {
    // A prefix is short, so joining its pieces costs little.
    first = first ? Buffer.concat([first, chunk]) : chunk;
    const detection = detect(first, maxFrameBytes);
    if (detection.kind === "more") return;
    socket.off("data", onData).off("end", onEnd);
    detected(detection, first);
  }
  function onEnd(): void {
    socket.destroy();
  }
  socket.on("data", onData).on("end", onEnd);
}

/** Most bytes that are read and forgotten of a request that is answered with an error page. */
const MAX_DISCARDED_BYTES = 1024 * 1024;

function serve(
  socket: Socket,
  detection: Exclude<Detection, { kind: "more" }>,
  first: Buffer,
  options: ServedOptions,
  context: ListenerContext,
): Connection | undefined {
  switch (detection.kind) {
    case "grpc":
      return serveGrpc(socket, first, options, context);
    case "thrift":
      return serveThrift(socket, detection, first, options, context);
    case "http1":
      context.log.info({ peer: peerOf(socket) }, "an HTTP/1.1 request came to the port of Thrift and gRPC");
      socket.write(misdirected(options.httpAddress));
      endAndDiscard(socket, MAX_DISCARDED_BYTES);
      return undefined;
    case "refused": {
      const bytes = first.toString("hex", 0, 64);
      context.log.warn({ peer: peerOf(socket), bytes }, `a connection was closed: ${detection.reason}`);
      socket.destroy();
      return undefined;
    }
  }
}

function misdirected(httpAddress: string | undefined): string {
  const where = httpAddress === undefined ? "no listener serves HTTP/1.1" : `HTTP/1.1 is served on ${httpAddress}`;
  const text = `this port speaks Thrift and gRPC (HTTP/2); ${where}\n`;
  const head = ["HTTP/1.1 400 Bad Request", "content-type: text/plain; charset=utf-8", "connection: close"];
  return `${head.join("\r\n")}\r\ncontent-length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
}
