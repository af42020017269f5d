// Another attempt where it can help and cannot harm. Above the balance, so that it goes to another endpoint; below the
// bridge, so that a call is translated once.

import { z } from "zod";
import type { CancelSignal } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { type Code, type RpcError, toRpcError, withSent } from "../base/errors.ts";
import type { AnyCall, Call, Handler, Layer, Reply } from "../rpc/call.ts";
import { SIDECAR_KEY } from "../rpc/sidecar-keys.ts";
import type { StreamCall, StreamHandler, StreamLayer, StreamReply } from "../rpc/stream.ts";
import { codeName, exceptionNames, isNamed } from "./failure.ts";
import { compileIdempotence, idempotentMethods } from "./idempotence.ts";
import { createReplay, type Replay } from "./replay.ts";
import { createRetryBudget, retryBudgetOptions } from "./retry-budget.ts";
import type { UpstreamCounts } from "./upstream-counts.ts";

/** When a call is tried again. */
export const retryOptions = z
  .strictObject({
    maxAttempts: z
      .int()
      .min(1)
      .max(10)
      .default(3) // the standard retry mode of AWS's SDKs
      .describe("most attempts of a call, the first included; 1 retries never"),
    codes: z
      .array(codeName)
      .default(["UNAVAILABLE", "RESOURCE_EXHAUSTED"])
      .describe("codes that are retried, beside an attempt that took longer than attemptTimeoutMs"),
    exceptions: exceptionNames.describe("declared exceptions that are retried where the method is idempotent"),
    idempotent: idempotentMethods,
    backOff: z
      .strictObject({
        baseMs: z
          .number()
          .positive()
          .default(25) // Envoy's retry_back_off
          .describe("longest wait before the second attempt, in milliseconds; it doubles with each further one"),
        maxMs: z
          .number()
          .positive()
          .default(250) // Envoy: ten times the base
          .describe("longest wait before any attempt, in milliseconds"),
      })
      .prefault({})
      .describe("waits before attempts, each a random part of its longest"),
    budget: retryBudgetOptions.prefault({}),
  })
  .describe("when a call is tried again");

export type RetryOptions = z.output<typeof retryOptions>;

export interface RetryContext {
  readonly clock: Clock;
  /** From 0 up to but not including 1, as Math.random. */
  readonly random: () => number;
  readonly counts: UpstreamCounts;
}

/** When there is another attempt, for calls of both kinds: they share one budget. */
interface Attempts {
  /** A call has come. */
  deposit(): void;
  /** How long to wait before attempt number `number`; undefined when it must not be made. */
  waitFor(call: AnyCall, number: number, sent: boolean, askedMs: number | undefined): number | undefined;
  /** The same after an attempt that failed. */
  waitAfter(call: AnyCall, number: number, sent: boolean, error: RpcError): number | undefined;
}

function createAttempts(options: RetryOptions, { clock, random, counts }: RetryContext): Attempts {
  const { maxAttempts, backOff } = options;
  const budget = createRetryBudget(options.budget);
  const codes = new Set<Code>(options.codes);
  const mayRunTwice = compileIdempotence(options.idempotent);

  function waitFor(call: AnyCall, number: number, sent: boolean, askedMs: number | undefined): number | undefined {
    if (number > maxAttempts || call.signal.aborted || call.headers.get(SIDECAR_KEY.ATTEMPT) !== undefined)
      return undefined;
    if (sent && !mayRunTwice(call.method)) return undefined;
    const longestMs = Math.min(backOff.baseMs * 2 ** (number - 2), backOff.maxMs);
    const waitMs = Math.max(askedMs ?? 0, longestMs * random());
    const nowMs = clock.nowMs();
    if (nowMs + waitMs >= call.expiresAtMs) return undefined;
    if (!budget.withdraw(nowMs)) {
      counts.retriesRefused++;
      return undefined;
    }
    counts.retries++;
    return waitMs;
  }

  return {
    deposit: () => budget.deposit(clock.turnMs()),
    waitFor,
    waitAfter(call, number, sent, error) {
      const askedMs = error.retryAfterMs;
      if (!isRetryable(error, codes, call)) return undefined;
      // What we refuse ourselves, as with open breakers, is refused at once: calls that waited for that would pile up here.
      if (error.origin === "here" && askedMs !== undefined && askedMs > backOff.maxMs) return undefined;
      return waitFor(call, number, sent, askedMs);
    },
  };
}

