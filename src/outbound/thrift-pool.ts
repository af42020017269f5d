// The connections to one Thrift endpoint: how many there may be, who gets the next one, and when they close. What goes
// over them is left to thrift-client.ts.
import type { Socket } from "node:net";
import { RpcError } from "../base/errors.ts";
import type { Framing } from "../protocol/thrift/dialect.ts";
import { createFrameSplitter, createMessageSplitter, type Splitter } from "../protocol/thrift/framing.ts";
import type { Dialer } from "./dialer.ts";

/** A connection with at most one call on it. */
export interface PooledConnection {
  readonly socket: Socket;
  readonly splitter: Splitter;
  /** The sequence id of its last call. */
  sequenceId: number;
  /** Tells the call that is on it that bytes have come, or that the connection is gone; undefined while idle. */
  listener: ConnectionListener | undefined;
}

export interface ConnectionListener {
  data(): void;
  closed(error: Error | undefined): void;
}

/** Someone who waits for a connection; exactly one of the two is called, unless it has `left` before. */
export interface Waiter {
  ready(connection: PooledConnection): void;
  failed(error: RpcError): void;
  /** Set by the waiter when it does not want a connection any more. */
  left: boolean;
}

export interface ThriftPoolOptions {
  readonly maxConnections: number;
  readonly framing: Framing;
  /** Of a frame, or of a message without one. */
  readonly maxFrameBytes: number;
  readonly maxDepth: number;
}

/** A bounded set of connections. */
export interface ThriftPool {
  /** Gives the waiter a connection: an idle one at once, else the next that is free or made. */
  acquire(waiter: Waiter): void;
  /** Takes back a connection whose reply has come whole. */
  release(connection: PooledConnection): void;
  /** Closes idle connections now and the others as they come back; resolves when all are closed. */
  close(): Promise<void>;
}

/**
 * A pool that reuses the connection that was used last, so that the others can go idle. A connection that its peer
 * closes while idle is forgotten and never handed out.
 */
export function createThriftPool(dialer: Dialer, name: string, options: ThriftPoolOptions): ThriftPool {
  const idle: PooledConnection[] = [];
  const waiters: Waiter[] = [];
  const all = new Set<Socket>();
  let connecting = 0;
  let closed: (() => void) | undefined;
  const allClosed = new Promise<void>((resolve) => {
    closed = resolve;
  });
  let closing = false;

  function acquire(waiter: Waiter): void {
    if (closing) {
      waiter.failed(new RpcError("UNAVAILABLE", `the connections to ${name} are being closed`));
      return;
    }
    const connection = nextIdle();
    if (connection) {
      waiter.ready(connection);
      return;
    }
    waiters.push(waiter);
    open();
  }

  /** The idle connection that was used last and can still be written to. */
  function nextIdle(): PooledConnection | undefined {
    for (let connection = idle.pop(); connection; connection = idle.pop()) {
      if (connection.socket.writable && !connection.socket.readableEnded) return connection;
      connection.socket.destroy();
    }
    return undefined;
  }

  function nextWaiter(): Waiter | undefined {
    let waiter = waiters.shift();
    while (waiter?.left) waiter = waiters.shift();
    return waiter;
  }

  /** Makes as many connections as there are waiters without one, within the limit. */
  function open(): void {
    while (connecting < waiters.length && all.size < options.maxConnections) {
      const refusal = dialer.refusal();
      if (!refusal) openOne();
      else if (all.size > 0) return;
      // Nobody else could give them one.
      else nextWaiter()?.failed(refusal);
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
        nextWaiter()?.failed(error);
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
    const connection: PooledConnection = {
      socket,
      splitter: createSplitter(options),
      sequenceId: 0,
      listener: undefined,
    };
    all.add(socket);
    connecting++;
    socket.on("data", (chunk) => {
      connection.splitter.push(chunk);
      // Bytes that nobody asked for: whatever comes next would be taken for their reply.
      if (connection.listener) connection.listener.data();
      else socket.destroy();
    });
    // The peer will not answer any more, so the connection is of no use even if it could be written to.
    socket.on("end", () => socket.destroy());
  }

  function release(connection: PooledConnection): void {
    const waiter = nextWaiter();
    if (waiter) waiter.ready(connection);
    else if (closing) connection.socket.destroy();
    else idle.push(connection);
  }

  function closeIfDone(): void {
    if (all.size === 0) closed?.();
  }

  return {
    acquire,
    release,
    close() {
      closing = true;
      for (const { socket } of idle.splice(0)) socket.destroy();
      closeIfDone();
      return allClosed;
    },
  };
}

function createSplitter({ framing, maxFrameBytes, maxDepth }: ThriftPoolOptions): Splitter {
  return framing === "unframed"
    ? createMessageSplitter({ maxMessageBytes: maxFrameBytes, maxDepth })
    : createFrameSplitter({ maxFrameBytes });
}
