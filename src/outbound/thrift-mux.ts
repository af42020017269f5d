// Calls to TTHeader servers, many at a time over few connections, matched by sequence id. What replies mean is left to
// protocol/thrift, calls that need a connection of their own to thrift-client.ts.

import type { Socket } from "node:net";
import type { Clock, Stop } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import { IdTable } from "../base/id-table.ts";
import { TurnWriter } from "../base/turn-writer.ts";
import { readSignalFrame, writeCancel, writePing } from "../protocol/thrift/dress.ts";
import { createFrameSplitter } from "../protocol/thrift/framing.ts";
import { frameSequenceId } from "../protocol/thrift/header-frame.ts";
import type { Connections } from "../rpc/connect.ts";
import type { Dialer } from "./dialer.ts";
import { replyFailure } from "./reply-failure.ts";
import { tooManyPending } from "./waiting-line.ts";

/** A call that waits for a reply, or for its own bytes to be written; exactly one of the three ends it. */
export interface MuxCall {
  /** Its frame, with its length, when a connection is ready; throws a RpcError when there is none. */
  frame(sequenceId: number): Uint8Array;
  /** Whether a reply will come, and is waited for. */
  readonly answered: boolean;
  /** Whether one may come: it is then no reply to no call. */
  readonly mayBeAnswered: boolean;
  /** A whole frame, without its length. */
  reply(frame: Uint8Array): void;
  /** Written, for a call without a reply. */
  written(): void;
  failed(error: RpcError): void;
  /** Where it is in flight; set by the connections. */
  place: MuxPlace | undefined;
}

/** A connection, and the sequence id of a call on it. */
export interface MuxPlace {
  readonly connection: MuxConnection;
  readonly id: number;
}

export interface ThriftMuxOptions {
  readonly maxConnections: number;
  readonly maxCallsPerConnection: number;
  readonly maxFrameBytes: number;
  /** Most calls that wait for a connection; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
  /** How often a connection without calls says that it is wanted; undefined: never. */
  readonly pingIntervalMs?: number | undefined;
}

/** What has been said of the peer so far. */
export interface MuxPeer {
  /** It has shown Causeway's profile, and so understands a cancel. */
  profile: boolean;
}

/** The connections to one endpoint. */
export interface ThriftMux {
  send(call: MuxCall): void;
  /** Forgets a call, which then hears nothing more; returns whether it was sent. */
  takeBack(call: MuxCall): boolean;
  /** Lets the connection that a reply has just come over finish what it has and take no further calls. */
  retire(): void;
  connections(): Connections;
  /** Refuses new calls and closes when those in flight are done. */
  close(): Promise<void>;
}

/** One connection with its calls by sequence id. */
export interface MuxConnection {
  readonly socket: Socket;
  readonly writer: TurnWriter;
  readonly calls: IdTable<MuxCall>;
  /** Sequence ids whose calls were taken back, so that their late replies are told from those to no call. */
  readonly abandoned: Set<number>;
  connected: boolean;
  retired: boolean;
  lastId: number;
}

/**
 * Connections that carry up to `maxCallsPerConnection` calls each; a further one is made when all have that many or the
 * first is not there yet. Calls beyond all of them wait. All frames of one turn of the event loop leave in one write. A
 * reply to no call closes its connection, because nothing on it can be believed any more.
 */
