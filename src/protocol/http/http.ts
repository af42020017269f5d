// HTTP/1.1 as plain data. Whoever answers requests or makes them knows these types and no sockets; inbound/http-listener.ts
// and outbound/http-upstream.ts join them.
import { Metadata } from "../../base/metadata.ts";

/** A request without its body. */
export interface HttpRequestHead {
  /** In upper case, as RFC 9110 has it. */
  readonly method: string;
  /** Up to the first `?`, percent-encoding untouched. */
  readonly path: string;
  /** After the first `?`, percent-encoding untouched; empty when there is none. */
  readonly query: string;
  /** Names in lower case, repeated ones kept. */
  readonly headers: Metadata;
  /** The caller's address, for logs; `loopback` or `unix` where it would say no more. */
  readonly peer: string;
  /** Who the caller is by its TLS certificate, verified; absent where it showed none. */
  readonly caller?: string | undefined;
}

/** A request as plain data, its body read whole. */
export interface HttpRequest extends HttpRequestHead {
  /** The whole body, within the listener's limit; it belongs to the handler. */
  readonly body: Uint8Array;
  /** Aborted when the caller goes away before it is answered. */
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** The listener adds content-length and connection headers. */
  readonly headers: Metadata;
  /** Text goes out as UTF-8. */
  readonly body: Uint8Array | string;
  /** Why a request was refused before it became a call, for the log, because calls alone are in the access log. */
  readonly refused?: string;
}

/** Answers a request. What it throws is a fault of its own: the listener logs it and answers 500. */
export type HttpHandler = (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;

/** A response that is written as it is made. */
export interface HttpResponseStream {
  /** Comes first. The listener adds connection headers. Throws for headers that cannot be carried. */
  begin(status: number, headers: Metadata): void;
  /** False when something is queued: `drained` of the stream is told when it is gone. */
  write(bytes: Uint8Array): boolean;
  /** Ends the response, behind some bytes at least. What the caller still sends is thrown away. */
  end(): void;
  /** So many more bytes of the body may come. */
  consumed(bytes: number): void;
}

/** A request whose body is read as it comes, to be told of what does. */
export interface HttpStream {
  data(bytes: Uint8Array): void;
  /** The body has come to its end. */
  ended(): void;
  /** The caller has gone; nothing more is told. */
  left(): void;
  drained(): void;
}

/** Begins to read a body and to answer. */
export type OpenHttpStream = (response: HttpResponseStream) => HttpStream;

/** Takes a request before its body is there; undefined for one that is to be answered whole. Must not throw. */
export type HttpStreamHandler = (head: HttpRequestHead) => OpenHttpStream | undefined;

/** A plain-text response; with a status from 400 on, a refusal for the reason in its first line. */
export function textResponse(
  status: number,
  text: string,
  headers: Iterable<readonly [string, string]> = [],
): HttpResponse {
  return {
    status,
    headers: Metadata.from([["content-type", "text/plain; charset=utf-8"], ...headers]),
    body: `${text}\n`,
    ...(status < 400 ? {} : { refused: text.split("\n", 1)[0] ?? "" }),
  };
}

/** A request to a peer, always POST. */
export interface OutgoingRequest {
  readonly path: string;
  /** Names in lower case at even, values at odd positions; the transport adds host, content-length and connection headers. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

/** What a peer answered. */
export interface PeerResponse {
  readonly status: number;
  /** Names in lower case, repeated ones kept. */
  readonly headers: Metadata;
  /** Whole, within the limit of who asked. */
  readonly body: Uint8Array;
}
