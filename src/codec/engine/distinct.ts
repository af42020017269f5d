// Leaves one of each in a set or map that was just written: a set keeps the first of equal elements, a map the last
// of entries with equal keys. Equal means the same bytes.
import { FAULT_MEMORY } from "../layout";
import { countDuplicates, fails, inputEnd, ip, op, provide, readAt, readUntil, writeAt } from "./registers";

/** Makes hashes differ from one process to the next, so that nobody can prepare keys that collide. */
let hashSeed: u64 = 0x9e3779b97f4a7c15;
export function seed(value: u64): void { hashSeed = value | 1; }

/**
 * `count` elements of `type`, or entries of `type` and `valueType`, stand from `start` to the end of the output. How many are
 * left; zero, with a fault noted, when there is no memory to find out. Works in the free memory behind the output.
 */
export function distinct<T>(start: usize, count: u32, type: u8, valueType: u8): u32 {
  let buckets: u32 = 16;
  while (buckets < count << 1) buckets <<= 1;
  const items = (op + 7) & ~7, table = items + (<usize>count << 3);
  if (count > 1 << 26 || !provide(table + (<usize>buckets << 2))) { fails(FAULT_MEMORY, ip, 0); return 0; }
  const input = ip, limit = inputEnd;
  readAt(start);
  readUntil(op);
  const left = hashesDiffer<T>(count, type, valueType, table, buckets - 1) ? count
    : thinOut<T>(start, count, type, valueType, items, table, buckets);
  readAt(input);
  readUntil(limit);
  return left;
}

/** Whether no two of the keys from `ip` on have the same hash, as is nearly always so when they differ. */
function hashesDiffer<T>(count: u32, type: u8, valueType: u8, table: usize, mask: u32): bool {
  const thrift = changetype<T>(0), size = thrift.sizeOf(type), valueSize = valueType ? thrift.sizeOf(valueType) : 0;
  for (let at = table, end = table + ((<usize>mask + 1) << 2); at < end; at += 16) v128.store(at, i64x2.splat(0));
  for (; count; count--) {
    const from = ip;
    thrift.pass(type, size);
    const value = hash(from, <u32>(ip - from)), mark = <u32>value | 1;
    for (let i = <u32>(value >> 32); ; i++) {
      const bucket = table + (<usize>(i & mask) << 2), other = load<u32>(bucket);
      if (other == mark) return false;
      if (!other) { store<u32>(bucket, mark); break; }
    }
    if (valueType) thrift.pass(valueType, valueSize);
  }
  return true;
}

/** Compares the keys themselves, and drops what repeats one. */
function thinOut<T>(start: usize, count: u32, type: u8, valueType: u8, items: usize, table: usize, buckets: u32): u32 {
  const thrift = changetype<T>(0);
  // An item is the address of its start and the length of its key plus one, or zero when it goes.
  readAt(start);
  for (let i: u32 = 0; i < count; i++) {
    const item = items + (<usize>i << 3), from = ip;
    thrift.skipFails(type, 0);
    store<u32>(item, <u32>from);
    store<u32>(item, <u32>(ip - from) + 1, 4);
    if (valueType) thrift.skipFails(valueType, 0);
  }
  memory.fill(table, 0, <usize>buckets << 2);

  let left = count;
  for (let i: u32 = 0; i < count; i++) {
    const item = items + (<usize>(valueType ? count - 1 - i : i) << 3);
    if (isFirst(item, items, table, buckets - 1)) continue;
    store<u32>(item, 0, 4);
    left--;
  }
  if (left != count) { countDuplicates(count - left); close(items, count); }
  return left;
}

/** Enters the item in the table unless one with its key is there. */
function isFirst(item: usize, items: usize, table: usize, mask: u32): bool {
  const key = <usize>load<u32>(item), length = load<u32>(item, 4) - 1;
  let i = <u32>hash(key, length);
  while (true) {
    const bucket = table + (<usize>(i++ & mask) << 2), other = <usize>load<u32>(bucket);
    if (!other) { store<u32>(bucket, <u32>item); return true; }
    if (load<u32>(other, 4) - 1 == length && equal(load<u32>(other), key, length)) return false;
  }
}

@inline function hash(at: usize, length: u32): u64 {
  let value = hashSeed ^ length;
  for (; length > 8; length -= 8, at += 8) value = mix(value ^ load<u64>(at));
  return mix(value ^ word(at, length));
}

function equal(one: usize, other: usize, length: u32): bool {
  for (; length > 8; length -= 8, one += 8, other += 8) if (load<u64>(one) != load<u64>(other)) return false;
  return word(one, length) == word(other, length);
}

/** Up to eight bytes as one number. */
@inline function word(at: usize, length: u32): u64 {
  if (length == 8) return load<u64>(at);
  if (length >= 4) return <u64>load<u32>(at) << 32 | load<u32>(at + length - 4);
  return length ? <u64>load<u8>(at) << 16 | <u64>load<u8>(at + (length >> 1)) << 8 | load<u8>(at + length - 1) : 0;
}

@inline function mix(value: u64): u64 {
  value *= 0xff51afd7ed558ccd;
  return (value ^ value >> 32) * 0xc4ceb9fe1a85ec53 ^ value >> 29;
}

/** Moves what stays together. */
function close(items: usize, count: u32): void {
  let to = <usize>load<u32>(items);
  for (let i: u32 = 0; i < count; i++) {
    const item = items + (<usize>i << 3), from = <usize>load<u32>(item);
    if (!load<u32>(item, 4)) continue;
    const n = (i + 1 < count ? <usize>load<u32>(item, 8) : op) - from;
    memory.copy(to, from, n);
    to += n;
  }
  writeAt(to);
}
