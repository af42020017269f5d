// What has become of an upstream's calls and attempts, as plain numbers that layers add to: a metric's own counter would hash
// its labels at each call. upstream-metrics.ts reads them when somebody asks.
import type { Outcome } from "./failure.ts";

/** Counts of one upstream since the sidecar began to call it; they outlive a reload of its policies. */
export interface UpstreamCounts {
  /** Attempts that have ended, by what they say of their endpoint. */
  readonly attempts: Record<Outcome, number>;
  retries: number;
  /** Retries that there was no budget for. */
  retriesRefused: number;
  hedges: number;
  /** Calls that had waited long enough for a second attempt, which there was no budget for. */
  hedgesRefused: number;
  /** Calls that the rate limit refused. */
  rateRefused: number;
  /** Calls that the concurrency limit refused. */
  concurrencyRefused: number;
  ejections: number;
  /** How many times a breaker has opened, after a failed probe too. */
  breakerOpenings: number;
  /** Health checks of endpoints by how they went. */
  readonly healthChecks: { success: number; failure: number };
}

/** Counts of an upstream that was never called. */
export function newUpstreamCounts(): UpstreamCounts {
  return {
    attempts: { success: 0, failure: 0, neither: 0 },
    retries: 0,
    retriesRefused: 0,
    hedges: 0,
    hedgesRefused: 0,
    rateRefused: 0,
    concurrencyRefused: 0,
    ejections: 0,
    breakerOpenings: 0,
    healthChecks: { success: 0, failure: 0 },
  };
}
