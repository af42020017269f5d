// The walk from Thrift to Protobuf: one pass in the order of the source, lengths patched when they are known.
import {
  ABSENT_ERROR, FAULT_DEPTH, FAULT_ELEMENTS, FAULT_ELEMENT_TYPE, FAULT_INEXACT, FAULT_MEMBERS, FAULT_MISSING,
  FAULT_RANGE, FAULT_TRAILING, FAULT_UNKNOWN_ENUM, FLAG_DELIMITED, FLAG_IMPLICIT, FLAG_PACKED, FLAG_BITS, FLAG_DURATION,
  FLAG_EXACT, FLAG_TEXT, FORM_FIXED32, FORM_FIXED64, FORM_INT32, FORM_INT64, FORM_SFIXED32, FORM_SFIXED64, FORM_SINT32,
  FORM_SINT64, FORM_UINT32, FORM_UINT64, KIND_BOOL, KIND_DOUBLE, KIND_ENUM, KIND_FLOAT, KIND_I32, KIND_I64,
  KIND_INTEGER, KIND_LIST, KIND_MAP, KIND_MESSAGE, KIND_OCTETS, KIND_STRING, KIND_TIME, KIND_UUID, KIND_UUID_TEXT,
  KIND_WRAPPED, MESSAGE_IS_UNION, MESSAGE_NEEDED, MESSAGE_ONEOF_COUNT, MESSAGE_ONEOF_MASKS, NODE_ABSENT, NODE_KEY,
} from "../layout";
import { narrowNaN } from "./floats";
import { packNumbers } from "./numbers";
import { Protobuf } from "./protobuf";
import {
  countDuplicates, countUnknown, fails, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, overflows, push, readAt,
  restart, stackAt, traced, writeAt,
} from "./registers";
import {
  countOf, find, formOf, hasFlag, idOf, indexOf, kindOf, names, nodeOf, otherOf, putHead, targetOf, thriftTypeOf,
} from "./table";
import { copyBytes, textFails } from "./text";
import { fixedSize, I8, NONE, STRUCT, ThriftBinary } from "./thrift-binary";
import { splitTime } from "./time";
import { putUuidText } from "./uuid";

const thrift = changetype<ThriftBinary>(0), protobuf = changetype<Protobuf>(0);

/** More than the tag, length and value of any scalar of fixed size. */
const SCALAR_ROOM: usize = 24;

/**
 * Whether a struct may hold a field twice: then each struct is passed over once before it is read, to learn which
 * occurrence is the last. Found out on the way, at most once for each message, by starting again.
 */
let repeats: bool = false;
let repeatFound: bool = false;

/** Translates the struct at `ip`, which must fill the input; true with a fault noted. */
export function toProtobufFails(message: usize): bool {
  return attemptFails(message, 0, false);
}

/** As `toProtobufFails` of one struct field of the struct at `ip`; absent it is empty, or a fault. */
export function fieldToProtobufFails(message: usize, field: u32, node: u32, needed: bool): bool {
  return attemptFails(message, 1 + field, needed, node);
}

function attemptFails(message: usize, field: u32, needed: bool, node: u32 = 0): bool {
  const start = ip;
  for (repeats = false; ; repeats = true) {
    repeatFound = false;
    const failed = field ? bodyFails(message, field - 1, needed, node) : structFails(message, 1);
    if (!failed) break;
    if (!repeatFound) return true;
    restart(start);
  }
  return ip != inputEnd ? fails(FAULT_TRAILING, ip, inputEnd - ip) : overflows();
}

function bodyFails(message: usize, field: u32, needed: bool, node: u32): bool {
  const start = op;
  let found = false;
  while (true) {
    if (thrift.lacks(1)) return true;
    const type = thrift.u8();
    if (!type) break;
    if (thrift.lacks(2)) return true;
    if (thrift.u16() != field || type != STRUCT) {
      countUnknown();
      if (thrift.skipFails(type, 0)) return true;
      continue;
    }
    if (found) countDuplicates(1);
    found = true;
    writeAt(start);
    if (structFails(message, 1)) return traced(node, -1);
  }
  if (found) return false;
  if (needed) { fails(FAULT_MISSING, ip - 1, 1); return traced(node, -1); }
  return absentFieldsFails(message, 0, 0);
}

