// HTTP/1.1 on hyper-express and uWebSockets.js: the fast server, where a binary fits the platform and the Node version.
// TCP only.
import { createServer } from "node:net";
import type { Request, Response, Server, ServerConstructorOptions } from "hyper-express";
import type { Address } from "../base/address.ts";
import type { Log } from "../base/log.ts";
import { Metadata } from "../base/metadata.ts";
import type { HttpRequest } from "../protocol/http/http.ts";
import { callerGone, type ListenHttp } from "./http-server.ts";

type TcpAddress = Extract<Address, { kind: "tcp" }>;

const NO_BODY = new Uint8Array(0);

/** hyper-express; rejects where it or the binary below it cannot be loaded. `maxHeaderBytes` counts at the first load only. */
export async function loadHyperExpress(maxHeaderBytes: number): Promise<typeof import("hyper-express")> {
  // The binary reads its header limit from the environment, once; its own default is 4 KiB.
  process.env["UWS_HTTP_MAX_HEADERS_SIZE"] ??= String(maxHeaderBytes);
  return import("hyper-express");
}

/** Opens a TCP address and serves on hyper-express, which must have been loaded. */
export const listenOnHyperExpress: ListenHttp = async (options, answer, { log }) => {
  const { address, maxBodyBytes, maxHeaderBytes, maxConnections } = options;
  if (address.kind === "unix") throw new Error("hyper-express listens on TCP only");
  const { Server: HyperExpressServer } = await loadHyperExpress(maxHeaderBytes);
  const settings: ServerConstructorOptions = {
    auto_close: false, // It would install signal handlers; the application decides when to stop.
    fast_abort: false, // It would cut connections where 413 can be answered.
    max_body_length: maxBodyBytes,
    max_body_buffer: maxBodyBytes,
  };
  const server = new HyperExpressServer(settings);
  const ip = await resolveFree(address);
  // Only this host reaches a loopback address, so which one a caller has says little and is a copy at every request.
  const peer = isLoopback(ip) ? "loopback" : undefined;
  let draining = false;
  if (maxConnections !== undefined) limitConnections(server, maxConnections, log);

  server.any("/*", (incoming: Request, outgoing: Response) => {
    const caller = new AbortController();
    outgoing.once("abort", () => caller.abort(callerGone()));
    void respond({ ...readHead(incoming), peer: peer ?? incoming.ip, signal: caller.signal }, incoming, outgoing);
  });
  async function respond(head: Omit<HttpRequest, "body">, incoming: Request, outgoing: Response): Promise<void> {
    const { status, headers, body } = await answer({
      ...head,
      body: incoming.received ? NO_BODY : await incoming.buffer(),
    });
    outgoing.status(status);
    for (const [name, value] of headers) outgoing.header(name, value);
    outgoing.send(
      typeof body === "string" ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      draining,
    );
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

/** The request without its body. Runs before anything else: the raw request is gone after the first turn, and only it has repeated headers. */
function readHead(incoming: Request): Omit<HttpRequest, "body" | "peer" | "signal"> {
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
