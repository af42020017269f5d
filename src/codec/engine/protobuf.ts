// The Protobuf wire encoding, one value at a time, as protobuf.dev/programming-guides/encoding has it. Every read checks
// what is left; every write relies on room that was asked for.
import { FAULT_DEPTH, FAULT_GROUP, FAULT_KEY, FAULT_LENGTH, FAULT_TRUNCATED, FAULT_VARINT } from "../layout";
import { fails, ip, lacksRoom, maxDepth, op, readAt, writeAt } from "./registers";
import { exactVarintTo, gathered } from "./varint";

export const VARINT: u32 = 0;
export const FIXED64: u32 = 1;
export const DELIMITED: u32 = 2;
export const GROUP: u32 = 3;
export const GROUP_END: u32 = 4;
export const FIXED32: u32 = 5;

/** Set when a varint could not be read: a varint has no value left to say so. */
let broken: bool = false;

@unmanaged
export class Protobuf {
  @inline lacks(n: usize, end: usize): bool { return end - ip < n && fails(FAULT_TRUNCATED, ip, 0); }

  /** A varint's 64 bits; higher ones are dropped. After a failure zero, and `failed()` once. */
  @inline varint(end: usize): u64 {
    if (ip < end) {
      const first = <u64>load<u8>(ip);
      if (first < 0x80) { readAt(ip + 1); return first; }
    }
    return longVarint(end);
  }

  @inline failed(): bool { if (!broken) return false; broken = false; return true; }

  /** A field's number and wire type; zero, with a fault noted, when it is none. */
  @inline key(end: usize): u32 {
    const first = <u32>load<u8>(ip);
    if (first < 0x80 && first > 7 && (first & 7) < 6) { readAt(ip + 1); return first; }
    return longKey(end);
  }

  /** The length of what follows, checked against what is left; -1 with a fault noted. */
  @inline length(end: usize): i32 {
    const at = ip, n = this.varint(end);
    if (this.failed()) return -1;
    if (n > <u64>(end - ip)) { fails(FAULT_LENGTH, at, <i64>n); return -1; }
    return <i32>n;
  }

  /** Passes over a value; true with a fault noted. `depth` is that of the message that holds it. */
  skipFails(key: u32, end: usize, depth: u32): bool {
    switch (key & 7) {
      case VARINT:
        if (ip < end && load<u8>(ip) < 0x80) { readAt(ip + 1); return false; }
        longVarint(end);
        return this.failed();
      case DELIMITED: { const n = this.length(end); if (n < 0) return true; readAt(ip + n); return false; }
      case FIXED64: if (this.lacks(8, end)) return true; readAt(ip + 8); return false;
      case FIXED32: if (this.lacks(4, end)) return true; readAt(ip + 4); return false;
      case GROUP: return skipGroupFails(key, end, depth + 1);
      default: return fails(FAULT_GROUP, ip, key >>> 3);
    }
  }

  @inline putVarint(value: u64): void { writeAt(exactVarintTo(op, value)); }

  /** As `putVarint`; most lengths take one byte. */
  @inline putLength(n: u32): void {
    if (n < 128) { store<u8>(op, <u8>n); writeAt(op + 1); }
    else this.putVarint(n);
  }

  @inline put32(value: u32): void { store<u32>(op, value); writeAt(op + 4); }
  @inline put64(value: u64): void { store<u64>(op, value); writeAt(op + 8); }

  /** Leaves the one byte that most lengths take; `closeFails` moves what follows when more are needed. */
  @inline open(): usize { const at = op; writeAt(at + 1); return at; }

  @inline closeFails(at: usize): bool {
    const n = <u32>(op - at - 1);
    if (n < 128) { store<u8>(at, <u8>n); return false; }
    return longCloseFails(at, n);
  }
}

const protobuf = changetype<Protobuf>(0);

function longVarint(end: usize): u64 {
  const start = ip, eight = load<u64>(start), stops = ~eight & 0x8080808080808080;
  if (stops) {
    const next = start + (<usize>ctz(stops) >>> 3) + 1;
    if (next <= end) { readAt(next); return gathered(eight & (stops ^ stops - 1)); }
  }
  let value: u64 = 0, shift: u64 = 0, at = start;
  for (; shift < 70; shift += 7) {
    if (at >= end) { broken = true; fails(FAULT_TRUNCATED, at, 0); return 0; }
    const byte = <u64>load<u8>(at++);
    value |= (byte & 127) << shift;
    if (byte < 128) { readAt(at); return value; }
  }
  broken = true;
  fails(FAULT_VARINT, start, 0);
  return 0;
}

function longKey(end: usize): u32 {
  const at = ip, key = protobuf.varint(end);
  if (protobuf.failed()) return 0;
  if (key < 8 || key > 0xffffffff || (key & 7) > 5) { fails(FAULT_KEY, at, <i64>key); return 0; }
  return <u32>key;
}

function skipGroupFails(opening: u32, end: usize, depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  while (true) {
    if (protobuf.lacks(1, end)) return true;
    const at = ip, key = protobuf.key(end);
    if (!key) return true;
    if ((key & 7) == GROUP_END) return key >>> 3 != opening >>> 3 && fails(FAULT_GROUP, at, key >>> 3);
    if (protobuf.skipFails(key, end, depth)) return true;
  }
}

/** Of `closeFails`: the `n` bytes behind `at` and its one byte need a longer length. */
export function longCloseFails(at: usize, n: u32): bool {
  const size: u32 = n < 1 << 14 ? 2 : n < 1 << 21 ? 3 : n < 1 << 28 ? 4 : 5;
  if (lacksRoom(size)) return true;
  memory.copy(at + size, at + 1, n);
  exactVarintTo(at, n);
  writeAt(at + size + n);
  return false;
}
