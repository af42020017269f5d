// How a call ended, in gRPC's headers: grpc-status, grpc-message and google.rpc.Status in grpc-status-details-bin.
import { CODE_NUMBERS, type Code, codeOfNumber, type RpcError, type Status } from "../../base/errors.ts";
import { readRetryInfo } from "../../rpc/retry-info.ts";
import { formatStatus, parseDetails } from "../../rpc/status.ts";
import { type HeaderList, headerOf } from "./header-list.ts";

/** Most bytes of a grpc-message before it is percent-encoded: peers cut calls whose metadata passes 8 KiB. */
const MAX_MESSAGE_BYTES = 1024;

/**
 * Appends the status to a header list. Details that do not fit in 6 KiB of base64 are left out, and the message then
 * names their types with the mark `truncated`.
 */
export function writeStatus(status: Status, headers: string[]): void {
  const { message, base64 } = formatStatus(status);
  headers.push("grpc-status", String(CODE_NUMBERS[status.code]));
  if (message !== "") headers.push("grpc-message", encodeMessage(message));
  if (base64 !== "") headers.push("grpc-status-details-bin", base64);
}

/**
 * The status in trailers, or in the headers of a response without any: undefined for OK. Without grpc-status it is told
 * from the HTTP status, as in gRPC's http-grpc-status-mapping.
 */
export function readStatus(headers: HeaderList, httpStatus: number | undefined): Status | undefined {
  const text = headerOf(headers, "grpc-status");
  if (text === undefined) return withoutStatus(httpStatus);
  const message = decodeMessage(headerOf(headers, "grpc-message") ?? "");
  const number = /^\d{1,9}$/.test(text) ? Number(text) : undefined;
  if (number === 0) return undefined;
  const code = number === undefined ? undefined : codeOfNumber(number);
  if (code === undefined)
    return { code: "UNKNOWN", message: `grpc-status ${text.slice(0, 20)}: ${message}`, details: [] };
  return { code, message, details: parseDetails(headerOf(headers, "grpc-status-details-bin")) };
}

/** gRPC's pushback (proposal A6): milliseconds to wait, or anything else for no retry. */
const PUSHBACK = "grpc-retry-pushback-ms";

/** Appends when the call may come again, if the error says so. */
export function writePushback({ retryAfterMs }: RpcError, headers: string[]): void {
  if (retryAfterMs === undefined) return;
  headers.push(PUSHBACK, Number.isFinite(retryAfterMs) ? String(Math.ceil(retryAfterMs)) : "-1");
}

/** When a call that ended so may come again, in milliseconds: Infinity for never, undefined where that is not said. */
export function retryAfterOf(headers: HeaderList, { details }: Status): number | undefined {
  const pushback = headerOf(headers, PUSHBACK);
  if (pushback === undefined) return readRetryInfo(details);
  return /^\d{1,10}$/.test(pushback) ? Number(pushback) : Number.POSITIVE_INFINITY;
}

const CODES_BY_HTTP_STATUS: ReadonlyMap<number | undefined, Code> = new Map<number, Code>([
  [400, "INTERNAL"],
  [401, "UNAUTHENTICATED"],
  [403, "PERMISSION_DENIED"],
  [404, "UNIMPLEMENTED"],
  [429, "UNAVAILABLE"],
  [502, "UNAVAILABLE"],
  [503, "UNAVAILABLE"],
  [504, "UNAVAILABLE"],
]);

function withoutStatus(httpStatus: number | undefined): Status {
  return {
    code: CODES_BY_HTTP_STATUS.get(httpStatus) ?? "UNKNOWN",
    message: `the response has the HTTP status ${httpStatus ?? "none"} and no grpc-status`,
    details: [],
  };
}

/** The code of RST_STREAM's error code, as in gRPC's PROTOCOL-HTTP2. */
export function codeOfReset(errorCode: number): Code {
  switch (errorCode) {
    case 0x7: // REFUSED_STREAM
      return "UNAVAILABLE";
    case 0x8: // CANCEL
      return "CANCELLED";
    case 0xb: // ENHANCE_YOUR_CALM
      return "RESOURCE_EXHAUSTED";
    case 0xc: // INADEQUATE_SECURITY
      return "PERMISSION_DENIED";
    default:
      return "INTERNAL";
  }
}

/** Percent-encodes the UTF-8 bytes below 0x20, above 0x7E and `%`, of at most the first KiB. */
export function encodeMessage(text: string): string {
  if (text.length <= MAX_MESSAGE_BYTES && /^[\x20-\x24\x26-\x7e]*$/.test(text)) return text;
  let out = "";
  for (const byte of Buffer.from(text.toWellFormed()).subarray(0, MAX_MESSAGE_BYTES)) {
    out +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, "0")}`
        : String.fromCharCode(byte);
  }
  return out;
}

/** The inverse of encodeMessage; what is no valid encoding stays as it is. */
export function decodeMessage(text: string): string {
  if (!text.includes("%")) return text;
  const bytes: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const escaped = text[i] === "%" ? /^[0-9a-fA-F]{2}$/.exec(text.slice(i + 1, i + 3)) : null;
    if (escaped) i += 2;
    bytes.push(escaped ? Number.parseInt(escaped[0], 16) : text.charCodeAt(i) & 0xff);
  }
  return Buffer.from(bytes).toString("utf8");
}
