// The Thrift compact encoding, one value at a time, as Apache Thrift's thrift-compact-protocol specification has it, with
// doubles little-endian as all its libraries write them. Field ids count from the id before; a field's bool is its header.
import { FAULT_DEPTH, FAULT_LENGTH, FAULT_TRUNCATED, FAULT_TYPE, NODE_HEAD, NODE_HEAD_LENGTH } from "../layout";
import { packCompact, unpackCompact } from "./numbers";
import { Protobuf } from "./protobuf";
import { fails, inputEnd, ip, lacksRoom, maxDepth, op, readAt, writeAt } from "./registers";
import { thriftTypeOf } from "./table";
import { copyTo, STEP } from "./text";
import {
  BOOL, BROKEN, contains, DOUBLE, elementType, I16, I32, I64, I8, LIST, MAP, NONE, SET, STOP, STRING, STRUCT, UUID, valueType,
} from "./thrift";
import { exactVarintTo } from "./varint";

// Varints are those of Protobuf.
const varints = changetype<Protobuf>(0);

/** Types as this encoding numbers them, by their common number, and the other way round; 128 and more are none. */
const TO_COMPACT: usize = memory.data<u8>([0, 0, 1, 3, 7, 0, 4, 0, 5, 0, 6, 8, 12, 11, 10, 9, 13]);
const FROM_COMPACT: usize = memory.data<u8>([128, 2, 2, 3, 6, 8, 10, 4, 11, 15, 14, 13, 12, 16, 142, 143]);
@inline function toCompact(type: u8): u8 { return type > UUID ? 0 : load<u8>(TO_COMPACT + type); }
@inline function fromCompact(type: u32): u8 { return load<u8>(FROM_COMPACT + (type & 15)); }

const TRUE: u8 = 1;
const FALSE: u8 = 2;
/** A list's count from which it does not fit its header. */
const LONG_LIST: u32 = 15;

/** The bool that stood in the header just read, TRUE or FALSE, until it is read as a value; else zero. */
let boolRead: u8 = 0;
/** Where the header of a bool was just written, until its value is known; else zero. */
let boolHeader: usize = 0;
/** The id of the field written last in the struct at hand. */
let lastWritten: i32 = 0;

@inline function zigzag(value: i64): u64 { return <u64>(value << 1 ^ value >> 63); }
@inline function unzigzag(value: u64): i64 { return <i64>(value >>> 1) ^ -<i64>(value & 1); }

/** The fewest bytes that a value takes. */
@inline function leastSize(type: u8): u32 { return type == DOUBLE ? 8 : type == UUID ? 16 : 1; }

/** The bytes of elements of fixed size, else zero. */
@inline function elementSize(type: u8): u32 { return type == BOOL || type == I8 ? 1 : type == DOUBLE ? 8 : type == UUID ? 16 : 0; }

@unmanaged
export class ThriftCompact {
  @inline begin(): void { boolRead = 0; boolHeader = 0; lastWritten = 0; }

  @inline lacks(n: usize): bool { return inputEnd - ip < n && fails(FAULT_TRUNCATED, ip, 0); }

  @inline field(last: u32): i32 {
    if (this.lacks(1)) return BROKEN;
    const byte = <u32>load<u8>(ip), type = byte & 15, delta = byte >>> 4;
    readAt(ip + 1);
    if (!type) return STOP;
    if (type <= FALSE) boolRead = <u8>type;
    const id = delta ? last + delta : <u32>this.i32();
    return !delta && this.failed() ? BROKEN : <i32>(<u32>fromCompact(type) << 16 | id & 0xffff);
  }

  @inline lacksBool(): bool { return !boolRead && this.lacks(1); }
  @inline lacksI32(): bool { return false; }
  @inline lacksI64(): bool { return false; }
  @inline lacksInteger(type: u8): bool { return type == I8 && this.lacks(1); }
  @inline failed(): bool { return varints.failed(); }

  @inline bool(): bool {
    if (boolRead) { const value = boolRead == TRUE; boolRead = 0; return value; }
    const value = load<u8>(ip) == TRUE;
    readAt(ip + 1);
    return value;
  }
  @inline i32(): i32 {
    const value = <u32>varints.varint(inputEnd);
    return <i32>(value >>> 1) ^ -<i32>(value & 1);
  }
  @inline i64(): i64 { return unzigzag(varints.varint(inputEnd)); }
  @inline bits(): u64 { const value = load<u64>(ip); readAt(ip + 8); return value; }
  @inline integer(type: u8): i64 {
    switch (type) {
      case I8: { const value = load<i8>(ip); readAt(ip + 1); return value; }
      case I16: return <i64><i16>this.i32();
      case I32: return this.i32();
      default: return this.i64();
    }
  }

