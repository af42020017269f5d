// Delays and errors on purpose, to see how callers bear them. Below authorization, which comes first whatever is tested; above
// the route, so that no upstream is touched by what fails here.
import { z } from "zod";
import type { CancelSignal } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer } from "../rpc/call.ts";
import type { StreamLayer } from "../rpc/stream.ts";
import { byMethod } from "./by-method.ts";
import { codeName } from "./failure.ts";
import { compileMatch, matchOptions } from "./match.ts";
import type { MethodPairs } from "./method-set.ts";
import { fits } from "./route-rules.ts";

const fault = z
  .strictObject({
    name: z.string().min(1).max(128).optional().describe("how logs call the fault"),
    match: matchOptions
      .omit({ field: true })
      .prefault({})
      .describe("which calls it is for: methods, callers and headers, all of which must hold"),
    share: z.number().min(0).max(1).default(1).describe("share of those calls that get it, from 0 to 1"),
    delayMs: z.number().min(0).max(600_000).optional().describe("time that the call is held back, in milliseconds"),
    abort: z
      .strictObject({
        code: codeName,
        message: z.string().max(1_024).optional().describe("the error's text"),
      })
      .optional()
      .describe("error that the call gets, after the delay, in the place of an answer"),
  })
  .refine(({ delayMs, abort }) => delayMs !== undefined || abort !== undefined, {
    error: "expected delayMs, abort or both",
  });

/** The faults; a call gets the first that fits it. */
export const faultsOption = z
  .array(fault)
  .max(1_000)
  .default([])
  .describe("faults on purpose: the first that fits a call counts");

export type FaultsOptions = z.output<typeof faultsOption>;

export interface InjectFaultsContext {
  readonly pairs: MethodPairs;
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
}

/** Holds back and fails calls as the options say; the call's facts name the fault. */
export function injectFaults(
  options: FaultsOptions,
  { pairs, clock, random }: InjectFaultsContext,
): { readonly calls: Layer; readonly streams: StreamLayer } {
  if (options.length === 0) return { calls: (next) => next, streams: (next) => next };
  const all = options.map((each, i) => ({
    ...each,
    name: each.name ?? `faults[${i}]`,
    compiled: compileMatch(each.match, pairs),
  }));
  const faultsOf = byMethod((method) =>
    all
      .filter(({ compiled }) => compiled.methods(method))
      .map((each) => ({ ...each, conditions: each.compiled.conditionsFor(method) })),
  );
  const passing =
    <C extends AnyCall, R>(next: (call: C) => Promise<R>) =>
    (call: C): Promise<R> => {
      const found = faultsOf(call.method).find((each) => fits(each, call));
      if (!found || random() >= found.share) return next(call);
      call.facts.injected = found.name;
      const { delayMs, abort } = found;
      const go = (): Promise<R> => (abort ? Promise.reject(aborted(found.name, abort)) : next(call));
      return delayMs === undefined ? go() : held(call, delayMs, clock).then(go);
    };
  return { calls: passing, streams: passing };
}

function aborted(name: string, { code, message }: { code: RpcError["code"]; message?: string | undefined }): RpcError {
  return new RpcError(code, message ?? `a fault on purpose (${name})`);
}

/** Resolves after `delayMs`; rejects as soon as the caller goes or its deadline passes. */
function held({ signal, expiresAtMs }: AnyCall, delayMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(callerGone(signal));
      return;
    }
    const isTooLong = clock.nowMs() + delayMs >= expiresAtMs;
    const onAbort = (): void => {
      stop();
      reject(callerGone(signal));
    };
    const stop = clock.after(isTooLong ? expiresAtMs - clock.nowMs() : delayMs, () => {
      signal.removeEventListener("abort", onAbort);
      if (isTooLong)
        reject(new RpcError("DEADLINE_EXCEEDED", "the caller's deadline passed during a delay on purpose"));
      else resolve();
    });
    signal.addEventListener("abort", onAbort);
  });
}

function callerGone({ reason }: CancelSignal): RpcError {
  return reason instanceof RpcError ? reason : new RpcError("CANCELLED", "the caller went away", { cause: reason });
}
