// Responses that are no answer in their own protocol, such as a proxy's error page: what their HTTP status says.
import { type Code, RpcError } from "../../base/errors.ts";
import type { Metadata } from "../../base/metadata.ts";
import type { PeerResponse } from "./http.ts";

/** For RPC protocols, as in gRPC's http-grpc-status-mapping and Connect's protocol. */
const OF_RPC: ReadonlyMap<number, Code> = new Map<number, Code>([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
]);

/** For servers that speak plain HTTP, as google/rpc/code.proto has it. */
const OF_HTTP: ReadonlyMap<number, Code> = new Map<number, Code>([
  [400, "INVALID_ARGUMENT"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "NOT_FOUND"],
  [408, "DEADLINE_EXCEEDED"],
  [409, "ABORTED"],
  [412, "FAILED_PRECONDITION"],
  [413, "RESOURCE_EXHAUSTED"],
  [416, "OUT_OF_RANGE"],
  [422, "INVALID_ARGUMENT"],
  [429, "RESOURCE_EXHAUSTED"],
  [499, "CANCELLED"],
  [500, "INTERNAL"],
  [501, "UNIMPLEMENTED"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "DEADLINE_EXCEEDED"],
]);

const MAX_TEXT_CHARACTERS = 500;

/** The code of a status of a plain HTTP server. */
export function codeOfHttpStatus(status: number): Code {
  return OF_HTTP.get(status) ?? (status >= 400 && status < 500 ? "FAILED_PRECONDITION" : "UNKNOWN");
}

/** The error of a response that is not what was expected of its protocol. */
export function unexpectedResponse({ status, headers, body }: PeerResponse, expected: string): RpcError {
  const type = headers.get("content-type")?.slice(0, 100);
  const code = OF_RPC.get(status) ?? (status === 200 ? "INTERNAL" : "UNKNOWN");
  const to = status >= 300 && status < 400 ? `, to ${headers.get("location")?.slice(0, 200) ?? "nowhere"}` : "";
  const text = type?.startsWith("text/plain") ? `: ${textOf(body)}` : "";
  return new RpcError(
    code,
    `the response has the HTTP status ${status}${to} and the content type ${type ?? "none"}, expected ${expected}${text}`,
    { origin: "peer", sent: true, retryAfterMs: retryAfterOf({ status, headers }) },
  );
}

/** When a request may come again, by the seconds of `retry-after` (RFC 9110, 10.2.3), in milliseconds; dates are not read. */
export function retryAfterOf({ status, headers }: Pick<PeerResponse, "status" | "headers">): number | undefined {
  if (status !== 429 && status !== 503) return undefined;
  const seconds = headers.get("retry-after");
  return seconds !== undefined && /^\d{1,7}$/.test(seconds) ? Number(seconds) * 1_000 : undefined;
}

/** The beginning of a body for people. */
export function textOf(body: Uint8Array): string {
  const text = Buffer.from(body.buffer, body.byteOffset, Math.min(body.byteLength, 2 * MAX_TEXT_CHARACTERS)).toString();
  return text.trim().slice(0, MAX_TEXT_CHARACTERS);
}

/** Throws a RpcError INTERNAL for a response that is compressed, which nobody asked for. */
export function checkIdentity(headers: Metadata): void {
  const encoding = headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() === "identity") return;
  const text = `the response has the content-encoding ${encoding.slice(0, 100)}, which was not offered`;
  throw new RpcError("INTERNAL", text, { sent: true });
}
