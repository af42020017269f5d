// No more calls per second than agreed. Outermost of an upstream's stack, so that a call too many costs nothing below.
import { LRUCache } from "lru-cache";
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { retryInfo } from "../rpc/retry-info.ts";
import type { StreamLayer } from "../rpc/stream.ts";
import { compileMethodSet, type MethodPairs, methodNames } from "./method-set.ts";
import { keysBy, perOption, whatOf } from "./rate-key.ts";
import { sharedOption } from "./shared-option.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

const rule = z.strictObject({
  per: perOption,
  maxKeys: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe("most allowances that are remembered, those that were used last"),
  only: methodNames.optional(),
  perSecond: z.number().positive().describe("calls per second in the long run"),
  burst: z.number().min(1).optional().describe("most calls at once; without it as many as perSecond, at least 1"),
  shared: sharedOption.optional(),
});

/** How many calls an upstream may get: none by default, because no number fits all. */
export const rateLimitOptions = z
  .array(rule)
  .default([])
  .describe("token buckets: a call needs a token of each rule that it falls under");

export type RateLimitOptions = z.output<typeof rateLimitOptions>;

/** A token bucket: `tokens` as of `atMs`. */
interface Bucket {
  tokens: number;
  atMs: number;
}

/** One rule's buckets. */
interface Allowance {
  /** The bucket of a call, filled up to now; undefined when the rule is not for it. */
  bucketOf(call: AnyCall, nowMs: number): Bucket | undefined;
  readonly perSecond: number;
  readonly what: (call: AnyCall) => string;
}

/** Lets calls of both kinds through out of the same buckets. */
export interface RateLimit {
  readonly calls: Layer;
  /** A stream costs a token, whatever its messages are. */
  readonly streams: StreamLayer;
}

export interface RateLimitContext {
  readonly clock: Clock;
  readonly pairs: MethodPairs;
  readonly counts: UpstreamCounts;
}

/** Fails calls for which there is no token with RESOURCE_EXHAUSTED and the time until there is one; heeds rules that are not shared. */
export function rateLimit(all: RateLimitOptions, { clock, pairs, counts }: RateLimitContext): RateLimit {
  const rules = all.filter(({ shared }) => shared === undefined);
  if (rules.length === 0) return { calls: (next) => next, streams: (next) => next };
  const allowances = rules.map((rule) => createAllowance(rule, pairs));

  /** Why the call must not pass; undefined when it may, and then its tokens are spent. */
  function refusal(call: AnyCall): RpcError | undefined {
    const nowMs = clock.turnMs();
    const buckets: Bucket[] = [];
    for (const allowance of allowances) {
      const bucket = allowance.bucketOf(call, nowMs);
      if (!bucket) continue;
      if (bucket.tokens < 1) return exhausted(call, allowance, bucket);
      buckets.push(bucket);
    }
    // Only now: a call that one rule refuses must not use up another's tokens.
    for (const bucket of buckets) bucket.tokens--;
    return undefined;
  }

  const passing =
    <C extends AnyCall, R>(next: (call: C) => Promise<R>) =>
    (call: C) => {
      const error = refusal(call);
      if (!error) return next(call);
      counts.rateRefused++;
      return Promise.reject(error);
    };
  return { calls: passing, streams: passing };
}

function createAllowance(
  { per, maxKeys, only, perSecond, burst = Math.max(1, perSecond) }: RateLimitOptions[number],
  pairs: MethodPairs,
): Allowance {
  const buckets = new LRUCache<string, Bucket>({ max: maxKeys });
  const keyOf = keysBy(per);
  const isFor = compileMethodSet(only, pairs);
  const forAll = only === undefined;
  return {
    what: (call) => whatOf(per, call),
    perSecond,
    bucketOf(call, nowMs) {
      if (!forAll && !isFor(call.method)) return undefined;
      const key = keyOf(call);
      let bucket = buckets.get(key);
      if (!bucket) {
        bucket = { tokens: burst, atMs: nowMs };
        buckets.set(key, bucket);
      }
      bucket.tokens = Math.min(burst, bucket.tokens + ((nowMs - bucket.atMs) * perSecond) / 1_000);
      bucket.atMs = nowMs;
      return bucket;
    },
  };
}

function exhausted(call: AnyCall, { what, perSecond }: Allowance, { tokens }: Bucket): RpcError {
  const message = `${what(call)} has its ${perSecond} calls per second (rateLimit)`;
  const retryAfterMs = Math.ceil(((1 - tokens) * 1_000) / perSecond);
  return new RpcError("RESOURCE_EXHAUSTED", message, { retryAfterMs, details: [retryInfo(retryAfterMs)] });
}
