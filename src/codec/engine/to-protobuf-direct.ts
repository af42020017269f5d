// The short way from Thrift's binary encoding to Protobuf. It expects the fields in the order of the table, as most writers
// send them, so that finding the next one is one comparison; positions stay in local variables. Whatever it does not like, it
// gives up: the long way then reads the message again and decides what is wrong with it, so nothing here says why it fails.
//
// Functions read at `ip` and leave it behind what they read; they take the address to write to and return the next one, or
// zero when they give up.
import {
  FLAG_DELIMITED, FLAG_IMPLICIT, FLAG_PACKED, FLAG_TEXT, KIND_BOOL, KIND_DOUBLE, KIND_I32, KIND_I64, KIND_LIST, KIND_MAP,
  KIND_MESSAGE, KIND_STRING, MESSAGE_IS_UNION, MESSAGE_NEEDED, MESSAGE_ONEOF_COUNT, NODE_HEAD, NODE_HEAD_LENGTH,
  NODE_SIZE, NODE_SOURCE,
} from "../layout";
import { countUnknown, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, readAt, roomEnd, writeAt } from "./registers";
import { countOf, find, hasFlag, indexOf, kindOf, nodeOf, otherOf, targetOf, thriftTypeOf } from "./table";
import { asciiTo, copyTo, mixedTextFails } from "./text";
import { ThriftBinary } from "./thrift-binary";
import { longCloseFails } from "./protobuf";
import { absentFieldsFails, membersFail, SCALAR_ROOM, valueFails } from "./to-protobuf";
import { varintTo } from "./varint";

/** Bytes of a field's header. */
const HEADER: usize = 3;
/** As many fields as one number can tell of. */
const MOST_FIELDS: u32 = 64;
/** The fields that came, for the functions of the long way, which want them in memory. */
const seenFields: usize = memory.data(8, 8);

/** Translates a struct of at most `MOST_FIELDS`. */
export function structTo(message: usize, to: usize, depth: u32): usize {
  if (depth > maxDepth || countOf(message) > MOST_FIELDS) return 0;
  const end = inputEnd;
  let seen: u64 = 0, next = nodeOf(message, 0);
  while (true) {
    const at = ip, header = load<u32>(at) & 0xffffff;
    let node = next;
    if (header != load<u32>(node, NODE_SOURCE)) {
      if (!(header & 0xff)) break;
      if (end - at <= HEADER) return 0;
      node = find(message, <u32>bswap<u16>(<u16>(header >>> 8)));
      if (!node || header != load<u32>(node, NODE_SOURCE)) {
        readAt(at + HEADER);
        countUnknown();
        if (changetype<ThriftBinary>(0).skipFails(<u8>header, depth)) return 0;
        continue;
      }
    }
    if (end - at <= HEADER) return 0;
    const bit = <u64>1 << indexOf(node);
    if (seen & bit) return 0;
    seen |= bit;
    next = node + NODE_SIZE;
    readAt(at + HEADER);
    to = kindOf(node) < KIND_MESSAGE ? scalarTo(node, to, end, depth) : containerTo(node, to, depth);
    if (!to) return 0;
  }
  if (ip >= end) return 0;
  readAt(ip + 1);
  return load<u32>(message, MESSAGE_NEEDED) | load<u32>(message, MESSAGE_IS_UNION) | load<u32>(message, MESSAGE_ONEOF_COUNT)
    ? closedTo(message, seen, to) : to;
}

/** What remains to be done for some messages when all fields are written. */
function closedTo(message: usize, seen: u64, to: usize): usize {
  store<u64>(seenFields, seen);
  writeAt(to);
  return absentFieldsFails(message, seenFields, 1) || membersFail(message, seenFields, 1) ? 0 : op;
}

/** Translates one value with its tag: not a container. */
@inline function scalarTo(node: usize, to: usize, end: usize, depth: u32): usize {
  const at = ip;
  if (lacksRoomAt(to, SCALAR_ROOM)) return 0;
  switch (kindOf(node)) {
    case KIND_I32: {
      if (end - at < 4) return 0;
      readAt(at + 4);
      const value = <i64><i32>bswap<u32>(load<u32>(at));
      return value == 0 && hasFlag(node, FLAG_IMPLICIT) ? to : varintTo(headTo(node, to), value);
    }
    case KIND_I64: {
      if (end - at < 8) return 0;
      readAt(at + 8);
      const value = bswap<u64>(load<u64>(at));
      return value == 0 && hasFlag(node, FLAG_IMPLICIT) ? to : varintTo(headTo(node, to), value);
    }
    case KIND_STRING: {
      if (end - at < 4) return 0;
      const n = bswap<u32>(load<u32>(at)), from = at + 4;
      if (n > <u32>(end - from) || lacksRoomAt(to, SCALAR_ROOM + n)) return 0;
      readAt(from + n);
      if (n == 0 && hasFlag(node, FLAG_IMPLICIT)) return to;
      to = lengthTo(headTo(node, to), n);
      if (!hasFlag(node, FLAG_TEXT)) copyTo(from, to, n);
      else if (!asciiTo(from, to, n) && mixedTextFails(from, to, n)) return 0;
      return to + n;
    }
    case KIND_BOOL: {
      if (end == at) return 0;
      readAt(at + 1);
      const value = load<u8>(at) != 0;
      if (!value && hasFlag(node, FLAG_IMPLICIT)) return to;
      to = headTo(node, to);
      store<u8>(to, value ? 1 : 0);
      return to + 1;
    }
    case KIND_DOUBLE: {
      if (end - at < 8) return 0;
      readAt(at + 8);
      const bits = bswap<u64>(load<u64>(at));
      if (bits == 0 && hasFlag(node, FLAG_IMPLICIT)) return to;
      to = headTo(node, to);
      store<u64>(to, bits);
      return to + 8;
    }
    default: return otherTo(node, to, depth);
  }
}

