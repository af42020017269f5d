// A second attempt beside a slow first one, and the first answer wins. Below the retry, which sees one attempt; above the
// balance, which sends the second elsewhere.
import { z } from "zod";
import { Canceller } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError, withSent } from "../base/errors.ts";
import type { Call, Handler, Layer, Reply } from "../rpc/call.ts";
import { SIDECAR_KEY } from "../rpc/sidecar-keys.ts";
import type { Method } from "../schema/model.ts";
import { createLatencyQuantile, type LatencyQuantile } from "./latency-quantile.ts";
import { createRetryBudget } from "./retry-budget.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

/** When a second attempt goes beside the first; the defaults are those of motan's backup requests. */
export const hedgeOptions = z
  .strictObject({
    quantile: z
      .number()
      .gt(0)
      .lt(1)
      .default(0.9)
      .describe("share of the calls of a method that must have been quicker than this one, from 0 to 1"),
    maxShare: z.number().min(0).max(1).default(0.15).describe("most second attempts per call, from 0 to 1"),
  })
  .describe("when an idempotent call gets a second attempt beside a slow first one");

export type HedgeOptions = z.output<typeof hedgeOptions>;

/** What hedging draws on. */
export interface HedgeContext {
  readonly clock: Clock;
  readonly mayRunTwice: (method: Method) => boolean;
  readonly counts: UpstreamCounts;
}

const WINDOW_MS = 10_000;

/**
 * Sends a call that may run twice a second time when it takes longer than `quantile` of its method's last calls did, for
 * at most `maxShare` of the calls of the last 10 s. The loser is cancelled. The second attempt says `cw-attempt`.
 */
export function hedge({ quantile, maxShare }: HedgeOptions, { clock, mayRunTwice, counts }: HedgeContext): Layer {
  const budget = createRetryBudget({ share: maxShare, perSecond: 0, windowMs: WINDOW_MS });
  const latencies = new WeakMap<Method, LatencyQuantile>();

  function allowed(): boolean {
    const allows = budget.withdraw(clock.nowMs());
    if (allows) counts.hedges++;
    else counts.hedgesRefused++;
    return allows;
  }

  function latencyOf(method: Method): LatencyQuantile {
    let latency = latencies.get(method);
    if (!latency) {
      latency = createLatencyQuantile(quantile);
      latencies.set(method, latency);
    }
    return latency;
  }

  return (next) => (call) => {
    const { method, headers } = call;
    if (!mayRunTwice(method) || headers.get(SIDECAR_KEY.ATTEMPT) !== undefined) return next(call);
    const latency = latencyOf(method);
    const startMs = clock.nowMs();
    budget.deposit(startMs);
    const waitMs = latency.valueMs();
    const done = waitMs === undefined ? next(call) : race(call, next, waitMs, clock, allowed);
    return done.then((reply) => {
      latency.add(clock.nowMs() - startMs);
      return reply;
    });
  };
}

/** The reply of whichever attempt has one first; the last error when none has. */
function race(call: Call, next: Handler, waitMs: number, clock: Clock, allowed: () => boolean): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const running = new Set<Canceller>();
    let sent = false;
    const onAbort = () => {
      for (const canceller of running) canceller.abort(call.signal.reason);
    };
    call.signal.addEventListener("abort", onAbort);

    function settle(): void {
      stop();
      call.signal.removeEventListener("abort", onAbort);
    }
    function begin(attempt: Call): void {
      const canceller = new Canceller();
      running.add(canceller);
      const pending = next({ ...attempt, signal: canceller });
      const { endpoint } = call.facts;
      pending.then(
        (reply) => {
          if (!running.delete(canceller)) return;
          settle();
          call.facts.endpoint = endpoint;
          const lost = new RpcError("CANCELLED", "another attempt was answered first", { sent: true });
          for (const loser of running) loser.abort(lost);
          running.clear();
          resolve(reply);
        },
        (thrown: unknown) => {
          if (!running.delete(canceller)) return;
          const error = toRpcError(thrown);
          sent ||= error.sent;
          if (running.size > 0) return;
          settle();
          reject(withSent(error, sent));
        },
      );
    }
    const stop = clock.after(waitMs, () => {
      if (allowed()) begin({ ...call, headers: call.headers.with(SIDECAR_KEY.ATTEMPT, "2") });
    });
    begin(call);
  });
}