  @inline length(): i32 {
    const at = ip, n = <u32>varints.varint(inputEnd);
    if (this.failed()) return -1;
    if (n > <u32>(inputEnd - ip)) { fails(FAULT_LENGTH, at, <i64><i32>n); return -1; }
    return <i32>n;
  }

  list(): i32 {
    if (this.lacks(1)) return -1;
    const at = ip, byte = <u32>load<u8>(ip);
    readAt(ip + 1);
    contains(fromCompact(byte), 0);
    let n = byte >>> 4;
    if (n == LONG_LIST) { n = <u32>varints.varint(inputEnd); if (this.failed()) return -1; }
    return this.checked(n, leastSize(elementType), at);
  }

  map(): i32 {
    const at = ip, n = <u32>varints.varint(inputEnd);
    if (this.failed()) return -1;
    contains(0, 0);
    if (n == 0) return 0;
    if (this.lacks(1)) return -1;
    const byte = <u32>load<u8>(ip);
    readAt(ip + 1);
    contains(fromCompact(byte >>> 4), fromCompact(byte));
    return this.checked(n, leastSize(elementType) + leastSize(valueType), at);
  }

  private checked(n: u32, least: u32, at: usize): i32 {
    if (<u64>n * least > <u64>(inputEnd - ip)) { fails(FAULT_LENGTH, at, <i64><i32>n); return -1; }
    return <i32>n;
  }

  acceptsList(type: u8): bool {
    if (ip == inputEnd) return true;
    const byte = load<u8>(ip), left = inputEnd - ip, isEmpty = byte < 16 || (byte >>> 4 == LONG_LIST && left > 1 && !load<u8>(ip, 1));
    return isEmpty || fromCompact(byte) == type;
  }

  acceptsMap(key: u8, value: u8): bool {
    const start = ip, n = <u32>varints.varint(inputEnd), cut = this.failed() || n == 0 || ip == inputEnd;
    const byte = cut ? 0 : load<u8>(ip);
    readAt(start);
    return cut || (fromCompact(byte >>> 4) == key && fromCompact(byte) == value);
  }

  /** As this encoding numbers what is no type, as the binary encoding numbers the others. */
  @inline nameOf(type: u8): i64 { return type & 127; }

