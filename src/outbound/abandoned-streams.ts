// Streams of one connection whose calls nobody waits for any more. Servers close connections that reset many streams in a
// short time, so each waits until it may be reset, or ends by itself; when too many wait, the connection is given up.
import type { Clock } from "../base/clock.ts";
import type { Http2Connection } from "../protocol/http2/connection.ts";
import { ERROR_CODE } from "../protocol/http2/error-codes.ts";
import type { Http2Stream } from "../protocol/http2/stream.ts";

/** How often streams that wait for their reset ask for it, in milliseconds. */
const RETRY_MS = 100;
/** So many may wait on a connection whose peer sets no limit to its streams. */
const MOST_WAITING = 1_000;

/** What is asked of the connection's owner. */
export interface AbandonedStreamsContext<Context> {
  readonly http2: Pick<Http2Connection<Context>, "resetStream" | "openStreams" | "freeStreams">;
  readonly clock: Pick<Clock, "after">;
  /** Whether one more stream may be reset now. */
  mayReset(): boolean;
  /** Those that wait take half of the streams that the peer allows, or 1,000: other calls need another connection. */
  onTooMany(): void;
}

/** The abandoned streams of one connection. */
export interface AbandonedStreams<Context> {
  /** How many are open and wait for their reset. */
  size(): number;
  /** Resets the stream as soon as that is allowed; what still comes on it is nobody's. */
  add(stream: Http2Stream<Context>): void;
  /** To be called when any stream has closed. */
  closed(stream: Http2Stream<Context>): void;
}

/** None yet; keeps a timer only while there are some. */
export function createAbandonedStreams<Context>(context: AbandonedStreamsContext<Context>): AbandonedStreams<Context> {
  const { http2, clock, mayReset, onTooMany } = context;
  const waiting = new Set<Http2Stream<Context>>();
  let timed = false;

  function retry(): void {
    timed = false;
    for (const stream of waiting) {
      if (!mayReset()) break;
      // Which tells `closed` of it.
      http2.resetStream(stream, ERROR_CODE.CANCEL);
    }
    retryLater();
  }

  function retryLater(): void {
    if (timed || waiting.size === 0) return;
    timed = true;
    clock.after(RETRY_MS, retry);
  }

  return {
    size: () => waiting.size,
    add(stream) {
      // What waits holds nothing of its call.
      stream.context = undefined;
      if (stream.closed) return;
      if (waiting.size === 0 && mayReset()) {
        http2.resetStream(stream, ERROR_CODE.CANCEL);
        return;
      }
      waiting.add(stream);
      retryLater();
      const allowed = Math.min(http2.openStreams + http2.freeStreams, 2 * MOST_WAITING);
      if (2 * waiting.size >= allowed) onTooMany();
    },
    closed(stream) {
      if (waiting.size > 0) waiting.delete(stream);
    },
  };
}
