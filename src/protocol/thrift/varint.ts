// Varints of 32 bits, as compact messages and THeader have them: seven bits a byte, the lowest first.
import { RpcError } from "../../base/errors.ts";

/** Most bytes of a varint of 32 bits. */
const MAX_BYTES = 5;

/**
 * The offset behind the varint at `at`; undefined when the bytes end inside it. Throws a RpcError INVALID_ARGUMENT when
 * it is longer than `maxBytes`.
 */
export function varintEnd(bytes: Uint8Array, at: number, maxBytes = MAX_BYTES): number | undefined {
  for (let end = at; end < at + maxBytes; end++) {
    const byte = bytes[end];
    if (byte === undefined) return undefined;
    if (byte < 0x80) return end + 1;
  }
  throw new RpcError("INVALID_ARGUMENT", `the varint at byte ${at} is longer than ${maxBytes} bytes`);
}

/** The unsigned value of the varint from `at` to `end`; bits above 32 are lost. */
export function varintValue(bytes: Uint8Array, at: number, end: number): number {
  let value = 0;
  for (let i = at, shift = 0; i < end; i++, shift += 7) value |= (bytes[i]! & 0x7f) << shift;
  return value >>> 0;
}

/** How many bytes an unsigned number of 32 bits takes. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) size++;
  return size;
}

/** Writes an unsigned number of 32 bits and returns the offset behind it. */
export function writeVarint(out: Uint8Array, value: number, at: number): number {
  let rest = value >>> 0;
  let end = at;
  for (; rest > 0x7f; rest >>>= 7) out[end++] = (rest & 0x7f) | 0x80;
  out[end++] = rest;
  return end;
}