  skipFails(type: u8, depth: u32): bool {
    switch (type) {
      case BOOL: if (this.lacksBool()) return true; this.bool(); return false;
      case I8: if (this.lacks(1)) return true; readAt(ip + 1); return false;
      case I16: case I32: case I64: varints.varint(inputEnd); return this.failed();
      case DOUBLE: if (this.lacks(8)) return true; readAt(ip + 8); return false;
      case UUID: if (this.lacks(16)) return true; readAt(ip + 16); return false;
      case STRING: { const n = this.length(); if (n < 0) return true; readAt(ip + n); return false; }
    }
    if (++depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
    switch (type) {
      case STRUCT: {
        let last: u32 = 0;
        while (true) {
          const header = this.field(last);
          if (header <= 0) return header == BROKEN;
          last = header & 0xffff;
          if (this.skipFails(<u8>(header >> 16), depth)) return true;
        }
      }
      case LIST: case SET: { const n = this.list(); return n < 0 || this.skipElementsFails(elementType, NONE, n, depth); }
      case MAP: { const n = this.map(); return n < 0 || this.skipElementsFails(elementType, valueType, n, depth); }
      default: return fails(FAULT_TYPE, ip, this.nameOf(type));
    }
  }

  @inline pass(type: u8, size: u32): void {
    if (size) readAt(ip + size);
    else this.skipFails(type, 0);
  }
  @inline sizeOf(type: u8): u32 { return elementSize(type); }

  private skipElementsFails(type: u8, also: u32, n: i32, depth: u32): bool {
    const size = elementSize(type);
    if (size && also == NONE) { readAt(ip + size * n); return false; }
    while (n--) if (this.skipFails(type, depth) || (also != NONE && this.skipFails(<u8>also, depth))) return true;
    return false;
  }

  @inline last(): i32 { return lastWritten; }
  @inline follow(last: i32): void { lastWritten = last; }

  @inline putHead(node: usize): void {
    if (load<u16>(node, NODE_HEAD_LENGTH)) this.putField(thriftTypeOf(node), bswap<u16>(load<u16>(node, NODE_HEAD + 1)));
  }
  @inline putField(type: u8, id: u32): void {
    const signed = <i32><i16>id, delta = signed - lastWritten, isNear = delta > 0 && delta < 16;
    if (type == BOOL) boolHeader = op;
    store<u8>(op, (isNear ? <u8>(delta << 4) : 0) | toCompact(type));
    writeAt(op + 1);
    if (!isNear) this.putI32(signed);
    lastWritten = signed;
  }
  @inline putStop(): void { store<u8>(op, 0); writeAt(op + 1); }

  @inline putBool(value: bool): void {
    const byte = value ? TRUE : FALSE;
    if (boolHeader) { store<u8>(boolHeader, load<u8>(boolHeader) & 0xf0 | byte); boolHeader = 0; return; }
    store<u8>(op, byte);
    writeAt(op + 1);
  }
  @inline putI32(value: i32): void { varints.putVarint(<u64><u32>(value << 1 ^ value >> 31)); }
  @inline putI64(value: i64): void { varints.putVarint(zigzag(value)); }
  @inline putBits(value: u64): void { store<u64>(op, value); writeAt(op + 8); }
  @inline putLength(n: u32): void { varints.putLength(n); }
  @inline putInteger(type: u8, value: i64): void {
    if (type == I8) { store<u8>(op, <u8>value); writeAt(op + 1); }
    else this.putI64(value);
  }

  putZero(type: u8): void {
    if (type == BOOL) { this.putBool(false); return; }
    store<u64>(op, 0);
    store<u64>(op, 0, 8);
    writeAt(op + leastSize(type));
  }

  /** The tables hold the value behind the bytes of the binary field. */
  putAbsentFails(node: usize, absent: usize): bool {
    const at = (absent + 4 + <usize>load<u32>(absent) + 15) & ~15, n = load<u32>(at);
    if (lacksRoom(n + 8 + STEP)) return true;
    this.putHead(node);
    if (boolHeader) { this.putBool(load<u8>(at, 4) == TRUE); return false; }
    copyTo(at + 4, op, n);
    writeAt(op + n);
    return false;
  }

  @inline structTo(message: usize, to: usize): usize { return 0; }
  @inline packsNumbers(kind: i32, n: u32): bool { return packCompact(kind, n); }
  @inline unpackNumbers(kind: i32, end: usize): i32 { return unpackCompact(kind, end); }

  @inline openList(type: u8): usize { store<u8>(op, toCompact(type)); writeAt(op + 1); return op; }
  closeListFails(content: usize, n: u32): bool {
    const header = load<u8>(content - 1) & 15;
    store<u8>(content - 1, header | <u8>(min(n, LONG_LIST) << 4));
    if (n < LONG_LIST) return false;
    if (shiftFails(content, varintSize(n))) return true;
    exactVarintTo(content, n);
    return false;
  }
  /** One byte is left for the count, which most take; and one for the types. */
  @inline openMap(key: u8, value: u8): usize {
    store<u8>(op, toCompact(key) << 4 | toCompact(value), 1);
    writeAt(op + 2);
    return op;
  }
  closeMapFails(content: usize, n: u32): bool {
    if (n == 0) { store<u8>(content - 2, 0); writeAt(content - 1); return false; }
    const by = varintSize(n) - 1;
    if (by && shiftFails(content - 1, by)) return true;
    exactVarintTo(content - 2, n);
    return false;
  }
  @inline putList(type: u8, n: u32): void {
    store<u8>(op, toCompact(type) | <u8>(min(n, LONG_LIST) << 4));
    writeAt(op + 1);
    if (n >= LONG_LIST) varints.putVarint(n);
  }
  @inline putMap(key: u8, value: u8, n: u32): void {
    varints.putLength(n);
    if (n) { store<u8>(op, toCompact(key) << 4 | toCompact(value)); writeAt(op + 1); }
  }
}

@inline function varintSize(n: u32): usize { return n < 1 << 7 ? 1 : n < 1 << 14 ? 2 : n < 1 << 21 ? 3 : n < 1 << 28 ? 4 : 5; }

/** Makes room of `by` bytes before what stands from `at` to the end of the output. */
function shiftFails(at: usize, by: usize): bool {
  if (lacksRoom(by)) return true;
  memory.copy(at + by, at, op - at);
  writeAt(op + by);
  return false;
}
