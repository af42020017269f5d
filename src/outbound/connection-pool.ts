// The connections to one endpoint that each carry one call at a time: how many there may be, who gets the next one, and when
// they close. What goes over them is left to those who acquire them.
import type { Socket } from "node:net";
import { z } from "zod";
import type { Clock, Stop } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Connections } from "../rpc/connect.ts";
import type { Dialer } from "./dialer.ts";
import { WaitingLine } from "./waiting-line.ts";

/** When a connection that nobody uses is closed. */
export const idleTimeoutOption = z
  .int()
  .positive()
  .describe("longest time that a connection is kept without a call, in milliseconds");

/** Takes what comes over a connection. */
export interface ChunkReader {
  push(chunk: Buffer): void;
}

/** A connection with at most one call on it. */
export interface PooledConnection<Reader extends ChunkReader> {
  readonly socket: Socket;
  readonly reader: Reader;
  /** How many calls it was acquired for, the one on it included. */
  calls: number;
  /** When its last call ended. */
  idleSinceMs: number;
  /** Tells the call that is on it that bytes have come, or that the connection is gone; undefined while idle. */
  listener: ConnectionListener | undefined;
}

export interface ConnectionListener {
  data(): void;
  closed(error: Error | undefined): void;
}

/** Someone who waits for a connection; exactly one of the two is called, unless it has `left` before. */
export interface Waiter<Reader extends ChunkReader> {
  ready(connection: PooledConnection<Reader>): void;
  failed(error: RpcError): void;
  /** Set by the waiter when it does not want a connection any more. */
  left: boolean;
}

export interface ConnectionPoolOptions {
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  /** Most who wait; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
}

/** What a pool works with. */
export interface ConnectionPoolContext<Reader extends ChunkReader> {
  readonly dialer: Dialer;
  /** What errors call the endpoint. */
  readonly name: string;
  readonly clock: Clock;
  /** The reader of a new connection. */
  readonly createReader: () => Reader;
}

/** A bounded set of connections. */
export interface ConnectionPool<Reader extends ChunkReader> {
  /** Gives the waiter a connection: an idle one at once, else the next that is free or made. */
  acquire(waiter: Waiter<Reader>): void;
  /** Takes back a connection whose reply has come whole. */
  release(connection: PooledConnection<Reader>): void;
  connections(): Connections;
  /** Closes idle connections now and the others as they come back; resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * A pool that reuses the connection that was used last, so that the others can go idle. A connection that its peer
 * closes while idle is forgotten and never handed out.
 */
export function createConnectionPool<Reader extends ChunkReader>(
  { maxConnections, idleTimeoutMs, maxPending }: ConnectionPoolOptions,
  { dialer, name, clock, createReader }: ConnectionPoolContext<Reader>,
): ConnectionPool<Reader> {
  /** The one that was used last is last. */
  const idle: PooledConnection<Reader>[] = [];
  const waiters = new WaitingLine<Waiter<Reader>>(name, maxPending);
  let stopSweep: Stop | undefined;
  const all = new Set<Socket>();
  let connecting = 0;
  let closed: (() => void) | undefined;
  const allClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  let closing = false;

  function acquire(waiter: Waiter<Reader>): void {
    if (closing) {
      waiter.failed(new RpcError("UNAVAILABLE", `the connections to ${name} are being closed`));
      return;
    }
    const connection = nextIdle();
    if (connection) {
      give(connection, waiter);
      return;
    }
    const refusal = waiters.add(waiter);
    if (refusal) waiter.failed(refusal);
    else open();
  }

  function give(connection: PooledConnection<Reader>, waiter: Waiter<Reader>): void {
    connection.calls++;
    waiter.ready(connection);
  }

  /** The idle connection that was used last and can still be written to. */
  function nextIdle(): PooledConnection<Reader> | undefined {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (connection.socket.writable && !connection.socket.readableEnded) return connection;
      connection.socket.destroy();
    }
    return undefined;
  }

  /** Makes as many connections as there are waiters without one, within the limit. */
  function open(): void {
    while (connecting < waiters.length && all.size < maxConnections) {
      const refusal = dialer.refusal();
      if (!refusal) openOne();
      else if (all.size > 0) return;
      // Nobody else could give them one.
      else waiters.next()?.failed(refusal);
    }
  }

  function openOne(): void {
    const socket = dialer.dial({
      connected() {
        connecting--;
        release(connection);
      },
      failed(error) {
        all.delete(socket);
        connecting--;
        waiters.next()?.failed(error);
        open();
        if (closing) closeIfDone();
      },
      closed(failure) {
        all.delete(socket);
        connection.listener?.closed(failure);
        open();
        if (closing) closeIfDone();
      },
    });
    const connection: PooledConnection<Reader> = {
      socket,
      reader: createReader(),
      calls: 0,
      idleSinceMs: 0,
      listener: undefined,
    };
    all.add(socket);
    connecting++;
    socket.on("data", (chunk) => {
      connection.reader.push(chunk);
      // Bytes that nobody asked for: whatever comes next would be taken for their reply.
      if (connection.listener) connection.listener.data();
      else socket.destroy();
    });
    // The peer will not answer any more, so the connection is of no use even if it could be written to.
    socket.on("end", () => socket.destroy());
  }

  function release(connection: PooledConnection<Reader>): void {
    const waiter = waiters.next();
    if (waiter) give(connection, waiter);
    else if (closing) connection.socket.destroy();
    else {
      connection.idleSinceMs = clock.turnMs();
      idle.push(connection);
      stopSweep ??= clock.after(idleTimeoutMs, sweep);
    }
  }

  /** Closes those that were idle for too long; one timer serves them all. */
  function sweep(): void {
    stopSweep = undefined;
    const idleBeforeMs = clock.nowMs() - idleTimeoutMs;
    const kept = idle.findIndex(({ idleSinceMs }) => idleSinceMs > idleBeforeMs);
    for (const { socket } of idle.splice(0, kept < 0 ? idle.length : kept)) socket.destroy();
    const oldest = idle[0];
    if (oldest) stopSweep = clock.after(oldest.idleSinceMs - idleBeforeMs, sweep);
  }

  function closeIfDone(): void {
    if (all.size === 0) closed?.();
  }

  return {
    acquire,
    release,
    connections: () => ({
      open: all.size - connecting,
      connecting,
      waiting: waiters.count,
    }),
    close() {
      closing = true;
      stopSweep?.();
      for (const { socket } of idle.splice(0)) socket.destroy();
      closeIfDone();
      return allClosed;
    },
  };
}
