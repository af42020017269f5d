// How much of the traffic may be retries, so that retries never become the load that keeps an upstream down: Finagle's
// RetryBudget, counted over a sliding window.
import { z } from "zod";
import { createSlidingCount } from "./sliding-count.ts";

/** How many retries an upstream's calls may cause. */
export const retryBudgetOptions = z
  .strictObject({
    share: z
      .number()
      .min(0)
      .max(1)
      .default(0.2) // Finagle's percentCanRetry
      .describe("retries per call, from 0 to 1"),
    perSecond: z
      .number()
      .min(0)
      .default(10) // Finagle's minRetriesPerSec
      .describe("retries per second that are allowed beside that, for upstreams with few calls"),
    windowMs: z
      .int()
      .min(1_000)
      .default(10_000) // Finagle's ttl
      .describe("time over which both are counted, in milliseconds"),
  })
  .describe("how many retries there may be");

export type RetryBudgetOptions = z.output<typeof retryBudgetOptions>;

/** An allowance that calls earn and retries spend. */
export interface RetryBudget {
  /** A call came. */
  deposit(nowMs: number): void;
  /** Whether one more retry may go; it then counts as made. */
  withdraw(nowMs: number): boolean;
}

/** A budget of `share` of the calls in the window, plus `perSecond` for each second of it. */
export function createRetryBudget({ share, perSecond, windowMs }: RetryBudgetOptions): RetryBudget {
  const calls = createSlidingCount(windowMs);
  const retries = createSlidingCount(windowMs);
  const reserve = (perSecond * windowMs) / 1_000;
  return {
    deposit: (nowMs) => calls.add(nowMs),
    withdraw(nowMs) {
      if (retries.sum(nowMs) + 1 > reserve + share * calls.sum(nowMs)) return false;
      retries.add(nowMs);
      return true;
    },
  };
}
