// The short way from Protobuf to Thrift, for messages as every encoder writes them: the fields in the order of their ids, each
// in one place. One pass writes them as they come. Anything else fails here, and the whole message is read again the long way,
// which also decides what is wrong with it; so nothing here says why it fails.
import {
  ABSENT_ERROR, ABSENT_OMIT, FLAG_IMPLICIT, FLAG_OMIT_UNWRITABLE, FLAG_PACKED, FLAG_SET, KIND_LIST, KIND_MAP,
  KIND_MESSAGE, KIND_OCTETS, KIND_WRAPPED, MESSAGE_IS_UNION, MESSAGE_NEEDED, NODE_ABSENT, NODE_ONEOF, NODE_SIZE, NODE_SOURCE,
} from "../layout";
import { distinct } from "./distinct";
import { DELIMITED, GROUP, Protobuf } from "./protobuf";
import { countUnknown, ip, lacksRoom, maxDepth, maxElements, op, readAt, writeAt } from "./registers";
import { countOf, find, formOf, hasFlag, indexOf, kindOf, nodeOf, targetOf, thriftTypeOf } from "./table";
import { joined, joinFails } from "./time";
import {
  accepts, FAILED, octetsStatus, SCALAR_ROOM, scalarStatus, UNWRITABLE, wasZero, WRITTEN, wrote, zeroValueStatus,
} from "./to-thrift-value";

const protobuf = changetype<Protobuf>(0);

/** Writes the message between `ip` and `end`. */
export function directStatus<T>(message: usize, end: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) return FAILED;
  const outer = thrift.last();
  thrift.follow(0);
  let next: u32 = 0, members: u32 = 0, oneofs: u64 = 0, node = nodeOf(message, 0);
  for (; ip < end; node += NODE_SIZE) {
    let key = <u32>load<u8>(ip), index = next;
    // Most fields follow the one before, and their keys take one byte.
    if (key == load<u32>(node, NODE_SOURCE)) readAt(ip + 1);
    else {
      key = protobuf.key(end);
      if (!key) return FAILED;
      const found = find(message, key >>> 3);
      if (!found || !accepts(found, key)) {
        countUnknown();
        if (protobuf.skipFails(key, end, depth)) return FAILED;
        node -= NODE_SIZE;
        continue;
      }
      node = found;
      index = indexOf(node);
      if (index < next) return FAILED;
      if (index > next) {
        const written = absentFields<T>(message, next, index);
        if (written < 0) return FAILED;
        members += written;
      }
    }
    next = index + 1;
    const oneof = load<u32>(node, NODE_ONEOF);
    if (oneof) {
      const bit = (<u64>1) << (oneof & 63);
      if (oneof > 63 || oneofs & bit) return FAILED;
      oneofs |= bit;
    }
    const from = op, last = thrift.last(), status = kindOf(node) < KIND_MESSAGE ? scalarStatus<T>(node, end) : valueStatus<T>(node, key, end, depth);
    if (status == FAILED) return FAILED;
    const isAbsent = wasZero && hasFlag(node, FLAG_IMPLICIT);
    if (status == WRITTEN && !isAbsent) { members++; continue; }
    writeAt(from);
    thrift.follow(last);
    if (isAbsent) {
      const written = absentFields<T>(message, index, next);
      if (written < 0) return FAILED;
      members += written;
    } else if (!hasFlag(node, FLAG_OMIT_UNWRITABLE)) return FAILED;
  }
  const written = absentFields<T>(message, next, countOf(message));
  if (written < 0 || lacksRoom(1)) return FAILED;
  members += written;
  if (load<u32>(message, MESSAGE_IS_UNION) && members != 1) return members ? FAILED : UNWRITABLE;
  thrift.putStop();
  thrift.follow(outer);
  return WRITTEN;
}

/** Writes what stands for the fields from one place to before another; how many, or -1. */
function absentFields<T>(message: usize, from: u32, to: u32): i32 {
  const thrift = changetype<T>(0);
  if (from == to || !load<u32>(message, MESSAGE_NEEDED)) return 0;
  let written = 0;
  for (let i = from; i < to; i++) {
    const absent = <usize>load<u32>(nodeOf(message, i), NODE_ABSENT);
    if (absent == ABSENT_OMIT) continue;
    if (absent == ABSENT_ERROR) return -1;
    if (thrift.putAbsentFails(nodeOf(message, i), absent)) return -1;
    written++;
  }
  return written;
}

/** Writes the value of which `key` was just read, with all occurrences that follow at once. */
function valueStatus<T>(node: usize, key: u32, end: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  const kind = kindOf(node);
  if (kind < KIND_MESSAGE) return scalarStatus<T>(node, end);
  if (kind == KIND_LIST) return listStatus<T>(node, key, end, depth + 1);
  if (kind == KIND_MAP) return mapStatus<T>(node, key, end, depth + 1);
  if (kind == KIND_OCTETS) return octetsStatus<T>(node, end, depth + 1);
  if ((key & 7) == GROUP || lacksRoom(SCALAR_ROOM)) return FAILED;
  const n = protobuf.length(end);
  if (n < 0) return FAILED;
  thrift.putHead(node);
  const status = kind == KIND_MESSAGE ? directStatus<T>(targetOf(node), ip + n, depth + 1)
    : kind == KIND_WRAPPED ? partsStatus<T>(targetOf(node), ip + n, depth)
    : timeStatus<T>(node, ip + n);
  wrote(false);
  return status;
}

