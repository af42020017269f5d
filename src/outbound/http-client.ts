// HTTP/1.1 requests to one endpoint over kept connections with one request at a time on each. What is in them is left to
// http-upstream.ts.
import type { Clock } from "../base/clock.ts";
import type { OutgoingRequest, PeerResponse } from "../protocol/http/http.ts";
import { writeRequestHead } from "../protocol/http/request-head.ts";
import { createResponseReader, type ResponseReader } from "../protocol/http/response-reader.ts";
import type { AnyCall } from "../rpc/call.ts";
import type { Connections } from "../rpc/connect.ts";
import { createConnectionPool } from "./connection-pool.ts";
import type { Dialer } from "./dialer.ts";
import { type Exchange, exchangeOnPool, onWritten } from "./pooled-exchange.ts";

/** Carries requests to one endpoint, and their responses back; rejects with a RpcError and nothing else. */
export interface HttpTransport {
  /**
   * Sends a request for a call; a call that is aborted closes the connection that it is on. `written` hears when the request
   * has left for the peer.
   */
  send(request: OutgoingRequest, call: AnyCall, written?: () => void): Promise<PeerResponse>;
  connections(): Connections;
  /** Closes the connections when the requests in flight are done. */
  close(): Promise<void>;
}

/** How one server is called over HTTP/1.1. */
export interface HttpClientOptions {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  /** Most calls that wait for a connection; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
  /** Largest body of a response, in bytes. */
  readonly maxMessageBytes: number;
  /** The host that servers are told. */
  readonly authority: string;
}

/** What a client of one endpoint works with. */
export interface HttpClientContext {
  readonly dialer: Dialer;
  /** What errors call the endpoint. */
  readonly name: string;
  readonly clock: Clock;
}

/** Larger bodies are written as they are: copying them would cost more than a second write. */
const MAX_JOINED_BYTES = 64 * 1024;

/** A transport to one server. */
export function createHttpClient(options: HttpClientOptions, context: HttpClientContext): HttpTransport {
  const { authority, maxMessageBytes } = options;
  const pool = createConnectionPool(options, { ...context, createReader: () => createResponseReader(maxMessageBytes) });
  return {
    send: (request, call, written) => exchangeOnPool(exchangeOf(request, authority), call, pool, context.name, written),
    connections: pool.connections,
    close: pool.close,
  };
}

function exchangeOf(request: OutgoingRequest, authority: string): Exchange<ResponseReader> {
  return {
    write(socket, written) {
      const { body } = request;
      const head = writeRequestHead(request, authority);
      if (body.length > MAX_JOINED_BYTES) {
        socket.cork();
        socket.write(head, "latin1");
        socket.write(body, onWritten(written));
        socket.uncork();
        return;
      }
      const bytes = Buffer.allocUnsafe(head.length + body.length);
      bytes.write(head, 0, "latin1");
      bytes.set(body, head.length);
      socket.write(bytes, onWritten(written));
    },
    read: (reader) => reader.next(),
    end: (reader) => reader.end(),
    mayStay: (reader) => reader.mayStay(),
  };
}
