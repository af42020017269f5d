// Reads a message from its start, and knows where it is: the interpreter's cursor.

import type { ValueLink } from "../schema/link.ts";
import type { Limits } from "./codec.ts";
import { type Direction, faultError } from "./fault.ts";
import { FAULT_BYTES, FAULT_TRUNCATED } from "./layout.ts";

/** How JSON is read. */
export interface JsonReading {
  /** A member that the type does not have is an error that names the nearest one it has; otherwise it is counted. */
  readonly refuseUnknown: boolean;
  /** The line that errors call the first of the text. */
  readonly firstLine: number;
}

/** What one translation shares: its limits, and how it ends when it fails. */
export interface Session {
  readonly direction: Direction;
  readonly limits: Limits;
  readonly json: JsonReading;
  /** Throws the fault as a RpcError. */
  fail(code: number, at: number | undefined, path: string, link?: ValueLink, value?: bigint): never;
}

const COUNT_UNKNOWN: JsonReading = { refuseUnknown: false, firstLine: 1 };

/** What one translation is bounded by and counts; `json` says how the JSON of it is read. */
export function createSession(direction: Direction, limits: Limits, json: JsonReading = COUNT_UNKNOWN): Session {
  return {
    direction,
    limits,
    json,
    fail(code, at, path, link, value = 0n) {
      throw faultError({ code, at, path, link, value }, direction, limits);
    },
  };
}

/** A cursor over bytes that checks every length against what is left; what goes wrong is thrown with its byte offset. */
export class ByteReader {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly session: Session;
  at = 0;
  /** What may be read; a message within the message has an earlier one. */
  end: number;

  constructor(bytes: Uint8Array, session: Session) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.session = session;
    this.end = bytes.length;
    if (bytes.length > session.limits.maxBytes) session.fail(FAULT_BYTES, 0, "");
  }

  get left(): number {
    return this.end - this.at;
  }

  /** Where the next `n` bytes stand, which are then behind. */
  take(n: number, path: string): number {
    if (n > this.left) this.session.fail(FAULT_TRUNCATED, this.at, path);
    const at = this.at;
    this.at += n;
    return at;
  }

  slice(n: number, path: string): Uint8Array {
    const at = this.take(n, path);
    return this.bytes.subarray(at, at + n);
  }
}
