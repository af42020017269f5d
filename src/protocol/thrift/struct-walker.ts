// Finds where a Thrift binary value ends without decoding it, also when its bytes arrive in pieces. What the bytes mean
// is left to the codec.
import { RpcError } from "../../base/errors.ts";

/** The wire types of the binary protocol, as in Thrift's `doc/specs/thrift-binary-protocol.md`. */
export const TYPE = {
  STOP: 0,
  BOOL: 2,
  I8: 3,
  DOUBLE: 4,
  I16: 6,
  I32: 8,
  I64: 10,
  STRING: 11,
  STRUCT: 12,
  MAP: 13,
  SET: 14,
  LIST: 15,
  UUID: 16,
} as const;

/** Bytes of a value by its type; 0 where the size is on the wire, undefined where there is no such type. */
const FIXED_SIZES: readonly (number | undefined)[] = (() => {
  const sizes: (number | undefined)[] = [];
  for (const type of [TYPE.BOOL, TYPE.I8]) sizes[type] = 1;
  for (const type of [TYPE.DOUBLE, TYPE.I64]) sizes[type] = 8;
  for (const type of [TYPE.STRING, TYPE.STRUCT, TYPE.MAP, TYPE.SET, TYPE.LIST]) sizes[type] = 0;
  sizes[TYPE.I16] = 2;
  sizes[TYPE.I32] = 4;
  sizes[TYPE.UUID] = 16;
  return sizes;
})();

/** Bounds of what is walked over. */
export interface WalkLimits {
  /** Most bytes from offset 0 to the end of the value. */
  readonly maxMessageBytes: number;
  /** Deepest nesting of structs and containers, the outermost counted. */
  readonly maxDepth: number;
}

/** Walks over one value at a time, and keeps its place when bytes run out. */
export interface Walker {
  /** Starts over with a value of `type` at `position`. */
  begin(position: number, type: number): void;
  /** Where the walk stands: after `resume` has returned true, the offset just behind the value. */
  readonly position: number;
  /**
   * Walks on as far as `bytes` reach and returns whether the value has ended. `bytes` holds the message from its offset
   * 0 on: the same bytes as before and more.
   */
  resume(bytes: Uint8Array): boolean;
}

/** A struct on the stack has no count of values left. */
const IN_STRUCT = -1;

/**
 * Walks over values of the binary protocol, so that each byte is looked at once however many pieces a message comes in. Throws a RpcError INVALID_ARGUMENT with the byte offset when the bytes are no Thrift value or
 * are nested too deep, RESOURCE_EXHAUSTED when they pass the size limit.
 */
export class StructWalker implements Walker {
  readonly #limits: WalkLimits;
  /** Where the next byte to look at stands; past the end of the bytes while a string is still arriving. */
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
    if (left === IN_STRUCT) {
      if (this.#position >= bytes.length) return false;
      const type = bytes[this.#position]!;
      if (type === TYPE.STOP) {
        this.#position++;
        this.#leave();
        return true;
      }
      if (this.#position + 3 > bytes.length) return false;
      if (FIXED_SIZES[type] === undefined) throw this.#unknownType(type);
      this.#position += 3;
      this.#pending = type;
    } else if (left === 0) {
      this.#leave();
    } else {
      this.#pending = left % 2 === 0 ? this.#even[top]! : this.#odd[top]!;
      this.#left[top] = left - 1;
    }
    return true;
  }

  /** Steps over the value of `type` or, if it holds others, into it; false when bytes run out. */
  #value(bytes: Uint8Array, type: number): boolean {
    const at = this.#position;
    const size = FIXED_SIZES[type];
    if (size === undefined) throw this.#unknownType(type);
    if (size > 0) {
      this.#position = at + size;
    } else if (type === TYPE.STRUCT) {
      this.#enter(IN_STRUCT, 0, 0);
    } else if (type === TYPE.STRING) {
      if (at + 4 > bytes.length) return false;
      this.#position = at + 4 + this.#count(bytes, at, "string length");
    } else if (type === TYPE.MAP) {
      if (at + 6 > bytes.length) return false;
      this.#position = at + 6;
      this.#values(this.#count(bytes, at + 2, "map size"), bytes[at]!, bytes[at + 1]!);
    } else {
      if (at + 5 > bytes.length) return false;
      this.#position = at + 5;
      this.#values(this.#count(bytes, at + 1, "list size"), bytes[at]!, undefined);
    }
    this.#pending = undefined;
    return true;
  }

  /** The values of a list or set (`second` undefined) or of a map: stepped over at once where their sizes are fixed. */
  #values(count: number, first: number, second: number | undefined): void {
    // An empty container may carry any element type.
    if (count === 0) return;
    const firstSize = FIXED_SIZES[first];
    const secondSize = second === undefined ? 0 : FIXED_SIZES[second];
    if (firstSize === undefined) throw this.#unknownType(first);
    if (secondSize === undefined) throw this.#unknownType(second!);
    const fixed = firstSize > 0 && (second === undefined || secondSize > 0);
    if (fixed) this.#position += count * (firstSize + secondSize);
    else if (second === undefined) this.#enter(count, first, first);
    // A map counts down from an even number of values, so keys are the even ones.
    else this.#enter(count * 2, first, second);
  }

  /** A length or count, which no message within the limit can hold fewer bytes than. */
  #count(bytes: Uint8Array, at: number, what: string): number {
    const count = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (count < 0) throw new RpcError("INVALID_ARGUMENT", `${what} ${count} at byte ${at} is negative`);
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
      `unknown Thrift type ${type} near byte ${this.#position}: expected 2, 3, 4, 6, 8 or 10 to 16`,
    );
  }

  #tooLarge(what = "the message"): RpcError {
    return new RpcError(
      "RESOURCE_EXHAUSTED",
      `${what} passes the message limit of ${this.#limits.maxMessageBytes} bytes`,
    );
  }
}
