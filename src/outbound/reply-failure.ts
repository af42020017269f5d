// The error of a call whose reply cannot be read, whichever way it was sent.
import { RpcError, toRpcError } from "../base/errors.ts";

/**
 * What was thrown while a reply was read, as the error of its call: bytes were sent, and of what became of them behind it only
 * a peer that answered can know better. What would be the caller's fault in a request (INVALID_ARGUMENT) is INTERNAL here.
 */
export function replyFailure(thrown: unknown): RpcError {
  const error = toRpcError(thrown);
  if (error.sent || error.origin === "peer") return error;
  const code = error.code === "INVALID_ARGUMENT" ? "INTERNAL" : error.code;
  return new RpcError(code, error.message, { sent: true, cause: error });
}
