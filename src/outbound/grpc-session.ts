// The HTTP/2 session to one gRPC endpoint: made when a call needs it, replaced when its peer says goodbye or it breaks,
// shared by as many calls as the peer allows. What goes over a stream is left to grpc-client.ts.
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import type { Address } from "../base/address.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";

/** Someone who waits for a stream; exactly one of the two is called, unless it has `left` before. */
export interface StreamWaiter {
  /** Opens its stream at once and calls `done` when that has closed. */
  ready(session: ClientHttp2Session, done: () => void): void;
  failed(error: RpcError): void;
  /** Set by the waiter when it does not want a stream any more. */
  left: boolean;
}

export interface GrpcSessionOptions {
  readonly connectTimeoutMs: number;
  readonly maxMessageBytes: number;
}

/** At most one usable session, and who waits for it. */
export interface GrpcSessions {
  /** Gives the waiter a session that has a free stream. */
  acquire(waiter: StreamWaiter): void;
  /** Closes when the calls in flight are done; resolves when the last connection is closed. */
  close(): Promise<void>;
}

/** Flow-control windows that do not make the peer wait for each 64 KiB. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const CONNECTION_WINDOW_BYTES = 4 * STREAM_WINDOW_BYTES;
/** What is assumed until the peer has said how many streams it allows, as RFC 9113 advises peers to allow. */
const INITIAL_MAX_STREAMS = 100;

/** A session and what is known of it. */
interface Session {
  readonly http2: ClientHttp2Session;
  readonly socket: Socket;
  active: number;
  maxStreams: number;
  connected: boolean;
}

/** Keeps a session to the endpoint while there are calls for it. */
export function createGrpcSessions(
  address: Address,
  name: string,
  authority: string,
  options: GrpcSessionOptions,
  clock: Clock,
): GrpcSessions {
  const waiters: StreamWaiter[] = [];
  const open = new Set<Session>();
  /** The one that new calls go to. */
  let current: Session | undefined;
  let closing = false;
  let allClosed: (() => void) | undefined;
  const whenClosed = new Promise<void>((resolve) => {
    allClosed = resolve;
  });

  function acquire(waiter: StreamWaiter): void {
    if (closing) {
      waiter.failed(new RpcError("UNAVAILABLE", `the connection to ${name} is being closed`));
      return;
    }
    waiters.push(waiter);
    serveWaiters();
  }

  /** Hands out streams while there are free ones. */
  function serveWaiters(): void {
    while (waiters.length > 0) {
      if (current && (current.http2.closed || current.http2.destroyed)) current = undefined;
      current ??= startSession();
      const session = current;
      if (!session.connected || session.active >= session.maxStreams) return;
      const waiter = waiters.shift();
      if (!waiter || waiter.left) continue;
      session.active++;
      waiter.ready(session.http2, () => {
        session.active--;
        if (session !== current) retire(session);
        serveWaiters();
        closeIfDone();
      });
    }
  }

  /** Gives a session no more calls, and closes it when those that it has are done. */
  function retire(session: Session): void {
    if (current === session) current = undefined;
    if (session.active > 0) return;
    session.http2.destroy();
    // A session that has said or heard goodbye would wait for its peer to end the connection.
    session.socket.destroy();
  }

  function startSession(): Session {
    const where = address.kind === "unix" ? { path: address.path } : { host: address.host, port: address.port };
    const socket = connect({ ...where, noDelay: true, keepAlive: true });
    const http2 = connectHttp2(`http://${authority}`, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
      // In megabytes; the default of 10 would refuse streams while one large message is being sent.
      maxSessionMemory: 64 + 2 * Math.ceil(options.maxMessageBytes / 2 ** 20),
    });
    const session: Session = { http2, socket, active: 0, maxStreams: INITIAL_MAX_STREAMS, connected: false };
    open.add(session);
    let failure: Error | undefined;
    const stopTimer = clock.after(options.connectTimeoutMs, () => {
      socket.destroy(new Error(`no connection within ${options.connectTimeoutMs} ms (connectTimeoutMs)`));
    });
    http2.on("connect", () => {
      // The event may have been on its way when the session was given up.
      if (http2.destroyed) return;
      stopTimer();
      session.connected = true;
      http2.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
      serveWaiters();
      closeIfDone();
    });
    http2.on("remoteSettings", ({ maxConcurrentStreams }) => {
      session.maxStreams = maxConcurrentStreams ?? INITIAL_MAX_STREAMS;
      serveWaiters();
    });
    http2.on("error", (error: Error) => {
      failure = error;
    });
    // The calls on it go on as far as the peer lets them; new ones need another session.
    http2.on("goaway", () => {
      retire(session);
      serveWaiters();
    });
    http2.on("close", () => {
      stopTimer();
      open.delete(session);
      if (current === session) current = undefined;
      if (!session.connected) failWaiters(failure);
      else serveWaiters();
      closeIfDone();
    });
    return session;
  }

  function failWaiters(failure: Error | undefined): void {
    const reason =
      failure?.message || (failure && "code" in failure ? String(failure.code) : "the connection was closed");
    for (const waiter of waiters.splice(0)) {
      if (!waiter.left) {
        waiter.failed(new RpcError("UNAVAILABLE", `cannot connect to ${name}: ${reason}`, { cause: failure }));
      }
    }
  }

  function closeIfDone(): void {
    if (!closing) return;
    // A session that is still connecting has waiters, unless they have all left.
    if (waiters.every((waiter) => waiter.left)) {
      for (const session of open) retire(session);
    }
    if (open.size === 0) allClosed?.();
  }

  return {
    acquire,
    close() {
      closing = true;
      closeIfDone();
      return whenClosed;
    },
  };
}
