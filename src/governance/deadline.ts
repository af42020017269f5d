// No call waits longer than its caller or its upstream's policy allows. Above everything that waits or tries again, so
// that the bound holds for all attempts together.
import { z } from "zod";
import { Canceller } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Call, Layer, Reply } from "../rpc/call.ts";

/** The longest that a call to an upstream may take; a caller may ask for less, never for more. */
export const timeoutMsOption = z
  .int()
  .positive()
  .default(15_000) // Envoy's default route timeout
  .describe("longest time for a call, all attempts together, in milliseconds");

/**
 * Sets the call's deadline to the earlier of the caller's and `timeoutMs` from now, aborts its signal and fails it with
 * DEADLINE_EXCEEDED when that passes, or with CANCELLED when the caller goes away, whether or not the layers below heed
 * the signal. No timer and no listener outlives the call.
 */
export function deadline({ timeoutMs }: { readonly timeoutMs: number }, clock: Clock): Layer {
  return (next) => (call) => {
    const nowMs = clock.nowMs();
    const policyMs = nowMs + timeoutMs;
    const expiresAtMs = Math.min(call.expiresAtMs, policyMs);
    if (call.signal.aborted) return Promise.reject(cancelled(call));
    if (expiresAtMs <= nowMs) {
      return Promise.reject(
        new RpcError("DEADLINE_EXCEEDED", "the caller's deadline had passed when the call arrived here"),
      );
    }
    const limit = policyMs <= call.expiresAtMs ? `${timeoutMs} ms, the upstream's timeoutMs` : "the caller's deadline";
    return new Promise<Reply>((resolve, reject) => {
      const canceller = new Canceller();
      const stopTimer = clock.after(expiresAtMs - nowMs, () => abort(exceeded(call, limit)));
      const onCallerGone = () => abort(cancelled(call));
      call.signal.addEventListener("abort", onCallerGone);

      function release(): void {
        stopTimer();
        call.signal.removeEventListener("abort", onCallerGone);
      }
      function abort(error: RpcError): void {
        release();
        reject(error);
        canceller.abort(error);
      }

      next({ ...call, expiresAtMs, signal: canceller }).then(
        (reply) => {
          release();
          resolve(reply);
        },
        (error: unknown) => {
          release();
          reject(error);
        },
      );
    });
  };
}

/** An attempt that has begun may have put bytes on the wire. */
function sent(call: Call): boolean {
  return call.facts.attempts > 0;
}

function exceeded(call: Call, limit: string): RpcError {
  const waitedFor = call.facts.endpoint === undefined ? "" : ` from ${call.facts.endpoint}`;
  return new RpcError("DEADLINE_EXCEEDED", `no reply${waitedFor} within ${limit}`, { sent: sent(call) });
}

function cancelled(call: Call): RpcError {
  const { reason } = call.signal;
  return reason instanceof RpcError
    ? reason
    : new RpcError("CANCELLED", "the caller went away", { sent: sent(call), cause: reason });
}
