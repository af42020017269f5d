// Oneway calls of Thrift over HTTP. HTTP answers every request, but servers of oneway calls do so late or, as the library for
// Node, never: the caller waits for neither. Only the connection does.
import { Canceller } from "../base/cancel.ts";
import type { Clock } from "../base/clock.ts";
import { RpcError, toRpcError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Outgoing } from "../protocol/http/outgoing.ts";
import type { Call, Reply } from "../rpc/call.ts";
import { abortError } from "./call-end.ts";
import type { HttpTransport } from "./http-client.ts";

/** What a oneway call is sent with. */
export interface OnewayContext {
  readonly transport: HttpTransport;
  /** What the log calls the endpoint. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The longest that a connection waits for the response to a call without a deadline, in milliseconds. */
const MAX_WAIT_MS = 15_000;

/**
 * Resolves with `reply` once the call is written. Its connection then waits for the response until the call's deadline: with a
 * response it is free again, without one it is closed, and a response that is an error is logged. Until the call is written it
 * fails as any other.
 */
export function sendOneway(
  call: Call,
  { request, readReply }: Outgoing,
  reply: Reply,
  { transport, name, clock, log }: OnewayContext,
): Promise<Reply> {
  if (call.signal.aborted) return Promise.reject(abortError(call, false));
  return new Promise((resolve, reject) => {
    const canceller = new Canceller();
    const onAbort = (): void => canceller.abort(call.signal.reason);
    call.signal.addEventListener("abort", onAbort);
    let stopTimer: (() => void) | undefined;
    let isWritten = false;
    let isOver = false;

    function written(): void {
      // A server may answer before it has read all.
      if (isOver) return;
      isWritten = true;
      // Whoever called is done with it, and takes its deadline along.
      call.signal.removeEventListener("abort", onAbort);
      const leftMs = call.expiresAtMs - clock.nowMs();
      stopTimer = clock.after(Number.isFinite(leftMs) ? leftMs : MAX_WAIT_MS, () => {
        canceller.abort(new RpcError("DEADLINE_EXCEEDED", "no response to a oneway call"));
      });
      resolve(reply);
    }

    const sent = transport.send(request, { ...call, signal: canceller }, written).then(readReply);
    sent.then(resolve, (error: unknown) => {
      const failure = toRpcError(error);
      if (!isWritten) reject(failure);
      else if (!canceller.aborted) {
        const { code, message } = failure;
        log.warn({ endpoint: name, method: call.method.name, code, reason: message }, "a oneway call was not taken");
      }
    });
    const over = (): void => {
      isOver = true;
      call.signal.removeEventListener("abort", onAbort);
      stopTimer?.();
    };
    sent.then(over, over);
  });
}
