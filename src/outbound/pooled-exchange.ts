// One request and its response on a connection of a pool, which carries nothing else meanwhile. What they look like is left to
// http-client.ts and fastcgi-client.ts.
import type { Socket } from "node:net";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { PeerResponse } from "../protocol/http/http.ts";
import type { AnyCall } from "../rpc/call.ts";
import { abortError } from "./call-end.ts";
import type { ChunkReader, ConnectionPool, PooledConnection, Waiter } from "./connection-pool.ts";

/** How one request is written and its response read. */
export interface Exchange<Reader extends ChunkReader> {
  /** Throws a RpcError when it cannot be written; nothing has been then. `written` hears when all has left for the peer. */
  write(socket: Socket, written?: () => void): void;
  /** The response when it is whole. Throws a RpcError when it never will be. */
  read(reader: Reader): PeerResponse | undefined;
  /** The same when the connection has ended. */
  end(reader: Reader): PeerResponse | undefined;
  /** Whether the connection may carry another request after a whole response. */
  mayStay(reader: Reader): boolean;
}

/**
 * Resolves with the response of a call's exchange over the next connection that is free; rejects with a RpcError and nothing
 * else. A call that is aborted closes the connection that it is on. `name` is what errors call the endpoint; `written` hears
 * when the request has left for it.
 */
export function exchangeOnPool<Reader extends ChunkReader>(
  exchange: Exchange<Reader>,
  call: AnyCall,
  pool: ConnectionPool<Reader>,
  name: string,
  written?: () => void,
): Promise<PeerResponse> {
  return new Promise((resolve, reject) => {
    const { signal } = call;
    let connection: PooledConnection<Reader> | undefined;
    if (signal.aborted) {
      reject(abortError(call, false));
      return;
    }
    signal.addEventListener("abort", onAbort);
    const waiter: Waiter<Reader> = { ready, failed, left: false };
    pool.acquire(waiter);

    function ready(acquired: PooledConnection<Reader>): void {
      try {
        exchange.write(acquired.socket, written);
        connection = acquired;
        acquired.listener = { data, closed };
      } catch (error) {
        failed(toRpcError(error));
        pool.release(acquired);
      }
    }

    function data(): void {
      const used = connection;
      if (!used) return;
      try {
        const response = exchange.read(used.reader);
        if (!response) return;
        settle();
        // Whatever is on it beside this response the next call would take for its own; and the server may have answered
        // before it had the whole request.
        if (exchange.mayStay(used.reader) && used.socket.writableLength === 0) pool.release(used);
        else used.socket.destroy();
        resolve(response);
      } catch (error) {
        settle();
        used.socket.destroy();
        reject(toRpcError(error));
      }
    }

    function settle(): void {
      if (connection) connection.listener = undefined;
      connection = undefined;
      signal.removeEventListener("abort", onAbort);
    }

    function closed(error: Error | undefined): void {
      const used = connection;
      settle();
      const response = used && !error ? exchange.end(used.reader) : undefined;
      if (response) {
        resolve(response);
        return;
      }
      const reason = error?.message ?? "the peer closed the connection";
      const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
      reject(new RpcError("UNAVAILABLE", text, { sent: true, cause: error }));
    }

    function failed(error: RpcError): void {
      settle();
      reject(error);
    }

    /** A server that works on a request reads nothing, so the connection is all that can tell it. */
    function onAbort(): void {
      waiter.left = true;
      const used = connection;
      settle();
      used?.socket.destroy();
      reject(abortError(call, used !== undefined));
    }
  });
}

/** As a socket calls back; a write that failed closes the connection, which then says so. */
export function onWritten(written: (() => void) | undefined): ((error?: Error | null) => void) | undefined {
  return written && ((error) => void (error ?? written()));
}
