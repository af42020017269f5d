// HTTP/1.1 on hyper-express and uWebSockets.js: the fast server, where a binary fits the platform and the Node version.
// TCP only.
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { Readable } from "node:stream";
import type { Request, Response, Server, ServerConstructorOptions } from "hyper-express";
import type { Address } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { Metadata } from "../base/metadata.ts";
import type { HttpRequestHead } from "../protocol/http/http.ts";
import { type BodyReader, collectBody, refuseBody } from "./http-body.ts";
import { callerGone, type ListenHttp } from "./http-server.ts";
import { carryStream } from "./http-stream.ts";

type TcpAddress = Extract<Address, { kind: "tcp" }>;

const NO_BODY = new Uint8Array(0);
/** So long, in bytes or characters, a body leaves as fast as its caller reads it; what is shorter is handed over whole. */
const LARGE_BODY = 64 * 1024;

/** hyper-express; rejects where it or the binary below it cannot be loaded. `maxHeaderBytes` counts at the first load only. */
export async function loadHyperExpress(maxHeaderBytes: number): Promise<typeof import("hyper-express")> {
  // The binary reads its header limit from the environment, once; its own default is 4 KiB.
  process.env["UWS_HTTP_MAX_HEADERS_SIZE"] ??= String(maxHeaderBytes);
  // Imported, it would be empty where node_modules is a symlink: Node then loads it under two names.
  return createRequire(import.meta.url)("hyper-express");
}

/** Opens a TCP address and serves on hyper-express, which must have been loaded. */
export const listenOnHyperExpress: ListenHttp = async (options, answer, { log }) => {
  const { address, maxBodyBytes, maxHeaderBytes, maxConnections } = options;
  if (address.kind === "unix") throw new Error("hyper-express listens on TCP only");
  const { Server: HyperExpressServer } = await loadHyperExpress(maxHeaderBytes);
  const settings: ServerConstructorOptions = {
    auto_close: false, // It would install signal handlers; the application decides when to stop.
    fast_abort: false, // It would cut connections where 413 can be answered.
    max_body_length: Number.MAX_SAFE_INTEGER, // Of streams there is none; of the others it is seen to below.
  };
  const server = new HyperExpressServer(settings);
  const ip = await resolveFree(address);
  // Only this host reaches a loopback address, so which one a caller has says little and is a copy at every request.
  const peer = isLoopback(ip) ? "loopback" : undefined;
  let draining = false;
  if (maxConnections !== undefined) limitConnections(server, maxConnections, log);

  server.any("/*", (incoming: Request, outgoing: Response) => {
    const head = { ...readHead(incoming), peer: peer ?? incoming.ip };
    const open = answer.stream(head);
    if (!open) {
      void respond(head, incoming, outgoing);
      return;
    }
    const stream = carryStream(open, {
      outgoing,
      begin: (status, headers) => writeHead(outgoing, status, headers),
      closes: head.headers.get("connection")?.toLowerCase() === "close",
      pause: () => void outgoing.raw.pause(),
      resume: () => void outgoing.raw.resume(),
      end: () => endStream(incoming, outgoing),
      cut() {
        // What comes behind an answer that has left is thrown away below, and nothing can be asked there any more.
        if (!outgoing.completed) outgoing.close();
      },
    });
    outgoing.once("abort", stream.left);
    tellBody(incoming, outgoing, stream);
  });
  async function respond(head: HttpRequestHead, incoming: Request, outgoing: Response): Promise<void> {
    const caller = new AbortController();
    outgoing.once("abort", () => caller.abort(callerGone()));
    const { signal } = caller;
    const received = incoming.received ? NO_BODY : await receive(head, incoming, outgoing);
    if (signal.aborted) return;
    const { status, headers, body } =
      received === "too long"
        ? refuseBody(head, maxBodyBytes, log)
        : await answer.whole({ ...head, body: received, signal });
    writeHead(outgoing, status, headers);
    const bytes = typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    if (bytes.length < LARGE_BODY) outgoing.send(bytes, draining);
    // Done only when the system has taken it all: uWebSockets.js serves no further request before, and so holds one at most.
    else
      await outgoing.stream(
        Readable.from([typeof bytes === "string" ? Buffer.from(bytes) : bytes]),
        Buffer.byteLength(bytes),
      );
  }

  function receive(
    { headers }: HttpRequestHead,
    incoming: Request,
    outgoing: Response,
  ): Promise<Uint8Array | "too long"> {
    // Memory for all of it is taken at once, so its length must be known and be in order.
    const isKnown = headers.get("transfer-encoding") === undefined;
    const isBounded = isKnown && Number(headers.get("content-length")) <= maxBodyBytes;
    if (isBounded) return incoming.buffer();
    return new Promise((resolve) => tellBody(incoming, outgoing, collectBody(maxBodyBytes, resolve)));
  }

  await server.listen(address.port, ip);
  return {
    address: { ...address, port: server.port },
    async drain() {
      draining = true;
      server.close(); // Stops accepting; shutdown alone would go on until the last request is answered.
      await server.shutdown();
    },
    destroy: () => void server.uws_instance.close(),
  };
};

/** Closes the connections that are too many as they come. */
function limitConnections({ uws_instance }: Server, maxConnections: number, log: Log): void {
  let open = 0;
  /** Called with 1 as a connection comes and with -1 as it goes. */
  function changed(connection: { close(): void }, change: number): void {
    open += change;
    if (change < 0 || open <= maxConnections) return;
    log.warn({ maxConnections }, "a connection was closed: maxConnections is reached");
    connection.close();
  }
  uws_instance.filter(changed);
}

function writeHead(outgoing: Response, status: number, headers: Metadata): void {
  outgoing.status(status);
  for (const [name, value] of headers) outgoing.header(name, value);
}

/**
 * Tells of a body in place of hyper-express, which would throw for a caller that goes away while it is not read. To be called
 * in the first turn, before any of it has come.
 */
function tellBody(incoming: Request, { raw }: Response, reader: BodyReader): void {
  if (incoming.received) {
    reader.ended();
    return;
  }
  raw.onData((chunk: ArrayBuffer, isLast: boolean) => {
    // The chunk is gone after this turn.
    if (chunk.byteLength > 0) reader.data(Buffer.from(chunk.slice(0)));
    if (!isLast) return;
    incoming.received = true;
    reader.ended();
  });
}

/** Ends a response that has begun, although the request may not have come to its end, which hyper-express would wait for. */
function endStream(incoming: Request, outgoing: Response): void {
  incoming.received = true;
  outgoing.end();
}

/** The request without its body. Runs before anything else: the raw request is gone after the first turn, and only it has repeated headers. */
function readHead(incoming: Request): Omit<HttpRequestHead, "peer"> {
  const flat: string[] = [];
  incoming.raw.forEach((name: string, value: string) => void flat.push(name, value));
  return {
    method: incoming.method.toUpperCase(),
    path: incoming.path,
    query: incoming.path_query ?? "", // Undefined without one, whatever its type says.
    headers: Metadata.fromFlat(flat),
  };
}

function isLoopback(ip: string): boolean {
  return ip.startsWith("127.") || ip === "::1";
}

/**
 * The IP address of a host, when its port is free. uWebSockets.js shares a port that is taken without a word
 * (SO_REUSEPORT) and gives no reason when it cannot listen; Node's own socket tells both.
 */
function resolveFree({ host, port }: TcpAddress): Promise<string> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject);
    probe.listen({ host, port }, () => {
      const bound = probe.address();
      const ip = typeof bound === "object" && bound ? bound.address : host;
      probe.close(() => resolve(ip));
    });
  });
}
