// The status line and the headers of a response over HTTP/1.1 (RFC 9112), and what they say of its body and its connection.
import { RpcError } from "../../base/errors.ts";
import { Metadata } from "../../base/metadata.ts";

/** What a response says before its body. */
export interface ResponseHead {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Metadata;
  /** How many bytes follow, chunks that say it themselves, or all until the connection is closed. */
  readonly body: number | "chunked" | "close";
  readonly keepAlive: boolean;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5]\d\d)(?: |$)/;
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** No line of a head has control characters but tabs: neither half an end of line. */
const CONTROL = /[^\t\x20-\x7e\x80-\xff]/;

/**
 * Parses a head, up to and with the empty line that ends it. Throws a RpcError INTERNAL when it is malformed or leaves open
 * where the body ends; a header that goes on in the next line is malformed.
 */
export function parseResponseHead(head: Buffer): ResponseHead {
  const lines = head.toString("latin1", 0, head.length - 4).split("\r\n");
  const statusLine = STATUS_LINE.exec(lines[0]!);
  if (!statusLine || CONTROL.test(lines[0]!)) throw malformedResponse(`${quoted(lines[0]!)} is no status line`);
  const flat: string[] = [];
  for (let i = 1; i < lines.length; i++) {
    const line = lines[i]!;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(0, colon));
    if (!NAME.test(name) || CONTROL.test(line)) throw malformedResponse(`${quoted(line)} is no header`);
    flat.push(name.toLowerCase(), trimmed(line, colon + 1));
  }
  const headers = Metadata.fromFlat(flat);
  const status = Number(statusLine[2]);
  const isOld = statusLine[1] === "0";
  if (status === 101) throw malformedResponse("its status is 101, but nobody has asked for another protocol");
  return { status, headers, body: bodyOf(status, headers, isOld), keepAlive: keepsAlive(headers, isOld) };
}

/** RFC 9112, section 6.3, for responses to POST. */
function bodyOf(status: number, headers: Metadata, isOld: boolean): ResponseHead["body"] {
  const encoding = headers.get("transfer-encoding");
  const length = headers.get("content-length");
  if (encoding !== undefined) {
    const isChunked = /^chunked$/i.test(encoding) && headers.getAll("transfer-encoding").length === 1;
    if (!isChunked) throw malformedResponse(`transfer-encoding: ${quoted(encoding)}: expected chunked alone`);
    // Who believes one and not the other sees another response.
    if (isOld || length !== undefined)
      throw malformedResponse("transfer-encoding in HTTP/1.0 or beside content-length");
  }
  if (length !== undefined && (!/^\d{1,15}$/.test(length) || headers.getAll("content-length").length > 1)) {
    throw malformedResponse(`content-length: ${quoted(length)}: expected one number, once`);
  }
  if (status < 200 || status === 204 || status === 304) return 0;
  if (encoding !== undefined) return "chunked";
  return length === undefined ? "close" : Number(length);
}

function keepsAlive(headers: Metadata, isOld: boolean): boolean {
  const said = headers.get("connection");
  if (said === undefined) return !isOld;
  const options = headers
    .getAll("connection")
    .join(",")
    .toLowerCase()
    .split(/[\t ]*,[\t ]*/);
  return !options.includes("close") && (!isOld || options.includes("keep-alive"));
}

/** Without the spaces and tabs around it, which alone are white space here. */
function trimmed(line: string, from: number): string {
  let start = from;
  let end = line.length;
  while (start < end && isBlank(line.charCodeAt(start))) start++;
  while (end > start && isBlank(line.charCodeAt(end - 1))) end--;
  return line.slice(start, end);
}

function isBlank(char: number): boolean {
  return char === 0x20 || char === 0x09;
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}

/** The error INTERNAL for a response that is not HTTP/1.1, and why. */
export function malformedResponse(why: string): RpcError {
  return new RpcError("INTERNAL", `the response is no HTTP/1.1: ${why}`, { sent: true });
}
