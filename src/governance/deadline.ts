// No call waits longer than its caller or its upstream's policy allows. Above everything that waits or tries again, so
// that the bound holds for all attempts together.
import { z } from "zod";
import { Canceller, type CancelSignal } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { AnyCall, Layer, Reply } from "../rpc/call.ts";
import { type StreamLayer, type StreamReply, whenOver } from "../rpc/stream.ts";

/** The longest that a call to an upstream may take; a caller may ask for less, never for more. */
export const timeoutMsOption = z
  .int()
  .positive()
  .default(15_000) // Envoy's default route timeout
  .describe("longest time for a call, all attempts together, in milliseconds");

/** The longest that a stream may last: by default as long as its caller says, which may be for ever. */
export const streamTimeoutMsOption = z
  .int()
  .positive()
  .optional()
  .describe(
    "longest time for a stream from begin to end, in milliseconds; without it only the caller's deadline holds",
  );

/** What bounds one call in time. */
interface Bound {
  readonly expiresAtMs: number;
  readonly signal: CancelSignal;
  /** Stops the timer and listens no more. */
  release(): void;
}

/**
 * Bounds a call by the earlier of its caller's deadline and `timeoutMs` from now, and by its caller's presence: `over`
 * hears which of them has ended it, then its signal is aborted. A call that is over already is the RpcError that says so.
 */
function bound(
  call: AnyCall,
  timeoutMs: number,
  option: string,
  clock: Clock,
  over: (error: RpcError) => void,
): Bound | RpcError {
  const nowMs = clock.turnMs();
  const policyMs = nowMs + timeoutMs;
  const expiresAtMs = Math.min(call.expiresAtMs, policyMs);
  if (call.signal.aborted) return cancelled(call);
  if (expiresAtMs <= nowMs) {
    return new RpcError("DEADLINE_EXCEEDED", "the caller's deadline had passed when the call arrived here");
  }
  const limit = policyMs <= call.expiresAtMs ? `${timeoutMs} ms, the upstream's ${option}` : "the caller's deadline";
  const canceller = new Canceller();
  const stopTimer = clock.after(expiresAtMs - nowMs, () => end(exceeded(call, limit)));
  const onCallerGone = () => end(cancelled(call));
  call.signal.addEventListener("abort", onCallerGone);

  function release(): void {
    stopTimer();
    call.signal.removeEventListener("abort", onCallerGone);
  }
  function end(error: RpcError): void {
    release();
    over(error);
    canceller.abort(error);
  }
  return { expiresAtMs, signal: canceller, release };
}

/**
 * Sets the call's deadline to the earlier of the caller's and `timeoutMs` from now, aborts its signal and fails it with
 * DEADLINE_EXCEEDED when that passes, or with CANCELLED when the caller goes away, whether or not the layers below heed
 * the signal. No timer and no listener outlives the call.
 */
export function deadline({ timeoutMs }: { readonly timeoutMs: number }, clock: Clock): Layer {
  return (next) => (call) =>
    new Promise<Reply>((resolve, reject) => {
      const bounds = bound(call, timeoutMs, "timeoutMs", clock, reject);
      if (bounds instanceof RpcError) {
        reject(bounds);
        return;
      }
      const { expiresAtMs, signal } = bounds;
      next({ ...call, expiresAtMs, signal }).then(
        (reply) => {
          bounds.release();
          resolve(reply);
        },
        (error: unknown) => {
          bounds.release();
          reject(error);
        },
      );
    });
}

/** The same for streams, which have `streamTimeoutMs` from begin to end; without it only what their caller says. */
export function streamDeadline(
  { streamTimeoutMs = Number.POSITIVE_INFINITY }: { readonly streamTimeoutMs?: number | undefined },
  clock: Clock,
): StreamLayer {
  return (next) => (call) => {
    // Nothing to wait for: the layers below hear from the caller's signal itself when it goes.
    if (Math.min(call.expiresAtMs, streamTimeoutMs) === Number.POSITIVE_INFINITY) return next(call);
    return new Promise<StreamReply>((resolve, reject) => {
      const bounds = bound(call, streamTimeoutMs, "streamTimeoutMs", clock, reject);
      if (bounds instanceof RpcError) {
        reject(bounds);
        return;
      }
      const { expiresAtMs, signal } = bounds;
      whenOver(next({ ...call, expiresAtMs, signal }), bounds.release).then(resolve, reject);
    });
  };
}

/** An attempt that has begun may have put bytes on the wire. */
function sent(call: AnyCall): boolean {
  return call.facts.attempts > 0;
}

function exceeded(call: AnyCall, limit: string): RpcError {
  const waitedFor = call.facts.endpoint === undefined ? "" : ` from ${call.facts.endpoint}`;
  return new RpcError("DEADLINE_EXCEEDED", `no reply${waitedFor} within ${limit}`, { sent: sent(call) });
}

function cancelled(call: AnyCall): RpcError {
  const { reason } = call.signal;
  return reason instanceof RpcError
    ? reason
    : new RpcError("CANCELLED", "the caller went away", { sent: sent(call), cause: reason });
}
