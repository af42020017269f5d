// How long to leave an endpoint alone that could not be connected to (gRPC's connection-backoff.md).
import { z } from "zod";

/** The waits between attempts to connect. gRPC's own are 1 s to 120 s, between hosts that are far from each other. */
export const reconnectOptions = z
  .strictObject({
    initialMs: z
      .number()
      .positive()
      .default(100)
      .describe("least time from the first failed attempt to the next, in milliseconds; then 1.6 times as long each"),
    maxMs: z.number().positive().default(5_000).describe("longest time from one attempt to the next, in milliseconds"),
  })
  .refine(({ initialMs, maxMs }) => initialMs <= maxMs, { error: "expected initialMs to be at most maxMs" })
  .describe("attempts to connect to an endpoint that cannot be reached; calls to it fail at once in between");

export type ReconnectOptions = z.output<typeof reconnectOptions>;

const MULTIPLIER = 1.6;
const JITTER = 0.2;

/** The failed attempts at one endpoint, and when the next may be. */
export interface BackOff {
  /** How long no attempt may be made, in milliseconds; 0 when one may. */
  waitMs(nowMs: number): number;
  /**
   * An attempt has failed. Attempts that were made side by side count once: of those that began before the last failure
   * was known, only the first is heeded.
   */
  failed(startedMs: number, nowMs: number): void;
  /** An attempt has succeeded: the next failure is the first again. */
  succeeded(): void;
}

/** Waits of `initialMs` × 1.6ⁿ up to `maxMs`, each ± 20 %, from the beginning of an attempt to that of the next. */
export function createBackOff({ initialMs, maxMs }: ReconnectOptions, random: () => number): BackOff {
  let nextMs = initialMs;
  let untilMs = Number.NEGATIVE_INFINITY;
  let lastFailureMs = Number.NEGATIVE_INFINITY;
  return {
    waitMs: (nowMs) => Math.max(0, untilMs - nowMs),
    failed(startedMs, nowMs) {
      if (startedMs < lastFailureMs) return;
      lastFailureMs = nowMs;
      untilMs = startedMs + nextMs * (1 + JITTER * (2 * random() - 1));
      nextMs = Math.min(nextMs * MULTIPLIER, maxMs);
    },
    succeeded() {
      nextMs = initialMs;
      untilMs = Number.NEGATIVE_INFINITY;
    },
  };
}
