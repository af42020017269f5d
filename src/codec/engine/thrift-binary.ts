// The Thrift binary encoding, one value at a time: big-endian, as Apache Thrift's thrift-binary-protocol specification
// has it. Every read checks what is left; every write relies on room that was asked for. The walks take this class or
// another with the same methods, so some do nothing here.
import { FAULT_DEPTH, FAULT_LENGTH, FAULT_TRUNCATED, FAULT_TYPE } from "../layout";
import { packNumbers, unpackNumbers } from "./numbers";
import { fails, inputEnd, ip, lacksRoom, maxDepth, op, readAt, writeAt } from "./registers";
import { putHead } from "./table";
import { structTo } from "./to-protobuf-direct";
import { copyTo, STEP } from "./text";
import {
  BOOL, BROKEN, contains, DOUBLE, elementType, I16, I32, I64, I8, LIST, MAP, NONE, SET, STOP, STRING, STRUCT, UUID, valueType,
} from "./thrift";

/** The bytes of a value of fixed size; zero for the others and for what is no type. */
function fixedSize(type: u8): u32 {
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
  /** Forgets the message before. */
  @inline begin(): void {}

  /** True, with a fault noted, when fewer than `n` bytes are left. */
  @inline lacks(n: usize): bool { return inputEnd - ip < n && fails(FAULT_TRUNCATED, ip, 0); }

  /** A field's type and id (`type << 16 | id`), STOP, or BROKEN with a fault noted; `last` is the id of the field before. */
  @inline field(last: u32): i32 {
    if (this.lacks(1)) return BROKEN;
    const type = <u32>load<u8>(ip);
    readAt(ip + 1);
    if (!type) return STOP;
    if (this.lacks(2)) return BROKEN;
    const id = <u32>bswap<u16>(load<u16>(ip));
    readAt(ip + 2);
    return <i32>(type << 16 | id);
  }

  // Scalars are read in three steps: `lacks…`, the value, `failed`.
  @inline lacksBool(): bool { return this.lacks(1); }
  @inline lacksI32(): bool { return this.lacks(4); }
  @inline lacksI64(): bool { return this.lacks(8); }
  @inline lacksInteger(type: u8): bool { return this.lacks(fixedSize(type)); }
  @inline failed(): bool { return false; }

  @inline bool(): bool { const value = load<u8>(ip); readAt(ip + 1); return value != 0; }
  @inline i32(): i32 { const value = bswap<u32>(load<u32>(ip)); readAt(ip + 4); return <i32>value; }
  @inline i64(): i64 { const value = bswap<u64>(load<u64>(ip)); readAt(ip + 8); return <i64>value; }
  /** The bits of a double, after `lacks(8)`. */
  @inline bits(): u64 { return <u64>this.i64(); }

  /** An integer by its Thrift type, sign-extended. */
  @inline integer(type: u8): i64 {
    switch (type) {
      case I8: { const value = load<i8>(ip); readAt(ip + 1); return value; }
      case I16: { const value = <i16>bswap<u16>(load<u16>(ip)); readAt(ip + 2); return value; }
      case I32: return this.i32();
      default: return this.i64();
    }
  }

  /** The length of a string, checked against what is left; -1 with a fault noted. */
  @inline length(): i32 {
    if (this.lacks(4)) return -1;
    const n = <u32>this.i32();
    if (n > <u32>(inputEnd - ip)) { fails(FAULT_LENGTH, ip - 4, <i64><i32>n); return -1; }
    return <i32>n;
  }

  /** Enters a list or set: its count, and `elementType`; -1 with a fault noted. */
  list(): i32 {
    if (this.lacks(1)) return -1;
    contains(load<u8>(ip), 0);
    readAt(ip + 1);
    return this.count(leastSize(elementType));
  }

  /** Enters a map: its count, `elementType` and `valueType`; -1 with a fault noted. */
  map(): i32 {
    if (this.lacks(2)) return -1;
    contains(load<u8>(ip), load<u8>(ip, 1));
    readAt(ip + 2);
    return this.count(leastSize(elementType) + leastSize(valueType));
  }

  private count(least: u32): i32 {
    if (this.lacks(4)) return -1;
    const n = <u32>this.i32();
    if (<u64>n * least > <u64>(inputEnd - ip)) { fails(FAULT_LENGTH, ip - 4, <i64><i32>n); return -1; }
    return <i32>n;
  }

  /** Whether the list or set ahead has elements of `type`, or none, or is cut off. */
  acceptsList(type: u8): bool { return inputEnd - ip < 5 || load<u32>(ip, 1) == 0 || load<u8>(ip) == type; }

  acceptsMap(key: u8, value: u8): bool {
    return inputEnd - ip < 6 || load<u32>(ip, 2) == 0 || (load<u8>(ip) == key && load<u8>(ip, 1) == value);
  }

  /** The number by which errors name a type. */
  @inline nameOf(type: u8): i64 { return type; }

  /** Passes over a value of any type; true with a fault noted. `depth` is that of what holds it. */
  skipFails(type: u8, depth: u32): bool {
    const size = fixedSize(type);
    if (size) { if (this.lacks(size)) return true; readAt(ip + size); return false; }
    if (type == STRING) { const n = this.length(); if (n < 0) return true; readAt(ip + n); return false; }
    if (++depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
    switch (type) {
      case STRUCT:
        while (true) {
          const header = this.field(0);
          if (header <= 0) return header == BROKEN;
          if (this.skipFails(<u8>(header >> 16), depth)) return true;
        }
      case LIST: case SET: { const n = this.list(); return n < 0 || this.skipElementsFails(elementType, NONE, n, depth); }
      case MAP: { const n = this.map(); return n < 0 || this.skipElementsFails(elementType, valueType, n, depth); }
      default: return fails(FAULT_TYPE, ip, type);
    }
  }

  /** As `skipFails`, of what is known to be there and well-formed; `size` is the `sizeOf` its type. */
  @inline pass(type: u8, size: u32): void {
    if (size) readAt(ip + size);
    else if (type == STRING) readAt(ip + 4 + bswap<u32>(load<u32>(ip)));
    else this.skipFails(type, 0);
  }
  @inline sizeOf(type: u8): u32 { return fixedSize(type); }

  private skipElementsFails(type: u8, also: u32, n: i32, depth: u32): bool {
    const size = fixedSize(type) + (also == NONE ? 0 : fixedSize(<u8>also));
    if (n && fixedSize(type) && (also == NONE || fixedSize(<u8>also))) { readAt(ip + size * n); return false; }
    while (n--) if (this.skipFails(type, depth) || (also != NONE && this.skipFails(<u8>also, depth))) return true;
    return false;
  }

  /** The id that headers written next are counted from: binary headers are not. */
  @inline last(): i32 { return 0; }
  @inline follow(last: i32): void {}

  /** Writes the header of the node's field, if it is one. */
  @inline putHead(node: usize): void { putHead(node); }
  @inline putField(type: u8, id: u32): void {
    store<u8>(op, type);
    store<u16>(op, bswap<u16>(<u16>id), 1);
    writeAt(op + 3);
  }
  @inline putStop(): void { store<u8>(op, 0); writeAt(op + 1); }

  @inline putBool(value: bool): void { store<u8>(op, value ? 1 : 0); writeAt(op + 1); }
  @inline putI32(value: i32): void { store<u32>(op, bswap<u32>(<u32>value)); writeAt(op + 4); }
  @inline putI64(value: i64): void { store<u64>(op, bswap<u64>(<u64>value)); writeAt(op + 8); }
  @inline putBits(value: u64): void { this.putI64(<i64>value); }
  @inline putLength(n: u32): void { this.putI32(<i32>n); }
  @inline putInteger(type: u8, value: i64): void {
    switch (type) {
      case I8: store<u8>(op, <u8>value); writeAt(op + 1); return;
      case I16: store<u16>(op, bswap<u16>(<u16>value)); writeAt(op + 2); return;
      case I32: this.putI32(<i32>value); return;
      default: this.putI64(value);
    }
  }

  /** Writes the zero of a type of fixed size. */
  putZero(type: u8): void {
    store<u64>(op, 0);
    store<u64>(op, 0, 8);
    writeAt(op + fixedSize(type));
  }

  /** Writes the field that stands for an absent one, of which the tables hold the bytes; true with a fault noted. */
  putAbsentFails(node: usize, absent: usize): bool {
    const n = load<u32>(absent);
    if (lacksRoom(n + STEP)) return true;
    copyTo(absent + 4, op, n);
    writeAt(op + n);
    return false;
  }

  /** The short way of a struct: the address behind what it wrote, or zero when it gave up. */
  @inline structTo(message: usize, to: usize): usize { return structTo(message, to, 1); }

  // Packed lists of numbers in loops of their own; see numbers.ts.
  @inline packsNumbers(kind: i32, n: u32): bool { return packNumbers(kind, n); }
  @inline unpackNumbers(kind: i32, end: usize): i32 { return unpackNumbers(kind, end); }

  /** Begins a list whose count is not known yet; its elements begin at the result. `closeListFails` ends it. */
  @inline openList(type: u8): usize { this.putList(type, 0); return op; }
  @inline closeListFails(content: usize, n: u32): bool { store<u32>(content - 4, bswap<u32>(n)); return false; }
  @inline openMap(key: u8, value: u8): usize { this.putMap(key, value, 0); return op; }
  @inline closeMapFails(content: usize, n: u32): bool { return this.closeListFails(content, n); }
  @inline putList(type: u8, n: u32): void { store<u8>(op, type); store<u32>(op, bswap<u32>(n), 1); writeAt(op + 5); }
  @inline putMap(key: u8, value: u8, n: u32): void {
    store<u8>(op, key);
    store<u8>(op, value, 1);
    store<u32>(op, bswap<u32>(n), 2);
    writeAt(op + 6);
  }
}