/** As `scalarTo`, of all else. */
function containerTo(node: usize, to: usize, depth: u32): usize {
  if (lacksRoomAt(to, SCALAR_ROOM)) return 0;
  switch (kindOf(node)) {
    case KIND_MESSAGE: return isShort(node) ? messageTo(node, to, depth) : otherTo(node, to, depth);
    case KIND_LIST: return hasFlag(node, FLAG_PACKED) ? otherTo(node, to, depth) : listTo(node, to, depth + 1);
    case KIND_MAP: return mapTo(node, to, depth + 1);
    default: return otherTo(node, to, depth);
  }
}

@inline function lacksRoomAt(to: usize, n: usize): bool { return to + n > roomEnd && growsNot(to, n); }

function growsNot(to: usize, n: usize): bool { writeAt(to); return lacksRoom(n); }

@inline function headTo(node: usize, to: usize): usize {
  store<u64>(to, load<u64>(node, NODE_HEAD));
  return to + load<u16>(node, NODE_HEAD_LENGTH);
}

/** As `varintTo`; most lengths take one byte. */
@inline function lengthTo(to: usize, n: u32): usize {
  if (n > 127) return varintTo(to, n);
  store<u8>(to, <u8>n);
  return to + 1;
}

/** The long way of a value that has no short one. */
function otherTo(node: usize, to: usize, depth: u32): usize {
  writeAt(to);
  return valueFails<ThriftBinary>(node, depth) ? 0 : op;
}

/** Whether a message may go the short way. */
@inline function isShort(node: usize): bool { return !hasFlag(node, FLAG_DELIMITED) && countOf(targetOf(node)) <= MOST_FIELDS; }

@inline function messageTo(node: usize, to: usize, depth: u32): usize {
  const start = headTo(node, to), stop = structTo(targetOf(node), start + 1, depth + 1);
  return stop ? lengthClosedTo(start, stop) : 0;
}

/** Writes the length of what stands behind `start` and its one byte. */
@inline function lengthClosedTo(start: usize, stop: usize): usize {
  const n = <u32>(stop - start - 1);
  if (n > 127) return longLengthClosedTo(start, stop);
  store<u8>(start, <u8>n);
  return stop;
}

function longLengthClosedTo(start: usize, stop: usize): usize {
  writeAt(stop);
  return longCloseFails(start, <u32>(stop - start - 1)) ? 0 : op;
}

function elementTo(node: usize, to: usize, end: usize, depth: u32): usize {
  return kindOf(node) < KIND_MESSAGE ? scalarTo(node, to, end, depth) : containerTo(node, to, depth);
}

function listTo(node: usize, to: usize, depth: u32): usize {
  const at = ip, end = inputEnd, element = targetOf(node);
  if (depth > maxDepth || end - at < 5) return 0;
  const n = bswap<u32>(load<u32>(at, 1));
  readAt(at + 5);
  if (n == 0) return to;
  // No element takes less than a byte.
  if (load<u8>(at) != thriftTypeOf(element) || n > maxElements || n > <u32>(end - at - 5)) return 0;
  if (kindOf(element) == KIND_MESSAGE && isShort(element)) {
    for (let i: u32 = 0; i < n; i++) {
      if (lacksRoomAt(to, SCALAR_ROOM)) return 0;
      to = messageTo(element, to, depth);
      if (!to) return 0;
    }
    return to;
  }
  for (let i: u32 = 0; i < n; i++) {
    to = elementTo(element, to, end, depth);
    if (!to) return 0;
  }
  return to;
}

function mapTo(node: usize, to: usize, depth: u32): usize {
  const at = ip, end = inputEnd, key = targetOf(node), value = otherOf(node);
  if (depth > maxDepth || end - at < 6) return 0;
  const n = bswap<u32>(load<u32>(at, 2));
  readAt(at + 6);
  if (n == 0) return to;
  if (load<u8>(at) != thriftTypeOf(key) || load<u8>(at, 1) != thriftTypeOf(value)) return 0;
  if (n > maxElements || n > <u32>(end - at - 6)) return 0;
  for (let i: u32 = 0; i < n; i++) {
    if (lacksRoomAt(to, SCALAR_ROOM)) return 0;
    const start = headTo(node, to);
    to = elementTo(key, start + 1, end, depth);
    if (to) to = elementTo(value, to, end, depth);
    if (!to) return 0;
    to = lengthClosedTo(start, to);
    if (!to) return 0;
  }
  return to;
}
