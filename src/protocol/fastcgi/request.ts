// A request to a FastCGI application as the records that carry it. The variables are CGI's (RFC 3875, section 4.1); which of
// them a call has is decided by who makes it.
import { HEADER_BYTES, MAX_CONTENT_BYTES, RECORD, writeHeader } from "./record.ts";

/** Requests do not share a connection: PHP-FPM serves one after the other on each. */
export const REQUEST_ID = 1;

const RESPONDER = 1;
const KEEP_CONNECTION = 1;
/** Lengths of names and values from here on take four bytes. */
const LONG = 0x80;

/** A request in one new array: `variables` are names at even, values at odd positions, as UTF-8. */
export function writeRequest(variables: readonly string[], body: Uint8Array): Uint8Array {
  const params = writeVariables(variables);
  const out = Buffer.allocUnsafe(2 * HEADER_BYTES + streamBytes(params.length) + streamBytes(body.length));
  let at = writeHeader(out, 0, RECORD.BEGIN_REQUEST, REQUEST_ID, 8);
  // u16 role | flags | 5 reserved bytes
  out.fill(0, at, at + 8);
  out[at + 1] = RESPONDER;
  out[at + 2] = KEEP_CONNECTION;
  at = writeStream(out, at + 8, RECORD.PARAMS, params);
  writeStream(out, at, RECORD.STDIN, body);
  return out;
}

/** Each as two lengths, name and value. */
function writeVariables(variables: readonly string[]): Buffer {
  const lengths = variables.map((text) => Buffer.byteLength(text));
  const out = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + length + (length < LONG ? 1 : 4), 0));
  let at = 0;
  for (let i = 0; i < variables.length; i += 2) {
    at = writeLength(out, at, lengths[i]!);
    at = writeLength(out, at, lengths[i + 1]!);
    at += out.write(variables[i]!, at);
    at += out.write(variables[i + 1]!, at);
  }
  return out;
}

function writeLength(out: Buffer, at: number, length: number): number {
  return length < LONG ? out.writeUInt8(length, at) : out.writeUInt32BE((length | 0x8000_0000) >>> 0, at);
}

/** Bytes of a stream: its content in records, and an empty one that ends it. */
function streamBytes(length: number): number {
  return length + HEADER_BYTES * (Math.ceil(length / MAX_CONTENT_BYTES) + 1);
}

function writeStream(out: Buffer, start: number, type: number, content: Uint8Array): number {
  let at = start;
  for (let from = 0; from < content.length; from += MAX_CONTENT_BYTES) {
    const part = content.subarray(from, from + MAX_CONTENT_BYTES);
    at = writeHeader(out, at, type, REQUEST_ID, part.length);
    out.set(part, at);
    at += part.length;
  }
  return writeHeader(out, at, type, REQUEST_ID, 0);
}
