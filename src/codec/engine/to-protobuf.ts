// The walk from Thrift, in either encoding `T`, to Protobuf: one pass in the order of the source, lengths patched when they
// are known.
import {
  ABSENT_ERROR, FAULT_DEPTH, FAULT_ELEMENTS, FAULT_ELEMENT_TYPE, FAULT_INEXACT, FAULT_MEMBERS, FAULT_MISSING,
  FAULT_RANGE, FAULT_TRAILING, FAULT_UNKNOWN_ENUM, FLAG_DELIMITED, FLAG_IMPLICIT, FLAG_PACKED, FLAG_BITS, FLAG_DURATION,
  FLAG_EXACT, FLAG_TEXT, FORM_FIXED32, FORM_FIXED64, FORM_INT32, FORM_INT64, FORM_SFIXED32, FORM_SFIXED64, FORM_SINT32,
  FORM_SINT64, FORM_UINT32, FORM_UINT64, KIND_BOOL, KIND_DOUBLE, KIND_ENUM, KIND_FLOAT, KIND_I32, KIND_I64,
  KIND_INTEGER, KIND_LIST, KIND_MAP, KIND_MESSAGE, KIND_OCTETS, KIND_STRING, KIND_TIME, KIND_UUID, KIND_UUID_TEXT,
  KIND_WRAPPED, MESSAGE_IS_UNION, MESSAGE_NEEDED, MESSAGE_ONEOF_COUNT, MESSAGE_ONEOF_MASKS, NODE_ABSENT, NODE_KEY,
} from "../layout";
import { narrowNaN } from "./floats";
import { Protobuf } from "./protobuf";
import {
  countDuplicates, countUnknown, fails, forget, inputEnd, ip, lacksRoom, maxDepth, maxElements, op, overflows, push, readAt,
  restart, sp, stackAt, traced, unknownFields, writeAt,
} from "./registers";
import {
  countOf, find, formOf, hasFlag, idOf, indexOf, kindOf, names, nodeOf, otherOf, putHead, targetOf, thriftTypeOf,
} from "./table";
import { copyBytes, copyTo, STEP, textFails } from "./text";
import { BROKEN, elementType, I8, STOP, STRUCT, valueType } from "./thrift";
import { splitTime } from "./time";
import { putUuidText } from "./uuid";

const protobuf = changetype<Protobuf>(0);

/** More than the tag, length and value of any scalar of fixed size, and than a copy's last step. */
export const SCALAR_ROOM: usize = 40;

/**
 * Whether a struct may hold a field twice: then each struct is passed over once before it is read, to learn which
 * occurrence is the last. Found out on the way, at most once for each message, by starting again.
 */
let repeats: bool = false;
let repeatFound: bool = false;

/** Translates the struct at `ip`, which must fill the input; true with a fault noted. */
@inline export function toProtobufFails<T>(message: usize): bool {
  const start = ip;
  repeats = false;
  const stop = changetype<T>(0).structTo(message, op);
  if (stop && ip == inputEnd) { writeAt(stop); return overflows(); }
  restart(start);
  return attemptFails<T>(message, 0, false);
}

/** As `toProtobufFails` of one struct field of the struct at `ip`; absent it is empty, or a fault. */
export function fieldToProtobufFails<T>(message: usize, field: u32, node: u32, needed: bool): bool {
  return attemptFails<T>(message, 1 + field, needed, node);
}

function attemptFails<T>(message: usize, field: u32, needed: bool, node: u32 = 0): bool {
  const start = ip;
  changetype<T>(0).begin();
  for (repeats = false; ; repeats = true) {
    repeatFound = false;
    const failed = field ? bodyFails<T>(message, field - 1, needed, node) : structFails<T>(message, 1);
    if (!failed) break;
    if (!repeatFound) return true;
    restart(start);
    changetype<T>(0).begin();
  }
  return ip != inputEnd ? fails(FAULT_TRAILING, ip, inputEnd - ip) : overflows();
}

function bodyFails<T>(message: usize, field: u32, needed: bool, node: u32): bool {
  const thrift = changetype<T>(0);
  const start = op;
  let found = false, last: u32 = 0;
  while (true) {
    const header = thrift.field(last);
    if (header == BROKEN) return true;
    if (header == STOP) break;
    last = header & 0xffff;
    if (header != <i32>(<u32>STRUCT << 16 | field)) {
      countUnknown();
      if (thrift.skipFails(<u8>(header >> 16), 0)) return true;
      continue;
    }
    if (found) countDuplicates(1);
    found = true;
    writeAt(start);
    if (eitherWayFails<T>(message)) return traced(node, -1);
  }
  if (found) return false;
  if (needed) { fails(FAULT_MISSING, ip - 1, 1); return traced(node, -1); }
  return absentFieldsFails(message, 0, 0);
}

