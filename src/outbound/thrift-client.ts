// Calls to Thrift servers in every framing: one call at a time on a connection of a bounded pool, and on TTHeader many at
// a time over few connections.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { ThriftFault } from "../protocol/thrift/codes.ts";
import type { Envelope, Framing } from "../protocol/thrift/dialect.ts";
import { type Dress, readSignalFrame } from "../protocol/thrift/dress.ts";
import { createFrameSplitter, createMessageSplitter, type Splitter } from "../protocol/thrift/framing.ts";
import type { CallHeads } from "../protocol/thrift/known-heads.ts";
import { type ConnectionNews, onewayReply, readReply } from "../protocol/thrift/read-reply.ts";
import { writeCall } from "../protocol/thrift/write-call.ts";
import type { Call, Reply } from "../rpc/call.ts";
import type { Connect, Connections } from "../rpc/connect.ts";
import { countForeign } from "../rpc/sidecar-keys.ts";
import { abortError } from "./call-end.ts";
import {
  type ConnectionPool,
  createConnectionPool,
  idleTimeoutOption,
  type PooledConnection,
  type Waiter,
} from "./connection-pool.ts";
import { createDialer, dialOptions } from "./dialer.ts";
import { replyFailure } from "./reply-failure.ts";
import { createThriftMux, type MuxCall, type MuxPeer, type ThriftMux } from "./thrift-mux.ts";
import { createTlsDialer } from "./tls-dialer.ts";

/** How an upstream's Thrift servers are called. */
export const thriftUpstreamOptions = z
  .strictObject({
    maxConnections: z
      .int()
      .positive()
      .default(64)
      .describe("most connections to one endpoint; further calls wait for a free one until their deadline"),
    maxCallsPerConnection: z
      .int()
      .positive()
      .max(100_000)
      .default(1_000)
      .describe("most calls in flight on one TTHeader connection; 1 for servers that answer one call after the other"),
    idleTimeoutMs: idleTimeoutOption.default(60_000),
    ...dialOptions.shape,
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
    zlib: z.boolean().default(false).describe("whether calls are sent compressed with zlib, on THeader"),
  })
  .describe("how Thrift servers are called");

/** How messages to an upstream are written. */
export interface ThriftWire {
  readonly framing: Framing;
  readonly envelope: Envelope;
  /** Whether the servers are sidecars, and need not show Causeway's profile first. */
  readonly profile?: boolean;
  /** How often a connection without calls says that it is wanted, to sidecars alone; undefined: never. */
  readonly pingIntervalMs?: number;
}

export type ThriftUpstreamOptions = z.output<typeof thriftUpstreamOptions> & ThriftWire;

/**
 * Calls Thrift servers. A failure to connect is UNAVAILABLE and not sent; a connection that breaks after the call was
 * written is UNAVAILABLE and sent; a TApplicationException is a RpcError of the peer. A call that is aborted while its
 * reply is outstanding closes its connection, because the reply would be taken for the next call's. Throws a
 * CredentialsError when files of TLS cannot be used.
 */
export function connectThrift(options: ThriftUpstreamOptions, clock: Clock, log: Log): Connect {
  const tls = options.tls && createTlsDialer(options.tls, undefined, log);
  return ({ address, name }) => {
    const peer: MuxPeer = { profile: options.profile ?? false };
    const dialer = createDialer(address, name, options, { clock, tls, protocol: undefined });
    const pool = createConnectionPool(options, { dialer, name, clock, createReader: () => createSplitter(options) });
    const server: Server = { name, options, clock, peer, heads: new WeakMap() };
    if (options.framing !== "ttheader" || options.maxCallsPerConnection === 1) {
      return { handle: (call) => exchange(call, pool, server), connections: pool.connections, close: pool.close };
    }
    const mux = createThriftMux(dialer, name, options, peer, clock);
    return {
      // A large message would hold up everything behind it.
      handle: (call) =>
        call.payload.bytes.length > MAX_SHARED_BYTES ? exchange(call, pool, server) : share(call, mux, server),
      connections: () => together(pool.connections(), mux.connections()),
      close: async () => void (await Promise.all([pool.close(), mux.close()])),
    };
  };
}

function createSplitter({ framing, maxFrameBytes, maxDepth }: ThriftUpstreamOptions): Splitter {
  return framing === "unframed"
    ? createMessageSplitter({ maxMessageBytes: maxFrameBytes, maxDepth })
    : createFrameSplitter({ maxFrameBytes });
}

function together(a: Connections, b: Connections): Connections {
  return { open: a.open + b.open, connecting: a.connecting + b.connecting, waiting: a.waiting + b.waiting };
}

/** Larger messages go on a connection of their own. */
const MAX_SHARED_BYTES = 256 * 1024;

/** What both ways of calling a server need. */
interface Server {
  readonly name: string;
  readonly options: ThriftUpstreamOptions;
  readonly clock: Clock;
  readonly peer: MuxPeer;
  readonly heads: CallHeads;
}

