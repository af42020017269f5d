// One attempt waits no longer than the policy says, so that an endpoint that hangs does not eat the whole deadline.
// Directly above the outbound client: what watches attempts must see this end of one.
import { z } from "zod";
import { Canceller } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError } from "../base/errors.ts";
import type { Layer, Reply } from "../rpc/call.ts";
import type { Method } from "../schema/model.ts";

/** The longest that one attempt may take; by default only the call's deadline bounds it, as in Envoy. */
export const attemptTimeoutMsOption = z
  .int()
  .positive()
  .optional()
  .describe("longest time for one attempt at an endpoint, in milliseconds; without it only timeoutMs holds");

/**
 * Aborts an attempt after so many milliseconds, of all methods or of each, with DEADLINE_EXCEEDED; the client below rejects then and says whether anything
 * was sent. An attempt whose call ends earlier has no timer of its own.
 */
export function attemptTimeout(timeoutMsOf: number | ((method: Method) => number | undefined), clock: Clock): Layer {
  return (next) => (call) => {
    const timeoutMs = typeof timeoutMsOf === "number" ? timeoutMsOf : timeoutMsOf(call.method);
    if (timeoutMs === undefined) return next(call);
    if (clock.turnMs() + timeoutMs >= call.expiresAtMs) return next(call);
    const canceller = new Canceller();
    const onAbort = () => canceller.abort(call.signal.reason);
    if (call.signal.aborted) onAbort();
    call.signal.addEventListener("abort", onAbort);
    const stop = clock.after(timeoutMs, () => {
      const from = call.facts.endpoint === undefined ? "" : ` from ${call.facts.endpoint}`;
      const message = `no reply${from} within ${timeoutMs} ms, the upstream's attemptTimeoutMs`;
      canceller.abort(new RpcError("DEADLINE_EXCEEDED", message, { sent: true }));
    });
    function release(): void {
      stop();
      call.signal.removeEventListener("abort", onAbort);
    }
    return next({ ...call, signal: canceller }).then(
      (reply: Reply) => {
        release();
        return reply;
      },
      (error: unknown) => {
        release();
        throw error;
      },
    );
  };
}
