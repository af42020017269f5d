// FastCGI's records: what frames everything that goes over a connection (FastCGI Specification 1.0, section 3.3). What is in
// them is left to request.ts and response.ts.
import { RpcError } from "../../base/errors.ts";

/** The types of records that a web server and an application exchange. */
export const RECORD = {
  BEGIN_REQUEST: 1,
  END_REQUEST: 3,
  PARAMS: 4,
  STDIN: 5,
  STDOUT: 6,
  STDERR: 7,
} as const;

/** Bytes before the content of a record. */
export const HEADER_BYTES = 8;

/** Most bytes of content: the length has 16 bits, and records that are a multiple of 8 bytes need no padding. */
export const MAX_CONTENT_BYTES = 0xfff8;

const VERSION = 1;

/** One record that was read; the content is part of what was pushed. */
export interface FastCgiRecord {
  readonly type: number;
  readonly requestId: number;
  readonly content: Uint8Array;
}

/**
 * Writes the eight bytes that stand before a record's content and returns where it begins.
 *
 *     version 1 | type | u16 request id | u16 content length | padding length | reserved
 */
export function writeHeader(out: Buffer, at: number, type: number, requestId: number, contentBytes: number): number {
  out[at] = VERSION;
  out[at + 1] = type;
  out.writeUInt16BE(requestId, at + 2);
  out.writeUInt16BE(contentBytes, at + 4);
  out[at + 6] = 0;
  out[at + 7] = 0;
  return at + HEADER_BYTES;
}

/** Takes records out of the bytes of a connection. */
export interface RecordReader {
  push(chunk: Buffer): void;
  /** The next whole record; undefined until more bytes come. Throws a RpcError INTERNAL for what is no FastCGI. */
  next(): FastCgiRecord | undefined;
  /** Whether every byte that was pushed has been read. */
  isEmpty(): boolean;
}

/** A reader of records; it holds no more than one unfinished record, 64 KiB, beside what is pushed at once. */
export function createRecordReader(): RecordReader {
  let rest: Buffer = Buffer.alloc(0);
  return {
    push(chunk) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    },
    next() {
      if (rest.length > 0 && rest[0] !== VERSION) {
        const start = rest.toString("latin1", 0, 40);
        throw new RpcError("INTERNAL", `the reply begins with ${JSON.stringify(start)}: expected FastCGI, version 1`, {
          sent: true,
        });
      }
      if (rest.length < HEADER_BYTES) return undefined;
      const end = HEADER_BYTES + rest.readUInt16BE(4);
      const next = end + rest[6]!;
      if (rest.length < next) return undefined;
      const record = { type: rest[1]!, requestId: rest.readUInt16BE(2), content: rest.subarray(HEADER_BYTES, end) };
      rest = rest.subarray(next);
      return record;
    },
    isEmpty: () => rest.length === 0,
  };
}
