// Policies of an upstream that some of its services or methods have otherwise. Which hold for a method is worked out once.
import { z } from "zod";
import type { Method } from "../schema/model.ts";
import { attemptTimeoutMsOption } from "./attempt-timeout.ts";
import { unknownFieldsOption } from "./bridge.ts";
import { byMethod } from "./by-method.ts";
import { concurrencyOptions } from "./concurrency.ts";
import { streamTimeoutMsOption, timeoutMsOption } from "./deadline.ts";
import { hedgeOptions } from "./hedge.ts";
import { compileMethodSet, type MethodPairs, methodNames } from "./method-set.ts";
import { retryOptions } from "./retry.ts";

const scopedPolicy = z.strictObject({
  only: methodNames,
  timeoutMs: timeoutMsOption.unwrap().optional(),
  streamTimeoutMs: streamTimeoutMsOption,
  attemptTimeoutMs: attemptTimeoutMsOption,
  retry: retryOptions.optional(),
  hedge: hedgeOptions.optional(),
  unknownFields: unknownFieldsOption.unwrap().optional(),
  concurrency: concurrencyOptions.optional().describe("a limit of their own, beside the upstream's"),
});

/** What some services or methods have in the place of the upstream's own policies: each key as a whole, the last that fits. */
export const scopedPoliciesOption = z
  .array(scopedPolicy)
  .max(10_000)
  .default([])
  .describe(
    "policies for some services or methods, in the place of those of the same name above; the last that fits counts",
  );

export type ScopedPolicy = z.output<typeof scopedPolicy>;

/** What a method's calls go by. */
export interface ScopedPolicies<P> {
  readonly policies: P;
  /** The entries that fit, in order. */
  readonly scopes: readonly ScopedPolicy[];
}

/** Lays the entries that fit over the upstream's own policies; methods that the same entries fit share one result. */
export function compileScopes<P extends { readonly policies: readonly ScopedPolicy[] }>(
  own: P,
  pairs: MethodPairs,
): (method: Method) => ScopedPolicies<P> {
  const all = own.policies.map((scope) => ({ scope, fits: compileMethodSet(scope.only, pairs) }));
  const known = new Map<string, ScopedPolicies<P>>();
  return byMethod((method) => {
    const fitting = all.filter(({ fits }) => fits(method));
    const key = fitting.map(({ scope }) => all.findIndex((each) => each.scope === scope)).join();
    const before = known.get(key);
    if (before) return before;
    const scopes = fitting.map(({ scope }) => scope);
    const laid = { policies: scopes.reduce(layOver<P>, own), scopes };
    known.set(key, laid);
    return laid;
  });
}

function layOver<P>(policies: P, { only: _, concurrency: __, ...changes }: ScopedPolicy): P {
  const written = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...policies, ...Object.fromEntries(written) };
}
