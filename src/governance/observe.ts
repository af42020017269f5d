// Watches each attempt at one endpoint for all who learn from it: load, outlier ejection and breaker share one look at
// the clock and one continuation, because this runs for every call.
import type { Clock } from "../base/clock.ts";
import type { Layer } from "../rpc/call.ts";
import { type StreamLayer, whenOver } from "../rpc/stream.ts";
import type { EndpointState } from "./endpoint-state.ts";
import type { Judge, Outcome } from "./failure.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

/** Learns from the attempts at one endpoint. */
export interface Tracker {
  /** An attempt goes out. */
  began?(): void;
  /** The attempt that went out at `startMs` has ended at `nowMs`, on the monotonic clock. */
  ended(outcome: Outcome, startMs: number, nowMs: number): void;
}

/** Counts the attempts in flight and tells the trackers of each attempt's begin and outcome. */
export function observe(state: EndpointState, trackers: readonly Tracker[], judge: Judge, clock: Clock): Layer {
  return (next) => (call) => {
    const startMs = clock.nowMs();
    state.inFlight++;
    for (const tracker of trackers) tracker.began?.();
    function end(outcome: Outcome): void {
      state.inFlight--;
      const nowMs = clock.nowMs();
      for (const tracker of trackers) tracker.ended(outcome, startMs, nowMs);
    }
    return next(call).then(
      (reply) => {
        end(judge.reply(reply));
        return reply;
      },
      (error: unknown) => {
        end(judge.error(error));
        throw error;
      },
    );
  };
}

/**
 * The same for streams. The trackers of `load` hear of the reply's headers, which is as long as an endpoint takes; the
 * others of the stream's end, which is what became of it.
 */
export function observeStream(
  state: EndpointState,
  { load, health }: { readonly load: readonly Tracker[]; readonly health: readonly Tracker[] },
  judge: Judge,
  clock: Clock,
): StreamLayer {
  return (next) => (call) => {
    const startMs = clock.nowMs();
    state.inFlight++;
    for (const tracker of load) tracker.began?.();
    for (const tracker of health) tracker.began?.();
    let waiting = true;
    function answered(outcome: Outcome): void {
      if (!waiting) return;
      waiting = false;
      for (const tracker of load) tracker.ended(outcome, startMs, clock.nowMs());
    }
    const reply = whenOver(next(call), (error) => {
      state.inFlight--;
      const outcome = error ? judge.error(error) : "success";
      answered(outcome);
      for (const tracker of health) tracker.ended(outcome, startMs, clock.nowMs());
    });
    return reply.then((begun) => {
      answered("success");
      return begun;
    });
  };
}

/** Counts the attempts at an endpoint for its upstream. */
export function countAttempts({ attempts }: UpstreamCounts): Tracker {
  return { ended: (outcome) => void attempts[outcome]++ };
}
