// The Thrift binary encoding, one value at a time: big-endian, as Apache Thrift's thrift-binary-protocol specification
// has it. Every read checks what is left; every write relies on room that was asked for.
import { FAULT_DEPTH, FAULT_LENGTH, FAULT_TRUNCATED, FAULT_TYPE } from "../layout";
import { fails, inputEnd, ip, maxDepth, op, readAt, writeAt } from "./registers";

export const BOOL: u8 = 2;
export const I8: u8 = 3;
export const DOUBLE: u8 = 4;
export const I16: u8 = 6;
export const I32: u8 = 8;
export const I64: u8 = 10;
export const STRING: u8 = 11;
export const STRUCT: u8 = 12;
export const MAP: u8 = 13;
export const SET: u8 = 14;
export const LIST: u8 = 15;
export const UUID: u8 = 16;
/** The type of the values that a list or set does not have: no byte of the wire says it. */
export const NONE: u32 = 256;

/** The bytes of a value of fixed size; zero for the others and for what is no type. */
export function fixedSize(type: u8): u32 {
  switch (type) {
    case BOOL: case I8: return 1;
    case I16: return 2;
    case I32: return 4;
    case DOUBLE: case I64: return 8;
    case UUID: return 16;
    default: return 0;
  }
}

/** The fewest bytes that a value of this type can take, so that counts are bounded by what is left. */
function leastSize(type: u8): u32 {
  const size = fixedSize(type);
  if (size) return size;
  switch (type) {
    case STRING: return 4;
    case STRUCT: return 1;
    case LIST: case SET: return 5;
    default: return 6;
  }
}

@unmanaged
export class ThriftBinary {
  /** True, with a fault noted, when fewer than `n` bytes are left. */
  @inline lacks(n: usize): bool { return inputEnd - ip < n && fails(FAULT_TRUNCATED, ip, 0); }

  // Reads without a check: after `lacks`.
  @inline u8(): u8 { const value = load<u8>(ip); readAt(ip + 1); return value; }
  @inline u16(): u32 { const value = bswap<u16>(load<u16>(ip)); readAt(ip + 2); return value; }
  @inline u32(): u32 { const value = bswap<u32>(load<u32>(ip)); readAt(ip + 4); return value; }
  @inline u64(): u64 { const value = bswap<u64>(load<u64>(ip)); readAt(ip + 8); return value; }

  /** An integer by its Thrift type, sign-extended; after `lacks`. */
  @inline integer(type: u8): i64 {
    switch (type) {
      case I8: return <i64><i8>this.u8();
      case I16: return <i64><i16>this.u16();
      case I32: return <i64><i32>this.u32();
      default: return <i64>this.u64();
    }
  }

  /** The length of a string, checked against what is left; -1 with a fault noted. */
  @inline length(): i32 {
    if (this.lacks(4)) return -1;
    const n = this.u32();
    if (n > <u32>(inputEnd - ip)) { fails(FAULT_LENGTH, ip - 4, <i64><i32>n); return -1; }
    return <i32>n;
  }

  /** The count of a container of elements that each take at least as much as `type` and `also` do; -1 with a fault noted. */
  count(type: u8, also: u32): i32 {
    if (this.lacks(4)) return -1;
    const n = this.u32(), least = leastSize(type) + (also == NONE ? 0 : leastSize(<u8>also));
    if (<u64>n * least > <u64>(inputEnd - ip)) { fails(FAULT_LENGTH, ip - 4, <i64><i32>n); return -1; }
    return <i32>n;
  }

  /** Passes over a value of any type; true with a fault noted. `depth` is that of what holds it. */
  skipFails(type: u8, depth: u32): bool {
    const size = fixedSize(type);
    if (size) { if (this.lacks(size)) return true; readAt(ip + size); return false; }
    if (type == STRING) { const n = this.length(); if (n < 0) return true; readAt(ip + n); return false; }
    if (++depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
    switch (type) {
      case STRUCT:
        while (true) {
          if (this.lacks(1)) return true;
          const field = this.u8();
          if (!field) return false;
          if (this.lacks(2)) return true;
          readAt(ip + 2);
          if (this.skipFails(field, depth)) return true;
        }
      case LIST: case SET: {
        if (this.lacks(1)) return true;
        const element = this.u8(), n = this.count(element, NONE);
        return n < 0 || this.skipElementsFails(element, NONE, n, depth);
      }
      case MAP: {
        if (this.lacks(2)) return true;
        const key = this.u8(), value = this.u8(), n = this.count(key, value);
        return n < 0 || this.skipElementsFails(key, value, n, depth);
      }
      default: return fails(FAULT_TYPE, ip, type);
    }
  }

  skipElementsFails(type: u8, also: u32, n: i32, depth: u32): bool {
    const size = fixedSize(type) + (also == NONE ? 0 : fixedSize(<u8>also));
    if (n && fixedSize(type) && (also == NONE || fixedSize(<u8>also))) { readAt(ip + size * n); return false; }
    while (n--) if (this.skipFails(type, depth) || (also != NONE && this.skipFails(<u8>also, depth))) return true;
    return false;
  }

  @inline put8(value: u8): void { store<u8>(op, value); writeAt(op + 1); }
  @inline put16(value: u16): void { store<u16>(op, bswap<u16>(value)); writeAt(op + 2); }
  @inline put32(value: u32): void { store<u32>(op, bswap<u32>(value)); writeAt(op + 4); }
  @inline put64(value: u64): void { store<u64>(op, bswap<u64>(value)); writeAt(op + 8); }

  @inline putInteger(type: u8, value: i64): void {
    switch (type) {
      case I8: this.put8(<u8>value); return;
      case I16: this.put16(<u16>value); return;
      case I32: this.put32(<u32>value); return;
      default: this.put64(<u64>value);
    }
  }

  /** Writes the count of a container whose header was begun at `at`, now that it is known. */
  @inline patchCount(at: usize, n: u32): void { store<u32>(at, bswap<u32>(n)); }
}
