// Carries one streaming request and its response: the body is read as it is consumed, the response written as it is taken.
import type { Writable } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import { TurnWriter } from "../base/turn-writer.ts";
import type { HttpResponseStream, OpenHttpStream } from "../protocol/http/http.ts";

/** A request and its response on one of the servers. Nothing of it is asked for once the caller has gone. */
export interface HttpExchange {
  readonly outgoing: Writable;
  readonly begin: HttpResponseStream["begin"];
  /** Whether the server closes the connection behind the response, as the caller asked it to. */
  readonly closes: boolean;
  /** No more of the body is to be read for now. uWebSockets.js goes on while a caller is as fast as it is, and tells what it reads. */
  pause(): void;
  resume(): void;
  /** Ends the response; `isRead` says whether the body has come to its end. */
  end(isRead: boolean): void;
  /** Closes the connection. */
  cut(): void;
}

/** To be told of what comes of a request. */
export interface CarriedStream {
  /** The bytes must not change from now on. */
  data(bytes: Uint8Array): void;
  ended(): void;
  /** The caller has gone before its answer was complete. */
  left(): void;
}

/** How much of a body is held before whoever reads it has consumed any; beside it the server has buffers of its own. */
const MAX_UNREAD_BYTES = 64 * 1024;
/** Most bytes that are told of a body although it is paused: a caller that sends more at once is cut. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;
/** So much of a response is joined before it is written. */
const MAX_JOINED_BYTES = 16 * 1024;
/** Most bytes of a request that are read and forgotten once it has been answered. */
const MAX_DISCARDED_BYTES = 1024 * 1024;
/** So long the end of a body is waited for before its connection is closed. */
const LINGER_MS = 1_000;

/** Begins to serve an exchange. */
export function carryStream(open: OpenHttpStream, exchange: HttpExchange, clock: Clock = systemClock): CarriedStream {
  const { outgoing } = exchange;
  let unreadBytes = 0;
  let discardedBytes = 0;
  /** What came of the body while it was paused. */
  let waiting: Uint8Array[] = [];
  let waitingBytes = 0;
  let paused = false;
  let isRead = false;
  let congested = false;
  let answered = false;
  let gone = false;
  let stopLingering: (() => void) | undefined;
  const joined = new TurnWriter({
    write(bytes) {
      if (!gone && !outgoing.write(bytes)) congested = true;
    },
  });

  function resume(): void {
    if (!paused || gone) return;
    while (waiting.length > 0 && !answered) {
      if (unreadBytes >= MAX_UNREAD_BYTES) return;
      const bytes = waiting.shift()!;
      waitingBytes -= bytes.length;
      give(bytes);
    }
    waiting = [];
    paused = false;
    // Also of a body that has ended: the next request comes over the same connection.
    exchange.resume();
    if (isRead && !answered) stream.ended();
  }

  function give(bytes: Uint8Array): void {
    unreadBytes += bytes.length;
    stream.data(bytes);
  }

  /** Of what comes although nobody reads it there is an end, too. */
  function hold(bytes: Uint8Array): void {
    waiting.push(bytes);
    waitingBytes += bytes.length;
    if (waitingBytes <= MAX_WAITING_BYTES) return;
    waiting = [];
    leave();
    exchange.cut();
  }

  function leave(): void {
    if (gone) return;
    gone = true;
    stopLingering?.();
    if (!answered) stream.left();
  }

  function endLate(isRead: boolean): void {
    stopLingering?.();
    stopLingering = undefined;
    exchange.end(isRead);
  }

  const stream = open({
    begin: exchange.begin,
    write(bytes) {
      joined.write(bytes);
      if (joined.waitingBytes > MAX_JOINED_BYTES) joined.flush();
      return !congested;
    },
    end() {
      answered = true;
      joined.flush();
      resume();
      if (gone) return;
      if (isRead || !exchange.closes) exchange.end(isRead);
      // Closed while bytes are on their way, the connection would be reset, and the caller might lose the answer.
      else stopLingering = clock.after(LINGER_MS, () => endLate(false));
    },
    consumed(bytes) {
      unreadBytes -= bytes;
      // Not from within whoever reads.
      if (paused && unreadBytes < MAX_UNREAD_BYTES) queueMicrotask(resume);
    },
  });
  outgoing.on("drain", () => {
    congested = false;
    if (!gone && !answered) stream.drained();
  });
  outgoing.on("error", () => {}); // It closes, too.

  return {
    data(bytes) {
      if (gone) return;
      if (answered) {
        discardedBytes += bytes.length;
        if (discardedBytes > MAX_DISCARDED_BYTES) exchange.cut();
        return;
      }
      if (paused) {
        hold(bytes);
        return;
      }
      give(bytes);
      if (unreadBytes < MAX_UNREAD_BYTES || answered) return;
      paused = true;
      exchange.pause();
    },
    ended() {
      isRead = true;
      if (gone) return;
      if (stopLingering) endLate(true);
      else if (!answered && !paused) stream.ended();
    },
    left: leave,
  };
}
