// Where HTTP/1.1 comes in: chooses the server, answers what a handler cannot, and closes in order.
import { validateHeaderName, validateHeaderValue } from "node:http";
import { type Address, formatAddress } from "../base/address.ts";
import { type Clock, systemClock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Metadata } from "../base/metadata.ts";
import {
  type HttpHandler,
  type HttpResponseStream,
  type HttpStreamHandler,
  textResponse,
} from "../protocol/http/http.ts";
import { listenOnHyperExpress, loadHyperExpress } from "./http-on-hyper-express.ts";
import { listenOnNode } from "./http-on-node.ts";
import type { Answer, HttpServerOptions } from "./http-server.ts";

export interface HttpListenerOptions extends HttpServerOptions {
  /** Takes requests whose bodies are read as they come; without it every request is answered whole. */
  readonly stream?: HttpStreamHandler;
}

export interface HttpListener {
  /** Where it listens, with the port that the system chose where 0 was asked for. */
  readonly address: Address;
  readonly server: "hyper-express" | "node:http";
  /** Stops accepting, lets the requests in flight finish for at most `graceMs`, then cuts what is left. */
  close(graceMs: number): Promise<void>;
}

/**
 * Serves `handler` over HTTP/1.1, on hyper-express where it can be loaded and the address is TCP without TLS, else on node:http,
 * which one log line says with the reason. `CAUSEWAY_HTTP=node` in the environment chooses node:http. Rejects with the
 * system's error when the address cannot be had.
 */
export async function createHttpListener(
  options: HttpListenerOptions,
  handler: HttpHandler,
  log: Log,
  clock: Clock = systemClock,
  tlsFailed?: () => void,
): Promise<HttpListener> {
  const reason = await reasonForNode(options);
  const kind = reason === undefined ? "hyper-express" : "node:http";
  const listen = reason === undefined ? listenOnHyperExpress : listenOnNode;
  const { stream = () => undefined, ...serverOptions } = options;
  const answer = { whole: compileWhole(handler, log), stream: compileStream(stream, log) };
  const server = await listen(serverOptions, answer, { log, tlsFailed });
  const address = formatAddress(server.address);
  if (reason === undefined) log.info({ address, server: kind }, "HTTP is served by hyper-express");
  else log.info({ address, server: kind, reason }, "HTTP is served by node:http");

  return {
    address: server.address,
    server: kind,
    async close(graceMs) {
      const stop = clock.after(graceMs, () => server.destroy());
      await server.drain();
      stop();
      server.destroy();
    },
  };
}

/** Why hyper-express cannot serve; undefined when it can. */
async function reasonForNode({ address, maxHeaderBytes, tls }: HttpListenerOptions): Promise<string | undefined> {
  if (process.env["CAUSEWAY_HTTP"] === "node") return "CAUSEWAY_HTTP=node";
  if (address.kind === "unix") return "hyper-express listens on TCP only";
  // Its certificate cannot be changed while it runs.
  if (tls) return "hyper-express does not read certificates anew";
  try {
    await loadHyperExpress(maxHeaderBytes);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return `hyper-express cannot be loaded: ${text.split("\n", 1)[0]}`;
  }
}

/** Most characters of a path that are logged. */
const MAX_LOGGED_PATH = 200;

/** The handler with its faults answered: 500 without a word about them, which go to the log. */
function compileWhole(handler: HttpHandler, log: Log): Answer["whole"] {
  return async (request) => {
    try {
      const response = await handler(request);
      validate(response.headers);
      if (response.refused !== undefined) {
        const { peer, method, path } = request;
        const facts = { peer, method, path: path.slice(0, MAX_LOGGED_PATH), status: response.status };
        log.info({ ...facts, reason: response.refused }, "an HTTP request was refused");
      }
      return response;
    } catch (error) {
      log.error({ err: error, method: request.method, path: request.path }, "an HTTP handler failed");
      return textResponse(500, "internal error");
    }
  };
}

/** The same for streams: one whose handler fails before it has begun is answered whole, which logs what is wrong. */
function compileStream(handler: HttpStreamHandler, log: Log): HttpStreamHandler {
  return (head) => {
    try {
      const open = handler(head);
      return open && ((response) => open(validated(response)));
    } catch (error) {
      log.error({ err: error, method: head.method, path: head.path }, "an HTTP handler failed");
      return undefined;
    }
  };
}

function validated({ begin, write, end, consumed }: HttpResponseStream): HttpResponseStream {
  return {
    begin(status, headers) {
      validate(headers);
      begin(status, headers);
    },
    write,
    end,
    consumed,
  };
}

/** Throws for headers that are none: uWebSockets.js writes what it is given, line breaks included. */
function validate(headers: Metadata): void {
  for (const [name, value] of headers) {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  }
}
