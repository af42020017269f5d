// Watches each call for all who keep a record of it: access log and metrics share one look at the clock and one
// continuation, because this runs for every call.
import type { Clock } from "../base/clock.ts";
import { type RpcError, toRpcError } from "../base/errors.ts";
import type { AnyCall, Layer, Reply } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";

/** Hears of each call's begin and end. */
export interface Watcher {
  began?(call: AnyCall): void;
  /** `end` is undefined for a stream that has ended well. */
  ended(call: AnyCall, end: Reply | RpcError | undefined, durationMs: number): void;
}

/** Tells the watchers, in order, of calls of one message; fills the byte counts of their facts. */
export function watchCalls(watchers: readonly Watcher[], clock: Clock): Layer {
  return (next) => (call) => {
    const startMs = clock.nowMs();
    const { facts } = call;
    facts.requestBytes = call.payload.bytes.length;
    for (const watcher of watchers) watcher.began?.(call);
    function ended(end: Reply | RpcError): void {
      const durationMs = clock.nowMs() - startMs;
      for (const watcher of watchers) watcher.ended(call, end, durationMs);
    }
    return next(call).then(
      (reply) => {
        facts.replyBytes = reply.payload.bytes.length;
        ended(reply);
        return reply;
      },
      (thrown: unknown) => {
        const error = toRpcError(thrown);
        ended(error);
        throw error;
      },
    );
  };
}

/** The same for streams, with all the time from their begin to their end. */
export function watchStreams(watchers: readonly Watcher[], clock: Clock): StreamLayer {
  return (next) => (call) => {
    const startMs = clock.nowMs();
    for (const watcher of watchers) watcher.began?.(call);
    return whenOver(next(call), (error) => {
      const durationMs = clock.nowMs() - startMs;
      for (const watcher of watchers) watcher.ended(call, error, durationMs);
    });
  };
}
