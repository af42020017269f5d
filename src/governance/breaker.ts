// Stops calling an endpoint that keeps failing, and asks it with one call at a time whether it is back. The balance
// leaves open endpoints out; this file decides when they open and close.
import { z } from "zod";
import type { BreakerState, EndpointState, EndpointStates } from "./endpoint-state.ts";
import type { Tracker } from "./observe.ts";
import { createSlidingCount } from "./sliding-count.ts";

const backOff = {
  minOpenMs: z
    .number()
    .positive()
    .default(5_000) // Finagle's failure accrual
    .describe("least time until an open breaker lets a probe through, in milliseconds; doubles when the probe fails"),
  maxOpenMs: z
    .number()
    .positive()
    .default(300_000) // Finagle's failure accrual
    .describe("most time until an open breaker lets a probe through, in milliseconds"),
};

/** When an endpoint's breaker opens. */
export const breakerOptions = z
  .discriminatedUnion("policy", [
    z.strictObject({
      policy: z.literal("consecutive").describe("opens after failures in a row"),
      failures: z
        .int()
        .positive()
        .default(5) // Finagle's failure accrual; Linkerd 2 has 7
        .describe("how many failures in a row"),
      ...backOff,
    }),
    z.strictObject({
      policy: z.literal("success-rate").describe("opens when too few of the last calls succeeded"),
      minSuccessRate: z
        .number()
        .min(0)
        .max(1)
        .default(0.8) // Finagle's failure accrual
        .describe("share of successes below which it opens, from 0 to 1"),
      windowMs: z
        .number()
        .positive()
        .default(30_000) // Finagle's failure accrual
        .describe("time over which they are counted, in milliseconds"),
      minCalls: z
        .int()
        .positive()
        .default(5) // Finagle's failure accrual
        .describe("fewest calls in that time that say anything"),
      ...backOff,
    }),
    z.strictObject({
      policy: z.literal("slow-calls").describe("opens when too many of the last calls were slow or failed"),
      slowMs: z.number().positive().describe("time from which on a call is slow, in milliseconds"),
      maxSlowShare: z
        .number()
        .min(0)
        .max(1)
        .default(0.5)
        .describe("share of slow and failed calls above which it opens, from 0 to 1"),
      windowMs: z.number().positive().default(30_000).describe("time over which they are counted, in milliseconds"),
      minCalls: z.int().positive().default(10).describe("fewest calls in that time that say anything"),
      ...backOff,
    }),
  ])
  .refine(({ minOpenMs, maxOpenMs }) => minOpenMs <= maxOpenMs, {
    path: ["maxOpenMs"],
    error: "expected at least minOpenMs",
  })
  .describe("when an endpoint is not called any more until it has answered a probe");

export type BreakerOptions = z.output<typeof breakerOptions>;

/** Whether the last outcome was one too many. */
type Trips = (failed: boolean, nowMs: number) => boolean;

/** Opens and closes the breaker of one endpoint by the outcomes of its attempts. */
export function trackBreaker(
  { breaker }: EndpointState,
  states: EndpointStates,
  options: BreakerOptions,
  random: () => number,
): Tracker {
  const trips = tripsOf(options, breaker);
  const slowMs = options.policy === "slow-calls" ? options.slowMs : Number.POSITIVE_INFINITY;

  function open(nowMs: number): void {
    const leastMs = Math.min(options.minOpenMs * 2 ** breaker.opened, options.maxOpenMs);
    // Sidecars that saw the same outage must not all probe at the same time.
    breaker.openUntilMs = nowMs + Math.min(leastMs * (1 + random()), options.maxOpenMs);
    breaker.opened++;
    states.counts.breakerOpenings++;
  }

  return {
    began() {
      if (breaker.openUntilMs === undefined || breaker.probing) return;
      breaker.probing = true;
      states.changed();
    },
    ended(came, startMs, nowMs) {
      const outcome = came === "success" && nowMs - startMs >= slowMs ? "failure" : came;
      if (breaker.openUntilMs !== undefined) {
        // Attempts that began before it opened say nothing new.
        if (!breaker.probing || startMs < breaker.openUntilMs) return;
        breaker.probing = false;
        if (outcome === "success") closeBreaker(breaker);
        else if (outcome === "failure") open(nowMs);
        states.changed();
      } else if (outcome !== "neither" && trips(outcome === "failure", nowMs)) {
        open(nowMs);
        states.changed();
      }
    },
  };
}

/** Closes a breaker and forgets why it was open; also for an endpoint whose policy has no breaker any more. */
export function closeBreaker(breaker: BreakerState): void {
  breaker.openUntilMs = undefined;
  breaker.probing = false;
  breaker.consecutiveFailures = 0;
  breaker.opened = 0;
}

function tripsOf(options: BreakerOptions, breaker: BreakerState): Trips {
  if (options.policy === "consecutive") {
    return (failed) => {
      breaker.consecutiveFailures = failed ? breaker.consecutiveFailures + 1 : 0;
      return breaker.consecutiveFailures >= options.failures;
    };
  }
  const { minCalls } = options;
  const isTooMany =
    options.policy === "slow-calls"
      ? (share: number) => share > options.maxSlowShare
      : (share: number) => 1 - share < options.minSuccessRate;
  const calls = createSlidingCount(options.windowMs);
  const failures = createSlidingCount(options.windowMs);
  return (failed, nowMs) => {
    calls.add(nowMs);
    if (!failed) return false;
    failures.add(nowMs);
    const count = calls.sum(nowMs);
    if (count < minCalls || !isTooMany(failures.sum(nowMs) / count)) return false;
    // What opened it must not open it again after the probe that closed it.
    calls.clear();
    failures.clear();
    return true;
  };
}
