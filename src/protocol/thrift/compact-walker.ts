// Finds where a Thrift compact value ends without decoding it, also when its bytes arrive in pieces. What the bytes mean
// is left to the codec.
import { RpcError } from "../../base/errors.ts";
import type { Walker, WalkLimits } from "./struct-walker.ts";
import { varintEnd, varintValue } from "./varint.ts";

/** The types of the compact protocol, as in Thrift's `doc/specs/thrift-compact-protocol.md`. */
export const COMPACT_TYPE = {
  STOP: 0,
  TRUE: 1,
  FALSE: 2,
  I8: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  SET: 10,
  MAP: 11,
  STRUCT: 12,
  UUID: 13,
} as const;

/** Bytes of an element by its type; 0 where the wire says, undefined where there is no such type. */
const FIXED_SIZES: readonly (number | undefined)[] = [undefined, 1, 1, 1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 16];

/** A varint of 64 bits takes up to ten bytes; the longest id or length five. */
const MAX_INTEGER_BYTES = 10;

/** A struct on the stack has no count of values left. */
const IN_STRUCT = -1;

/** The same as StructWalker, for the compact protocol. */
export class CompactWalker implements Walker {
  readonly #limits: WalkLimits;
  #position = 0;
  /** The type of the value at the position; undefined between values. */
  #pending: number | undefined;
  // One level per open struct or container: values left, and the types that they alternate between.
  readonly #left: number[] = [];
  readonly #even: number[] = [];
  readonly #odd: number[] = [];

  constructor(limits: WalkLimits) {
    this.#limits = limits;
  }

  begin(position: number, type: number): void {
    this.#position = position;
    this.#pending = type;
    this.#left.length = this.#even.length = this.#odd.length = 0;
  }

  get position(): number {
    return this.#position;
  }

  resume(bytes: Uint8Array): boolean {
    for (;;) {
      if (this.#position > this.#limits.maxMessageBytes) throw this.#tooLarge();
      if (this.#pending === undefined) {
        if (this.#left.length === 0) return this.#position <= bytes.length;
        if (!this.#nextInLevel(bytes)) return false;
      } else if (!this.#value(bytes, this.#pending)) return false;
    }
  }

  /** Moves to the next value of the innermost level, or closes the level; false when bytes run out. */
  #nextInLevel(bytes: Uint8Array): boolean {
    const top = this.#left.length - 1;
    const left = this.#left[top]!;
    if (left === IN_STRUCT) return this.#nextField(bytes);
    if (left === 0) {
      this.#leave();
    } else {
      this.#pending = left % 2 === 0 ? this.#even[top]! : this.#odd[top]!;
      this.#left[top] = left - 1;
    }
    return true;
  }

  /** A field's header: the distance to the last id and the type, or the type alone and the id as a varint. */
  #nextField(bytes: Uint8Array): boolean {
    const head = bytes[this.#position];
    if (head === undefined) return false;
    if (head === COMPACT_TYPE.STOP) {
      this.#position++;
      this.#leave();
      return true;
    }
    const type = head & 0x0f;
    if (FIXED_SIZES[type] === undefined) throw this.#unknownType(type);
    const end = head > 0x0f ? this.#position + 1 : varintEnd(bytes, this.#position + 1);
    if (end === undefined) return false;
    this.#position = end;
    // A bool's value is its type.
    if (type !== COMPACT_TYPE.TRUE && type !== COMPACT_TYPE.FALSE) this.#pending = type;
    return true;
  }

  /** Steps over the value of `type` or, if it holds others, into it; false when bytes run out. */
  #value(bytes: Uint8Array, type: number): boolean {
    const at = this.#position;
    const size = FIXED_SIZES[type];
    if (size === undefined) throw this.#unknownType(type);
    if (size > 0) {
      this.#position = at + size;
    } else if (type === COMPACT_TYPE.STRUCT) {
      this.#enter(IN_STRUCT, 0, 0);
    } else if (type === COMPACT_TYPE.BINARY) {
      const end = varintEnd(bytes, at);
      if (end === undefined) return false;
      this.#position = end + this.#count(bytes, at, end, "string length");
    } else if (type === COMPACT_TYPE.MAP) {
      if (!this.#map(bytes, at)) return false;
    } else if (type === COMPACT_TYPE.LIST || type === COMPACT_TYPE.SET) {
      if (!this.#list(bytes, at)) return false;
    } else {
      const end = varintEnd(bytes, at, MAX_INTEGER_BYTES);
      if (end === undefined) return false;
      this.#position = end;
    }
    this.#pending = undefined;
    return true;
  }

  /** A varint size, which alone is an empty map, and then both types in one byte. */
  #map(bytes: Uint8Array, at: number): boolean {
    const end = varintEnd(bytes, at);
    if (end === undefined) return false;
    const count = this.#count(bytes, at, end, "map size");
    if (count === 0) {
      this.#position = end;
      return true;
    }
    const types = bytes[end];
    if (types === undefined) return false;
    this.#position = end + 1;
    const [key, value] = [types >> 4, types & 0x0f];
    const [keySize, valueSize] = [this.#elementSize(key), this.#elementSize(value)];
    if (keySize > 0 && valueSize > 0) this.#position += count * (keySize + valueSize);
    // A map counts down from an even number of values, so keys are the even ones.
    else this.#enter(count * 2, key, value);
    return true;
  }

  /** The size and the type in one byte, or 15 for the size and then a varint. */
  #list(bytes: Uint8Array, at: number): boolean {
    const head = bytes[at];
    if (head === undefined) return false;
    const end = head >> 4 === 15 ? varintEnd(bytes, at + 1) : at + 1;
    if (end === undefined) return false;
    const count = head >> 4 === 15 ? this.#count(bytes, at + 1, end, "list size") : head >> 4;
    this.#position = end;
    // An empty container may carry any element type.
    if (count === 0) return true;
    const type = head & 0x0f;
    const size = this.#elementSize(type);
    if (size > 0) this.#position += count * size;
    else this.#enter(count, type, type);
    return true;
  }

  #elementSize(type: number): number {
    const size = FIXED_SIZES[type];
    if (size === undefined) throw this.#unknownType(type);
    return size;
  }

  /** A length or count, which no message within the limit can hold fewer bytes than. */
  #count(bytes: Uint8Array, at: number, end: number, what: string): number {
    const count = varintValue(bytes, at, end);
    if (count > this.#limits.maxMessageBytes - at) throw this.#tooLarge(`${what} ${count} at byte ${at}`);
    return count;
  }

  #enter(left: number, even: number, odd: number): void {
    if (this.#left.length >= this.#limits.maxDepth) {
      throw new RpcError(
        "INVALID_ARGUMENT",
        `values are nested deeper than the limit of ${this.#limits.maxDepth} levels at byte ${this.#position}`,
      );
    }
    this.#left.push(left);
    this.#even.push(even);
    this.#odd.push(odd);
  }

  #leave(): void {
    this.#left.pop();
    this.#even.pop();
    this.#odd.pop();
  }

  #unknownType(type: number): RpcError {
    return new RpcError(
      "INVALID_ARGUMENT",
      `unknown type ${type} of the compact protocol near byte ${this.#position}: expected 1 to 13`,
    );
  }

  #tooLarge(what = "the message"): RpcError {
    return new RpcError(
      "RESOURCE_EXHAUSTED",
      `${what} passes the message limit of ${this.#limits.maxMessageBytes} bytes`,
    );
  }
}