export function createThriftMux(
  dialer: Dialer,
  name: string,
  options: ThriftMuxOptions,
  peer: MuxPeer,
  clock: Clock,
): ThriftMux {
  const connections = new Set<MuxConnection>();
  const waiting: Set<MuxCall> = new Set();
  /** The connection whose reply is being read. */
  let current: MuxConnection | undefined;
  let closing = false;
  let stopPings: Stop | undefined;
  const { promise: allClosed, resolve: closed } = Promise.withResolvers<void>();

  function send(call: MuxCall): void {
    if (closing) {
      call.failed(new RpcError("UNAVAILABLE", `the connections to ${name} are being closed`));
      return;
    }
    const connection = roomiest();
    if (connection) {
      start(connection, call);
      return;
    }
    if (waiting.size >= options.maxPending) {
      call.failed(tooManyPending(name, options.maxPending));
      return;
    }
    waiting.add(call);
    open();
  }

  /** The connection with the fewest calls, if it may take one more. */
  function roomiest(): MuxConnection | undefined {
    let best: MuxConnection | undefined;
    for (const connection of connections) {
      if (!connection.connected || connection.retired || load(connection) >= options.maxCallsPerConnection) continue;
      if (isFull(connection)) continue;
      if (!best || load(connection) < load(best)) best = connection;
    }
    return best;
  }

  /** Makes a connection for those who wait, within the limit; one at a time, because one takes many. */
  function open(): void {
    if (waiting.size === 0 || connections.size >= options.maxConnections) return;
    for (const { connected } of connections) if (!connected) return;
    const refusal = dialer.refusal();
    if (!refusal) openOne();
    // Those who wait have other connections to wait for, or nobody would ever tell them.
    else if (connections.size === 0) failWaiting(refusal);
  }

  /** One timer for all connections, as long as there are any. */
  function pingLater(): void {
    const { pingIntervalMs } = options;
    if (pingIntervalMs !== undefined) stopPings ??= clock.after(pingIntervalMs, ping);
  }

  function ping(): void {
    stopPings = undefined;
    for (const { connected, calls, writer } of connections) {
      if (connected && calls.size === 0) writer.write(writePing());
    }
    if (connections.size > 0) pingLater();
  }

  function openOne(): void {
    const socket = dialer.dial({
      connected() {
        connection.connected = true;
        pingLater();
        admit();
      },
      failed(error) {
        connections.delete(connection);
        if (connections.size === 0) failWaiting(error);
        closeIfDone();
      },
      closed(reason) {
        connections.delete(connection);
        const error = brokenError(name, failure ?? reason);
        for (const call of connection.calls.values()) call.failed(error);
        connection.calls.clear();
        open();
        closeIfDone();
      },
    });
    const connection: MuxConnection = {
      socket,
      writer: new TurnWriter(socket),
      calls: new IdTable(),
      abandoned: new Set(),
      connected: false,
      retired: false,
      lastId: 0,
    };
    const splitter = createFrameSplitter(options);
    let failure: Error | undefined;
    connections.add(connection);
    socket.on("data", (chunk) => {
      splitter.push(chunk);
      try {
        for (let frame = splitter.next(); frame && !socket.destroyed; frame = splitter.next()) take(connection, frame);
      } catch (error) {
        failure = toRpcError(error);
        socket.destroy();
      }
    });
    socket.on("drain", admit);
    // The peer will not answer any more, so the connection is of no use even if it could be written to.
    socket.on("end", () => socket.destroy());
  }

  function failWaiting(error: RpcError): void {
    const all = [...waiting];
    waiting.clear();
    for (const call of all) call.failed(error);
  }

  /** Gives those who wait their connection. */
  function admit(): void {
    for (const call of waiting) {
      const connection = roomiest();
      if (!connection) break;
      waiting.delete(call);
      start(connection, call);
    }
    open();
  }

  function start(connection: MuxConnection, call: MuxCall): void {
    const { writer, calls, abandoned } = connection;
    let id = connection.lastId;
    // 0 is for what a peer says of the connection.
    do id = (id + 1) & 0x7fff_ffff;
    while (id === 0 || calls.has(id) || abandoned.has(id));
    let frame: Uint8Array;
    try {
      frame = call.frame(id);
    } catch (error) {
      call.failed(toRpcError(error));
      return;
    }
    connection.lastId = id;
    calls.set(id, call);
    call.place = { connection, id };
    if (call.answered) {
      writer.write(frame);
    } else {
      writer.write(frame, (error) => {
        // A failed write closes the connection, which then says so.
        if (error) return;
        if (calls.delete(id)) {
          if (call.mayBeAnswered) abandon(connection, id);
          call.written();
        }
        settle(connection);
      });
    }
  }

  function takeBack(call: MuxCall): boolean {
    waiting.delete(call);
    if (!call.place) return false;
    const { connection, id } = call.place;
    const { calls, writer } = connection;
    if (!calls.delete(id)) return true;
    if (call.answered) {
      abandon(connection, id);
      if (peer.profile) writer.write(writeCancel(id));
    }
    settle(connection);
    return true;
  }

  function abandon(connection: MuxConnection, id: number): void {
    connection.abandoned.add(id);
    // A peer that answers none of them is not one to wait for.
    if (connection.abandoned.size >= options.maxCallsPerConnection) connection.retired = true;
  }

  function take(connection: MuxConnection, frame: Uint8Array): void {
    const signal = readSignalFrame(frame);
    if (signal) {
      if (signal.signal === "reset") {
        connection.retired = true;
        settle(connection);
      }
      return;
    }
    const id = frameSequenceId(frame);
    const call = connection.calls.get(id);
    if (!call) {
      if (connection.abandoned.delete(id)) {
        settle(connection);
        return;
      }
      throw new RpcError("INTERNAL", `a reply came with the sequence id ${id}, which no call has`, { sent: true });
    }
    connection.calls.delete(id);
    current = connection;
    call.reply(frame);
    current = undefined;
    settle(connection);
  }

  /** After a call has left: its place goes to the next, or the connection to its end. */
  function settle(connection: MuxConnection): void {
    if ((connection.retired || closing) && connection.calls.size === 0) {
      connection.writer.flush();
      connection.socket.destroySoon();
    } else if (waiting.size > 0) {
      admit();
    }
  }

  function closeIfDone(): void {
    if (!closing || connections.size > 0) return;
    stopPings?.();
    closed();
  }

  return {
    send,
    takeBack,
    retire() {
      if (current) current.retired = true;
    },
    connections() {
      let connected = 0;
      for (const connection of connections) if (connection.connected) connected++;
      return { open: connected, connecting: connections.size - connected, waiting: waiting.size };
    },
    close() {
      closing = true;
      failWaiting(new RpcError("UNAVAILABLE", `the connections to ${name} are being closed`));
      for (const connection of connections) settle(connection);
      closeIfDone();
      return allClosed;
    },
  };
}

/** More than this is not written to a peer that does not read, in bytes; what is beyond waits for it, or for another. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;

function isFull({ writer, socket }: MuxConnection): boolean {
  return writer.waitingBytes + socket.writableLength > MAX_UNWRITTEN_BYTES;
}

function load({ calls, abandoned }: MuxConnection): number {
  return calls.size + abandoned.size;
}

function brokenError(name: string, failure: Error | undefined): RpcError {
  if (failure instanceof RpcError) return replyFailure(failure);
  const reason = failure?.message ?? "the peer closed the connection";
  const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
  return new RpcError("UNAVAILABLE", text, { sent: true, cause: failure });
}
