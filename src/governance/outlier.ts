// Takes the endpoints that do worse than the others of their upstream out of balancing for a while: Envoy's outlier
// detection, by failures in a row and by success rate. Few are ever out at once, because many bad endpoints are no outliers.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import type { EndpointState, EndpointStates } from "./endpoint-state.ts";
import type { Tracker } from "./observe.ts";

/** When an endpoint is ejected; the defaults are those of Envoy's outlier detection. */
export const outlierOptions = z
  .strictObject({
    enabled: z.boolean().default(true).describe("whether endpoints are ejected at all"),
    consecutiveFailures: z.int().min(0).default(5).describe("failures in a row that eject an endpoint; 0: never"),
    intervalMs: z.number().positive().default(10_000).describe("time between looks at success rates, in milliseconds"),
    baseEjectionMs: z
      .number()
      .positive()
      .default(30_000)
      .describe("time of the first ejection, in milliseconds; the n-th in a row takes n times as long"),
    maxEjectionMs: z.number().positive().default(300_000).describe("longest ejection, in milliseconds"),
    maxEjectedShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.1)
      .describe("most endpoints that are out at once, from 0 to 1; one may be when there are two or more"),
    successRate: z
      .strictObject({
        deviations: z
          .number()
          .min(0)
          .default(1.9)
          .describe("standard deviations below the mean success rate that eject an endpoint; 0: never"),
        minCalls: z.int().positive().default(100).describe("fewest calls in an interval for an endpoint to be judged"),
        minEndpoints: z.int().positive().default(5).describe("fewest such endpoints for any of them to be judged"),
      })
      .prefault({}),
  })
  .describe("when endpoints that do worse than the others are left out for a while");

export type OutlierOptions = z.output<typeof outlierOptions>;

/** The outlier detection of one upstream. */
export interface OutlierDetection {
  /** Learns from the attempts at one endpoint; it is measured beside all of `states`, called or not. */
  track(state: EndpointState): Tracker;
}

/** Watches the endpoints of one upstream. No timer runs: intervals end with the first outcome behind them. */
export function createOutlierDetection(
  options: OutlierOptions,
  states: EndpointStates,
  clock: Clock,
): OutlierDetection {
  let sweptAtMs = clock.nowMs();

  function eject({ outlier }: EndpointState, nowMs: number): void {
    if (outlier.ejectedUntilMs > nowMs || ejectedCount(nowMs) >= mostEjected(states.all.size, options.maxEjectedShare))
      return;
    outlier.ejections++;
    states.counts.ejections++;
    outlier.ejectedUntilMs = nowMs + Math.min(options.baseEjectionMs * outlier.ejections, options.maxEjectionMs);
    outlier.consecutiveFailures = 0;
    states.changed();
  }

  function ejectedCount(nowMs: number): number {
    let count = 0;
    for (const { outlier } of states.all.values()) if (outlier.ejectedUntilMs > nowMs) count++;
    return count;
  }

  function sweep(nowMs: number): void {
    const { intervalMs } = options;
    const beforeMs = sweptAtMs;
    sweptAtMs += Math.floor((nowMs - beforeMs) / intervalMs) * intervalMs;
    const { deviations, minCalls, minEndpoints } = options.successRate;
    const judged = [...states.all.values()].filter(({ outlier }) => outlier.successes + outlier.failures >= minCalls);
    if (deviations > 0 && judged.length >= minEndpoints) {
      const least = leastRate(judged.map(successRate), deviations);
      // The worst first, because not all of them may go.
      for (const state of judged.toSorted((a, b) => successRate(a) - successRate(b))) {
        if (successRate(state) < least) eject(state, nowMs);
      }
    }
    for (const { outlier } of states.all.values()) {
      outlier.successes = 0;
      outlier.failures = 0;
      // Each interval that an endpoint was not out for takes one ejection from its record.
      const forgiven = Math.floor((sweptAtMs - Math.max(beforeMs, outlier.ejectedUntilMs)) / intervalMs);
      outlier.ejections = Math.max(0, outlier.ejections - Math.max(0, forgiven));
    }
  }

  return {
    track(state) {
      const { outlier } = state;
      return {
        ended(outcome, _startMs, nowMs) {
          if (outcome === "success") {
            outlier.successes++;
            outlier.consecutiveFailures = 0;
          } else if (outcome === "failure") {
            outlier.failures++;
            outlier.consecutiveFailures++;
            const { consecutiveFailures } = options;
            if (consecutiveFailures > 0 && outlier.consecutiveFailures >= consecutiveFailures) eject(state, nowMs);
          }
          if (nowMs - sweptAtMs >= options.intervalMs) sweep(nowMs);
        },
      };
    },
  };
}

/** How many endpoints of `count` may be out at once. */
function mostEjected(count: number, share: number): number {
  return count < 2 ? 0 : Math.max(1, Math.floor(count * share));
}

function successRate({ outlier: { successes, failures } }: EndpointState): number {
  return successes / (successes + failures);
}

/** The mean of the rates less so many standard deviations. */
function leastRate(rates: readonly number[], deviations: number): number {
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length;
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) ** 2, 0) / rates.length;
  return mean - deviations * Math.sqrt(variance);
}