/** Tries calls of both kinds again. */
export interface Retry {
  readonly calls: Layer;
  /** Before the reply has begun, and as long as what was sent is still at hand; see replay.ts. */
  readonly streams: StreamLayer;
}

/**
 * Tries calls again, up to `maxAttempts`, when their error says that nothing was sent, or when the method is idempotent
 * by its IDL or by the options; a oneway call never once it was sent. Waits as long as the error asks, else a jittered
 * back-off; gives up when that would pass the deadline, the budget is spent, or the call is a retry of the hop before, and
 * when the sidecar itself asks to wait longer than back-offs are.
 */
export function retry(options: RetryOptions, context: RetryContext): Retry {
  if (options.maxAttempts === 1) return { calls: (next) => next, streams: (next) => next };
  const { clock } = context;
  const attempts = createAttempts(options, context);
  const exceptions = new Set(options.exceptions);

  function attempt(call: Call, next: Handler, number: number, sentBefore: boolean): Promise<Reply> {
    const again = async (waitMs: number, sent: boolean) => {
      await wait(waitMs, call.signal, clock);
      return attempt(call, next, number + 1, sent);
    };
    const failed = (thrown: unknown): Promise<Reply> => {
      const error = toRpcError(thrown);
      const sent = error.sent || sentBefore;
      const waitMs = attempts.waitAfter(call, number + 1, sent, error);
      return waitMs === undefined ? Promise.reject(withSent(error, sent)) : again(waitMs, sent);
    };
    const answered = (reply: Reply): Reply | Promise<Reply> => {
      if (!isNamed(reply, exceptions)) return reply;
      const waitMs = attempts.waitFor(call, number + 1, true, undefined);
      return waitMs === undefined ? reply : again(waitMs, true);
    };
    return next(numbered(call, number)).then(exceptions.size > 0 ? answered : undefined, failed);
  }

  async function attemptStream(
    call: StreamCall,
    replay: Replay,
    next: StreamHandler,
    number: number,
    sentBefore: boolean,
  ): Promise<StreamReply> {
    try {
      const reply = await next({ ...numbered(call, number), messages: replay.messages() });
      replay.release();
      return reply;
    } catch (thrown) {
      const error = toRpcError(thrown);
      const sent = error.sent || sentBefore;
      const waitMs = replay.isWhole() ? attempts.waitAfter(call, number + 1, sent, error) : undefined;
      if (waitMs === undefined) throw withSent(error, sent);
      await wait(waitMs, call.signal, clock);
      return attemptStream(call, replay, next, number + 1, sent);
    }
  }

  return {
    calls: (next) => (call) => {
      attempts.deposit();
      return attempt(call, next, 1, false);
    },
    streams: (next) => (call) => {
      attempts.deposit();
      return attemptStream(call, createReplay(call.messages), next, 1, false);
    },
  };
}

/** A retry says so, for the next hop to leave it to this one. */
function numbered<C extends AnyCall>(call: C, number: number): C {
  return number === 1 ? call : { ...call, headers: call.headers.with(SIDECAR_KEY.ATTEMPT, String(number)) };
}

function isRetryable(error: RpcError, codes: ReadonlySet<Code>, { signal }: AnyCall): boolean {
  const { code, origin, retryAfterMs } = error;
  // While the call itself goes on, only its attempt's time can be over.
  if (code === "DEADLINE_EXCEEDED" && origin === "here") return !signal.aborted;
  // Our own limits, such as the size of a frame, are the same next time, unless they say when they will not be.
  if (code === "RESOURCE_EXHAUSTED" && origin === "here" && retryAfterMs === undefined) return false;
  return codes.has(code);
}

/** Resolves after `ms`; rejects when the signal is aborted before. */
function wait(ms: number, signal: CancelSignal, clock: Clock): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = () => {
      stop();
      reject(toRpcError(signal.reason));
    };
    const stop = clock.after(ms, () => {
      signal.removeEventListener("abort", aborted);
      resolve();
    });
    signal.addEventListener("abort", aborted);
  });
}