/** Translates the struct at `ip`, which something may follow, the short way, or else the long one. */
function eitherWayFails<T>(message: usize): bool {
  if (repeats) return structFails<T>(message, 1);
  const from = ip, to = op, frame = sp, unknown = unknownFields, stop = changetype<T>(0).structTo(message, to);
  if (stop) { writeAt(stop); return false; }
  readAt(from);
  writeAt(to);
  stackAt(frame);
  forget(unknown);
  return structFails<T>(message, 1);
}

function structFails<T>(message: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const words = (countOf(message) + 63) >>> 6, seen = push((words << 3) + (repeats ? countOf(message) << 2 : 0));
  if (!seen) return true;
  for (let i: u32 = 0; i < words; i++) store<u64>(seen + (i << 3), 0);
  const lasts = seen + (words << 3);
  if (repeats && lastsFails<T>(message, lasts, depth)) return true;

  let last: u32 = 0;
  while (true) {
    const at = ip, header = thrift.field(last);
    if (header <= 0) { if (header == STOP) break; return true; }
    last = header & 0xffff;
    const node = find(message, last), type = <u8>(header >> 16);
    if (!node || !accepts<T>(node, type)) {
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
    if (valueFails<T>(node, depth)) return traced(idOf(node), -1);
    if (repeats && load<u32>(lasts + (index << 2)) != <u32>at) writeAt(from);
  }
  if (load<u32>(message, MESSAGE_NEEDED) && absentFieldsFails(message, seen, words)) return true;
  if (load<u32>(message, MESSAGE_IS_UNION) | load<u32>(message, MESSAGE_ONEOF_COUNT) && membersFail(message, seen, words)) return true;
  stackAt(seen);
  return false;
}

/** Whether a value of this wire type is what the node stands for. */
@inline function accepts<T>(node: usize, type: u8): bool {
  return thriftTypeOf(node) == type && (kindOf(node) <= KIND_MESSAGE || acceptsElements<T>(node));
}

/** Looks ahead at the element types of a container that has any. */
function acceptsElements<T>(node: usize): bool {
  const thrift = changetype<T>(0);
  let inner = node;
  while (kindOf(inner) == KIND_WRAPPED) inner = targetOf(inner);
  switch (kindOf(inner)) {
    case KIND_LIST: return thrift.acceptsList(thriftTypeOf(targetOf(inner)));
    case KIND_OCTETS: return thrift.acceptsList(I8);
    case KIND_MAP: return thrift.acceptsMap(thriftTypeOf(targetOf(inner)), thriftTypeOf(otherOf(inner)));
    default: return true;
  }
}

/** Where the last occurrence of each field of the struct at `ip` begins; leaves `ip` where it was. */
function lastsFails<T>(message: usize, lasts: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  const start = ip;
  let last: u32 = 0;
  while (true) {
    const at = ip, header = thrift.field(last), type = <u8>(header >> 16);
    if (header <= 0) { if (header == STOP) break; return true; }
    last = header & 0xffff;
    const node = find(message, last);
    if (node && accepts<T>(node, type)) store<u32>(lasts + (indexOf(node) << 2), <u32>at);
    if (thrift.skipFails(type, depth)) return true;
  }
  readAt(start);
  return false;
}

/** Writes the defaults of fields that did not come, and refuses the lack of those that must. */
export function absentFieldsFails(message: usize, seen: usize, words: u32): bool {
  const needed = <usize>load<u32>(message, MESSAGE_NEEDED);
  if (!needed) return false;
  const total = (countOf(message) + 63) >>> 6;
  for (let i: u32 = 0; i < total; i++) {
    let missing = load<u64>(needed + (i << 3)) & ~(words ? load<u64>(seen + (i << 3)) : 0);
    for (; missing; missing &= missing - 1) {
      const node = nodeOf(message, (i << 6) + <u32>ctz(missing)), absent = <usize>load<u32>(node, NODE_ABSENT);
      if (absent == ABSENT_ERROR) { fails(FAULT_MISSING, ip - 1, 0); return traced(idOf(node), -1); }
      const n = load<u32>(absent);
      if (lacksRoom(n + STEP)) return true;
      copyTo(absent + 4, op, n);
      writeAt(op + n);
    }
  }
  return false;
}

/** Refuses more than one member of a union or a oneof. */
export function membersFail(message: usize, seen: usize, words: u32): bool {
  if (load<u32>(message, MESSAGE_IS_UNION) && membersIn(seen, 0, words) > 1) return fails(FAULT_MEMBERS, ip - 1, 0);
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
export function valueFails<T>(node: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  if (lacksRoom(SCALAR_ROOM)) return true;
  switch (kindOf(node)) {
    case KIND_I32: {
      if (thrift.lacksI32()) return true;
      const value = thrift.i32();
      if (thrift.failed()) return true;
      if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putVarint(<u64><i64>value);
      return false;
    }
    case KIND_I64: {
      if (thrift.lacksI64()) return true;
      const value = thrift.i64();
      if (thrift.failed()) return true;
      if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putVarint(<u64>value);
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
      if (thrift.lacksBool()) return true;
      const value = thrift.bool();
      if (!value && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.putLength(value ? 1 : 0);
      return false;
    }
    case KIND_DOUBLE: {
      if (thrift.lacks(8)) return true;
      const bits = thrift.bits();
      if (bits == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
      putHead(node);
      protobuf.put64(bits);
      return false;
    }
    case KIND_INTEGER: return integerFails<T>(node);
    case KIND_FLOAT: return floatFails<T>(node);
    case KIND_ENUM: return enumFails<T>(node);
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
        if (structFails<T>(targetOf(node), depth + 1) || lacksRoom(SCALAR_ROOM)) return true;
        protobuf.putVarint(load<u32>(node, NODE_KEY) + 1);
        return false;
      }
      const at = protobuf.open();
      return structFails<T>(targetOf(node), depth + 1) || protobuf.closeFails(at);
    }
    case KIND_LIST: return listFails<T>(node, depth + 1);
    case KIND_MAP: return mapFails<T>(node, depth + 1);
    case KIND_WRAPPED: {
      putHead(node);
      const at = protobuf.open();
      return valueFails<T>(targetOf(node), depth) || protobuf.closeFails(at);
    }
    case KIND_TIME: {
      if (thrift.lacksI64() || lacksRoom(64)) return true;
      const value = thrift.i64();
      if (thrift.failed()) return true;
      putHead(node);
      const at = protobuf.open();
      splitTime(value, formOf(node), hasFlag(node, FLAG_DURATION));
      return protobuf.closeFails(at);
    }
    default: return octetsFails<T>(node, depth + 1);
  }
}

function integerFails<T>(node: usize): bool {
  const thrift = changetype<T>(0);
  const type = thriftTypeOf(node), at = ip;
  if (thrift.lacksInteger(type)) return true;
  const value = thrift.integer(type);
  if (thrift.failed()) return true;
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

function floatFails<T>(node: usize): bool {
  const thrift = changetype<T>(0);
  if (thrift.lacks(8)) return true;
  const at = ip, bits = thrift.bits(), value = reinterpret<f64>(bits), narrow = <f32>value;
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

function enumFails<T>(node: usize): bool {
  const thrift = changetype<T>(0);
  if (thrift.lacksI32()) return true;
  const at = ip, value = thrift.i32(), known = targetOf(node);
  if (thrift.failed()) return true;
  if (known && !names(known, value)) return fails(FAULT_UNKNOWN_ENUM, at, value);
  if (value == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  putHead(node);
  protobuf.putVarint(<u64><i64>value);
  return false;
}

function listFails<T>(node: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const at = ip, n = thrift.list(), element = targetOf(node);
  if (n < 0) return true;
  if (n == 0) return false;
  if (elementType != thriftTypeOf(element)) return fails(FAULT_ELEMENT_TYPE, at, thrift.nameOf(elementType));
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  if (!hasFlag(node, FLAG_PACKED)) {
    for (let i = 0; i < n; i++) if (valueFails<T>(element, depth)) return traced(idOf(element), i);
    return false;
  }
  putHead(node);
  const length = protobuf.open();
  if (thrift.packsNumbers(kindOf(element), n)) return protobuf.closeFails(length);
  for (let i = 0; i < n; i++) if (valueFails<T>(element, depth)) return traced(idOf(element), i);
  return protobuf.closeFails(length);
}

function mapFails<T>(node: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const at = ip, n = thrift.map();
  const key = targetOf(node), value = otherOf(node);
  if (n < 0) return true;
  if (n == 0) return false;
  if (elementType != thriftTypeOf(key)) return fails(FAULT_ELEMENT_TYPE, at, thrift.nameOf(elementType));
  if (valueType != thriftTypeOf(value)) return fails(FAULT_ELEMENT_TYPE, at, thrift.nameOf(valueType));
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  for (let i = 0; i < n; i++) {
    if (lacksRoom(SCALAR_ROOM)) return true;
    putHead(node);
    const length = protobuf.open();
    if (valueFails<T>(key, depth)) return traced(idOf(key), i);
    if (valueFails<T>(value, depth)) return traced(idOf(value), i);
    if (protobuf.closeFails(length)) return true;
  }
  return false;
}

function octetsFails<T>(node: usize, depth: u32): bool {
  const thrift = changetype<T>(0);
  if (depth > maxDepth) return fails(FAULT_DEPTH, ip, 0);
  const at = ip, n = thrift.list();
  if (n < 0) return true;
  if (n && elementType != I8) return fails(FAULT_ELEMENT_TYPE, at, thrift.nameOf(elementType));
  if (<u32>n > maxElements) return fails(FAULT_ELEMENTS, at, n);
  if (n == 0 && hasFlag(node, FLAG_IMPLICIT)) return false;
  if (lacksRoom(SCALAR_ROOM + n)) return true;
  putHead(node);
  protobuf.putLength(n);
  copyBytes(n);
  return false;
}
