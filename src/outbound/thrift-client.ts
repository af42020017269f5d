// Calls to Thrift servers: framed binary, one call at a time on a connection of a bounded pool.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { ThriftFault } from "../protocol/thrift/codes.ts";
import { type Dress, onewayReply, readReply, writeCall } from "../protocol/thrift/verbs.ts";
import type { Call, Reply } from "../rpc/call.ts";
import type { Connect } from "../rpc/endpoint.ts";
import { abortError } from "./call-end.ts";
import { createThriftPool, type PooledConnection, type ThriftPool, type Waiter } from "./thrift-pool.ts";

/** How an upstream's Thrift servers are called. */
export const thriftUpstreamOptions = z
  .strictObject({
    maxConnections: z
      .int()
      .positive()
      .default(64)
      .describe("most connections to one endpoint; further calls wait for a free one until their deadline"),
    connectTimeoutMs: z.int().positive().default(1_000).describe("longest time to connect, in milliseconds"),
    maxFrameBytes: z
      .int()
      .positive()
      .max(2 ** 31 - 1)
      .default(16_384_000) // the official Thrift libraries' default
      .describe("largest frame, in bytes, in either direction"),
    maxDepth: z.int().positive().max(1_000).default(64).describe("deepest nesting that is looked through in a reply"),
    multiplexed: z
      .boolean()
      .default(false)
      .describe("whether the servers have a multiplexed processor and expect Service:method"),
  })
  .describe("how Thrift servers are called: framed, binary protocol");

export type ThriftUpstreamOptions = z.output<typeof thriftUpstreamOptions>;

/**
 * Calls Thrift servers. A failure to connect is UNAVAILABLE and not sent; a connection that breaks after the call was
 * written is UNAVAILABLE and sent; a TApplicationException is a RpcError of the peer. A call that is aborted while its
 * reply is outstanding closes its connection, because the reply would be taken for the next call's.
 */
export function connectThrift(options: ThriftUpstreamOptions, clock: Clock): Connect {
  return ({ address, name }) => {
    const pool = createThriftPool(address, name, options, clock);
    return {
      handle: (call) => new Promise<Reply>((resolve, reject) => exchange(call, name, pool, options, resolve, reject)),
      close: pool.close,
    };
  };
}

/** One call over one connection. */
function exchange(
  call: Call,
  name: string,
  pool: ThriftPool,
  options: ThriftUpstreamOptions,
  resolve: (reply: Reply) => void,
  reject: (error: RpcError) => void,
): void {
  const { signal, method } = call;
  let connection: PooledConnection | undefined;
  let dress: Dress | undefined;
  if (signal.aborted) {
    reject(abortError(call, false));
    return;
  }
  signal.addEventListener("abort", onAbort);

  const waiter: Waiter = { ready, failed, left: false };
  pool.acquire(waiter);

  function ready(acquired: PooledConnection): void {
    acquired.sequenceId = (acquired.sequenceId + 1) & 0x7fff_ffff;
    const { sequenceId, socket } = acquired;
    try {
      const written = writeCall(call, { framed: true, strict: true, sequenceId, multiplexed: options.multiplexed });
      checkSize(written.message.length - 4, options.maxFrameBytes);
      call.facts.droppedMetadata += call.headers.size;
      connection = acquired;
      dress = written.dress;
      acquired.listener = { data, closed };
      if (dress.answered) socket.write(written.message);
      else socket.write(written.message, onewayWritten);
    } catch (error) {
      connection = undefined;
      failed(toRpcError(error));
      pool.release(acquired);
    }
  }

  function onewayWritten(error?: Error | null): void {
    // A failed write closes the connection, which then says so.
    if (error || !connection) return;
    giveBack(connection);
    resolve(onewayReply(method));
  }

  function data(): void {
    if (!connection || !dress) return;
    try {
      const message = connection.splitter.next();
      if (message === undefined) return;
      const reply = readReply(message, dress, method, options.maxDepth);
      giveBack(connection);
      resolve(reply);
    } catch (error) {
      const failure = toRpcError(error);
      // After an exception the peer has answered and goes on; after anything else nobody knows what its next bytes are.
      if (failure.cause instanceof ThriftFault) giveBack(connection);
      else drop(connection);
      reject(failure.sent ? failure : new RpcError(failure.code, failure.message, { sent: true, cause: failure }));
    }
  }

  function giveBack(used: PooledConnection): void {
    settle();
    // More bytes than one reply: the next call would take them for its own.
    if (used.splitter.isEmpty) pool.release(used);
    else used.socket.destroy();
  }

  function drop(used: PooledConnection): void {
    settle();
    used.socket.destroy();
  }

  function settle(): void {
    if (connection) connection.listener = undefined;
    connection = undefined;
    signal.removeEventListener("abort", onAbort);
  }

  function closed(error: Error | undefined): void {
    settle();
    const reason = error?.message ?? "the peer closed the connection";
    const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
    reject(new RpcError("UNAVAILABLE", text, { sent: true, cause: error }));
  }

  function failed(error: RpcError): void {
    settle();
    reject(error);
  }

  function onAbort(): void {
    waiter.left = true;
    const used = connection;
    settle();
    used?.socket.destroy();
    reject(abortError(call, used !== undefined));
  }
}

function checkSize(frameBytes: number, maxFrameBytes: number): void {
  if (frameBytes <= maxFrameBytes) return;
  throw new RpcError(
    "RESOURCE_EXHAUSTED",
    `a frame of ${frameBytes} bytes passes the limit of ${maxFrameBytes} bytes (maxFrameBytes)`,
  );
}
