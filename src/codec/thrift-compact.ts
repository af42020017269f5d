// What the interpreter's reader and writer of the Thrift compact encoding share: how it numbers types.
import { THRIFT_TYPES } from "./wire-types.ts";

/** A bool's type as a field is its value; as an element it is TRUE, and FALSE is read as well. */
export const TRUE = 1;
export const FALSE = 2;

/** A list's count from which it stands behind the header. */
export const LONG_LIST = 15;

const NUMBERS: readonly (readonly [compact: number, common: number])[] = [
  [TRUE, THRIFT_TYPES.bool],
  [FALSE, THRIFT_TYPES.bool],
  [3, THRIFT_TYPES.i8],
  [4, THRIFT_TYPES.i16],
  [5, THRIFT_TYPES.i32],
  [6, THRIFT_TYPES.i64],
  [7, THRIFT_TYPES.double],
  [8, THRIFT_TYPES.string],
  [9, THRIFT_TYPES.list],
  [10, THRIFT_TYPES.set],
  [11, THRIFT_TYPES.map],
  [12, THRIFT_TYPES.struct],
  [13, THRIFT_TYPES.uuid],
];

const FROM_COMPACT = new Map(NUMBERS);
const TO_COMPACT = new Map([...NUMBERS].reverse().map(([compact, common]) => [common, compact]));

/** What is no type in this encoding is this much more than its number. */
export const NO_TYPE = 128;

/** The number that the binary encoding has for a type of this one. */
export function fromCompact(type: number): number {
  return FROM_COMPACT.get(type) ?? NO_TYPE + type;
}

/** The reverse; of bool TRUE. */
export function toCompact(type: number): number {
  return TO_COMPACT.get(type) ?? 0;
}
