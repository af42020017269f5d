// What became of a call by the way its HTTP/2 stream ended, whatever kind of call it was.
import { RpcError } from "../base/errors.ts";
import { type HeaderList, headerOf } from "../protocol/grpc/header-list.ts";
import { codeOfReset } from "../protocol/grpc/status.ts";
import { ERROR_CODE, nameOfErrorCode } from "../protocol/http2/error-codes.ts";
import type { StreamReset } from "../protocol/http2/events.ts";

/** Whether the peer has said how the call ended, or has ended the stream in good order without. */
export function isWhole(
  headers: HeaderList,
  trailers: HeaderList | undefined,
  reset: StreamReset | undefined,
): boolean {
  if (trailers || headerOf(headers, "grpc-status") !== undefined || headerOf(headers, ":status") !== "200") return true;
  return reset === undefined || (reset.by === "peer" && reset.code === ERROR_CODE.NO_ERROR);
}

/** Why a stream to the endpoint `name` closed without a status; `failure` is what broke its connection. */
export function resetError(name: string, reset: StreamReset | undefined, failure: Error | undefined): RpcError {
  if (reset && !reset.processed) {
    return new RpcError("UNAVAILABLE", `${name} refused the stream`, { cause: failure });
  }
  if (reset === undefined || reset.by === "connection" || reset.code === ERROR_CODE.NO_ERROR) {
    const reason = failure?.message ?? "the peer closed it";
    const text = `the connection to ${name} broke before the reply was whole: ${reason}`;
    return new RpcError("UNAVAILABLE", text, { sent: true, cause: failure });
  }
  const code = nameOfErrorCode(reset.code);
  const text =
    reset.by === "peer"
      ? `${name} reset the stream with HTTP/2 error code ${code}`
      : `${name} sent what HTTP/2 does not allow: the stream was reset with ${code}`;
  return new RpcError(codeOfReset(reset.code), text, { origin: "peer", sent: true, cause: failure });
}
