// No more calls per second than agreed for all sidecars together. Below the limits that are held here, which cost no way to a
// store; a store that is slow or gone costs a call its budget and no more.
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import { retryInfo } from "../rpc/retry-info.ts";
import type { StreamLayer } from "../rpc/stream.ts";
import { compileMethodSet, type MethodPairs } from "./method-set.ts";
import { keysBy, whatOf } from "./rate-key.ts";
import type { RateLimitOptions } from "./rate-limit.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

/** A token bucket that sidecars share. */
export interface SharedBucket {
  readonly key: string;
  readonly perSecond: number;
  readonly burst: number;
}

/** Where shared buckets are kept. Rejects when it cannot answer. */
export interface SharedLimits {
  /** Takes a token; the time until there is one, in milliseconds, when there was none, and 0 when it was taken. */
  take(bucket: SharedBucket): Promise<number>;
}

export interface SharedRateLimitContext {
  readonly clock: Clock;
  readonly pairs: MethodPairs;
  readonly counts: UpstreamCounts;
  /** Undefined without a store. */
  readonly shared: SharedLimits | undefined;
}

type Rule = RateLimitOptions[number];

/** Fails calls for which no sidecar has a token left with RESOURCE_EXHAUSTED; heeds rules that are shared. */
export function sharedRateLimit(
  all: RateLimitOptions,
  { clock, pairs, shared, counts }: SharedRateLimitContext,
): { readonly calls: Layer; readonly streams: StreamLayer } | undefined {
  const rules = all.flatMap((rule) => {
    const { per, only, perSecond, burst = Math.max(1, perSecond) } = rule;
    if (!rule.shared) return [];
    return [{ rule, options: rule.shared, burst, keyOf: keysBy(per), isFor: compileMethodSet(only, pairs) }];
  });
  if (rules.length === 0) return undefined;

  /** How long to wait for a token; 0 when there was one, undefined when the store has not said in time. */
  function ask(call: AnyCall, { rule, options, burst, keyOf }: (typeof rules)[number]): Promise<number | undefined> {
    if (!shared) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const stop = clock.after(options.budgetMs, () => resolve(undefined));
      const bucket = { key: `${options.name}:${keyOf(call)}`, perSecond: rule.perSecond, burst };
      shared.take(bucket).then(
        (waitMs) => {
          stop();
          resolve(waitMs);
        },
        () => {
          stop();
          resolve(undefined);
        },
      );
    });
  }

  async function refusal(call: AnyCall): Promise<RpcError | undefined> {
    for (const each of rules) {
      if (!each.isFor(call.method)) continue;
      const waitMs = await ask(call, each);
      if (waitMs === undefined && each.options.onFailure === "deny") return noStore(each.rule);
      if (waitMs !== undefined && waitMs > 0) return exhausted(call, each.rule, waitMs);
    }
    return undefined;
  }

  const passing =
    <C extends AnyCall, R>(next: (call: C) => Promise<R>) =>
    (call: C) =>
      rules.some(({ isFor }) => isFor(call.method)) ? guarded(call, next) : next(call);

  async function guarded<C extends AnyCall, R>(call: C, next: (call: C) => Promise<R>): Promise<R> {
    const error = await refusal(call);
    if (error) counts.rateRefused++;
    if (error) throw error;
    return next(call);
  }
  return { calls: passing, streams: passing };
}

function exhausted(call: AnyCall, { per, perSecond }: Rule, waitMs: number): RpcError {
  const message = `${whatOf(per, call)} has its ${perSecond} calls per second through all sidecars (rateLimit)`;
  const retryAfterMs = Math.ceil(waitMs);
  return new RpcError("RESOURCE_EXHAUSTED", message, { retryAfterMs, details: [retryInfo(retryAfterMs)] });
}

function noStore({ shared }: Rule): RpcError {
  const message = `the store of the shared limit ${shared?.name ?? ""} does not answer, and its policy is to deny calls then`;
  return new RpcError("UNAVAILABLE", message);
}
