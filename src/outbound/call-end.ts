// Why a call ends before its reply: its deadline or its caller.
import { RpcError } from "../base/errors.ts";
import type { AnyCall } from "../rpc/call.ts";

/** The error of a call whose signal is aborted: the signal's own reason if it is a RpcError, else CANCELLED. */
export function abortError({ signal }: AnyCall, sent: boolean): RpcError {
  const { reason } = signal;
  if (!(reason instanceof RpcError))
    return new RpcError("CANCELLED", "the call was cancelled", { sent, cause: reason });
  return new RpcError(reason.code, reason.message, { sent, cause: reason });
}