/**
 * Whether a reply may come all the same: Kitex-Protobuf has no oneway methods, so its servers answer, and those of
 * Causeway's profile do not.
 */
function mayBeAnswered({ method }: Call, { options, peer }: Server): boolean {
  return !method.oneway || (options.envelope === "kitex-protobuf" && !peer.profile);
}

/** The frame of a call and what its reply is held against. */
function dressed(
  call: Call,
  sequenceId: number,
  { options, clock, peer, heads }: Server,
): ReturnType<typeof writeCall> {
  const { framing, maxFrameBytes } = options;
  const written = writeCall(call, { ...options, sequenceId, profile: peer.profile, nowMs: clock.turnMs(), heads });
  checkSize(written.message.length - (framing === "unframed" ? 0 : 4), maxFrameBytes);
  // The other framings have room for it.
  if (framing === "framed" || framing === "unframed") call.facts.droppedMetadata += countForeign(call.headers);
  return written;
}

/** The reply in a message, with what it says of its peer learnt. */
function readAnswer(
  message: Uint8Array,
  dress: Dress,
  { method }: Call,
  { options, peer }: Server,
  reset: () => void,
): Reply {
  return readReply(message, dress, method, options, (news: ConnectionNews) => {
    if (news.profile) peer.profile = true;
    if (news.reset) reset();
  });
}

/** One call among others over one connection. */
function share(call: Call, mux: ThriftMux, server: Server): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { signal, method, payload } = call;
    if (signal.aborted) {
      reject(abortError(call, false));
      return;
    }
    let dress: Dress | undefined;
    const muxCall: MuxCall = {
      answered: !method.oneway,
      mayBeAnswered: mayBeAnswered(call, server),
      place: undefined,
      frame(sequenceId) {
        const written = dressed(call, sequenceId, server);
        dress = written.dress;
        return written.message;
      },
      reply(frame) {
        signal.removeEventListener("abort", onAbort);
        try {
          resolve(readAnswer(frame, dress!, call, server, mux.retire));
        } catch (error) {
          // The frame was whole and of this call, so only this call has failed.
          reject(replyFailure(error));
        }
      },
      written() {
        signal.removeEventListener("abort", onAbort);
        resolve(onewayReply(method, payload.codec));
      },
      failed(error) {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    };
    function onAbort(): void {
      signal.removeEventListener("abort", onAbort);
      reject(abortError(call, mux.takeBack(muxCall)));
    }
    signal.addEventListener("abort", onAbort);
    mux.send(muxCall);
  });
}

/** One call over one connection. */
function exchange(call: Call, pool: ConnectionPool<Splitter>, server: Server): Promise<Reply> {
  return new Promise((resolve, reject) => exchangeOn(call, pool, server, resolve, reject));
}

function exchangeOn(
  call: Call,
  pool: ConnectionPool<Splitter>,
  server: Server,
  resolve: (reply: Reply) => void,
  reject: (error: RpcError) => void,
): void {
  const { signal, method, payload } = call;
  let connection: PooledConnection<Splitter> | undefined;
  let dress: Dress | undefined;
  if (signal.aborted) {
    reject(abortError(call, false));
    return;
  }
  signal.addEventListener("abort", onAbort);

  const waiter: Waiter<Splitter> = { ready, failed, left: false };
  pool.acquire(waiter);

  function ready(acquired: PooledConnection<Splitter>): void {
    const { calls, socket } = acquired;
    // 0 is for what a peer says of the connection.
    const sequenceId = calls & 0x7fff_ffff || 1;
    try {
      const written = dressed(call, sequenceId, server);
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
    if (mayBeAnswered(call, server)) drop(connection);
    else giveBack(connection);
    resolve(onewayReply(method, payload.codec));
  }

  function data(): void {
    if (!connection || !dress) return;
    let reset = false;
    try {
      let message = connection.reader.next();
      // A peer may say that it is there before it answers.
      while (message && readSignalFrame(message)) message = connection.reader.next();
      if (message === undefined) return;
      const reply = readAnswer(message, dress, call, server, () => {
        reset = true;
      });
      if (reset) drop(connection);
      else giveBack(connection);
      resolve(reply);
    } catch (error) {
      const failure = replyFailure(error);
      // After an exception the peer has answered and goes on; after anything else nobody knows what its next bytes are.
      if (failure.cause instanceof ThriftFault && !reset) giveBack(connection);
      else drop(connection);
      reject(failure);
    }
  }

  function giveBack(used: PooledConnection<Splitter>): void {
    settle();
    // More bytes than one reply: the next call would take them for its own.
    if (used.reader.isEmpty) pool.release(used);
    else used.socket.destroy();
  }

  function drop(used: PooledConnection<Splitter>): void {
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
    const text = `the connection to ${server.name} broke before the reply was whole: ${reason}`;
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
