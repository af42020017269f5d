// What a FastCGI application answers: its records put together, and CGI's headers (RFC 3875, section 6) read from them.
import { RpcError } from "../../base/errors.ts";
import { type FastCgiRecord, RECORD } from "./record.ts";
import { REQUEST_ID } from "./request.ts";

/** A response as the application has written it. */
export interface CgiResponse {
  readonly status: number;
  /** Names in lower case at even, values at odd positions; without `status`. */
  readonly headers: readonly string[];
  readonly body: Uint8Array;
  /** What it has written to its error log, at most 4 KiB. */
  readonly errors: string;
}

/** Puts the records of one response together. */
export interface ResponseCollector {
  /**
   * Takes the next record and returns the response when that was its last. Throws a RpcError: RESOURCE_EXHAUSTED beyond the
   * limit, UNAVAILABLE and not sent when the application refuses the request, INTERNAL for what is no answer to it.
   */
  push(record: FastCgiRecord): CgiResponse | undefined;
}

const MAX_ERRORS_BYTES = 4_096;
const MAX_HEAD_BYTES = 65_536;
/** What END_REQUEST says of a request that was not served. */
const REFUSALS = new Map([
  [1, "it takes one request at a time"],
  [2, "it is overloaded"],
  [3, "it is no responder"],
]);

/** A collector of one response of at most `maxBytes` beside its headers. */
export function createResponseCollector(maxBytes: number): ResponseCollector {
  const output: Uint8Array[] = [];
  const errors: Uint8Array[] = [];
  let outputBytes = 0;
  let errorBytes = 0;
  return {
    push({ type, requestId, content }) {
      if (requestId !== REQUEST_ID) throw broken(`a record is of request ${requestId}: expected ${REQUEST_ID}`);
      switch (type) {
        case RECORD.STDOUT:
          outputBytes += content.length;
          if (outputBytes > maxBytes + MAX_HEAD_BYTES) throw tooLarge(maxBytes);
          output.push(content);
          return undefined;
        case RECORD.STDERR:
          if (errorBytes < MAX_ERRORS_BYTES) errors.push(content);
          errorBytes += content.length;
          return undefined;
        case RECORD.END_REQUEST:
          checkEnd(content);
          return readResponse(Buffer.concat(output, outputBytes), maxBytes, textOf(errors));
        default:
          throw broken(`a record is of type ${type}: expected 3, 6 or 7`);
      }
    },
  };
}

/** u32 application status | protocol status | 3 reserved bytes */
function checkEnd(content: Uint8Array): void {
  if (content.length < 5) throw broken(`the record that ends the request has ${content.length} bytes: expected 8`);
  const status = content[4]!;
  if (status === 0) return;
  throw new RpcError(
    "UNAVAILABLE",
    `the application refused the request: ${REFUSALS.get(status) ?? `status ${status}`}`,
  );
}

function textOf(errors: readonly Uint8Array[]): string {
  return Buffer.concat(errors).toString("utf8", 0, MAX_ERRORS_BYTES).trim();
}

function readResponse(output: Buffer, maxBytes: number, errors: string): CgiResponse {
  const head = output.toString("latin1", 0, MAX_HEAD_BYTES);
  const end = /\r?\n\r?\n/.exec(head);
  if (!end) {
    const why = errors === "" ? "" : `; its error log says: ${errors}`;
    throw broken(`the response has no headers, or more than ${MAX_HEAD_BYTES} bytes of them${why}`);
  }
  const headers: string[] = [];
  let status = 200;
  for (const line of head.slice(0, end.index).split(/\r?\n/)) {
    const colon = line.indexOf(":");
    if (colon <= 0) throw broken(`${JSON.stringify(line.slice(0, 100))} is no header`);
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === "status") status = readStatus(value);
    else headers.push(name, value);
  }
  const body = output.subarray(end.index + end[0].length);
  if (body.length > maxBytes) throw tooLarge(maxBytes);
  return { status, headers, body, errors };
}

function readStatus(text: string): number {
  if (/^[1-9]\d\d(?: |$)/.test(text)) return Number(text.slice(0, 3));
  throw broken(`the status is ${JSON.stringify(text.slice(0, 100))}: expected three digits`);
}

function tooLarge(maxBytes: number): RpcError {
  const text = `the response passes the limit of ${maxBytes} bytes (maxMessageBytes)`;
  return new RpcError("RESOURCE_EXHAUSTED", text, { sent: true });
}

function broken(message: string): RpcError {
  return new RpcError("INTERNAL", message, { sent: true });
}
