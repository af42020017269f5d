// Why a call ends before its reply: its deadline, its caller, or the lack of a connection.
import { RpcError } from "../base/errors.ts";
import type { Call } from "../rpc/call.ts";

/** The error of a call whose signal is aborted: the signal's own reason if it is a RpcError, else CANCELLED. */
export function abortError({ signal }: Call, sent: boolean): RpcError {
  const { reason } = signal;
  if (!(reason instanceof RpcError))
    return new RpcError("CANCELLED", "the call was cancelled", { sent, cause: reason });
  return new RpcError(reason.code, reason.message, { sent, cause: reason });
}

/** The error of a connection to the endpoint `name` that never came about. */
export function cannotConnect(name: string, failure: Error | undefined): RpcError {
  const reason =
    failure?.message || (failure && "code" in failure ? String(failure.code) : "the connection was closed");
  return new RpcError("UNAVAILABLE", `cannot connect to ${name}: ${reason}`, { cause: failure });
}
