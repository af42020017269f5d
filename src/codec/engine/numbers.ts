// Packed lists of the commonest numbers, in loops of their own: no call, no check and no register per element. Each does
// all or nothing; where there is not room for the worst case the caller goes element by element.
import { KIND_DOUBLE, KIND_I32, KIND_I64 } from "../layout";
import { inputEnd, ip, op, readAt, roomEnd, writeAt } from "./registers";
import { exactVarintTo } from "./varint";

/** The most bytes of a varint. */
const VARINT_BYTES: usize = 10;

/** Writes `n` Thrift numbers, which are known to be there, as packed elements; false when it did nothing. */
export function packNumbers(kind: i32, n: u32): bool {
  if (op + <usize>n * VARINT_BYTES > roomEnd) return false;
  let from = ip, to = op;
  if (kind == KIND_DOUBLE) {
    for (; n; n--, from += 8, to += 8) store<u64>(to, bswap<u64>(load<u64>(from)));
  } else if (kind == KIND_I64) {
    for (; n; n--, from += 8) to = exactVarintTo(to, bswap<u64>(load<u64>(from)));
  } else if (kind == KIND_I32) {
    for (; n; n--, from += 4) to = exactVarintTo(to, <u64><i64><i32>bswap<u32>(load<u32>(from)));
  } else return false;
  readAt(from);
  writeAt(to);
  return true;
}

/** As `packNumbers`, from the compact encoding; also false when what is there is malformed. */
export function packCompact(kind: i32, n: u32): bool {
  if (op + <usize>n * VARINT_BYTES > roomEnd) return false;
  if (kind == KIND_DOUBLE) {
    memory.copy(op, ip, n << 3);
    readAt(ip + (n << 3));
    writeAt(op + (n << 3));
    return true;
  }
  if (kind != KIND_I64 && kind != KIND_I32) return false;
  let from = ip, to = op;
  const end = inputEnd;
  for (; n; n--) {
    let value: u64 = 0, shift: u64 = 0, byte: u64 = 0;
    do {
      if (from == end || shift > 63) return false;
      byte = <u64>load<u8>(from++);
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    to = exactVarintTo(to, kind == KIND_I64 ? value >>> 1 ^ -(value & 1) : <u64><i64>(<i32>(<u32>value >>> 1) ^ -<i32>(<u32>value & 1)));
  }
  readAt(from);
  writeAt(to);
  return true;
}

/** Writes the packed elements up to `end` as Thrift numbers; how many, or -1 when it did nothing, as with what is malformed. */
export function unpackNumbers(kind: i32, end: usize): i32 {
  if (op + (end - ip) * 8 > roomEnd) return -1;
  if (kind == KIND_DOUBLE) return unpackDoubles(end);
  if (kind != KIND_I64 && kind != KIND_I32) return -1;
  let from = ip, to = op, n = 0;
  for (; from < end; n++) {
    let value = <u64>load<u8>(from++);
    if (value > 127) {
      value &= 127;
      for (let shift: u64 = 7; ; shift += 7) {
        if (from == end || shift > 63) return -1;
        const byte = <u64>load<u8>(from++);
        value |= (byte & 127) << shift;
        if (byte < 128) break;
      }
    }
    if (kind == KIND_I64) { store<u64>(to, bswap<u64>(value)); to += 8; }
    else { store<u32>(to, bswap<u32>(<u32>value)); to += 4; }
  }
  readAt(from);
  writeAt(to);
  return n;
}

function unpackDoubles(end: usize): i32 {
  const size = end - ip;
  if (size & 7) return -1;
  let from = ip, to = op;
  for (; from < end; from += 8, to += 8) store<u64>(to, bswap<u64>(load<u64>(from)));
  readAt(from);
  writeAt(to);
  return <i32>(size >>> 3);
}

/** As `unpackNumbers`, to the compact encoding, where a varint takes at most twice the bytes. */
export function unpackCompact(kind: i32, end: usize): i32 {
  const size = end - ip;
  if (op + size * 2 > roomEnd) return -1;
  if (kind == KIND_DOUBLE) {
    if (size & 7) return -1;
    memory.copy(op, ip, size);
    readAt(end);
    writeAt(op + size);
    return <i32>(size >>> 3);
  }
  if (kind != KIND_I64 && kind != KIND_I32) return -1;
  let from = ip, to = op, n = 0;
  for (; from < end; n++) {
    let value: u64 = 0, shift: u64 = 0, byte: u64 = 0;
    do {
      if (from == end || shift > 63) return -1;
      byte = <u64>load<u8>(from++);
      value |= (byte & 127) << shift;
      shift += 7;
    } while (byte > 127);
    to = exactVarintTo(to, kind == KIND_I64 ? value << 1 ^ <u64>(<i64>value >> 63) : <u64><u32>(<i32>value << 1 ^ <i32>value >> 31));
  }
  readAt(from);
  writeAt(to);
  return n;
}