function structFails(message: usize, depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const words = (countOf(message) + 63) >>> 6, seen = push((words << 3) + (repeats ? countOf(message) << 2 : 0));
  if (!seen) return true;
  for (let i: u32 = 0; i < words; i++) store<u64>(seen + (i << 3), 0);
  const lasts = seen + (words << 3);
  if (repeats && lastsFails(message, lasts, depth)) return true;

  while (true) {
    if (thrift.lacks(1)) return true;
    const at = ip, type = load<u8>(at);
    if (!type) { readAt(at + 1); break; }
    if (thrift.lacks(3)) return true;
    readAt(at + 3);
    const node = find(message, bswap<u16>(load<u16>(at, 1)));
    if (!node || !accepts(node, type)) {
      countUnknown();
      if (thrift.skipFails(type, depth)) return true;
      continue;
    }
    const index = indexOf(node), word = seen + (index >>> 6 << 3), bit = (<u64>1) << (index & 63), before = load<u64>(word);
    if (before & bit) {
      if (!repeats) { repeatFound = true; return true; }
      countDuplicates(1);
    }
    store<u64>(word, before | bit);
    const from = op;
    if (valueFails(node, depth)) return traced(idOf(node), -1);
    if (repeats && load<u32>(lasts + (index << 2)) != <u32>at) writeAt(from);
  }
  if (load<u32>(message, MESSAGE_NEEDED) && absentFieldsFails(message, seen, words)) return true;
  if (load<u32>(message, MESSAGE_IS_UNION) && membersIn(seen, 0, words) > 1) return fails(FAULT_MEMBERS, ip - 1, 0);
  if (load<u32>(message, MESSAGE_ONEOF_COUNT) && oneofFails(message, seen, words)) return true;
  stackAt(seen);
  return false;
}

/** Whether a value of this wire type is what the node stands for. */
@inline function accepts(node: usize, type: u8): bool {
  return thriftTypeOf(node) == type && (kindOf(node) <= KIND_MESSAGE || acceptsElements(node));
}

/** Looks ahead at the element types of a container that has any. */
function acceptsElements(node: usize): bool {
  let inner = node;
  while (kindOf(inner) == KIND_WRAPPED) inner = targetOf(inner);
  const kind = kindOf(inner), left = inputEnd - ip;
  if (kind == KIND_LIST || kind == KIND_OCTETS) {
    const element = kind == KIND_LIST ? thriftTypeOf(targetOf(inner)) : I8;
    return left < 5 || load<u32>(ip, 1) == 0 || load<u8>(ip) == element;
  }
  if (kind == KIND_MAP) {
    if (left < 6 || load<u32>(ip, 2) == 0) return true;
    return load<u8>(ip) == thriftTypeOf(targetOf(inner)) && load<u8>(ip, 1) == thriftTypeOf(otherOf(inner));
  }
  return true;
}

/** Where the last occurrence of each field of the struct at `ip` begins; leaves `ip` where it was. */
function lastsFails(message: usize, lasts: usize, depth: u32): bool {
  const start = ip;
  while (true) {
    if (thrift.lacks(1)) return true;
    const at = ip, type = thrift.u8();
    if (!type) break;
    if (thrift.lacks(2)) return true;
    const node = find(message, thrift.u16());
    if (node && accepts(node, type)) store<u32>(lasts + (indexOf(node) << 2), <u32>at);
    if (thrift.skipFails(type, depth)) return true;
  }
  readAt(start);
  return false;
}

/** Writes the defaults of fields that did not come, and refuses the lack of those that must. */
function absentFieldsFails(message: usize, seen: usize, words: u32): bool {
  const needed = <usize>load<u32>(message, MESSAGE_NEEDED);
  if (!needed) return false;
  const total = (countOf(message) + 63) >>> 6;
  for (let i: u32 = 0; i < total; i++) {
    let missing = load<u64>(needed + (i << 3)) & ~(words ? load<u64>(seen + (i << 3)) : 0);
    for (; missing; missing &= missing - 1) {
      const node = nodeOf(message, (i << 6) + <u32>ctz(missing)), absent = <usize>load<u32>(node, NODE_ABSENT);
      if (absent == ABSENT_ERROR) { fails(FAULT_MISSING, ip - 1, 0); return traced(idOf(node), -1); }
      const n = load<u32>(absent);
      if (lacksRoom(n)) return true;
      memory.copy(op, absent + 4, n);
      writeAt(op + n);
    }
  }
  return false;
}