function listStatus<T>(node: usize, key: u32, end: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth || lacksRoom(SCALAR_ROOM)) return FAILED;
  const element = targetOf(node);
  thrift.putHead(node);
  const content = thrift.openList(thriftTypeOf(element));
  let n: u32 = 0, current = key;
  do {
    let elementsEnd = ip + 1, bound = end;
    if (hasFlag(node, FLAG_PACKED) && (current & 7) == DELIMITED) {
      const length = protobuf.length(end);
      if (length < 0) return FAILED;
      elementsEnd = bound = ip + length;
      const numbers = thrift.unpackNumbers(kindOf(element), elementsEnd);
      if (numbers > 0) n += numbers;
      if (n > maxElements) return FAILED;
    }
    while (ip < elementsEnd) {
      if (n == maxElements || valueStatus<T>(element, current, bound, depth) != WRITTEN) return FAILED;
      n++;
    }
    current = nextOf(node, end);
  } while (current);
  if (n > 1 && hasFlag(node, FLAG_SET) && kindOf(element) < KIND_MESSAGE) {
    n = distinct<T>(content, n, thriftTypeOf(element), 0);
    if (!n) return FAILED;
  }
  if (thrift.closeListFails(content, n)) return FAILED;
  wrote(n == 0);
  return WRITTEN;
}

/** The key at `ip`, read, when it is of one more occurrence of the node; else zero, and nothing is read. */
@inline function nextOf(node: usize, end: usize): u32 {
  if (ip >= end) return 0;
  const at = ip, key = protobuf.key(end);
  if (key && accepts(node, key)) return key;
  readAt(at);
  return 0;
}

function mapStatus<T>(node: usize, key: u32, end: usize, depth: u32): u32 {
  const thrift = changetype<T>(0);
  if (depth > maxDepth || lacksRoom(SCALAR_ROOM)) return FAILED;
  const entry = targetOf(node), keyType = thriftTypeOf(nodeOf(entry, 0)), valueType = thriftTypeOf(nodeOf(entry, 1));
  thrift.putHead(node);
  const content = thrift.openMap(keyType, valueType);
  let n: u32 = 0;
  do {
    const length = protobuf.length(end);
    if (length < 0 || n == maxElements || partsStatus<T>(entry, ip + length, depth) != WRITTEN) return FAILED;
    n++;
  } while (nextOf(node, end));
  if (n > 1) {
    n = distinct<T>(content, n, keyType, valueType);
    if (!n) return FAILED;
  }
  if (thrift.closeMapFails(content, n)) return FAILED;
  wrote(false);
  return WRITTEN;
}

/** Writes all parts of an entry or a wrapper in their order: those that do not come as zeros. */
function partsStatus<T>(parts: usize, end: usize, depth: u32): u32 {
  let next: u32 = 0;
  while (ip < end) {
    let key = <u32>load<u8>(ip), node = nodeOf(parts, next), index = next;
    if (key == load<u32>(node, NODE_SOURCE)) readAt(ip + 1);
    else {
      key = protobuf.key(end);
      if (!key) return FAILED;
      node = find(parts, key >>> 3);
      if (!node || !accepts(node, key)) {
        countUnknown();
        if (protobuf.skipFails(key, end, depth)) return FAILED;
        continue;
      }
      index = indexOf(node);
      if (index < next) return FAILED;
    }
    for (; next < index; next++) if (zeroStatus<T>(nodeOf(parts, next), depth) != WRITTEN) return FAILED;
    next = index + 1;
    const status = kindOf(node) < KIND_MESSAGE ? scalarStatus<T>(node, end) : valueStatus<T>(node, key, end, depth);
    // What cannot be written may still be replaced by a later occurrence.
    if (status != WRITTEN) return ip < end ? FAILED : status;
  }
  for (const count = countOf(parts); next < count; next++) {
    const status = zeroStatus<T>(nodeOf(parts, next), depth);
    if (status != WRITTEN) return status;
  }
  return WRITTEN;
}

@inline function zeroStatus<T>(node: usize, depth: u32): u32 {
  return kindOf(node) == KIND_MESSAGE ? directStatus<T>(targetOf(node), ip, depth + 1) : zeroValueStatus<T>(node);
}

function timeStatus<T>(node: usize, end: usize): u32 {
  const thrift = changetype<T>(0);
  let seconds: i64 = 0, nanos: i32 = 0, last: u32 = 0;
  while (ip < end) {
    const key = protobuf.key(end);
    if (key <= last || (key != 8 && key != 16)) return FAILED;
    last = key;
    const value = protobuf.varint(end);
    if (protobuf.failed()) return FAILED;
    if (key == 8) seconds = <i64>value;
    else nanos = <i32>value;
  }
  if (joinFails(seconds, nanos, formOf(node))) return FAILED;
  thrift.putI64(joined);
  return WRITTEN;
}
