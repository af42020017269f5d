// No more calls per second than agreed. Outermost of an upstream's stack, so that a call too many costs nothing below.
import { z } from "zod";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import type { StreamLayer } from "../rpc/stream.ts";

const rule = z.strictObject({
  per: z
    .enum(["upstream", "service", "method"])
    .default("upstream")
    .describe("what has an allowance of its own: the whole upstream, each service, or each method"),
  only: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("services, or methods as Service/method, that the rule is for; without it all"),
  perSecond: z.number().positive().describe("calls per second in the long run"),
  burst: z.number().min(1).optional().describe("most calls at once; without it as many as perSecond, at least 1"),
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
  readonly per: string;
}

/** Lets calls of both kinds through out of the same buckets. */
export interface RateLimit {
  readonly calls: Layer;
  /** A stream costs a token, whatever its messages are. */
  readonly streams: StreamLayer;
}

/** Fails calls for which there is no token with RESOURCE_EXHAUSTED and the time until there is one. */
export function rateLimit(rules: RateLimitOptions, clock: Clock): RateLimit {
  if (rules.length === 0) return { calls: (next) => next, streams: (next) => next };
  const allowances = rules.map(createAllowance);

  /** Why the call must not pass; undefined when it may, and then its tokens are spent. */
  function refusal(call: AnyCall): RpcError | undefined {
    const nowMs = clock.nowMs();
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
      return error ? Promise.reject(error) : next(call);
    };
  return { calls: passing, streams: passing };
}

function createAllowance({
  per,
  only,
  perSecond,
  burst = Math.max(1, perSecond),
}: RateLimitOptions[number]): Allowance {
  const buckets = new Map<string, Bucket>();
  const names = only && new Set(only);
  return {
    per,
    perSecond,
    bucketOf({ method }, nowMs) {
      if (names && !names.has(method.service) && !names.has(`${method.service}/${method.name}`)) return undefined;
      const key = keyOf(per, method);
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

/** Peers choose the names of methods whose IDL is not loaded: those of one service share a bucket. */
function keyOf(per: RateLimitOptions[number]["per"], { service, name, request }: AnyCall["method"]): string {
  if (per === "upstream") return "";
  return per === "service" || request === undefined ? service : `${service}/${name}`;
}

function exhausted({ method, facts }: AnyCall, { per, perSecond }: Allowance, { tokens }: Bucket): RpcError {
  const what =
    per === "upstream"
      ? `the upstream ${facts.upstream ?? ""}`
      : per === "service"
        ? method.service
        : `${method.service}/${method.name}`;
  return new RpcError("RESOURCE_EXHAUSTED", `${what} has its ${perSecond} calls per second (rateLimit)`, {
    retryAfterMs: Math.ceil(((1 - tokens) * 1_000) / perSecond),
  });
}
