// What the interpreter's reader and writer of the Thrift binary encoding share.
import type { MessageLink, ValueLink } from "../schema/link.ts";
import { THRIFT_TYPES } from "./wire-types.ts";

/** The type that ends a struct. */
export const STOP = 0;
/** Bytes of the types that always take as many. */
export const FIXED_SIZES = new Map<number, number>([
  [THRIFT_TYPES.bool, 1],
  [THRIFT_TYPES.i8, 1],
  [THRIFT_TYPES.i16, 2],
  [THRIFT_TYPES.i32, 4],
  [THRIFT_TYPES.i64, 8],
  [THRIFT_TYPES.double, 8],
  [THRIFT_TYPES.uuid, 16],
]);

/** Units of a time link in a second. */
export const PER_SECOND = { s: 1n, ms: 1_000n, us: 1_000_000n, ns: 1_000_000_000n };
/** In a second. */
export const NANOS = 1_000_000_000n;

/** Which part of a struct's bytes is the message: all, or the struct in one field, absent as an empty one or not at all. */
export interface ThriftBody {
  readonly link: MessageLink;
  readonly field: { readonly id: number; readonly name: string; readonly needed: boolean } | undefined;
}

/** A value without its wrappers, which Thrift does not have. */
export function insideOf(link: ValueLink): ValueLink {
  return link.kind === "wrapped" ? insideOf(link.inner) : link;
}
