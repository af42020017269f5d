// What the HTTP listener asks of a server underneath it, so that both kinds serve alike.
import type { Address } from "../base/address.ts";
import { RpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { HttpRequest, HttpResponse, HttpStreamHandler } from "../protocol/http/http.ts";
import type { ListenOptions } from "./listen.ts";

export interface HttpServerOptions extends ListenOptions {
  readonly address: Address;
  /** Further connections are closed as they come; undefined: no limit. */
  readonly maxConnections?: number;
  /** A longer body is read to its end, thrown away, and answered 413. */
  readonly maxBodyBytes: number;
  /** A longer request head is answered 431 and the connection closed. On hyper-express the first listener of a process sets it for all. */
  readonly maxHeaderBytes: number;
}

/** Answers every request. */
export interface Answer {
  /** Never rejects. */
  readonly whole: (request: HttpRequest) => Promise<HttpResponse>;
  /** Asked first, of every request; never throws. */
  readonly stream: HttpStreamHandler;
}

/** A server that is listening. */
export interface HttpServer {
  /** With the port that the system chose where 0 was asked for. */
  readonly address: Address;
  /** Stops accepting; resolves when the requests in flight are answered. */
  drain(): Promise<void>;
  /** Cuts every connection that is left. */
  destroy(): void;
}

/** Opens a socket and serves; rejects with the system's error when it cannot. */
export type ListenHttp = (options: HttpServerOptions, answer: Answer, watch: HttpWatch) => Promise<HttpServer>;

/** Who hears of connections that come to nothing. */
export interface HttpWatch {
  readonly log: Log;
  /** Counts a TLS handshake that failed. */
  readonly tlsFailed?: (() => void) | undefined;
}

/** Why the signal of a request is aborted. */
export function callerGone(): RpcError {
  return new RpcError("CANCELLED", "the caller went away");
}

/** How long a connection may say nothing, in milliseconds: uWebSockets.js has it fixed, node:http is given the same. */
export const HTTP_IDLE_MS = 10_000;
