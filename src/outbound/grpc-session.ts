// The HTTP/2 connection to one gRPC endpoint: made when a call needs it, replaced when its peer says goodbye or it
// breaks, shared by as many calls as the peer allows. What goes over a stream is left to grpc-client.ts.
import type { Socket } from "node:net";
import { atEndOfTurn, type Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import { createHttp2Connection, type Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { StreamReset } from "../protocol/http2/events.ts";
import type { HeaderList } from "../protocol/http2/header-list.ts";
import {
  createKeepalive,
  type Keepalive,
  type KeepaliveOptions,
  SETTINGS_TIMEOUT_MS,
} from "../protocol/http2/keepalive.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";
import { writeOutput } from "../protocol/http2/write-output.ts";
import type { Connections } from "../rpc/connect.ts";
import { createAbandonedStreams } from "./abandoned-streams.ts";
import type { Dialer } from "./dialer.ts";
import { createResetBudget } from "./reset-budget.ts";
import { WaitingLine } from "./waiting-line.ts";

/** What comes on one stream; `closed` once and last. */
export interface StreamListener {
  /** Whether it gives bytes back to flow control itself, when it has taken them; else they are given back at once. */
  readonly consumes?: boolean;
  headers(list: HeaderList): void;
  data(bytes: Uint8Array): void;
  /** What was queued of the request has left. */
  drained?(): void;
  trailers(list: HeaderList): void;
  /** `reset` is undefined when both sides have ended in good order. */
  closed(reset: StreamReset | undefined): void;
}

/** A connection that can take a stream. */
export interface GrpcSession {
  readonly http2: Http2Connection<StreamListener>;
  /** Ends the stream of a call that nobody waits for any more: its listener hears nothing from now on. */
  abandon(stream: Http2Stream<StreamListener>): void;
  /** Why the connection broke, if it did and a reason is known. */
  readonly failure: Error | undefined;
}

/** Someone who waits for a stream; exactly one of the two is called, unless it has `left` before. */
export interface StreamWaiter {
  /** Opens its stream at once. */
  ready(session: GrpcSession): void;
  failed(error: RpcError): void;
  /** Set by the waiter when it does not want a stream any more. */
  left: boolean;
}

/** At most one usable session, and who waits for it. */
export interface GrpcSessions {
  /** Gives the waiter a session that has a free stream. */
  acquire(waiter: StreamWaiter): void;
  connections(): Connections;
  /** Closes when the calls in flight are done; resolves when the last connection is closed. */
  close(): Promise<void>;
}

/** A session and what is known of it. */
interface Session extends GrpcSession {
  readonly socket: Socket;
  /** Streams that somebody waits for. */
  wantedStreams(): number;
  connected: boolean;
  failure: Error | undefined;
}

export interface GrpcSessionOptions extends KeepaliveOptions {
  /** Most calls that wait for a stream; further ones fail with RESOURCE_EXHAUSTED. */
  readonly maxPending: number;
}

/** Calls wait while this much of others' requests waits for the peer's windows, in bytes. */
const MAX_QUEUED_BYTES = 64 * 1024 * 1024;

/**
 * What callers who do not read may leave here of one connection's responses before they hold back those of all its callers, in
 * bytes: each stream's window holds back its own caller long before.
 */
const MAX_UNCONSUMED_BYTES = 64 * 1024 * 1024;

/** Whether a call may begin now. */
function hasRoom({ connected, http2 }: Session): boolean {
  return connected && http2.freeStreams > 0 && http2.queuedBytes <= MAX_QUEUED_BYTES;
}

/** Keeps a session to the endpoint while there are calls for it. */
export function createGrpcSessions(
  dialer: Dialer,
  name: string,
  options: GrpcSessionOptions,
  clock: Clock,
): GrpcSessions {
  const waiters = new WaitingLine<StreamWaiter>(name, options.maxPending);
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
    // Mostly nobody has to wait.
    if (waiters.length === 0 && current && hasRoom(current)) {
      waiter.ready(current);
      return;
    }
    const refusal = waiters.add(waiter);
    if (refusal) waiter.failed(refusal);
    else serveWaiters();
  }

  /** Hands out streams while there are free ones. */
  function serveWaiters(): void {
    while (waiters.length > 0) {
      if (current && !current.http2.isUsable) retire(current);
      if (!current) {
        const refusal = dialer.refusal();
        if (refusal) {
          failWaiters(refusal);
          return;
        }
        current = startSession();
      }
      if (!hasRoom(current)) return;
      waiters.next()?.ready(current);
    }
  }

  /** Gives a session no more calls, and closes it when those that it has are done. */
  function retire(session: Session): void {
    if (current === session) current = undefined;
    if (session.wantedStreams() > 0 || session.socket.destroyed) return;
    writeOutput(session.http2, session.socket);
    session.socket.destroySoon();
  }

  function startSession(): Session {
    const socket = dialer.dial({
      connected() {
        session.connected = true;
        // Before it is connected there is no silence to speak of.
        keepalive = createKeepalive(options, clock, {
          isNeeded: () => http2.openStreams > 0 && !socket.isPaused(),
          ping: () => void http2.ping(),
          dead: () => fail(`it did not answer a PING within ${options.keepaliveTimeoutMs} ms`),
        });
        stopSettings = clock.after(SETTINGS_TIMEOUT_MS, () =>
          fail(`it sent no SETTINGS within ${SETTINGS_TIMEOUT_MS} ms`),
        );
        flush();
        serveWaiters();
        closeIfDone();
      },
      failed(error) {
        forget();
        failWaiters(error);
        closeIfDone();
      },
      closed(failure) {
        keepalive.stop();
        stopSettings();
        session.failure ??= failure;
        forget();
        http2.transportEnded();
        serveWaiters();
        closeIfDone();
      },
    });
    let keepalive: Keepalive = { heard: () => {}, stop: () => {} };
    let stopSettings = () => {};
    function fail(reason: string): void {
      socket.destroy(new Error(reason));
    }
    let flushing = false;
    const flush = () => {
      flushing = false;
      if (session.connected && !socket.destroyed) writeOutput(http2, socket);
    };
    /** A peer that has answered in full takes no more of the request. */
    function stopSending(stream: Http2Stream<StreamListener>): void {
      if (!stream.localEnded) http2.resetStream(stream, ERROR_CODE.CANCEL);
    }
    const http2 = createHttp2Connection<StreamListener>(
      "client",
      { nowMs: clock.nowMs, maxUnconsumedBytes: MAX_UNCONSUMED_BYTES },
      {
        onHeaders(stream, list, endStream) {
          stream.context?.headers(list);
          if (endStream) stopSending(stream);
        },
        onData(stream, bytes, endStream) {
          if (!stream.context?.consumes) http2.consume(stream, bytes.length);
          stream.context?.data(bytes);
          if (endStream) stopSending(stream);
        },
        onTrailers(stream, list) {
          stream.context?.trailers(list);
          stopSending(stream);
        },
        onReset(stream, reset) {
          const listener = stream.context;
          stream.context = undefined;
          listener?.closed(reset);
        },
        onClose(stream) {
          abandoned.closed(stream);
          stream.context?.closed(undefined);
          if (session !== current) retire(session);
          serveWaiters();
          closeIfDone();
        },
        onDrain(stream) {
          stream.context?.drained?.();
          serveWaiters();
        },
        onSettings() {
          stopSettings();
          dialer.succeeded();
          serveWaiters();
        },
        // The calls on it go on as far as the peer lets them; new ones need another session.
        onGoAway() {
          retire(session);
          serveWaiters();
        },
        onPong: () => {},
        onOutput() {
          if (!flushing) atEndOfTurn(flush);
          flushing = true;
        },
        onFinished: () => {},
        onFailed(error) {
          session.failure = error;
          retire(session);
        },
      },
    );
    const mayReset = createResetBudget(clock);
    const abandoned = createAbandonedStreams<StreamListener>({
      http2,
      clock,
      // Nobody else's calls are at stake when the connection is closed anyway.
      mayReset: () => closing || mayReset(),
      onTooMany() {
        retire(session);
        serveWaiters();
      },
    });
    const session: Session = {
      http2,
      abandon: abandoned.add,
      wantedStreams: () => http2.openStreams - abandoned.size(),
      socket,
      connected: false,
      failure: undefined,
    };
    open.add(session);
    socket.on("data", (chunk: Buffer) => {
      keepalive.heard();
      http2.receive(chunk);
    });
    socket.on("drain", flush);
    function forget(): void {
      open.delete(session);
      if (current === session) current = undefined;
    }
    return session;
  }

  function failWaiters(error: RpcError): void {
    for (const waiter of waiters.takeAll()) waiter.failed(error);
  }

  function closeIfDone(): void {
    if (!closing) return;
    // A session that is still connecting has waiters, unless they have all left.
    if (waiters.count === 0) {
      for (const session of open) retire(session);
    }
    if (open.size === 0) allClosed?.();
  }

  return {
    acquire,
    connections() {
      let connected = 0;
      for (const session of open) if (session.connected) connected++;
      return { open: connected, connecting: open.size - connected, waiting: waiters.count };
    },
    close() {
      closing = true;
      closeIfDone();
      return whenClosed;
    },
  };
}