function oneofFails(message: usize, seen: usize, words: u32): bool {
  let masks = <usize>load<u32>(message, MESSAGE_ONEOF_MASKS);
  for (let i: u32 = 0, n = load<u32>(message, MESSAGE_ONEOF_COUNT); i < n; i++, masks += words << 3) {
    if (membersIn(seen, masks, words) > 1) return fails(FAULT_MEMBERS, ip - 1, 0);
  }
  return false;
}

/** How many fields were seen, of those in `mask` unless it is zero. */
function membersIn(seen: usize, mask: usize, words: u32): u64 {
  let members: u64 = 0;
  for (let i: u32 = 0; i < words; i++) members += popcnt<u64>(load<u64>(seen + (i << 3)) & (mask ? load<u64>(mask + (i << 3)) : -1));
  return members;
}

/** Translates one value with its tag; an element of a packed list has an empty one. */
function valueFails(node: usize, depth: u32): bool {
  if (lacksRoom(SCALAR_ROOM)) return true;
  switch (kindOf(node)) {
    case KIND_I32: {
      if (thrift.lacks(4)) return true;
      const value = <i32>thrift.u32();
      if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putVarint(<u64><i64>value);
      return false;
    }
    case KIND_I64: {
      if (thrift.lacks(8)) return true;
      const value = thrift.u64();
      if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putVarint(value);
      return false;
    }
    case KIND_STRING: {
      const n = thrift.length();
      if (n < 0) return true;
      if (n == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      if (lacksRoom(SCALAR_ROOM + n)) return true;
      putHead(node);
      protobuf.putLength(n);
      if (hasFlag(node, FLAG_TEXT)) return textFails(n);
      copyBytes(n);
      return false;
    }
    case KIND_BOOL: {
      if (thrift.lacks(1)) return true;
      const value = thrift.u8();
      if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putLength(value != 0 ? 1 : 0);
      return false;
    }
    case KIND_DOUBLE: {
      if (thrift.lacks(8)) return true;
      const bits = thrift.u64();
      if (bits == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.put64(bits);
      return false;
    }
    case KIND_INTEGER: return integerFails(node);
    case KIND_FLOAT: return floatFails(node);
    case KIND_ENUM: return enumFails(node);
    case KIND_UUID: {
      if (thrift.lacks(16)) return true;
      putHead(node);
      protobuf.putVarint(16);
      copyBytes(16);
      return false;
    }
    case KIND_UUID_TEXT: {
      if (thrift.lacks(16) || lacksRoom(64)) return true;
      putHead(node);
      protobuf.putVarint(36);
      putUuidText();
      return false;
    }
    case KIND_MESSAGE: {
      putHead(node);
      if (hasFlag(node, FLAG_DELIMITED)) {
        if (structFails(targetOf(node), depth + 1) || lacksRoom(SCALAR_ROOM)) return true;
        protobuf.putVarint(load<u32>(node, NODE_KEY) + 1);
        return false;
      }
      const at = protobuf.open();
      return structFails(targetOf(node), depth + 1) || protobuf.closeFails(at);
    }
    case KIND_LIST: return listFails(node, depth + 1);
    case KIND_MAP: return mapFails(node, depth + 1);
    case KIND_WRAPPED: {
      putHead(node);
      const at = protobuf.open();
      return valueFails(targetOf(node), depth) || protobuf.closeFails(at);
    }
    case KIND_TIME: {
      if (thrift.lacks(8) || lacksRoom(64)) return true;
      putHead(node);
      const at = protobuf.open();
      splitTime(<i64>thrift.u64(), formOf(node), hasFlag(node, FLAG_DURATION));
      return protobuf.closeFails(at);
    }
    default: return octetsFails(node, depth + 1);
  }
}

function integerFails(node: usize): bool {
  const type = thriftTypeOf(node), at = ip;
  if (thrift.lacks(fixedSize(type))) return true;
  const value = thrift.integer(type);
  if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  putHead(node);
  switch (formOf(node)) {
    case FORM_INT32:
      if (value != <i64><i32>value) break;
      protobuf.putVarint(<u64>value);
      return false;
    case FORM_INT64:
      protobuf.putVarint(<u64>value);
      return false;
    case FORM_UINT32:
      if (value != <i64><u32>value) break;
      protobuf.putVarint(<u64><u32>value);
      return false;
    case FORM_UINT64:
      if (value < 0 && !hasFlag(node, FLAG_BITS)) break;
      protobuf.putVarint(<u64>value);
      return false;
    case FORM_SINT32:
      if (value != <i64><i32>value) break;
      protobuf.putVarint(<u64>(<u32>(((<i32>value) << 1) ^ ((<i32>value) >> 31))));
      return false;
    case FORM_SINT64:
      protobuf.putVarint(<u64>((value << 1) ^ (value >> 63)));
      return false;
    case FORM_FIXED32:
      if (value != <i64><u32>value) break;
      protobuf.put32(<u32>value);
      return false;
    case FORM_FIXED64:
      if (value < 0 && !hasFlag(node, FLAG_BITS)) break;
      protobuf.put64(<u64>value);
      return false;
    case FORM_SFIXED32:
      if (value != <i64><i32>value) break;
      protobuf.put32(<u32>value);
      return false;
    case FORM_SFIXED64:
      protobuf.put64(<u64>value);
      return false;
  }
  return fails(FAULT_RANGE, at, value);
}

function floatFails(node: usize): bool {
  if (thrift.lacks(8)) return true;
  const at = ip, bits = thrift.u64(), value = reinterpret<f64>(bits), narrow = <f32>value;
  const narrowBits = value != value ? narrowNaN(bits) : reinterpret<u32>(narrow);
  if (value == value) {
    if (abs(narrow) == <f32>Infinity && abs(value) != Infinity) return fails(FAULT_RANGE, at, bits);
    if (hasFlag(node, FLAG_EXACT) && <f64>narrow != value) return fails(FAULT_INEXACT, at, bits);
  }
  if (narrowBits == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  putHead(node);
  protobuf.put32(narrowBits);
  return false;
}

function enumFails(node: usize): bool {
  if (thrift.lacks(4)) return true;
  const at = ip, value = <i32>thrift.u32(), known = targetOf(node);
  if (known && !names(known, value)) return fails(FAULT_UNKNOWN_ENUM, at, value);
  if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  putHead(node);
  protobuf.putVarint(<u64><i64>value);
  return false;
}

function listFails(node: usize, depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  if (thrift.lacks(1)) return true;
  const at = ip, type = thrift.u8(), n = thrift.count(type, NONE), element = targetOf(node);
  if (n < 0) return true;
  if (n == 0) return false;
  if (type != thriftTypeOf(element)) return fails(FAULT_ELEMENT_TYPE, at, type);
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  if (!hasFlag(node, FLAG_PACKED)) {
    for (let i = 0; i < n; i++) if (valueFails(element, depth)) return traced(idOf(element), i);
    return false;
  }
  putHead(node);
  const length = protobuf.open();
  if (packNumbers(kindOf(element), n)) return protobuf.closeFails(length);
  for (let i = 0; i < n; i++) if (valueFails(element, depth)) return traced(idOf(element), i);
  return protobuf.closeFails(length);
}

function mapFails(node: usize, depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  if (thrift.lacks(2)) return true;
  const at = ip, keyType = thrift.u8(), valueType = thrift.u8(), n = thrift.count(keyType, valueType);
  const key = targetOf(node), value = otherOf(node);
  if (n < 0) return true;
  if (n == 0) return false;
  if (keyType != thriftTypeOf(key)) return fails(FAULT_ELEMENT_TYPE, at, keyType);
  if (valueType != thriftTypeOf(value)) return fails(FAULT_ELEMENT_TYPE, at, valueType);
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  for (let i = 0; i < n; i++) {
    if (lacksRoom(SCALAR_ROOM)) return true;
    putHead(node);
    const length = protobuf.open();
    if (valueFails(key, depth)) return traced(idOf(key), i);
    if (valueFails(value, depth)) return traced(idOf(value), i);
    if (protobuf.closeFails(length)) return true;
  }
  return false;
}

function octetsFails(node: usize, depth: u32): bool {
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  if (thrift.lacks(1)) return true;
  const at = ip, type = thrift.u8(), n = thrift.count(type, NONE);
  if (n < 0) return true;
  if (n && type != I8) return fails(FAULT_ELEMENT_TYPE, at, type);
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  if (n == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  if (lacksRoom(SCALAR_ROOM + n)) return true;
  putHead(node);
  protobuf.putLength(n);
  copyBytes(n);
  return false;
}
